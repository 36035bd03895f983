"""Group commit: the saves that wait together share one durable transaction, and are acknowledged after it.

A process has one connection for that, and one of the threads that wait uses it at a time (`gathering`). What failed by
chance is run again, and if it turns out to be stored already, answered as it would have been; else a batch is split in
halves, so that one bad request cannot fail its neighbours.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from examapp.db import check_durable, is_taken, is_taken_back, is_worth_another_try
from examapp.delivery.acceptance import Accepted, Outcome, Request
from examapp.delivery.driver_rows import DriverRows
from examapp.delivery.gathering import PATIENCE_SECONDS, Gathering, Waiting, busy
from examapp.delivery.hot_rows import Decision, decide, rows_of
from examapp.errors import N_, ExamappError, Unavailable

# a batch begins when so many wait, or so many seconds after the one before it; a transaction of PostgreSQL costs two
# processors several times as much as one of SQLite
ENOUGH = {"sqlite": 16, "postgresql": 32}
LONGEST_PAUSE = {"sqlite": 0.008, "postgresql": 0.025}
TRIES = 5
SHARD_BITS = 10

log = logging.getLogger("examapp.committer")


@dataclass(frozen=True)
class CommitterState:
    """What a process's committer has done since it was made, and how many requests wait now."""

    waiting: int
    batches: int
    requests: int
    refused: int
    tried_again: int
    last_batch: int
    seconds: float


@dataclass
class _Attempt:
    """Requests of one transaction, and what it came to if it may have been stored without our knowing."""

    requests: list[Request]
    unsure: Decision | None


class Committer:
    """The one writer of sittings in this process."""

    def __init__(
        self, engine: Engine, grace: timedelta, *, shards: int = 1,
        observe: Callable[[int, float], object] = lambda size, seconds: None,
    ) -> None:  # fmt: skip
        """Write to `engine`, one transaction a shard; `observe` is told the size and seconds of each."""
        # no pool: the requests that wait may hold all that the pool has
        self._engine = create_engine(engine.url, poolclass=NullPool, hide_parameters=True)
        self._grace = grace
        self._shards = shards
        self._observe = observe
        self._gathering = Gathering(self._store, ENOUGH[engine.dialect.name], LONGEST_PAUSE[engine.dialect.name])
        self._connection: Connection | None = None
        self._rows: DriverRows | None = None
        self._batches = self._requests = self._refused = self._tried_again = self._last_batch = 0
        self._seconds = 0.0

    @property
    def state(self) -> CommitterState:
        """Counts since the start of the process; read without a lock, each by itself is right."""
        return CommitterState(
            len(self._gathering), self._batches, self._requests, self._refused, self._tried_again, self._last_batch,
            self._seconds,
        )  # fmt: skip

    def commit(self, request: Request) -> Accepted:
        """Return once `request` is durable; raise the refusal it met, or `Unavailable` when the queue is full."""
        outcome = self._gathering.outcome_of(request)
        if isinstance(outcome, Accepted):
            return outcome
        raise outcome or busy()

    def _store(self, batch: list[Waiting]) -> None:
        """Answer every request of a batch."""
        try:
            self._settle_all(batch)
        except Exception as error:
            log.exception("the committer failed")
            for waiting in batch:
                if waiting.outcome is None:
                    waiting.answer(_refusal(error))

    def _shard_of(self, waiting: Waiting) -> int:
        return shard_of(waiting.request.sitting_id, self._shards)

    def _settle_all(self, batch: list[Waiting]) -> None:
        if self._shards == 1:
            self._settle(batch)
            return
        for _, shard in groupby(sorted(batch, key=self._shard_of), key=self._shard_of):
            self._settle(list(shard))

    def _settle(self, batch: list[Waiting], unsure: Decision | None = None) -> None:
        attempt = _Attempt([waiting.request for waiting in batch], unsure)
        try:
            outcomes: Sequence[Outcome | Exception] = self._write(attempt)
        except Exception as error:
            half = len(batch) // 2
            if half and not is_worth_another_try(error):
                for part in (slice(None, half), slice(half, None)):
                    self._settle(batch[part], attempt.unsure and attempt.unsure.of(part))
                return
            log.error("a batch of %d was not stored: %s", len(batch), type(error).__name__)
            outcomes = [_refusal(error)] * len(batch)
        for waiting, outcome in zip(batch, outcomes, strict=True):
            waiting.answer(outcome)

    def _write(self, attempt: _Attempt) -> list[Outcome]:
        """Run the transaction, and again while what it met was chance: it may be repeated, whatever became of it."""
        began, tries = time.monotonic(), 0
        while True:
            try:
                outcomes = self._transact(attempt)
                break
            except Exception as error:
                tries += 1
                if not _is_chance(error, tries) or time.monotonic() > began + PATIENCE_SECONDS / 2:
                    raise
                self._tried_again += 1
                if not is_taken(error):
                    time.sleep(random.uniform(0.001, 0.05))  # noqa: S311 - only so that two do not meet again
        self._count(outcomes, time.monotonic() - began)
        return outcomes

    def _transact(self, attempt: _Attempt) -> list[Outcome]:
        try:
            rows = self._connected()
            rows.begin()
            before = attempt.unsure
            decision = decide(rows, attempt.requests, self._grace, lock=before is not None)
            if before and rows.holds(before.batch):
                rows.rollback()
                return before.outcomes
            attempt.unsure = decision
            rows.write(decision.batch, commit=True)
            return decision.outcomes
        except BaseException as error:
            self._take_back(error)
            raise

    def _connected(self) -> DriverRows:
        if self._rows is None:
            self._connection = self._engine.connect()
            self.check(self._connection)
            rows = rows_of(self._connection)
            rows.prepare()
            self._rows = rows
        return self._rows

    def check(self, connection: Connection) -> None:
        """Refuse a database whose commits may be lost."""
        check_durable(connection)
        connection.rollback()

    def _take_back(self, error: BaseException) -> None:
        """Leave nothing of the failed transaction: with another connection, unless the server itself took it back."""
        try:
            if self._rows is not None and is_taken_back(error):
                self._rows.rollback()
                return
        except Exception:
            log.exception("a connection could not be used again")
        self.close()

    def close(self) -> None:
        """Give the database back while nobody waits; the next request connects again."""
        connection, self._connection, self._rows = self._connection, None, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _count(self, outcomes: list[Outcome], seconds: float) -> None:
        self._batches += 1
        self._requests += len(outcomes)
        self._refused += sum([isinstance(outcome, ExamappError) for outcome in outcomes])
        self._last_batch = len(outcomes)
        self._seconds += seconds
        self._observe(len(outcomes), seconds)


def shard_of(sitting_id: int, shards: int) -> int:
    """Return the shard, from 0, of a sitting: by the first 10 of its 63 bits."""
    return (sitting_id >> (63 - SHARD_BITS)) * shards >> SHARD_BITS


def _is_chance(error: Exception, tries: int) -> bool:
    """Say whether to try again; that somebody else was quicker happens to the first try only, which takes no locks."""
    return tries < TRIES and (is_worth_another_try(error) or (tries == 1 and is_taken(error)))


def _refusal(error: Exception) -> Exception:
    if isinstance(error, RuntimeError | ExamappError):
        return error
    return Unavailable("service.storage", N_("The answer could not be stored yet. It will be sent again."))
