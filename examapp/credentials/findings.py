"""How stored rows are gone through: in sets, and one by one where a set cannot be read, so that none hides another."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from examapp.db import Base, db
from examapp.errors import ExamappError

UNREADABLE = (
    ValueError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError, ExamappError, SQLAlchemyError,
)  # fmt: skip
SET = 200

# what does not hold of each row of a set, by the row's key
Broken = Iterator[tuple[Any, str]]


@dataclass(frozen=True)
class Finding:
    """One thing that does not hold: in which table, of which row, and what."""

    table: str
    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.what}"


def rows(model: type[Base], broken: Callable[[Any], Iterator[str]]) -> Iterator[Finding]:
    """Check each row by itself."""
    return sets(model, lambda keys: ((key, what) for key in keys for what in broken(db.session.get(model, key))), 1)


def sets(model: type[Base], broken: Callable[[Sequence[Any]], Broken], size: int = SET) -> Iterator[Finding]:
    """Check rows by the set, given by their keys in order; a key of several columns is a tuple."""
    table: Any = model.__table__
    columns = list(table.primary_key.columns)
    found = db.session.execute(select(*columns).order_by(*columns)).all()
    keys = [key[0] if len(columns) == 1 else tuple(key) for key in found]
    for start in range(0, len(keys), size):
        yield from _of_set(table.name, keys[start : start + size], broken)


def _of_set(table: str, keys: Sequence[Any], broken: Callable[[Sequence[Any]], Broken]) -> list[Finding]:
    try:
        return [Finding(table, name_of(key), what) for key, what in broken(keys)]
    except UNREADABLE as error:
        if len(keys) == 1:
            return [Finding(table, name_of(keys[0]), f"cannot be read: {error}")]
        return [finding for key in keys for finding in _of_set(table, [key], broken)]


def name_of(key: Any) -> str:
    """Return a row's key as it is named to people."""
    return "/".join(map(str, key)) if isinstance(key, tuple) else str(key)
