"""The rows of a batch in SQLite: a prepared statement a row, which costs no round trip.

What SQLite costs is the pages that it writes to its log and flushes, so no statement names a column for nothing: who
sets one that an index holds rewrites the index too, though the value stays.
"""

from collections.abc import Collection
from typing import Any

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
    Wanted,
    begun,
    changed,
    parted,
    responses,
)

_PREPARED = f"{PREPARED} WHERE p.sitting_id = ?"
_STANDING = (
    f"{STANDING} FROM sitting h LEFT JOIN stored_response s ON s.sitting_id = h.id AND s.slot = ?2 WHERE h.id = ?1"
)
_HEAD = "SELECT id, status, ends_at, epoch, last_number, last_digest FROM sitting WHERE id = ?"
_WHOLE = "SELECT sitting_id, slot, seq, value, number FROM stored_response WHERE sitting_id = ?"
_BEGIN = f"{BEGIN} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_APPEND = f"{APPEND} VALUES (?, ?, ?, ?, ?, ?, ?)"
_STORE = f"{STORE} VALUES (?, ?, ?, ?, ?){OR_REPLACE}"
_MOVE = "UPDATE sitting SET last_number = ?4, last_digest = ?5 WHERE id = ?1"
_CLOSE = "UPDATE sitting SET status = ?2, closed_at = ?3, last_number = ?4, last_digest = ?5 WHERE id = ?1"


class SqliteRows(DriverRows):
    """Rows of SQLite, where the one writer needs no locks on rows."""

    def __init__(self, driver: Any) -> None:
        super().__init__(driver)
        # one for all statements: to make one for each would cost as much as many of them
        self._cursor = driver.cursor()

    def prepare(self) -> None:
        """Do nothing: a plan of SQLite takes the key, whatever the tables hold."""

    def begin(self) -> None:
        """Begin a transaction that writes, when its turn comes."""
        self._driver.begin_immediate()

    def _read(self, wanted: Wanted, *, lock: bool) -> tuple[list[Row], list[Row], list[Row]]:
        heads, stored = parted(self._each(_STANDING, wanted.slots))
        heads += self._each(_HEAD, [(each,) for each in wanted.bare])
        stored += self._each(_WHOLE, [(each,) for each in wanted.whole])
        return self._each(_PREPARED, [(each,) for each in wanted.starts]), heads, stored

    def _each(self, statement: str, keys: Collection[Row]) -> list[Row]:
        ask = self._cursor.execute
        return [row for key in keys for row in ask(statement, key)]

    def _ask(self, statement: str, values: Row) -> list[Row]:
        return list(self._cursor.execute(statement, values))

    def write(self, batch: Batch, *, commit: bool) -> None:
        """Write what a batch came to; with `commit` it is durable on return."""
        self._many(_BEGIN, begun(batch))
        self._many(_APPEND, batch.entries.values())
        self._many(_STORE, responses(batch))
        moved = changed(batch)
        self._many(_MOVE, [row for row in moved if row[2] is None])
        self._many(_CLOSE, [row for row in moved if row[2] is not None])
        if commit:
            self._driver.commit()

    def _many(self, statement: str, rows: Collection[Row]) -> None:
        if rows:
            self._cursor.executemany(statement, rows)
