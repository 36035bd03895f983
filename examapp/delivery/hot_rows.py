"""The rows of a batch, read and written through the bare driver: the one place that knows its two dialects.

SQLite runs a prepared statement a row, which costs no round trip. PostgreSQL is given whole sets, one JSON text a
statement, in two round trips a batch: what is read, then what is written and its commit. Statements find their rows by
keys that begin with the sitting's id (a start also reads its registration and administration), and use nothing that
distributed engines lack: no sequence, trigger, advisory lock or notification.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.engine import Connection

from examapp.canonical import parse_utc, utc_string
from examapp.delivery.acceptance import Begin, HandIn, Outcome, Request, Save, accept
from examapp.delivery.batch import Batch, FormDigests, Prepared, Stored
from examapp.delivery.journal import Entry, Head
from examapp.delivery.state import Kind
from examapp.delivery.timing import TimeRules

_HEADS = "SELECT id, status, ends_at, epoch, last_number, last_digest FROM sitting"
_STORED = "SELECT s.sitting_id, s.slot, s.seq, s.value, s.number FROM stored_response s"
_PREPARED = (
    "SELECT p.sitting_id, p.registration_id, p.attempt, p.exam_form_id, p.seed, p.epoch, a.attempts, a.opens_at,"
    " a.closes_at, a.minutes, r.extra_minutes FROM prepared_sitting p JOIN registration r ON r.id = p.registration_id"
    " JOIN administration a ON a.id = r.administration_id"
)
_ENTRY = "SELECT at, digest FROM journal_entry WHERE sitting_id = ? AND number = ?"
_BODIES = "SELECT number, body FROM journal_entry WHERE sitting_id = ? AND kind = ? ORDER BY number"
_FORM = "SELECT f.digest, p.digest FROM exam_form f JOIN paper p ON p.exam_form_id = f.id WHERE f.id = ?"

_BEGIN = (
    "INSERT INTO sitting (id, registration_id, attempt, exam_form_id, seed, started_at, epoch, ends_at, status,"
    " closed_at, last_number, last_digest)"
)
_APPEND = "INSERT INTO journal_entry (sitting_id, number, kind, at, body, previous, digest)"
_STORE = "INSERT INTO stored_response (sitting_id, slot, seq, value, number)"
_OR_REPLACE = (
    " ON CONFLICT (sitting_id, slot) DO UPDATE SET seq = excluded.seq, value = excluded.value, number = excluded.number"
)

_MOVE = (
    "UPDATE sitting SET status = w.status, closed_at = coalesce(w.closed_at, sitting.closed_at),"
    " last_number = w.last_number, last_digest = w.last_digest"
)

_RESPONSE = ("sitting_id", "slot", "seq", "value", "number")
_ENTRY_ROW = ("sitting_id", "number", "kind", "at", "body", "previous", "digest")
_CHANGED = ("id", "status", "closed_at", "last_number", "last_digest")
_SITTING = ("id", "registration_id", "attempt", "exam_form_id", "seed", "started_at", "epoch", "ends_at", *_CHANGED[1:])
_WHOLE_NUMBERS = frozenset({"id", "sitting_id", "slot", "seq", "number", "attempt", "seed", "epoch", "last_number"})

Row = tuple[Any, ...]

# forms and papers never change: what was read of them once holds for as long as the process lives
_form_digests: dict[str, FormDigests] = {}


@dataclass(frozen=True)
class Wanted:
    """What a batch must read, in the order in which rows are locked."""

    starts: list[int]
    sittings: list[int]
    slots: list[tuple[int, int]]
    whole: list[int]

    @classmethod
    def by(cls, requests: Iterable[Request]) -> "Wanted":
        """Return what these requests need."""
        starts, slots, whole, sittings = set(), set(), set(), set()
        for request in requests:
            sittings.add(request.sitting_id)
            if isinstance(request.action, Save):
                slots.add((request.sitting_id, request.action.slot))
            elif isinstance(request.action, HandIn):
                whole.add(request.sitting_id)
            elif isinstance(request.action, Begin):
                starts.add(request.sitting_id)
        return cls(sorted(starts), sorted(sittings), sorted(slots), sorted(whole))


class HotRows(ABC):
    """The rows of sittings, within one transaction of a driver's connection."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    @abstractmethod
    def begin(self) -> None:
        """Begin a transaction that writes."""

    @abstractmethod
    def write(self, batch: Batch, *, commit: bool) -> None:
        """Write what a batch came to; with `commit` it is durable on return."""

    @abstractmethod
    def _read(self, wanted: Wanted) -> tuple[list[Row], list[Row], list[Row]]:
        """Lock and return prepared sittings, heads and stored responses, in this order."""

    @abstractmethod
    def _ask(self, statement: str, values: Row) -> list[Row]:
        """Return the rows of one statement with ? for its values."""

    def read(self, requests: Iterable[Request]) -> Batch:
        """Lock the sittings that are asked for and return them; unknown ids are left out."""
        prepared, heads, stored = self._read(Wanted.by(requests))
        batch = Batch(
            self, {row[0]: _head(row) for row in heads}, prepared={row[0]: _prepared(row) for row in prepared}
        )
        for sitting_id, slot, *rest in stored:
            batch.stored.setdefault(sitting_id, {})[slot] = Stored(*rest)
        return batch

    def rollback(self) -> None:
        """Take back what the transaction did."""
        self._driver.rollback()

    def entry(self, sitting_id: int, number: int) -> Entry:
        """Return an entry as it was acknowledged."""
        ((at, digest),) = self._ask(_ENTRY, (sitting_id, number))
        return Entry(number, parse_utc(at), digest)

    def bodies(self, sitting_id: int, kind: Kind) -> list[tuple[int, str]]:
        """Return number and body of a sitting's entries of one kind."""
        return [(number, body) for number, body in self._ask(_BODIES, (sitting_id, kind.value))]

    def form_digests(self, exam_form_id: str) -> FormDigests | None:
        """Return the digests of a form that has a paper."""
        if exam_form_id not in _form_digests:
            for row in self._ask(_FORM, (exam_form_id,)):
                _form_digests[exam_form_id] = FormDigests(*row)
        return _form_digests.get(exam_form_id)


class SqliteRows(HotRows):
    """Rows of SQLite, where the one writer needs no locks on rows."""

    def begin(self) -> None:
        """Begin a transaction that writes, when its turn comes."""
        self._driver.begin_immediate()

    def _read(self, wanted: Wanted) -> tuple[list[Row], list[Row], list[Row]]:
        own = [(sitting_id,) for sitting_id in wanted.whole]
        stored = self._each(f"{_STORED} WHERE sitting_id = ? AND slot = ?", wanted.slots)
        return (
            self._each(f"{_PREPARED} WHERE p.sitting_id = ?", [(sitting_id,) for sitting_id in wanted.starts]),
            self._each(f"{_HEADS} WHERE id = ?", [(sitting_id,) for sitting_id in wanted.sittings]),
            stored + self._each(f"{_STORED} WHERE sitting_id = ?", own),
        )

    def _each(self, statement: str, keys: Sequence[Row]) -> list[Row]:
        execute = self._driver.execute
        return [row for key in keys for row in execute(statement, key)]

    def _ask(self, statement: str, values: Row) -> list[Row]:
        return list(self._driver.execute(statement, values))

    def write(self, batch: Batch, *, commit: bool) -> None:
        """Write what a batch came to; with `commit` it is durable on return."""
        many = self._driver.executemany
        many(f"{_BEGIN} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _begun(batch))
        many(f"{_APPEND} VALUES (?, ?, ?, ?, ?, ?, ?)", batch.entries.values())
        many(f"{_STORE} VALUES (?, ?, ?, ?, ?){_OR_REPLACE}", _responses(batch))
        many(
            "UPDATE sitting SET status = ?2, closed_at = coalesce(?3, closed_at), last_number = ?4, last_digest = ?5"
            " WHERE id = ?1",
            _changed(batch),
        )
        if commit:
            self._driver.commit()


def _recordset(columns: Sequence[str]) -> str:
    types = ", ".join(f"{name} {'bigint' if name in _WHOLE_NUMBERS else 'text'}" for name in columns)
    return f"json_to_recordset(%s::json) AS w({types})"


def _all_of(columns: Sequence[str]) -> str:
    # without a condition ON would be read as a part of FROM
    return f"SELECT * FROM {_recordset(columns)} WHERE true"  # noqa: S608 - all of it stands here


_ONE_OF = "= ANY (%s::bigint[]) ORDER BY 1"
_PREPARED_SET = f"{_PREPARED} WHERE p.sitting_id {_ONE_OF} FOR UPDATE OF p"
_HEAD_SET = f"{_HEADS} WHERE id {_ONE_OF} FOR UPDATE"
_SLOT_SET = f"{_STORED} JOIN {_recordset(('sitting_id', 'slot'))} USING (sitting_id, slot)"
_WHOLE_SET = f"{_STORED} WHERE s.sitting_id {_ONE_OF}"
_BEGIN_SET = f"{_BEGIN} {_all_of(_SITTING)}"
_APPEND_SET = f"{_APPEND} {_all_of(_ENTRY_ROW)}"
_STORE_SET = f"{_STORE} {_all_of(_RESPONSE)}{_OR_REPLACE}"
_MOVE_SET = f"{_MOVE} FROM {_recordset(_CHANGED)} WHERE sitting.id = w.id"


class PostgresqlRows(HotRows):
    """Rows of PostgreSQL, locked in the order of their ids."""

    def begin(self) -> None:
        """Do nothing: the driver begins with the first statement."""

    def _read(self, wanted: Wanted) -> tuple[list[Row], list[Row], list[Row]]:
        with self._driver.pipeline():
            # a start that waits here finds the sitting of the other one below
            prepared = self._send(_PREPARED_SET, _array(wanted.starts))
            heads = self._send(_HEAD_SET, _array(wanted.sittings))
            stored = self._send(_SLOT_SET, _records(("sitting_id", "slot"), wanted.slots))
            whole = self._send(_WHOLE_SET, _array(wanted.whole))
        return _rows(prepared), _rows(heads), _rows(stored) + _rows(whole)

    def _send(self, statement: str, values: str | None) -> Any:
        """Send a statement unless there is nothing to ask for; the cursor has its rows when the pipeline ends."""
        return self._driver.execute(statement, (values,)) if values else None

    def _ask(self, statement: str, values: Row) -> list[Row]:
        return list(self._driver.execute(statement.replace("?", "%s"), values))

    def write(self, batch: Batch, *, commit: bool) -> None:
        """Write what a batch came to; with `commit` it is durable on return."""
        with self._driver.pipeline():
            self._send(_BEGIN_SET, _records(_SITTING, _begun(batch)))
            self._send(_APPEND_SET, _records(_ENTRY_ROW, batch.entries.values()))
            self._send(_STORE_SET, _records(_RESPONSE, _responses(batch)))
            self._send(_MOVE_SET, _records(_CHANGED, _changed(batch)))
            if commit:
                self._driver.commit()


def _records(columns: Sequence[str], rows: Iterable[Row]) -> str | None:
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    return json.dumps(records) if records else None


def _array(numbers: Sequence[int]) -> str | None:
    return "{" + ",".join(map(str, numbers)) + "}" if numbers else None


def _rows(cursor: Any) -> list[Row]:
    return cursor.fetchall() if cursor else []


def _head(row: Row) -> Head:
    sitting_id, status, ends_at, epoch, last_number, last_digest = row
    return Head(sitting_id, status, parse_utc(ends_at), epoch, last_number, last_digest)


def _prepared(row: Row) -> Prepared:
    sitting_id, registration_id, attempt, exam_form_id, seed, epoch, attempts, *window, minutes, extra_minutes = row
    opens_at, closes_at = map(parse_utc, window)
    rules = TimeRules(opens_at, closes_at, minutes, extra_minutes)
    return Prepared(sitting_id, registration_id, attempt, exam_form_id, seed, epoch, attempts, rules)


def _begun(batch: Batch) -> list[Row]:
    return [
        (each.sitting_id, each.registration_id, each.attempt, each.exam_form_id, each.seed, utc_string(started_at),
         each.epoch, utc_string(batch.heads[each.sitting_id].ends_at), *_copies(batch.heads[each.sitting_id]))
        for each, started_at in batch.begun.values()
    ]  # fmt: skip


def _changed(batch: Batch) -> list[Row]:
    """What requests change of a sitting that runs; its end is moved by staff alone."""
    changed = [head for head in batch.heads.values() if head.is_changed and head.sitting_id not in batch.begun]
    return [(head.sitting_id, *_copies(head)) for head in changed]


def _copies(head: Head) -> Row:
    closed_at = utc_string(head.closed_at) if head.closed_at else None
    return head.status, closed_at, head.last_number, head.last_digest


def _responses(batch: Batch) -> list[Row]:
    return [(*key, *stored) for key, stored in batch.responses.items()]


DIALECTS: dict[str, type[HotRows]] = {"sqlite": SqliteRows, "postgresql": PostgresqlRows}


def rows_of(connection: Connection) -> HotRows:
    """Return the rows within a connection's present transaction."""
    return DIALECTS[connection.dialect.name](connection.connection.driver_connection)


def settle(rows: HotRows, requests: Sequence[Request], grace: timedelta, *, commit: bool = False) -> list[Outcome]:
    """Decide on requests, in the order of their arrival, and write what follows; a repetition changes nothing."""
    batch = rows.read(requests)
    outcomes = [accept(batch, request, grace) for request in requests]
    rows.write(batch, commit=commit)
    return outcomes
