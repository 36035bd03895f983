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
from sqlalchemy.exc import IntegrityError

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.config import Config
from examapp.credentials import issuing, key_store
from examapp.credentials import log as log_of_records
from examapp.credentials.merkle import Tree
from examapp.db import move_log_on, snapshot, transaction
from examapp.delivery import closing, histories
from examapp.delivery.histories import History
from examapp.errors import ExamappError
from examapp.scoring import marking, results

BATCH = 200
# so much work is done while others wait to write, besides the flush to the disk
LOCKED_CPU_SECONDS = 0.008
LARGEST_SLICE = 64
# after so many writes the log of SQLite is moved on, before it is so long that a commit would do it
WRITES_IN_LOG = 4
# so many records, and so many certificates, are stored in one transaction
RECORDS, CERTIFICATES = 50, 8
T = TypeVar("T")
log = logging.getLogger("examapp.due")


@dataclass
class Pass:
    """What one pass did, what it could not do, and for how many seconds each of its writes kept others waiting."""

    expired: int = 0
    marked: int = 0
    scored: int = 0
    recorded: int = 0
    certified: int = 0
    failures: list[str] = field(default_factory=list)
    locked: list[float] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.expired or self.marked or self.scored or self.recorded or self.certified)


@dataclass(frozen=True)
class Step:
    """One kind of work: which sittings it is due for, what follows for each, and how that is stored and counted."""

    name: str
    due: Callable[..., list[int]]
    work_out: Callable[[list[int]], "Attempt"]
    store: Callable[[Sequence[Any]], dict[str, int]]


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
    for step in (_expire(grace), _mark(), _score()):
        run.step(step)
    _issue(config, done)
    return done


def _expire(grace: timedelta) -> Step:
    return Step(
        "expire",
        lambda **page: closing.overdue(grace, at=clock.now(), **page),
        lambda ids: attempt(((each.head.sitting_id, each) for each in closing.running(ids)), closing.end_of),
        lambda ends: {"expired": closing.store(OPERATOR, ends, grace, at=clock.now())},
    )


def _mark() -> Step:
    """Marks, and where nothing stands against it the result too: the journal is then read and checked once."""

    def work_out(ids: list[int]) -> Attempt:
        scorer = results.Scorer()
        return attempt(_histories(ids), lambda history: _marked_and_scored(history, scorer))

    def store(worked_out: Sequence[tuple[marking.Rows, results.Row | None]]) -> dict[str, int]:
        marked = marking.store(OPERATOR, [marks for marks, _ in worked_out])
        return {"marked": marked, "scored": results.store(OPERATOR, [result for _, result in worked_out if result])}

    return Step("mark", marking.unmarked, work_out, store)


def _marked_and_scored(history: History, scorer: results.Scorer) -> tuple[marking.Rows, results.Row | None]:
    marks = marking.marks_of(history, at=clock.now())
    categories = {row["slot"]: (row["category"], row["highest"]) for row in marks}
    try:
        return marks, scorer.result_of(history, categories, at=clock.now())
    except Exception:
        # the marks stand; scoring is tried by itself, and says what is wrong
        return marks, None


def _score() -> Step:
    def work_out(ids: list[int]) -> Attempt:
        scorer, marks = results.Scorer(), marking.newest_categories(ids)
        return attempt(_histories(ids), lambda each: scorer.result_of(each, marks[each.sitting.id], at=clock.now()))

    return Step("score", results.unscored, work_out, lambda rows: {"scored": results.store(OPERATOR, rows)})


def _histories(ids: list[int]) -> Iterator[tuple[int, History]]:
    return ((history.sitting.id, history) for history in histories.of(ids))


class _Run:
    """One pass over the steps."""

    def __init__(self, done: Pass, patience: Patience) -> None:
        self._done, self._patience = done, patience
        self._slice = 8
        self._traced: set[type[Exception]] = set()

    def step(self, step: Step) -> None:
        """Do a step for every sitting it is due for."""
        for ids in _pages(step.due):
            self._batch(step, [each for each in ids if self._patience.is_due(step.name, each, at=clock.now())])

    def _batch(self, step: Step, ids: list[int]) -> None:
        if not ids:
            return
        with snapshot():
            worked_out = step.work_out(ids)
        for sitting_id, error in worked_out.failed.items():
            self._fail(step, sitting_id, error)
        rest = list(worked_out.done.items())
        while rest:
            part, rest = rest[: self._slice], rest[self._slice :]
            self._store(step, dict(part))

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


def _issue(config: Config, done: Pass) -> None:
    """Record what was released and certify who passed: signed beforehand, and appended to the log in small writes."""
    store = key_store.KeyStore(config.key_folder, config.public_url, config.log_origin)
    with snapshot():
        keys = key_store.load(store)
        is_covered = log_of_records.is_covered()
    if not is_covered:
        with transaction():
            log_of_records.write_checkpoint(keys, at=clock.now())
    _record(keys, done)
    with snapshot():
        qualified = issuing.qualified()
    for start in range(0, len(qualified), CERTIFICATES):
        with transaction():
            part = qualified[start : start + CERTIFICATES]
            done.certified += len(issuing.certify(OPERATOR, part, at=clock.now()))


def _append(keys: key_store.Keys, tree: Tree, signed: Sequence[issuing.Signed]) -> int:
    try:
        with transaction():
            return issuing.store(OPERATOR, keys, tree, signed, at=clock.now())
    except IntegrityError:
        # another worker appended at the same place; what is left is looked at in the next pass
        return 0


def _record(keys: key_store.Keys, done: Pass) -> None:
    tree: Tree | None = None
    refused: dict[str, str] = {}
    while True:
        with snapshot():
            signed, why = issuing.sign_due(keys, at=clock.now(), without=refused, limit=RECORDS)
            tree = tree or (log_of_records.whole_tree() if signed else None)
        refused |= why
        stored = _append(keys, tree, signed) if tree else 0
        done.recorded += stored
        if not stored and not why:
            break
    done.failures += [f"result {result}: {reason}" for result, reason in refused.items()]
