"""Sealed rows by the thousand: sealed in memory, and stored through the bare driver.

Of ninety marks for each sitting of a hall, preparing each row in Python would cost more than storing it.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.engine import Connection

from examapp.db import Base, db, raw_type, seals_of

# one statement of SQLite stores so many rows in half the time that as many statements take
ROWS_AT_ONCE = 30


def insert_rows(model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of a sealed table, each given as its stored column values (no bytes) without the seal."""
    if rows:
        insert_columns(model, {name: [row[name] for row in rows] for name in rows[0]})


def insert_columns(model: type[Base], columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert one row or more of a sealed table, given as the stored values (no bytes) of each column but the seal."""
    connection, sealed = db.session.connection(), {**columns, "seal": seals_of(columns)}
    names = [column.name for column in model.__table__.columns]
    rows = list(zip(*(sealed[name] for name in names), strict=True))
    if connection.dialect.name == "sqlite":
        _insert_in_sets(connection, model, rows)
    else:
        text = json.dumps([dict(zip(names, row, strict=True)) for row in rows])
        connection.exec_driver_sql(_insert_document(model, connection.dialect), (text,))


def _insert_in_sets(connection: Connection, model: type[Base], rows: list[tuple[Any, ...]]) -> None:
    whole = len(rows) - len(rows) % ROWS_AT_ONCE
    sets = [tuple(chain.from_iterable(rows[at : at + ROWS_AT_ONCE])) for at in range(0, whole, ROWS_AT_ONCE)]
    for size, given in ((ROWS_AT_ONCE, sets), (1, rows[whole:])):
        if given:
            connection.exec_driver_sql(_insert_values(model, size), given)


@lru_cache
def _insert_values(model: type[Base], size: int) -> str:
    row = f"({', '.join('?' * len(model.__table__.columns))})"
    return f"{_insert(model)} VALUES {', '.join([row] * size)}"


@lru_cache
def _insert_document(model: type[Base], dialect: Dialect) -> str:
    columns: Any = model.__table__.columns
    types = [f'"{column.name}" {raw_type(column).compile(dialect)}' for column in columns]
    return f"{_insert(model)} SELECT * FROM json_to_recordset(%s) AS given ({', '.join(types)})"  # noqa: S608


def _insert(model: type[Base]) -> str:
    names = ", ".join(f'"{column.name}"' for column in model.__table__.columns)
    return f'INSERT INTO "{model.__tablename__}" ({names})'
