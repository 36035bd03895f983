"""The rows of a batch in PostgreSQL: whole sets, one array a column, in two round trips, read and write with commit.

Who commits at once reads without locks, and says neither BEGIN nor COMMIT: what a pipeline sends is one transaction
of the server, and an eighth of the server's work on a batch of saves was those two words. The key of the journal
(sitting, number) is the compare-and-set: whatever changes what a decision rests on appends an entry, so a batch that
was overtaken would write a number that is taken, is refused by the database as a whole, and runs again with locks.
Heads are written before the journal, as everybody else locks them first: so two who want the same sitting wait for
each other in one order.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8BinaryDumper

from examapp.delivery.acceptance import Begin, HandIn, Request
from examapp.delivery.batch import Batch
from examapp.delivery.driver_rows import (
    APPEND,
    BEGIN,
    OR_REPLACE,
    PREPARED,
    STANDING,
    STORE,
    DriverRows,
    Row,
    begun,
    changed,
    note_prepared,
    note_response,
    note_standing,
    responses,
    slot_of,
)

_SITTING = (
    "id", "registration_id", "attempt", "exam_form_id", "seed", "started_at", "epoch", "ends_at", "status", "closed_at",
    "last_number", "last_digest",
)  # fmt: skip
_ENTRY = ("sitting_id", "number", "kind", "at", "body", "previous", "digest")
_RESPONSE = ("sitting_id", "slot", "seq", "value", "number")
_CHANGED = ("id", "status", "closed_at", "last_number", "last_digest")
_WHOLE_NUMBERS = frozenset({"id", "sitting_id", "slot", "seq", "number", "attempt", "seed", "epoch", "last_number"})


def _given(columns: Sequence[str]) -> str:
    arrays = ", ".join(f"%b::{'bigint' if name in _WHOLE_NUMBERS else 'text'}[]" for name in columns)
    return f"unnest({arrays}) AS w ({', '.join(columns)})"


def _all_of(columns: Sequence[str]) -> str:
    # without a condition ON would be read as a part of FROM
    return f"SELECT * FROM {_given(columns)} WHERE true"  # noqa: S608 - all of it stands here


# first the registration, whose minutes somebody may be changing; what is locked is read as it is behind the lock
_PREPARED_SET = f"{PREPARED} WHERE p.sitting_id = ANY (%b::bigint[]) ORDER BY 1 FOR SHARE OF r FOR UPDATE OF p"
_LOCK = "SELECT id FROM sitting WHERE id = ANY (%b::bigint[]) ORDER BY 1 FOR UPDATE"
# one statement, so that heads and responses are of one moment
_STANDING_SET = (
    f"{STANDING} FROM {_given(('sitting_id', 'slot'))} JOIN sitting h ON h.id = w.sitting_id"
    " LEFT JOIN stored_response s ON s.sitting_id = w.sitting_id AND s.slot = w.slot"
)
_WHOLE_SET = (
    "SELECT s.sitting_id, s.slot, s.seq, s.value, s.number FROM stored_response s"
    " WHERE s.sitting_id = ANY (%b::bigint[])"
)
_BEGIN_SET = f"{BEGIN} {_all_of(_SITTING)}"
_MOVE = (
    "UPDATE sitting SET status = w.status, closed_at = coalesce(w.closed_at, sitting.closed_at),"
    " last_number = w.last_number, last_digest = w.last_digest"
)
_MOVE_SET = f"{_MOVE} FROM {_given(_CHANGED)} WHERE sitting.id = w.id"
_APPEND_SET = f"{APPEND} {_all_of(_ENTRY)}"
_STORE_SET = f"{STORE} {_all_of(_RESPONSE)}{OR_REPLACE}"


class Wanted(NamedTuple):
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
            slots.add((request.sitting_id, slot_of(request.action)))
            if isinstance(request.action, HandIn):
                whole.add(request.sitting_id)
            elif isinstance(request.action, Begin):
                starts.add(request.sitting_id)
        return cls(sorted(starts), sorted(sittings), sorted(slots), sorted(whole))


class PostgresqlRows(DriverRows):
    """Rows of PostgreSQL; locked, where they are, in the order of their ids."""

    def prepare(self) -> None:
        """Find rows by key, whatever the statistics of tables say that were empty a minute ago."""
        for way in ("seqscan", "hashjoin", "mergejoin"):
            self._driver.execute(f"SET enable_{way} = off")
        self._driver.commit()
        self._driver.autocommit = True
        # arrays of one type, however large their numbers: a statement is prepared once
        self._driver.adapters.register_dumper(int, Int8BinaryDumper)

    def begin(self) -> None:
        """Do nothing: what locks begins when it reads, what does not needs no beginning."""

    def read(self, requests: Iterable[Request], *, lock: bool) -> Batch:
        """As its parent says; prepared sittings are locked in any case."""
        batch, wanted = Batch(self, {}), Wanted.by(requests)
        with self._driver.pipeline():
            if self._driver.autocommit and (lock or wanted.starts):
                self._driver.execute("BEGIN")
            # a start that waits here finds the sitting of the other one below
            prepared = self._send(_PREPARED_SET, _one(wanted.starts))
            if lock:
                self._send(_LOCK, _one(wanted.sittings))
            standing = self._send(_STANDING_SET, wanted.slots)
            # later than the heads, if at all: who appended meanwhile took the number of the hand-in
            whole = self._send(_WHOLE_SET, _one(wanted.whole))
        for row in _rows(prepared):
            note_prepared(batch, row)
        for row in _rows(standing):
            note_standing(batch, row)
        for row in _rows(whole):
            note_response(batch, *row)
        return batch

    def _send(self, statement: str, rows: Iterable[Row]) -> Any:
        """Send a statement unless there are no rows for it; the cursor has its result when the pipeline ends."""
        columns = [list(column) for column in zip(*rows, strict=True)]
        return self._driver.execute(statement, columns, binary=True) if columns else None

    def _ask(self, statement: str, values: Row) -> list[Row]:
        return list(self._driver.execute(statement.replace("?", "%s"), values))

    def write(self, batch: Batch, *, commit: bool) -> None:
        """Write what a batch came to; with `commit` it is durable on return."""
        goes_on = self._driver.info.transaction_status == TransactionStatus.INTRANS
        with self._driver.pipeline():
            self._send(_BEGIN_SET, begun(batch))
            self._send(_MOVE_SET, sorted(changed(batch)))
            self._send(_APPEND_SET, batch.entries.values())
            self._send(_STORE_SET, responses(batch))
            if commit and goes_on:
                self._driver.commit()


def _one(numbers: Sequence[int]) -> list[Row]:
    return [(number,) for number in numbers]


def _rows(cursor: Any) -> list[Row]:
    return cursor.fetchall() if cursor else []
