"""The rows of a batch in SQLite: a prepared statement a row, which costs no round trip."""

from collections.abc import Sequence

from examapp.delivery.batch import Batch
from examapp.delivery.driver_rows import (
    APPEND,
    BEGIN,
    OR_REPLACE,
    PREPARED,
    STORE,
    DriverRows,
    Row,
    Wanted,
    begun,
    changed,
    responses,
)

_HEAD = "SELECT id, status, ends_at, epoch, last_number, last_digest FROM sitting WHERE id = ?"
_STORED = "SELECT sitting_id, slot, seq, value, number FROM stored_response WHERE sitting_id = ?"
_MOVE = (
    "UPDATE sitting SET status = ?2, closed_at = coalesce(?3, closed_at), last_number = ?4, last_digest = ?5"
    " WHERE id = ?1"
)


class SqliteRows(DriverRows):
    """Rows of SQLite, where the one writer needs no locks on rows."""

    def prepare(self) -> None:
        """Do nothing: a plan of SQLite takes the key, whatever the tables hold."""

    def begin(self) -> None:
        """Begin a transaction that writes, when its turn comes."""
        self._driver.begin_immediate()

    def _read(self, wanted: Wanted, *, lock: bool) -> tuple[list[Row], list[Row], list[Row]]:
        own = [(sitting_id,) for sitting_id in wanted.whole]
        stored = self._each(f"{_STORED} AND slot = ?", wanted.slots)
        return (
            self._each(f"{PREPARED} WHERE p.sitting_id = ?", [(sitting_id,) for sitting_id in wanted.starts]),
            self._each(_HEAD, [(sitting_id,) for sitting_id in wanted.sittings]),
            stored + self._each(_STORED, own),
        )

    def _each(self, statement: str, keys: Sequence[Row]) -> list[Row]:
        execute = self._driver.execute
        return [row for key in keys for row in execute(statement, key)]

    def _ask(self, statement: str, values: Row) -> list[Row]:
        return list(self._driver.execute(statement, values))

    def write(self, batch: Batch, *, commit: bool) -> None:
        """Write what a batch came to; with `commit` it is durable on return."""
        many = self._driver.executemany
        many(f"{BEGIN} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", begun(batch))
        many(f"{APPEND} VALUES (?, ?, ?, ?, ?, ?, ?)", batch.entries.values())
        many(f"{STORE} VALUES (?, ?, ?, ?, ?){OR_REPLACE}", responses(batch))
        many(_MOVE, changed(batch))
        if commit:
            self._driver.commit()
