"""What is due: close, mark, score and certify, each found by a query, so a pass may be repeated at any time.

Work is done in batches of one transaction; when a batch fails its members are tried alone, so that one bad sitting is
named and holds up nobody.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from flask import current_app

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.config import Config
from examapp.credentials import issuing, key_store
from examapp.db import transaction
from examapp.delivery import sittings
from examapp.scoring import marking, results

BATCH = 100
T = TypeVar("T")
log = logging.getLogger("examapp.due")


@dataclass
class Pass:
    """What one pass did, and what it could not do."""

    expired: int = 0
    marked: int = 0
    scored: int = 0
    recorded: int = 0
    certified: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.expired or self.marked or self.scored or self.recorded or self.certified)


def run_due() -> Pass:
    """Do everything that is due now."""
    config: Config = current_app.config["EXAMAPP"]
    done = Pass()
    grace = timedelta(seconds=config.grace_seconds)
    done.expired = _all(
        lambda: sittings.overdue(grace, at=clock.now()),
        lambda each: sittings.expire(OPERATOR, each, grace, at=clock.now()),
        done,
    )
    done.marked = _all(marking.unmarked, lambda each: marking.mark(OPERATOR, each, at=clock.now()), done)
    done.scored = _all(results.unscored, lambda each: results.score(OPERATOR, each, at=clock.now()), done)
    _issue(config, done)
    return done


def _all(find: Callable[[], Sequence[T]], verb: Callable[[T], Any], done: Pass) -> int:
    """Apply `verb` to all that `find` gives until nothing new is found; return how many succeeded."""
    succeeded, seen = 0, set()
    while subjects := [each for each in find() if each.id not in seen]:  # type: ignore[attr-defined]
        seen |= {each.id for each in subjects}  # type: ignore[attr-defined]
        for start in range(0, len(subjects), BATCH):
            succeeded += _some(subjects[start : start + BATCH], verb, done)
    return succeeded


def _some(subjects: Sequence[T], verb: Callable[[T], Any], done: Pass) -> int:
    try:
        with transaction():
            for each in subjects:
                verb(each)
    except Exception as error:
        if len(subjects) == 1:
            log.exception("one piece of due work failed")
            done.failures.append(str(error))
            return 0
        return sum(_some([each], verb, done) for each in subjects)
    return len(subjects)


def _issue(config: Config, done: Pass) -> None:
    store = key_store.KeyStore(config.key_folder, config.public_url, config.log_origin)
    with transaction():
        keys = key_store.load(store)
        issued = issuing.issue_due(OPERATOR, keys, at=clock.now())
        done.recorded, done.certified = len(issued.records), len(issued.certificates)
        done.failures += [f"result {result}: {reason}" for result, reason in issued.refused]
