from datetime import UTC, datetime, timedelta

import pytest

from examapp.canonical import utc_string
from examapp.delivery.state import EXPIRED, OPEN, SUBMITTED, Event, Kind, replay

AT = datetime(2026, 5, 16, 1, 0, tzinfo=UTC)
STARTED = Event(
    1, Kind.STARTED, AT,
    {"opens_at": utc_string(AT), "closes_at": utc_string(AT + timedelta(hours=4)), "minutes": 90, "extra_minutes": 0},
)  # fmt: skip


def event(number, kind, minute=1, **body):
    return Event(number, kind, AT + timedelta(minutes=minute), body)


def response(number, slot, seq, value, minute=1):
    return event(number, Kind.RESPONDED, minute, slot=slot, seq=seq, value=value, client_time=None)


@pytest.mark.feature("O9")
def test_the_newest_response_of_each_slot_is_kept():
    state = replay([STARTED, response(2, 1, 1, "2"), response(3, 2, 1, True), response(4, 1, 2, "3")])
    assert {slot: given.value for slot, given in state.responses.items()} == {1: "3", 2: True}
    assert state.answered == 2


def test_a_cleared_response_is_not_answered():
    state = replay([STARTED, response(2, 1, 1, "2"), response(3, 1, 2, None)])
    assert state.answered == 0


def test_added_time_and_pauses_move_the_deadline():
    events = [
        STARTED, event(2, Kind.TIME_ADDED, minutes=10), event(3, Kind.PAUSED, 20), event(4, Kind.RESUMED, 27),
    ]  # fmt: skip
    assert replay(events).ends_at == AT + timedelta(minutes=107)


@pytest.mark.feature("T17")
def test_flags_go_on_and_off():
    events = [STARTED, event(2, Kind.FLAGGED, slot=3, flagged=True), event(3, Kind.FLAGGED, slot=4, flagged=True),
              event(4, Kind.FLAGGED, slot=3, flagged=False)]  # fmt: skip
    assert replay(events).flags == {4}


@pytest.mark.parametrize(("kind", "status"), [(Kind.SUBMITTED, SUBMITTED), (Kind.EXPIRED, EXPIRED)])
def test_closing_entries_close(kind, status):
    state = replay([STARTED, event(2, kind, 30)])
    assert (state.status, state.closed_at) == (status, AT + timedelta(minutes=30))


def test_late_values_are_evidence_and_change_nothing():
    state = replay([STARTED, response(2, 1, 1, "2"), event(3, Kind.LATE, 95, slot=1, seq=2, value="3")])
    assert (state.status, state.responses[1].value) == (OPEN, "2")


@pytest.mark.parametrize(
    "events",
    [
        [response(1, 1, 1, "2")],
        [STARTED, STARTED],
        [STARTED, response(2, 1, 2, "2"), response(3, 1, 2, "3")],
        [STARTED, event(2, Kind.SUBMITTED), response(3, 1, 1, "2")],
    ],
    ids=["no start", "two starts", "a stale response", "a response after the end"],
)
def test_a_journal_that_makes_no_sense_is_refused(events):
    with pytest.raises(ValueError):
        replay(events)
