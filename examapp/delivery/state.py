"""What a sitting is, computed from what happened in it: journal events in, `SittingState` out.

Events are plain dicts as the journal stores them (`kind`, `at`, `body`), so a stranger can replay a journal with
nothing but JSON. Kinds: started, opened (on another device than the last), responded, flagged, late (a value after the
end, evidence only), paused, resumed, time_added, time_asked (more than one person may add alone, until a second one
confirms it), submitted, expired, voided; after the end count_asked and counted (late values that two people let count).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from examapp.canonical import parse_utc
from examapp.delivery.timing import NO_END, TimeRules, ends_at, pause_length


class Kind(StrEnum):
    """What can happen in a sitting."""

    STARTED = "started"
    OPENED = "opened"
    RESPONDED = "responded"
    FLAGGED = "flagged"
    LATE = "late"
    PAUSED = "paused"
    RESUMED = "resumed"
    TIME_ADDED = "time_added"
    TIME_ASKED = "time_asked"
    SUBMITTED = "submitted"
    EXPIRED = "expired"
    VOIDED = "voided"
    COUNT_ASKED = "count_asked"
    COUNTED = "counted"


OPEN, SUBMITTED, EXPIRED, VOIDED = "open", "submitted", "expired", "voided"
_CLOSING = {Kind.SUBMITTED: SUBMITTED, Kind.EXPIRED: EXPIRED, Kind.VOIDED: VOIDED}


class Event(NamedTuple):
    """One journal entry: its number, kind, arrival time and body."""

    number: int
    kind: Kind
    at: datetime
    body: Mapping[str, Any]


class Given(NamedTuple):
    """The newest response to a slot: the trainee's sequence number, the value, and the entry that holds it."""

    seq: int
    value: Any
    number: int
    at: datetime


@dataclass
class SittingState:
    """Everything that follows from a journal; only `replay` changes it, entry by entry."""

    status: str = ""
    started_at: datetime | None = None
    rules: TimeRules | None = None
    added_minutes: int = 0
    paused: timedelta = timedelta(0)
    paused_since: datetime | None = None
    closed_at: datetime | None = None
    responses: dict[int, Given] = field(default_factory=dict)
    flags: set[int] = field(default_factory=set)

    @property
    def ends_at(self) -> datetime:
        """The deadline as it stands now, `NO_END` in a pause; a sitting that has not started has none."""
        return NO_END if self.paused_since else self._ends_at(self.paused)

    def ends_if_resumed(self, at: datetime) -> datetime:
        """Return the deadline if the pause, where there is one, ended at `at`: what a page shows meanwhile."""
        running = pause_length(self.paused_since, at) if self.paused_since else timedelta(0)
        return self._ends_at(self.paused + running)

    def _ends_at(self, paused: timedelta) -> datetime:
        if self.rules is None or self.started_at is None:
            raise ValueError("the sitting has not started")
        return ends_at(self.rules, self.started_at, self.added_minutes, paused)

    @property
    def answered(self) -> int:
        """How many slots hold a response that is not empty."""
        return sum(1 for given in self.responses.values() if given.value is not None)


def replay(events: Iterable[Event]) -> SittingState:
    """Return the state after `events`, in their order; a journal that does not make sense is a `ValueError`."""
    state = SittingState()
    for event in events:
        _apply(state, event)
    return state


def _apply(state: SittingState, event: Event) -> None:
    if (event.kind is Kind.STARTED) != (state.status == ""):
        raise ValueError(f"entry {event.number}: {event.kind} does not fit the state {state.status!r}")
    if event.kind is Kind.RESPONDED:
        _respond(state, event)
    elif event.kind is Kind.STARTED:
        state.status, state.started_at, state.rules = OPEN, event.at, _rules(event.body)
    elif event.kind is Kind.COUNTED:
        _count(state, event)
    elif event.kind is Kind.FLAGGED:
        slot = int(event.body["slot"])
        (state.flags.add if event.body["flagged"] else state.flags.discard)(slot)
    elif event.kind in (Kind.PAUSED, Kind.RESUMED):
        _pause(state, event)
    elif event.kind is Kind.TIME_ADDED:
        state.added_minutes += int(event.body["minutes"])
    elif event.kind in _CLOSING:
        state.status, state.closed_at = _CLOSING[event.kind], event.at


def _rules(body: Mapping[str, Any]) -> TimeRules:
    return TimeRules(
        opens_at=parse_utc(body["opens_at"]), closes_at=parse_utc(body["closes_at"]),
        minutes=int(body["minutes"]), extra_minutes=int(body["extra_minutes"]),
    )  # fmt: skip


def _respond(state: SittingState, event: Event) -> None:
    slot, seq = int(event.body["slot"]), int(event.body["seq"])
    known = state.responses.get(slot)
    if state.status != OPEN or (known and known.seq >= seq):
        raise ValueError(f"entry {event.number}: a response that should have been refused")
    state.responses[slot] = Given(seq, event.body["value"], event.number, event.at)


def _count(state: SittingState, event: Event) -> None:
    for each in event.body["responses"]:
        slot, seq = int(each["slot"]), int(each["seq"])
        known = state.responses.get(slot)
        if state.status not in (SUBMITTED, EXPIRED) or (known and known.seq >= seq):
            raise ValueError(f"entry {event.number}: a late response that cannot count")
        state.responses[slot] = Given(seq, each["value"], event.number, event.at)


def _pause(state: SittingState, event: Event) -> None:
    if event.kind is Kind.PAUSED:
        state.paused_since = state.paused_since or event.at
    elif state.paused_since is not None:
        state.paused += pause_length(state.paused_since, event.at)
        state.paused_since = None
