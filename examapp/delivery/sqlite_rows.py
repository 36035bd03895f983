"""The rows of a batch in SQLite: a prepared statement a row, which costs no round trip.

What SQLite costs is the pages that it writes to its log and flushes, so no statement names a column for nothing: who
sets one that an index holds rewrites the index too, though the value stays.
"""

from collections.abc import Iterable

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

_PREPARED = f"{PREPARED} WHERE p.sitting_id = ?"
_STANDING = (
    f"{STANDING} FROM sitting h LEFT JOIN stored_response s ON s.sitting_id = h.id AND s.slot = ?2 WHERE h.id = ?1"
)
_WHOLE = "SELECT sitting_id, slot, seq, value, number FROM stored_response WHERE sitting_id = ?"
_BEGIN = f"{BEGIN} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_APPEND = f"{APPEND} VALUES (?, ?, ?, ?, ?, ?, ?)"
_STORE = f"{STORE} VALUES (?, ?, ?, ?, ?){OR_REPLACE}"
_MOVE = "UPDATE sitting SET last_number = ?4, last_digest = ?5 WHERE id = ?1"
_CLOSE = "UPDATE sitting SET status = ?2, closed_at = ?3, last_number = ?4, last_digest = ?5 WHERE id = ?1"


class SqliteRows(DriverRows):
    """Rows of SQLite, where the one writer needs no locks on rows.

    No cursor is kept: one whose statement met an error of the disk holds the locks of its connection, even closed.
    """

    def prepare(self) -> None:
        """Do nothing: a plan of SQLite takes the key, whatever the tables hold."""

    def begin(self) -> None:
        """Begin a transaction that writes, when its turn comes."""
        self._driver.begin_immediate()

    def read(self, requests: Iterable[Request], *, lock: bool) -> Batch:
        """As its parent says; nobody else writes meanwhile."""
        batch, ask = Batch(self, {}), self._driver.execute
        for sitting_id, action, *_ in requests:
            for row in ask(_STANDING, (sitting_id, slot_of(action))):
                note_standing(batch, row)
            if isinstance(action, HandIn):
                for row in ask(_WHOLE, (sitting_id,)):
                    note_response(batch, *row)
            elif isinstance(action, Begin):
                for row in ask(_PREPARED, (sitting_id,)):
                    note_prepared(batch, row)
        return batch

    def _ask(self, statement: str, values: Row) -> list[Row]:
        return list(self._driver.execute(statement, values))

    def write(self, batch: Batch, *, commit: bool) -> None:
        """Write what a batch came to; with `commit` it is durable on return."""
        if batch.begun:
            self._driver.executemany(_BEGIN, begun(batch))
        if batch.entries:
            self._driver.executemany(_APPEND, batch.entries.values())
        if batch.responses:
            self._driver.executemany(_STORE, responses(batch))
        for row in changed(batch):
            self._driver.execute(_MOVE if row[2] is None else _CLOSE, row)
        if commit:
            self._driver.commit()
