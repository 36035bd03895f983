"""The receipt rule at scale: arrival alone decides whether a response counts, whatever any other clock says."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.canonical import utc_string
from examapp.db import db, transaction
from examapp.delivery import closing, histories, journal, sittings
from examapp.delivery.acceptance import Accepted, Outcome, Request, Save
from examapp.delivery.committer import Committer
from examapp.delivery.hot_rows import rows_of, settle
from examapp.delivery.models import Sitting
from examapp.scoring import marking
from tests.makers import AT, RIGHT, WRONG, make_administration, make_exam_form, make_registration, make_sitting

GRACE = timedelta(seconds=5)
END = AT + timedelta(minutes=90)
SITTINGS, RESPONSES, BATCH = 100, 10_000, 250
SLOTS = tuple(RIGHT)
RIGHT_CATEGORIES, WRONG_CATEGORIES = [1, 2, 1, 1], [0, 0, 0, 0]


@pytest.fixture
def rng():
    return random.Random(20260516)


@pytest.fixture
def running(app):
    """Sittings that all end at `END`, with a wrong response to every item."""
    administration = make_administration(make_exam_form())
    found = [make_sitting(make_registration(administration=administration)) for _ in range(SITTINGS)]
    on_time = [save(sitting, slot, 1, WRONG[slot], AT) for sitting in found for slot in SLOTS]
    assert all(isinstance(outcome, Accepted) for outcome in commit(on_time))
    return found


def save(sitting: Sitting, slot: int, seq: int, value: Any, at: datetime, client_time: str | None = None) -> Request:
    return Request(sitting.id, Save(slot, seq, value, client_time), at, sitting.epoch)


def commit(requests: list[Request]) -> list[Outcome]:
    """Settle requests in the committer's way, so many to a transaction."""
    outcomes: list[Outcome] = []
    with db.engine.connect() as connection:
        for first in range(0, len(requests), BATCH):
            rows = rows_of(connection)
            rows.begin()
            outcomes += settle(rows, requests[first : first + BATCH], GRACE, commit=True)
    return outcomes


def forged(sitting: Sitting, number: int, rng: random.Random) -> Request:
    """A right answer that arrived too late, and claims in every way to be early."""
    late = (
        END + GRACE + timedelta(seconds=rng.choice([0, 1e-6, 0.001, 1, 60, 86_400]) + rng.random() * rng.randrange(2))
    )
    claimed = rng.choice([AT, END - timedelta(seconds=1), late, AT - timedelta(days=3650)])
    slot = rng.choice(SLOTS)
    seq = rng.choice([2, number + 2, 2**52, 1])
    return save(sitting, slot, seq, RIGHT[slot], late, rng.choice([utc_string(claimed), "", "yesterday", None]))


def categories(sitting: Sitting) -> list[int]:
    """Close, mark and return how right each item is."""
    with transaction():
        closing.expire(OPERATOR, sitting, GRACE, at=END + timedelta(days=2))
    with transaction():
        return [mark.category for mark in marking.mark(OPERATOR, sitting, at=END + timedelta(days=2))]


def stored(sitting: Sitting) -> dict[int, tuple[int, Any]]:
    db.session.rollback()
    return {each.slot: (each.seq, each.value) for each in sittings.stored_responses(sitting)}


def code(outcome: Outcome) -> str:
    return "" if isinstance(outcome, Accepted) else outcome.code


def late_requests(running: list[Sitting], rng: random.Random) -> list[Request]:
    return [forged(running[number % SITTINGS], number // SITTINGS, rng) for number in range(RESPONSES)]


@pytest.mark.feature("T1", "T15")
def test_of_ten_thousand_forged_late_responses_none_counts(running, rng):
    honest = [stored(sitting) for sitting in running]
    requests = late_requests(running, rng)
    outcomes = commit(requests[: RESPONSES // 2])
    assert categories(running[0]) == WRONG_CATEGORIES
    outcomes += commit(requests[RESPONSES // 2 :])
    assert Counter(code(outcome) for outcome in outcomes) == {"sitting.closed": RESPONSES}
    assert [stored(sitting) for sitting in running] == honest
    assert [histories.broken(sitting.id) for sitting in running] == [[]] * SITTINGS
    assert categories(running[1]) == WRONG_CATEGORIES


def test_the_same_responses_in_time_would_count(running, rng):
    """The control: what is forged above is refused for its arrival alone."""
    outcomes = commit([each._replace(received_at=END) for each in late_requests(running, rng)])
    assert sum(code(outcome) == "" for outcome in outcomes) >= SITTINGS * len(SLOTS)
    assert categories(running[1]) == RIGHT_CATEGORIES


@pytest.mark.feature("T15")
def test_ten_thousand_responses_in_time_are_stored_although_a_slow_queue_commits_them_later(running, rng, monkeypatch):
    """The trainees' clocks are years off, and the service's own has passed the deadline before the first commit."""
    monkeypatch.setattr(clock, "now", lambda: END + timedelta(hours=1))
    queue = Committer(db.engine, GRACE)
    with ThreadPoolExecutor(32) as pool:
        accepted = list(pool.map(queue.commit, in_time(running, rng)))
    assert len({(each.entry.number, each.entry.digest) for each in accepted}) == RESPONSES
    for sitting in running:
        arrivals = [row.at for row in journal.entries(sitting.id) if row.kind == "responded"]
        assert len(arrivals) == RESPONSES // SITTINGS + len(SLOTS)
        assert max(arrivals) < utc_string(END + GRACE)
        assert histories.broken(sitting.id) == []


def in_time(running: list[Sitting], rng: random.Random) -> list[Request]:
    """Responses to each item under rising numbers, the last of them at the end of the grace."""
    requests = []
    for number in range(RESPONSES):
        turn, slot = number // SITTINGS, SLOTS[number // SITTINGS % len(SLOTS)]
        arrived = END + GRACE - timedelta(microseconds=RESPONSES - number)
        typed = utc_string(arrived + timedelta(days=rng.randrange(-3000, 3000)))
        requests.append(save(running[number % SITTINGS], slot, turn + 2, RIGHT[slot], arrived, typed))
    return requests


@pytest.mark.feature("T14", "T15")
def test_a_sitting_is_not_closed_over_a_response_that_still_waits_for_its_commit(running):
    last = END + GRACE - timedelta(microseconds=1)
    assert closing.overdue(GRACE, at=END + GRACE + timedelta(seconds=0.9)) == []
    (outcome,) = commit([save(running[0], 1, 2, RIGHT[1], last)])
    assert code(outcome) == ""
    assert len(closing.overdue(GRACE, at=END + GRACE + closing.IN_QUEUE)) == SITTINGS
