"""Migrations run forward and back, on an empty and on a filled database, and end equal to the models."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from examapp.app import MIGRATIONS
from examapp.db import db, sealed_tables
from examapp.delivery.models import JournalEntry
from tests.makers import make_sitting
from tests.triggers import protected


def differences():
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, db.metadata)


def test_the_migrated_tables_equal_the_models(app):
    assert differences() == []


def test_back_and_forward_again_ends_equal_to_the_models(app):
    folder = str(MIGRATIONS)
    downgrade(directory=folder, revision="base")
    assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}
    upgrade(directory=folder)
    assert differences() == []


def test_a_filled_database_goes_back_to_its_first_tables_and_forward(app):
    sitting = make_sitting()
    folder = str(MIGRATIONS)
    db.session.close()
    downgrade(directory=folder, revision="0001")
    upgrade(directory=folder)
    assert db.session.scalar(select(JournalEntry).where(JournalEntry.sitting_id == sitting.id)) is not None


def test_the_database_refuses_to_change_every_sealed_table_and_the_journal(app):
    tables = [table.name for table in sealed_tables()] + ["journal_entry"]
    assert protected(db.session.connection()) == {(name, verb) for name in tables for verb in ("update", "delete")}


@pytest.mark.parametrize("statement", ["UPDATE journal_entry SET body = '{}'", "DELETE FROM journal_entry"])
def test_a_journal_row_cannot_be_changed_or_deleted(app, statement):
    make_sitting()
    with pytest.raises((DBAPIError, IntegrityError), match="never change"):
        db.session.execute(text(statement))


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_no_sealed_table_and_not_the_journal_can_be_emptied(app):
    make_sitting()
    for name in [*(table.name for table in sealed_tables()), "journal_entry"]:
        with pytest.raises(DBAPIError, match=f"{name} rows never change"), db.session.begin_nested():
            db.session.execute(text(f"TRUNCATE {name} CASCADE"))
    db.session.execute(text("TRUNCATE stored_response"))
