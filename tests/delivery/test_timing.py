from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examapp.delivery.timing import TimeRules, counts, ends_at, minutes_if_started, pause_length

OPENS = datetime(2026, 5, 16, 1, 0, tzinfo=UTC)
RULES = TimeRules(OPENS, OPENS + timedelta(hours=2), 90)
GRACE = timedelta(seconds=5)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.mark.parametrize(
    ("started", "extra", "added", "paused", "expected"),
    [
        (0, 0, 0, 0, 90),
        (60, 0, 0, 0, 120),
        (60, 30, 0, 0, 150),
        (0, 30, 0, 0, 120),
        (60, 0, 10, 0, 130),
        (60, 0, 0, 7, 127),
        (0, 15, 10, 5, 120),
    ],
    ids=["on time", "late", "late with extra", "extra", "late, added", "late, paused", "all together"],
)
@pytest.mark.feature("T5")
def test_the_deadline_is_limit_or_window_plus_what_was_granted(started, extra, added, paused, expected):
    rules = TimeRules(OPENS, OPENS + timedelta(hours=2), 90, extra)
    assert ends_at(rules, OPENS + minutes(started), added, minutes(paused)) == OPENS + minutes(expected)


@pytest.mark.feature("T5")
def test_a_late_start_is_told_its_shorter_time():
    assert minutes_if_started(RULES, OPENS) == 90
    assert minutes_if_started(RULES, OPENS + minutes(100)) == 20
    assert minutes_if_started(RULES, OPENS + minutes(121)) == 0


@given(
    started=st.integers(0, 119), extra=st.integers(0, 60), added=st.integers(0, 60), paused=st.integers(0, 60),
    more=st.integers(1, 60),
)  # fmt: skip
def test_granting_more_never_shortens_a_sitting(started, extra, added, paused, more):
    start = OPENS + minutes(started)
    rules = TimeRules(RULES.opens_at, RULES.closes_at, RULES.minutes, extra)
    now = ends_at(rules, start, added, minutes(paused))
    assert ends_at(rules, start, added + more, minutes(paused)) == now + minutes(more)
    assert ends_at(rules, start, added, minutes(paused + more)) == now + minutes(more)
    longer = TimeRules(rules.opens_at, rules.closes_at, rules.minutes, extra + more)
    assert ends_at(longer, start, added, minutes(paused)) == now + minutes(more)


@given(offset=st.integers(-10_000_000, 10_000_000))
def test_a_response_counts_by_its_arrival_alone(offset):
    deadline = OPENS + minutes(90)
    arrived = deadline + GRACE + timedelta(microseconds=offset)
    assert counts(deadline, arrived, GRACE) == (offset < 0)


@pytest.mark.feature("T1")
@pytest.mark.parametrize(("zone", "change"), [
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
])  # fmt: skip
def test_a_sitting_over_a_change_of_summer_time_has_its_minutes(zone, change):
    started = change - minutes(30)
    ends = ends_at(TimeRules(started, started + minutes(600), 90), started)
    assert ends - started == minutes(90)
    shown = [each.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for each in (started, ends)]
    assert abs(shown[1] - shown[0] - minutes(90)) == minutes(60), "the wall clock jumps, the sitting does not"


def test_a_second_that_the_clock_shows_twice_is_taken_from_nobody():
    ends = datetime(2026, 12, 31, tzinfo=UTC) + timedelta(days=1)
    # as POSIX clocks show a leap second: the last second of the day again
    readings = [ends - timedelta(seconds=left) for left in (1.0, 0.1, 1.0, 0.1, 0.0)]
    assert [counts(ends, at, timedelta(0)) for at in readings] == [True, True, True, True, False]
    assert pause_length(readings[1], readings[2]) == timedelta(0), "a pause over it takes nothing away"
