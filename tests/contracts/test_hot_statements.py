"""What start, save, flag and hand-in say to PostgreSQL is what distributed SQL engines understand.

The database itself writes down every statement. Each must find its rows by the sitting's id, and use no function,
sequence, lock or notification that an engine of many nodes lacks, or would have to ask all of them for.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import inspect

from examapp.accounts.access import OPERATOR
from examapp.app import create_app
from examapp.config import Config
from examapp.db import db, transaction
from examapp.delivery import paper, preparation
from examapp.delivery.acceptance import Begin, Request
from examapp.delivery.models import PreparedSitting
from examapp.web.sitting_api import committer
from tests import makers
from tests.cluster import Cluster
from tests.delivery.real_sitting import Hall

SITTINGS = {"sitting", "stored_response", "journal_entry", "prepared_sitting"}
# what a start looks up by primary key; w is the set of values that a statement was given
BESIDES = {"registration", "administration", "exam_form", "paper", "w"}
GIVEN = re.compile(r"unnest\((\$\d+::\w+\[\](, )?)+\) as w \([a-z_, ]*\)")
KEY = re.compile(
    r"^insert into \w+ \((id|sitting_id), | where (\w\.|sitting\.)?(id|sitting_id) = (any \(|w\.id|\$)"
    r"| from w join sitting h on h\.id = w\.sitting_id"
    r" left join stored_response s on s\.sitting_id = w\.sitting_id and s\.slot = w\.slot$"
)


def problems(statement: str) -> list[str]:
    """Return what an engine of many nodes would stumble over."""
    words = GIVEN.sub("w", " ".join(statement.lower().split()))
    if words in ("begin", "commit", "rollback"):
        return []
    if not words.startswith(("select ", "insert into ", "update ")):
        return ["another kind of statement"]
    tables = re.findall(r"(?:\b(?:from|join|into)|^update) ([a-z_\"]+)", words)
    found = [f"function {name}" for name in re.findall(r"([a-z_]+)\(", words) if name != "coalesce"]
    found += [f"table {name}" for name in tables if name not in SITTINGS | BESIDES]
    found += ["a table beside itself"] if len(tables) > len(set(tables)) else []
    return found if KEY.search(words) else [*found, "no key"]


@pytest.fixture
def log(config: Config, cluster: Cluster) -> Path:
    """The database's own log, in which it writes every statement."""
    cluster.run(f"ALTER DATABASE {urlsplit(config.database_url).path[1:]} SET log_statement = 'all'")
    return cluster.folder / "log"


@pytest.fixture
def hall(log: Path, config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    app: Flask = create_app(config)
    with app.app_context():
        yield Hall(app, monkeypatch)
        db.session.remove()
        db.engine.dispose()


def prepared() -> Request:
    """Return the start of a prepared sitting."""
    registration = makers.make_registration()
    db.session.commit()
    with transaction():
        paper.publish(registration.exam_form)
        preparation.prepare(OPERATOR, registration.administration)
        place = db.session.query(PreparedSitting).filter_by(registration_id=registration.id).one()
    db.session.remove()
    return Request(place.sitting_id, Begin(), makers.AT, place.epoch)


def said(log: Path, begin: int) -> set[str]:
    """Return the statements in the log from a place on."""
    text = log.read_bytes()[begin:].decode() + "\n2000-"
    return set(re.findall(r"LOG:  (?:statement|execute [^:]+): (.*?)(?=\n\d{4}-)", text, re.DOTALL))


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_every_hot_statement_is_one_that_distributed_engines_run(hall, log, database):
    first, start = hall.begin(0), prepared()
    first.save(1, 1, 1, "1", 1)
    begin = log.stat().st_size
    committer().commit(start)
    for seq, value, at in [(2, "2", 2), (2, "2", 3), (1, "3", 4), (3, None, 99_999), (3, None, 99_999)]:
        first.save(1, 1, seq, value, at)
    first.flag(1, 2, True, 5)
    first.hand_in(1, 6)
    first.hand_in(1, 7)
    statements = said(log, begin)
    assert {each: problems(each) for each in statements if problems(each)} == {}
    written = {each.split()[2] for each in statements if each.startswith("INSERT")}
    assert written == SITTINGS - {"prepared_sitting"}
    assert any(each.startswith("UPDATE sitting") for each in statements)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_advisory_xact_lock($1)", "NOTIFY saves", "LISTEN saves", "LOCK TABLE sitting",
        "SELECT status FROM sitting WHERE registration_id = $1", "UPDATE sitting SET status = $1",
        "INSERT INTO journal_entry (number, sitting_id) VALUES (nextval('entries'), $1)",
        "SELECT a.id FROM sitting a JOIN sitting b ON a.id > b.id WHERE a.id = $1", "DELETE FROM sitting WHERE id = $1",
        "SELECT id FROM sitting WHERE id = $1 AND started_at < now()", 'SELECT id FROM "user" WHERE id = $1',
    ],
)  # fmt: skip
def test_a_statement_that_such_engines_refuse_is_noticed(statement):
    assert problems(statement)


@pytest.mark.parametrize("table", sorted(SITTINGS))
def test_keys_of_hot_tables_begin_with_the_id_of_a_sitting(app, table):
    key = inspect(db.engine).get_pk_constraint(table)["constrained_columns"]
    assert key[0] == ("id" if table == "sitting" else "sitting_id")


@pytest.mark.parametrize("table", ["journal_entry", "stored_response"])
def test_what_a_save_writes_refers_to_no_other_table(app, table):
    assert inspect(db.engine).get_foreign_keys(table) == []
