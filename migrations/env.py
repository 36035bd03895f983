"""Alembic's entry: run the migrations on the application's own database."""

from alembic import context
from flask import current_app

from examapp.credentials import models as _every_table  # noqa: F401 - the top feature brings in all tables below it
from examapp.db import db


def run_migrations() -> None:
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            compare_type=True,
            render_as_batch=True,
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


if current_app:
    run_migrations()
