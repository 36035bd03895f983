"""The database: the one `db` object, column types with one byte form, sealed rows, and the write transaction.

SQLite is opened so that a commit is on the disk before it returns (WAL, synchronous=FULL) and so that a unit of work
that writes waits for its turn and takes the write lock at its beginning (BEGIN IMMEDIATE): a reader that turns writer
would fail at once.
"""

import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

import psycopg
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    Column,
    Dialect,
    Engine,
    String,
    Table,
    Text,
    event,
    select,
    text,
    type_coerce,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase, Mapped, Mapper, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from examapp.canonical import canonical_bytes, digest_of_bytes, parse_utc, quoted, utc_string
from examapp.one_writer import OneWriter

WRITES = "examapp_writes"
CHECKPOINT_SECONDS = 20


class Base(DeclarativeBase):
    """Base of every table."""


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time, stored as ISO 8601 text with microseconds: one byte form, and text order is time order."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else utc_string(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else parse_utc(value)


class CanonicalJson(TypeDecorator[Any]):
    """A JSON value, stored as its canonical text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return canonical_bytes(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def new_id() -> str:
    """Return a random identifier that says nothing: 24 hexadecimal characters, 96 bits."""
    return secrets.token_hex(12)


class Sealed:
    """A row that never changes: `seal` is the digest of every other column, and the database refuses to touch it."""

    seal: Mapped[str] = mapped_column(String(71))


def seal_of(stored: dict[str, Any]) -> str:
    """Return the digest of a row given as its stored column values, `seal` left out."""
    names, text = _sealed_form(tuple(stored))
    return digest_of_bytes((text % tuple([_member(stored[name]) for name in names])).encode())


def seals_of(columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return the seals of rows given as the stored values of each column, `seal` left out."""
    first, *others = sorted(columns)
    # what all of thousands of rows have in common is written once; one column stays, by which they are counted
    shared = {name: _member(columns[name][0]).replace("%", "%%") for name in others if _is_one(columns[name])}
    text = ",".join(f'"{name}":{shared.get(name, "%s")}' for name in (first, *others))
    members = zip(*(_members(columns[name]) for name in (first, *others) if name not in shared), strict=True)
    return [digest_of_bytes(f"{{{text % each}}}".encode()) for each in members]


@lru_cache
def _sealed_form(columns: tuple[str, ...]) -> tuple[list[str], str]:
    """Return the columns in order, and the canonical JSON of a row with %s for its values: all are texts, or null."""
    names = sorted(name for name in columns if name != "seal")
    return names, "{" + ",".join(f'"{name}":%s' for name in names) + "}"


def _member(value: Any) -> str:
    """Bytes and whole numbers are texts too: sitting ids have 63 bits, more than a JSON number carries."""
    if type(value) is str:
        return quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bytes):
        value = value.hex()
    return quoted(str(value) if isinstance(value, int) else value)


def _is_one(values: Sequence[Any]) -> bool:
    """Say whether all values are the same, True and 1 being different ones."""
    return len(values) > 1 and list(values).count(values[0]) == len(values) and len(set(map(type, values))) == 1


def _members(values: Sequence[Any]) -> list[str]:
    if set(map(type, values)) != {int}:
        return [_member(value) for value in values]
    known = {value: _member(value) for value in set(values)}
    return [known[value] for value in values]


def raw_type(column: Column[Any]) -> TypeEngine[Any]:
    """The type whose Python value is what the database holds."""
    return Text() if isinstance(column.type, CanonicalJson | UtcDateTime) else column.type


@event.listens_for(Sealed, "before_insert", propagate=True)
def _seal_row(mapper: Mapper[Any], connection: Connection, row: Any) -> None:
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if getattr(row, attribute.key) is None and column.default is not None:
            setattr(row, attribute.key, column.default.arg({}) if column.default.is_callable else column.default.arg)
    row.seal = seal_of({attribute.columns[0].name: _stored(row, attribute) for attribute in mapper.column_attrs})


def _stored(row: Any, attribute: Any) -> Any:
    value = getattr(row, attribute.key)
    kind = attribute.columns[0].type
    return kind.process_bind_param(value, sqlite.dialect()) if isinstance(kind, TypeDecorator) else value


def sealed_tables() -> list[Table]:
    """Return every table whose rows are sealed."""
    return [mapper.local_table for mapper in Base.registry.mappers if issubclass(mapper.class_, Sealed)]  # type: ignore[misc]


def broken_seals(table: Table) -> Iterator[tuple[Any, ...]]:
    """Yield the primary key of each row of `table` whose stored bytes no longer match its seal."""
    raw = [type_coerce(column, raw_type(column)) for column in table.columns]
    names = [column.name for column in table.columns]
    for values in db.session.execute(select(*[part.label(name) for part, name in zip(raw, names, strict=True)])):
        stored = dict(zip(names, values, strict=True))
        if _seal_or_none(stored) != stored["seal"]:
            yield tuple(stored[column.name] for column in table.primary_key.columns)


def _seal_or_none(stored: dict[str, Any]) -> str | None:
    try:
        return seal_of(stored)
    except (ValueError, TypeError, AttributeError):
        return None


@contextmanager
def transaction() -> Iterator[None]:
    """Run one unit of work that writes: committed, durable, when the block ends; rolled back when it raises."""
    session = db.session
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("a unit of work began with unsaved changes")
    session.rollback()
    session.connection(execution_options={WRITES: True})
    try:
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise


@contextmanager
def snapshot() -> Iterator[None]:
    """Read as of one moment: what others commit meanwhile is not seen; nothing that is read here is written."""
    session = db.session
    session.rollback()
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    try:
        yield
    finally:
        session.rollback()


def move_log_on() -> None:
    """Let SQLite move its write-ahead log into the database while others write; a commit would hold them up for it."""
    if db.engine.dialect.name == "sqlite":
        raw: Any = db.engine.raw_connection()
        try:
            raw.driver_connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        finally:
            raw.close()


def check_durable(connection: Connection) -> None:
    """Refuse a database whose commits may be lost with the power: a `RuntimeError` that says what to set."""
    if connection.dialect.name == "sqlite":
        settings = {name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar()) for name in _SQLITE_DURABLE}
        wrong = [f"{name}={settings[name]}" for name, good in _SQLITE_DURABLE.items() if settings[name] not in good]
    else:
        query = text("SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit')")
        wrong = [f"{name}={setting}" for name, setting in connection.execute(query) if setting == "off"]
    if wrong:
        raise RuntimeError(f"the database does not keep what it commits: {', '.join(wrong)}")


# synchronous: 2 is FULL, 3 is EXTRA
_SQLITE_DURABLE = {"journal_mode": ("wal",), "synchronous": ("2", "3")}


def is_worth_another_try(error: BaseException) -> bool:
    """Say whether a transaction failed by chance: a conflict, a deadlock, a lock held too long, a lost connection."""
    cause = getattr(error, "orig", None) or error
    if getattr(cause, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return True
    state = getattr(cause, "sqlstate", "")
    # a lost connection has no state at all
    return isinstance(cause, psycopg.OperationalError) and (state is None or state.startswith(("40", "08", "57P")))


def is_taken(error: BaseException) -> bool:
    """Say whether PostgreSQL refused a row whose key somebody else had just taken."""
    return isinstance(getattr(error, "orig", None) or error, psycopg.errors.UniqueViolation)


def is_taken_back(error: BaseException) -> bool:
    """Say whether PostgreSQL itself took a transaction back, over a connection that is as good as before."""
    cause = getattr(error, "orig", None) or error
    return isinstance(cause, psycopg.Error) and (cause.sqlstate or "").startswith(("23", "40"))


@event.listens_for(Engine, "do_connect")
def _choose_connection(dialect: Dialect, record: Any, arguments: Any, options: dict[str, Any]) -> None:
    if dialect.name == "sqlite":
        options["factory"] = OneWriter
    else:
        # a database machine that is gone must not hold a thread for the minutes that TCP would wait
        options.update({"connect_timeout": 5, "tcp_user_timeout": 10_000, **options})


@event.listens_for(Engine, "connect")
def _open_sqlite(connection: Any, record: Any) -> None:
    if isinstance(connection, OneWriter):
        connection.isolation_level = None
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode not in ("wal", "memory"):
            raise RuntimeError(f"SQLite cannot keep a write-ahead log here (journal_mode={mode}): use a local disk")
        for pragma in ("synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        _flush_what_was_left(connection)


def _flush_what_was_left(connection: Any) -> None:
    """Bring to the disk what a process wrote and died before flushing: SQLite reads it back, and it shall be true."""
    deadline = time.monotonic() + CHECKPOINT_SECONDS
    # the first column says that another connection is at it
    while connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[0]:
        if time.monotonic() > deadline:
            raise RuntimeError("SQLite's write-ahead log could not be flushed")
        time.sleep(0.005)


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        if connection.get_execution_options().get(WRITES):
            connection.connection.driver_connection.begin_immediate()  # type: ignore[union-attr]
        else:
            connection.exec_driver_sql("BEGIN")
