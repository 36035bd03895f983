"""What is due: close, mark, score and certify, each found by a query, so a pass may be repeated at any time.

Each step takes sittings by the hundred: reads them as of one moment, works out what follows from each in memory, and
writes it in transactions so short that saves beside them do not notice. What was written says that it is done, and a
unique key keeps it from being written twice: two workers may run at once, and begin at different places. A sitting that
cannot be worked on is named, holds up nobody, and is tried again less and less often.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from flask import current_app

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.config import Config
from examapp.credentials import issuing, key_store
from examapp.db import snapshot, transaction
from examapp.delivery import closing, histories
from examapp.errors import ExamappError
from examapp.scoring import marking, results

BATCH = 200
# so long may a transaction hold the lock that saves wait for
LONGEST_LOCK_SECONDS = 0.015
LARGEST_SLICE = 64
T = TypeVar("T")
log = logging.getLogger("examapp.due")


@dataclass
class Pass:
    """What one pass did, and what it could not do; `longest_lock` is the longest time it kept others from writing."""

    expired: int = 0
    marked: int = 0
    scored: int = 0
    recorded: int = 0
    certified: int = 0
    failures: list[str] = field(default_factory=list)
    longest_lock: float = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.expired or self.marked or self.scored or self.recorded or self.certified)


@dataclass(frozen=True)
class Step:
    """One kind of work: which sittings it is due for, what follows for each, and how that is stored."""

    name: str
    due: Callable[..., list[int]]
    work_out: Callable[[list[int]], "Attempt"]
    store: Callable[[Sequence[Any]], int]


@dataclass(frozen=True)
class Attempt:
    """What was worked out, and what could not be, by sitting."""

    done: Mapping[int, Any]
    failed: Mapping[int, Exception]


def attempt(subjects: Iterable[tuple[int, T]], make: Callable[[T], Any]) -> Attempt:
    """Apply `make` to each sitting's subject; one that fails holds up no other."""
    done: dict[int, Any] = {}
    failed: dict[int, Exception] = {}
    for sitting_id, subject in subjects:
        try:
            done[sitting_id] = make(subject)
        except Exception as error:
            failed[sitting_id] = error
    return Attempt(done, failed)


class Patience:
    """What was set aside and until when: each failure in a row doubles the wait, up to an hour."""

    FIRST, LONGEST = timedelta(seconds=10), timedelta(hours=1)

    def __init__(self) -> None:
        self._waits: dict[tuple[str, int], tuple[timedelta, datetime]] = {}

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


def run_due(patience: Patience | None = None) -> Pass:
    """Do everything that is due now; a worker keeps one `Patience` over its passes."""
    config: Config = current_app.config["EXAMAPP"]
    done, grace = Pass(), timedelta(seconds=config.grace_seconds)
    run = _Run(done, patience or Patience())
    done.expired = run.step(_expire(grace))
    done.marked = run.step(_mark())
    done.scored = run.step(_score())
    _issue(config, done)
    return done


def _expire(grace: timedelta) -> Step:
    return Step(
        "expire",
        lambda **page: closing.overdue(grace, at=clock.now(), **page),
        lambda ids: attempt(((each.head.sitting_id, each) for each in closing.running(ids)), closing.end_of),
        lambda ends: closing.store(OPERATOR, ends, grace, at=clock.now()),
    )


def _mark() -> Step:
    return Step(
        "mark",
        marking.unmarked,
        lambda ids: attempt(_histories(ids), lambda history: marking.marks_of(history, at=clock.now())),
        lambda marked: marking.store(OPERATOR, marked),
    )


def _score() -> Step:
    def work_out(ids: list[int]) -> Attempt:
        scorer, marks = results.Scorer(), marking.newest_categories(ids)
        return attempt(
            _histories(ids), lambda each: scorer.result_of(each, marks[each.sitting.id], at=clock.now())
        )  # fmt: skip

    return Step("score", results.unscored, work_out, lambda rows: results.store(OPERATOR, rows))


def _histories(ids: list[int]) -> Iterator[tuple[int, histories.History]]:
    return ((history.sitting.id, history) for history in histories.of(ids))


class _Run:
    """One pass over the steps."""

    def __init__(self, done: Pass, patience: Patience) -> None:
        self._done, self._patience = done, patience
        self._slice = 8
        self._traced: set[type[Exception]] = set()

    def step(self, step: Step) -> int:
        """Do a step for every sitting it is due for and return for how many it was done."""
        return sum(self._batch(step, ids) for ids in _pages(step.due))

    def _batch(self, step: Step, ids: list[int]) -> int:
        tried = [each for each in ids if self._patience.is_due(step.name, each, at=clock.now())]
        if not tried:
            return 0
        with snapshot():
            worked_out = step.work_out(tried)
        for sitting_id, error in worked_out.failed.items():
            self._fail(step, sitting_id, error)
        return self._store_all(step, worked_out.done)

    def _store_all(self, step: Step, worked_out: Mapping[int, Any]) -> int:
        rest, stored = list(worked_out.items()), 0
        while rest:
            part, rest = rest[: self._slice], rest[self._slice :]
            stored += self._store(step, dict(part))
        return stored

    def _store(self, step: Step, part: Mapping[int, Any]) -> int:
        try:
            stored = self._write(step, list(part.values()))
        except Exception as error:
            if len(part) > 1:
                return sum(self._store(step, {sitting_id: made}) for sitting_id, made in part.items())
            self._fail(step, next(iter(part)), error)
            return 0
        self._patience.forget(step.name, part)
        return stored

    def _write(self, step: Step, made: Sequence[Any]) -> int:
        with transaction():
            began = time.monotonic()
            stored = step.store(made)
        held = time.monotonic() - began
        self._done.longest_lock = max(self._done.longest_lock, held)
        fitting = int(len(made) * LONGEST_LOCK_SECONDS / max(held, 1e-6))
        self._slice = max(1, min(fitting, 2 * self._slice, LARGEST_SLICE))
        return stored

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


def _issue(config: Config, done: Pass) -> None:
    store = key_store.KeyStore(config.key_folder, config.public_url, config.log_origin)
    with transaction():
        keys = key_store.load(store)
        issued = issuing.issue_due(OPERATOR, keys, at=clock.now())
        done.recorded, done.certified = len(issued.records), len(issued.certificates)
        done.failures += [f"result {result}: {reason}" for result, reason in issued.refused]
