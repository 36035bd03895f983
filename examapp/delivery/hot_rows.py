"""One transaction of saves, flags, hand-ins and starts through the bare driver of either database."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.engine import Connection

from examapp.delivery.acceptance import Outcome, Request, accept
from examapp.delivery.batch import Batch
from examapp.delivery.driver_rows import DriverRows
from examapp.delivery.postgresql_rows import PostgresqlRows
from examapp.delivery.sqlite_rows import SqliteRows

DIALECTS: dict[str, type[DriverRows]] = {"sqlite": SqliteRows, "postgresql": PostgresqlRows}


def rows_of(connection: Connection) -> DriverRows:
    """Return the rows within a connection's present transaction."""
    return DIALECTS[connection.dialect.name](connection.connection.driver_connection)


class Decision(NamedTuple):
    """What a transaction comes to: the rows to write, and what each sender is told once they are durable."""

    batch: Batch
    outcomes: list[Outcome]

    def of(self, part: slice) -> "Decision":
        """Return the same for a part of the senders."""
        return Decision(self.batch, self.outcomes[part])


def decide(rows: DriverRows, requests: Sequence[Request], grace: timedelta, *, lock: bool) -> Decision:
    """Decide on requests, in the order of their arrival."""
    batch = rows.read(requests, lock=lock)
    return Decision(batch, [accept(batch, request, grace) for request in requests])


def settle(rows: DriverRows, requests: Sequence[Request], grace: timedelta, *, commit: bool = False) -> list[Outcome]:
    """Decide on requests and write what follows; a repetition changes nothing.

    With `commit` it is durable on return, or it failed because somebody else was quicker.
    """
    decision = decide(rows, requests, grace, lock=not commit)
    rows.write(decision.batch, commit=commit)
    return decision.outcomes
