"""Group commit: the saves that wait together share one durable transaction, and are acknowledged after it.

One thread per process, with one connection of its own, takes what waits, at most `LARGEST_BATCH`. A batch begins when
`ENOUGH` wait or a pause is over: an idle service writes at once, a busy one gathers for some milliseconds, which
divides what a transaction costs by the size of the batch. The queue is bounded; past it a save is refused at once (503
with Retry-After) and stays safe in the trainee's browser. What failed by chance is run again, and if it turns out to be
stored already, answered as it would have been; else a batch is split in halves, so that one bad request cannot fail its
neighbours.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from examapp.db import check_durable, is_taken, is_taken_back, is_worth_another_try
from examapp.delivery.acceptance import Accepted, Outcome, Request
from examapp.delivery.driver_rows import DriverRows
from examapp.delivery.hot_rows import Decision, decide, rows_of
from examapp.errors import N_, ExamappError, Unavailable

LARGEST_BATCH = 256
LARGEST_QUEUE = 2000
PATIENCE_SECONDS = 20
# a batch begins when so many wait, or so many seconds after the one before it; a transaction of PostgreSQL costs two
# processors several times as much as one of SQLite
ENOUGH = {"sqlite": 16, "postgresql": 32}
LONGEST_PAUSE = {"sqlite": 0.008, "postgresql": 0.025}
# the pause grows with the load: so many seconds for each request a second, of which each batch tells a part anew
PAUSE_EACH = 25e-6
NEWEST_PART = 0.1
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


class _Waiting:
    """A request whose sender waits: a bare lock wakes it, at a fraction of what a condition costs."""

    __slots__ = ("_done", "outcome", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.outcome: Outcome | Exception | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def answer(self, outcome: Outcome | Exception) -> None:
        """Wake the sender."""
        self.outcome = outcome
        self._done.release()

    def wait(self, seconds: float) -> Outcome | Exception | None:
        """Return the outcome, or None when it did not come in time."""
        return self.outcome if self._done.acquire(timeout=seconds) else None


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
        # no pool: the requests that wait for this thread may hold all that the pool has
        self._engine = create_engine(engine.url, poolclass=NullPool, hide_parameters=True)
        self._grace = grace
        self._shards = shards
        self._observe = observe
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._longest_pause, self._enough = LONGEST_PAUSE[engine.dialect.name], ENOUGH[engine.dialect.name]
        self._taken = self._next = self._rate = 0.0
        self._batches = self._requests = self._refused = self._tried_again = self._last_batch = 0
        self._seconds = 0.0

    @property
    def state(self) -> CommitterState:
        """Counts since the start of the process; read without a lock, each by itself is right."""
        return CommitterState(
            len(self._queue), self._batches, self._requests, self._refused, self._tried_again, self._last_batch,
            self._seconds,
        )  # fmt: skip

    def commit(self, request: Request) -> Accepted:
        """Return once `request` is durable; raise the refusal it met, or `Unavailable` when the queue is full."""
        if self._thread is None or not self._thread.is_alive():
            self._start()
        waiting = _Waiting(request)
        with self._changed:
            if len(self._queue) >= LARGEST_QUEUE:
                raise _busy()
            self._queue.append(waiting)
            # to wake the thread for each request would cost more than the request
            if len(self._queue) in (1, self._enough):
                self._changed.notify()
        outcome = waiting.wait(PATIENCE_SECONDS)
        if isinstance(outcome, Accepted):
            return outcome
        raise outcome or _busy()

    def _start(self) -> None:
        # not in __init__: a server may fork after the application was made, and threads do not survive that
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            batch = self._take()
            try:
                self._settle_all(batch)
            except Exception as error:
                log.exception("the committer failed")
                for waiting in batch:
                    if waiting.outcome is None:
                        waiting.answer(_refusal(error))

    def _take(self) -> list[_Waiting]:
        with self._changed:
            while not self._queue:
                self._changed.wait()
            self._changed.wait_for(lambda: len(self._queue) >= self._enough, max(0.0, self._next - time.monotonic()))
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), LARGEST_BATCH))]
        self._pause(len(batch))
        return batch

    def _pause(self, size: int) -> None:
        """Let the next batch gather: the longer, the more come."""
        before, self._taken = self._taken, time.monotonic()
        self._rate += NEWEST_PART * (size / max(self._taken - before, 0.001) - self._rate)
        self._next = self._taken + min(self._longest_pause, self._rate * PAUSE_EACH)

    def _shard_of(self, waiting: _Waiting) -> int:
        return shard_of(waiting.request.sitting_id, self._shards)

    def _settle_all(self, batch: list[_Waiting]) -> None:
        if self._shards == 1:
            self._settle(batch)
            return
        for _, shard in groupby(sorted(batch, key=self._shard_of), key=self._shard_of):
            self._settle(list(shard))

    def _settle(self, batch: list[_Waiting], unsure: Decision | None = None) -> None:
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
            rows = self._rows()
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

    def _rows(self) -> DriverRows:
        if self._connection is not None:
            return rows_of(self._connection)
        self._connection = self._engine.connect()
        self.check(self._connection)
        rows = rows_of(self._connection)
        rows.prepare()
        return rows

    def check(self, connection: Connection) -> None:
        """Refuse a database whose commits may be lost."""
        check_durable(connection)
        connection.rollback()

    def _take_back(self, error: BaseException) -> None:
        """Leave nothing of the failed transaction: with another connection, unless the server itself took it back."""
        try:
            if self._connection is not None and is_taken_back(error):
                rows_of(self._connection).rollback()
                return
        except Exception:
            log.exception("a connection could not be used again")
        self.close()

    def close(self) -> None:
        """Give the database back while nobody waits; the next request connects again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _count(self, outcomes: list[Outcome], seconds: float) -> None:
        self._batches += 1
        self._requests += len(outcomes)
        self._refused += sum(isinstance(outcome, ExamappError) for outcome in outcomes)
        self._last_batch = len(outcomes)
        self._seconds += seconds
        self._observe(len(outcomes), seconds)


def shard_of(sitting_id: int, shards: int) -> int:
    """Return the shard, from 0, of a sitting: by the first 10 of its 63 bits."""
    return (sitting_id >> (63 - SHARD_BITS)) * shards >> SHARD_BITS


def _is_chance(error: Exception, tries: int) -> bool:
    """Say whether to try again; that somebody else was quicker happens to the first try only, which takes no locks."""
    return tries < TRIES and (is_worth_another_try(error) or (tries == 1 and is_taken(error)))


def _busy() -> Unavailable:
    message = N_("The service is very busy. Your answer is kept on your computer and will be sent again.")
    return Unavailable("service.busy", message, retry_after=2)


def _refusal(error: Exception) -> Exception:
    if isinstance(error, RuntimeError | ExamappError):
        return error
    return Unavailable("service.storage", N_("The answer could not be stored yet. It will be sent again."))
