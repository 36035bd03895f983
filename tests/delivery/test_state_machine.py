"""A sitting of the real service against a small model of it: two tabs, a bad network, staff, the clock.

Every answer and, at the end, everything that is stored must be what the model says. The controls plant a bug in the
service, which must be found.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from examapp.app import create_app
from examapp.config import Config
from examapp.db import db
from examapp.delivery import acceptance, closing, committer, hot_rows, interventions, state, timing
from examapp.delivery.acceptance import Outcome, Request, Save
from examapp.delivery.batch import Batch
from tests.conftest import make_config
from tests.delivery.real_sitting import Hall, instant
from tests.delivery.sitting_model import GRACE, Model, Said

# per slot; None takes the response back
VALUES: dict[int, tuple[Any, ...]] = {
    1: ("1", "2", None), 2: (["1", "3"], ["2"], None), 3: (True, False, None), 4: ("826.6", "1e3", None),
}  # fmt: skip
slots, choices, tabs = st.sampled_from(sorted(VALUES)), st.integers(0, 2), st.sampled_from([0, 1])
moments = st.sampled_from([0.5, 1, 7, 45, 300, 1500])
edges = st.sampled_from([-1, 0, GRACE - 0.5, GRACE, GRACE + 0.5, 100])
# what staff and the clock do, most of it now and then
DEEDS: list[tuple[Any, ...]] = [
    ("pause",), ("pause",), ("resume",), ("resume",), ("expire",), ("add_time", 1), ("add_time", 20), ("add_time", 61),
    ("credit", "first", 10), ("credit", "second", 10),
]  # fmt: skip
Message = tuple[int, int, Any]


# a few sittings are shorter: fifty on average
STEPS = 60
# what must have been done and said at least once
WORDS = [
    "save: 200 ", "save: 409 response.stale", "save: 409 sitting.closed", "save: 403 sitting.ticket", "flag: 200 ",
    "flag: 409 sitting.closed", "hand_in: 200 ", "hand_in: 409 sitting.closed", "expire: True", "pause: True",
    "resume: True", "add_time: True", "add_time: False", "add_time: None", "confirm: True", "confirm: False",
    "credit: True", "credit: False", "void: True", "void: False", "burst", "ended: open", "ended: submitted",
    "ended: expired", "ended: voided",
]  # fmt: skip


class Mismatch(AssertionError):
    """The service did not do what the model says."""


@dataclass
class Tab:
    """A page of the trainee: the epoch of its ticket and its own count of what it has sent."""

    epoch: int
    seq: int = 0


class Machine(RuleBasedStateMachine):
    """Whatever can happen to one sitting."""

    hall: Hall
    seen: Counter[str]
    is_over = True

    @initialize(began=st.sampled_from([0, 3600, 3 * 3600]), lifetime=st.integers(3, 40))
    def begin(self, began: float, lifetime: int) -> None:
        self.now, self.lifetime, self.steps = began, lifetime, 0
        self.model, self.real = Model(began), self.hall.begin(began)
        self.tabs = [Tab(1), Tab(1)]
        self.messages: list[Message] = []
        self.is_over = False

    def both(self, name: str, *details: Any) -> None:
        """Do the same to the model and to the service, and compare what they say."""
        self.steps += 1
        expected, found = getattr(self.model, name)(*details), getattr(self.real, name)(*details)
        word = f"{found.status} {found.code}" if isinstance(found, Said) else str(found)
        self.seen[f"{name}: {word}"] += 1
        self.compare(f"{name}{details}", found, expected)
        self.now += 0.5

    def compare(self, what: str, found: Any, expected: Any) -> None:
        """Stop at the first difference."""
        if found != expected:
            self.is_over = True
            raise Mismatch(f"{what} gave {found}, not {expected}")

    def compose(self, tab: int, slot: int, choice: int) -> Message:
        """Let the person at a tab answer an item."""
        self.tabs[tab].seq += 1
        self.messages.append((slot, self.tabs[tab].seq, VALUES[slot][choice]))
        return self.messages[-1]

    @rule(tab=tabs, slot=slots, choice=choices)
    def answer(self, tab: int, slot: int, choice: int) -> None:
        self.both("save", self.tabs[tab].epoch, *self.compose(tab, slot, choice), self.now)

    @rule(tab=tabs, slot=slots, choice=choices)
    def answer_into_a_dead_network(self, tab: int, slot: int, choice: int) -> None:
        self.compose(tab, slot, choice)

    @rule(tab=tabs, slot=slots, choice=choices, delay=moments)
    def answer_through_a_slow_queue(self, tab: int, slot: int, choice: int, delay: float) -> None:
        self.both("save", self.tabs[tab].epoch, *self.compose(tab, slot, choice), self.now - delay)

    @precondition(lambda self: self.messages)
    @rule(tab=tabs, back=st.integers(0, 7))
    def send_again(self, tab: int, back: int) -> None:
        message = self.messages[-1 - back % len(self.messages)]
        self.both("save", self.tabs[tab].epoch, *message, self.now)

    @rule(answers=st.lists(st.tuples(tabs, slots, choices), min_size=2, max_size=6), is_last=st.booleans())
    def answer_at_once(self, answers: list[tuple[int, int, int]], is_last: bool) -> None:
        requests: list[tuple[str, tuple[Any, ...]]] = [
            ("save", (self.tabs[answer[0]].epoch, *self.compose(*answer), self.now)) for answer in answers
        ]
        requests.append(requests[0])
        if is_last and self.steps >= self.lifetime:
            requests.insert(2, ("hand_in", (self.tabs[0].epoch, self.now)))
        expected = [getattr(self.model, name)(*details) for name, details in requests]
        found = self.real.burst(requests)
        self.seen["burst"] += 1
        self.compare(str(requests), found, expected)

    @rule(tab=tabs, slot=slots, is_flagged=st.booleans())
    def flag(self, tab: int, slot: int, is_flagged: bool) -> None:
        self.both("flag", self.tabs[tab].epoch, slot, is_flagged, self.now)

    @rule(seconds=moments)
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.steps >= self.lifetime and self.now < self.model.end < float("inf"))
    @rule(seconds=edges, is_swept=st.booleans(), tab=tabs, slot=slots, choice=choices)
    def act_at_the_end(self, seconds: float, is_swept: bool, tab: int, slot: int, choice: int) -> None:
        self.now = max(self.now, self.model.end + seconds)
        if is_swept:
            self.both("expire", self.now)
        else:
            self.answer(tab, slot, choice)

    @precondition(lambda self: self.steps >= self.lifetime)
    @rule(tab=tabs)
    def hand_in(self, tab: int) -> None:
        self.both("hand_in", self.tabs[tab].epoch, self.now)

    @rule(deed=st.sampled_from(DEEDS))
    def staff(self, deed: tuple[Any, ...]) -> None:
        self.both(*deed, self.now)

    @precondition(lambda self: self.model.asked or self.steps % 10 == 0)
    @rule(back=st.integers(0, 3))
    def confirm_time(self, back: int) -> None:
        numbers = sorted(self.model.asked) or [1]
        self.both("confirm", numbers[-1 - back % len(numbers)], self.now)

    @precondition(lambda self: self.steps >= self.lifetime + 15)
    @rule()
    def void(self) -> None:
        self.both("void", self.now)

    @precondition(lambda self: self.steps % 3 == 0)
    @rule(tab=tabs, is_out=st.booleans())
    def load_the_page_again(self, tab: int, is_out: bool) -> None:
        self.both("sign_out") if is_out else self.both("start_again", self.now)
        newest = [seq for seq, _, _ in self.model.stored.values()]
        self.tabs[tab] = Tab(self.model.epoch, max(newest, default=0))

    @invariant()
    def count(self) -> None:
        self.seen["steps"] += 1

    def teardown(self) -> None:
        if self.is_over:
            return
        model, found = self.model, self.real.picture()
        expected = {
            "status": model.status, "closed_at": None if model.closed_at is None else instant(model.closed_at),
            "epoch": model.epoch, "stored": model.stored, "flags": model.flags, "journal": model.journal,
            "ends_at": timing.NO_END if model.end == float("inf") else instant(model.end),
        }  # fmt: skip
        self.seen[f"ended: {model.status}"] += 1
        self.compare("everything", found, expected)


def run(hall: Hall, number: int, examples: int) -> Counter[str]:
    """Try so many sittings, drawn from seed `number`; return what was done and said."""
    seen: Counter[str] = Counter()
    machine = hypothesis.seed(number)(type("Sitting", (Machine,), {"hall": hall, "seen": seen}))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=STEPS, deadline=None, database=None, report_multiple_bugs=False,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    return seen


@pytest.fixture
def hall(config: Config, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    """A service without a pace; SQLite lies in memory where there is room, as durability is not the subject."""
    monkeypatch.setattr(committer, "LONGEST_PAUSE", {"sqlite": 0.0, "postgresql": 0.0})
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    if database == "sqlite":
        shutil.copy(config.database_url.removeprefix("sqlite:///"), folder)
        config = make_config(folder)
    app = create_app(config)
    with app.app_context():
        yield Hall(app, monkeypatch)
        db.session.remove()
        db.engine.dispose()
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.feature("T11", "T12", "T13", "T14", "O5", "O9")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_sitting_does_what_the_model_says(hall, database, number):
    examples, steps = {"sqlite": (280, 12_500), "postgresql": (8, 200)}[database]
    seen = run(hall, number, examples)
    assert seen["steps"] >= steps
    assert {word for word in WORDS if not seen[word]} == set() or database == "postgresql"
    print(database, dict(sorted(seen.items())))


Accept = Callable[[Batch, Request, timedelta], Outcome]


def older_wins(real: Accept) -> Accept:
    def accept(batch: Batch, request: Request, grace: timedelta) -> Outcome:
        if isinstance(request.action, Save):
            stored = batch.stored.get(request.sitting_id, {})
            if request.action.slot in stored and stored[request.action.slot].seq > request.action.seq:
                del stored[request.action.slot]
        return real(batch, request, grace)

    return accept


def any_ticket(real: Accept) -> Accept:
    def accept(batch: Batch, request: Request, grace: timedelta) -> Outcome:
        head = batch.heads.get(request.sitting_id)
        return real(batch, request._replace(epoch=head.epoch) if head else request, grace)

    return accept


def none_lasts(real: Accept) -> Accept:
    def accept(batch: Batch, request: Request, grace: timedelta) -> Outcome:
        outcome = real(batch, request, grace)
        batch.stored.pop(request.sitting_id, None)
        return outcome

    return accept


# what a bug replaces, and by what
BUGS: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "an older response wins": (hot_rows, "accept", older_wins),
    "an old ticket is good": (hot_rows, "accept", any_ticket),
    "requests of a batch do not see each other": (hot_rows, "accept", none_lasts),
    "late responses count": (acceptance, "counts", lambda real: lambda *_: True),
    "a response in the grace is refused": (acceptance, "counts", lambda real: lambda ends, at, grace: at < ends),
    "the sweeper forgets the grace": (closing, "counts", lambda real: lambda ends, at, grace: at < ends),
    "a pause is not given back": (state, "pause_length", lambda real: lambda since, until: timedelta(0)),
    "one person may add as much as they like": (interventions, "ALONE", lambda real: 10_000),
}


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(hall, monkeypatch, bug):
    place, name, planted = BUGS[bug]
    monkeypatch.setattr(place, name, planted(getattr(place, name)))
    with pytest.raises(Mismatch):
        run(hall, 1, 200)
