"""Work on many sittings, a set at a time: what a pass does, what a worker remembers, and how a step is done.

Each step takes sittings by the hundred: reads them as of one moment, works out what follows from each in memory, and
writes it in transactions so short that saves beside them do not notice. A sitting that cannot be worked on is named,
holds up nobody, and is tried again less and less often.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from examapp import clock
from examapp.db import move_log_on, snapshot, transaction
from examapp.errors import ExamappError

BATCH = 200
# so much work is done while others wait to write, besides the flush to the disk
LOCKED_CPU_SECONDS = 0.008
LARGEST_SLICE = 64
# after so many writes the log of SQLite is moved on, before it is so long that a commit would do it
WRITES_IN_LOG = 4
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
log = logging.getLogger("examapp.due")


@dataclass
class Pass:
    """What one pass did, what it could not do, and for how many seconds each of its writes kept others waiting."""

    expired: int = 0
    marked: int = 0
    scored: int = 0
    recorded: int = 0
    certified: int = 0
    prepared: int = 0
    failures: list[str] = field(default_factory=list)
    locked: list[float] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.expired or self.marked or self.scored or self.recorded or self.certified or self.prepared)


@dataclass(frozen=True)
class Step:
    """One kind of work: which sittings it is due for, what follows for each, and how that is stored and counted."""

    name: str
    due: Callable[..., list[int]]
    read: Callable[[list[int]], "Work"]
    store: Callable[[Sequence[Any]], dict[str, int]]


class Work(NamedTuple):
    """What was read of each sitting, and how to work out what follows from it."""

    subjects: Iterable[tuple[int, Any]]
    work_out: Callable[[Any], Any]


class Patience:
    """What a worker remembers between passes: when it last looked at everything, and what it set aside until when.

    Each failure in a row doubles the wait, up to an hour. Most passes look only at what was closed or released since a
    little before the last one began; the first, one every ten minutes, and one in which something that failed is to be
    tried again, at all there is, so that no work is lost for long, whatever became of it.
    """

    FIRST, LONGEST = timedelta(seconds=10), timedelta(hours=1)
    LITTLE, SWEEP = timedelta(minutes=5), timedelta(minutes=10)

    def __init__(self) -> None:
        self._swept_at, self._began_at = LONG_AGO, LONG_AGO
        self._waits: dict[tuple[str, int], tuple[timedelta, datetime]] = {}

    @property
    def is_over(self) -> bool:
        """Whether to end at the next sitting: what is left is found again by whoever works next."""
        return False

    def since(self, *, at: datetime) -> datetime | None:
        """Return from when on a pass at `at` looks at what was closed and released; None for everything."""
        last, self._began_at = self._began_at, at
        if abs(at - self._swept_at) >= self.SWEEP:
            self._swept_at = at
            return None
        # what was to be tried in the last pass, and neither failed nor succeeded there, somebody else has done
        self._waits = {key: wait for key, wait in self._waits.items() if wait[1] > last}
        if any(until <= at for _, until in self._waits.values()):
            return None
        return min(last, at) - self.LITTLE

    def is_due(self, step: str, sitting_id: int, *, at: datetime) -> bool:
        """Say whether a sitting may be tried."""
        wait = self._waits.get((step, sitting_id))
        return wait is None or wait[1] <= at

    def set_aside(self, step: str, sitting_id: int, *, at: datetime) -> None:
        """Leave a sitting alone for twice as long as the last time."""
        last = self._waits.get((step, sitting_id))
        wait = min(2 * last[0], self.LONGEST) if last else self.FIRST
        self._waits[step, sitting_id] = (wait, at + wait)

    def forget(self, step: str, sitting_ids: Iterable[int]) -> None:
        """Forget the failures of sittings that succeeded."""
        for sitting_id in sitting_ids:
            self._waits.pop((step, sitting_id), None)


class Run:
    """One pass over the steps."""

    def __init__(self, done: Pass, patience: Patience) -> None:
        self._done, self._patience = done, patience
        self._slice = 8
        self._traced: set[type[Exception]] = set()

    def step(self, step: Step, first: Step | None = None) -> None:
        """Do a step for every sitting it is due for; before each page of them do what is due of `first`."""
        for ids in _pages(step.due):
            if first:
                self.step(first)
            if self._patience.is_over:
                return
            self._batch(step, [each for each in ids if self._patience.is_due(step.name, each, at=clock.now())])

    def _batch(self, step: Step, ids: list[int]) -> None:
        if not ids:
            return
        with snapshot():
            rest = self._work_out(step, step.read(ids))
        while rest and not self._patience.is_over:
            part, rest = rest[: self._slice], rest[self._slice :]
            self._store(step, dict(part))

    def _work_out(self, step: Step, work: Work) -> list[tuple[int, Any]]:
        """Return what follows for each sitting; one that fails holds up no other."""
        made = []
        for sitting_id, subject in work.subjects:
            if self._patience.is_over:
                break
            try:
                made.append((sitting_id, work.work_out(subject)))
            except Exception as error:
                self._fail(step, sitting_id, error)
        return made

    def _store(self, step: Step, part: Mapping[int, Any]) -> None:
        try:
            counts = self._write(step, list(part.values()))
        except Exception as error:
            if len(part) > 1:
                for sitting_id, made in part.items():
                    self._store(step, {sitting_id: made})
            else:
                self._fail(step, next(iter(part)), error)
            return
        self._patience.forget(step.name, part)
        for name, count in counts.items():
            setattr(self._done, name, getattr(self._done, name) + count)

    def _write(self, step: Step, made: Sequence[Any]) -> dict[str, int]:
        with transaction():
            began, worked = time.monotonic(), time.thread_time()
            counts = step.store(made)
        self._done.locked.append(time.monotonic() - began)
        fitting = int(len(made) * LOCKED_CPU_SECONDS / max(time.thread_time() - worked, 1e-6))
        self._slice = max(1, min(fitting, 2 * self._slice, LARGEST_SLICE))
        if len(self._done.locked) % WRITES_IN_LOG == 0:
            move_log_on()
        return counts

    def _fail(self, step: Step, sitting_id: int, error: Exception) -> None:
        # where it came from is told once: thousands may fail alike
        trace = None if isinstance(error, ExamappError) or type(error) in self._traced else error
        self._traced.add(type(error))
        log.error("%s of sitting %016x failed: %s", step.name, sitting_id, error, exc_info=trace)
        self._patience.set_aside(step.name, sitting_id, at=clock.now())
        self._done.failures.append(f"{step.name} of sitting {sitting_id:016x}: {error}")


def _pages(due: Callable[..., list[int]]) -> Iterator[list[int]]:
    """Yield due ids by the batch, once around from a place drawn by lot: so that two workers share what there is."""
    start = secrets.randbits(63)
    for first, last in ((start, 2**63), (-1, start)):
        after = first
        while ids := [each for each in due(after=after, limit=BATCH) if each <= last]:
            yield ids
            after = ids[-1]
