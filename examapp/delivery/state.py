"""What a sitting is, computed from what happened in it: journal events in, `SittingState` out.

Events are plain dicts as the journal stores them (`kind`, `at`, `body`), so a stranger can replay a journal with
nothing but JSON. Kinds: started, opened (on another device than the last), responded, flagged, late (a value after the
end, evidence only), paused, resumed, time_added, time_asked (more than one person may add alone, until a second one
confirms it), submitted, expired, voided; after the end count_asked and counted (late values that two people let count).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

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


@dataclass(frozen=True)
class Event:
    """One journal entry: its number, kind, arrival time and body."""

    number: int
    kind: Kind
    at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Given:
    """The newest response to a slot: the trainee's sequence number, the value, and the entry that holds it."""

    seq: int
    value: Any
    number: int
    at: datetime


@dataclass(frozen=True)
class SittingState:
    """Everything that follows from a journal."""

    status: str = ""
    started_at: datetime | None = None
    rules: TimeRules | None = None
    added_minutes: int = 0
    paused: timedelta = timedelta(0)
    paused_since: datetime | None = None
    closed_at: datetime | None = None
    responses: Mapping[int, Given] = field(default_factory=dict)
    flags: frozenset[int] = frozenset()

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
        state = apply(state, event)
    return state


def apply(state: SittingState, event: Event) -> SittingState:
    """Return the state after one more event."""
    if (event.kind is Kind.STARTED) != (state.status == ""):
        raise ValueError(f"entry {event.number}: {event.kind} does not fit the state {state.status!r}")
    if event.kind is Kind.STARTED:
        return replace(state, status=OPEN, started_at=event.at, rules=_rules(event.body))
    if event.kind is Kind.RESPONDED:
        return _responded(state, event)
    if event.kind is Kind.COUNTED:
        return _counted(state, event)
    if event.kind is Kind.FLAGGED:
        slot = int(event.body["slot"])
        return replace(state, flags=state.flags | {slot} if event.body["flagged"] else state.flags - {slot})
    if event.kind in (Kind.PAUSED, Kind.RESUMED):
        return _paused(state, event)
    if event.kind is Kind.TIME_ADDED:
        return replace(state, added_minutes=state.added_minutes + int(event.body["minutes"]))
    if event.kind in _CLOSING:
        return replace(state, status=_CLOSING[event.kind], closed_at=event.at)
    return state


def _rules(body: Mapping[str, Any]) -> TimeRules:
    return TimeRules(
        opens_at=parse_utc(body["opens_at"]), closes_at=parse_utc(body["closes_at"]),
        minutes=int(body["minutes"]), extra_minutes=int(body["extra_minutes"]),
    )  # fmt: skip


def _responded(state: SittingState, event: Event) -> SittingState:
    slot = int(event.body["slot"])
    known = state.responses.get(slot)
    if state.status != OPEN or (known and known.seq >= int(event.body["seq"])):
        raise ValueError(f"entry {event.number}: a response that should have been refused")
    given = Given(int(event.body["seq"]), event.body["value"], event.number, event.at)
    return replace(state, responses={**state.responses, slot: given})


def _counted(state: SittingState, event: Event) -> SittingState:
    responses = dict(state.responses)
    for each in event.body["responses"]:
        known = responses.get(int(each["slot"]))
        if state.status not in (SUBMITTED, EXPIRED) or (known and known.seq >= int(each["seq"])):
            raise ValueError(f"entry {event.number}: a late response that cannot count")
        responses[int(each["slot"])] = Given(int(each["seq"]), each["value"], event.number, event.at)
    return replace(state, responses=responses)


def _paused(state: SittingState, event: Event) -> SittingState:
    if event.kind is Kind.PAUSED:
        return replace(state, paused_since=state.paused_since or event.at)
    if state.paused_since is None:
        return state
    return replace(state, paused=state.paused + pause_length(state.paused_since, event.at), paused_since=None)
