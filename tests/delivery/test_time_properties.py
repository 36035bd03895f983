"""What must hold of a sitting's end whatever staff do, in whatever order, and wherever clocks jump."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examapp.canonical import utc_string
from examapp.delivery.state import Event, Kind, replay
from examapp.delivery.timing import NO_END, TimeRules, ends_at, extra_minutes, minutes_if_started

OPENS = datetime(2026, 5, 16, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
# hours around which clocks in some place go forward, back, or had a second more
JUMPS = [
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC), datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
    datetime(2026, 3, 8, 10, 0, tzinfo=UTC), datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2028, 2, 29, 0, 0, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
]  # fmt: skip


FIXED = st.just(OPENS)


@st.composite
def rules(draw, opens=FIXED):
    """A window of up to ten hours, a limit, extra time."""
    begin = draw(opens)
    window, limit, extra = draw(st.integers(1, 600)), draw(st.integers(1, 600)), draw(st.integers(0, 240))
    return TimeRules(begin, begin + window * MINUTE, limit, extra)


@st.composite
def histories(draw):
    """The rules, the start, and what staff did: (offset in seconds, kind, minutes) in the order of time."""
    fixed = draw(rules())
    started = fixed.opens_at + draw(st.integers(0, 3600)) * timedelta(seconds=1)
    kinds = st.sampled_from([Kind.TIME_ADDED, Kind.PAUSED, Kind.RESUMED, Kind.TIME_ASKED])
    done = draw(st.lists(st.tuples(st.integers(0, 7200), kinds, st.integers(1, 60)), max_size=12))
    return fixed, started, sorted(done, key=lambda each: each[0])


def journal(fixed, started, done):
    body = {
        "opens_at": utc_string(fixed.opens_at), "closes_at": utc_string(fixed.closes_at), "minutes": fixed.minutes,
        "extra_minutes": fixed.extra_minutes,
    }  # fmt: skip
    events = [Event(1, Kind.STARTED, started, body)]
    for number, (seconds, kind, minutes) in enumerate(done, start=2):
        events.append(Event(number, kind, started + timedelta(seconds=seconds), {"minutes": minutes}))
    return events


def standing_still(done):
    """How long the clock stood, counted second by second, and since when it stands now."""
    paused, since = 0, None
    for seconds, kind, _ in done:
        if kind is Kind.PAUSED and since is None:
            since = seconds
        elif kind is Kind.RESUMED and since is not None:
            paused, since = paused + len(range(since, seconds)), None
    return paused, since


@given(histories())
def test_what_was_added_and_every_pause_is_given_back_in_full(history):
    fixed, started, done = history
    state = replay(journal(*history))
    paused, since = standing_still(done)
    added = sum(minutes for _, kind, minutes in done if kind is Kind.TIME_ADDED)
    without = ends_at(fixed, started)
    if since is not None:
        assert (state.ends_at, state.paused_since) == (NO_END, started + timedelta(seconds=since))
        state = replay([*journal(*history), Event(99, Kind.RESUMED, started + timedelta(seconds=9000), {})])
        paused += 9000 - since
    assert state.ends_at == without + added * MINUTE + timedelta(seconds=paused)


@given(histories(), st.randoms())
def test_time_is_added_the_same_in_whatever_order(history, random):
    fixed, started, done = history
    added = [each for each in done if each[1] is Kind.TIME_ADDED]
    shuffled = [(before[0], *after[1:]) for before, after in zip(added, random.sample(added, len(added)), strict=True)]
    assert replay(journal(fixed, started, added)).ends_at == replay(journal(fixed, started, shuffled)).ends_at


@given(histories(), st.integers(1, 240))
def test_time_added_before_during_or_after_a_pause_comes_to_the_same(history, minutes):
    fixed, started, _ = history
    pause = [(600, Kind.PAUSED, 1), (1200, Kind.RESUMED, 1)]
    ends = {
        replay(journal(fixed, started, sorted([*pause, (when, Kind.TIME_ADDED, minutes)]))).ends_at
        for when in (0, 900, 1800)
    }
    assert len(ends) == 1


@given(histories())
def test_no_entry_of_staff_ever_makes_a_sitting_shorter(history):
    events = journal(*history)
    ends = [replay(events[:length]).ends_if_resumed(events[length - 1].at) for length in range(1, len(events) + 1)]
    assert ends == sorted(ends)


@given(rules(), st.integers(0, 900), st.integers(1, 900))
def test_whoever_starts_later_ends_no_earlier_and_has_no_more_time(fixed, offset, later):
    first, second = (fixed.opens_at + each * MINUTE for each in (offset, offset + later))
    assert ends_at(fixed, first) <= ends_at(fixed, second)
    assert minutes_if_started(fixed, first) >= minutes_if_started(fixed, second)


@given(rules(), st.integers(0, 900))
def test_the_late_start_rule_is_the_shorter_of_limit_and_window_both_with_extra_time(fixed, offset):
    started = fixed.opens_at + offset * MINUTE
    left = (fixed.closes_at - started) / MINUTE
    expected = max(0, min(fixed.minutes, left) + fixed.extra_minutes)
    assert minutes_if_started(fixed, started) == expected


@given(rules(st.sampled_from(JUMPS)), st.integers(0, 600), st.integers(0, 120))
def test_clocks_that_jump_somewhere_give_and_take_nothing(fixed, offset, paused):
    started = fixed.opens_at + offset * MINUTE
    plain = TimeRules(OPENS, OPENS + (fixed.closes_at - fixed.opens_at), fixed.minutes, fixed.extra_minutes)
    lasts = ends_at(fixed, started, 0, paused * MINUTE) - started
    assert lasts == ends_at(plain, OPENS + offset * MINUTE, 0, paused * MINUTE) - (OPENS + offset * MINUTE)


@pytest.mark.parametrize("place", ["Europe/Berlin", "America/Los_Angeles", "Asia/Shanghai", "Australia/Lord_Howe"])
@given(st.sampled_from(JUMPS), st.integers(-600, 600))
def test_a_sitting_scheduled_on_local_clocks_lasts_its_minutes_all_the_same(place, jump, offset):
    local = (jump + offset * MINUTE).astimezone(ZoneInfo(place))
    fixed = TimeRules(local.astimezone(UTC), local.astimezone(UTC) + timedelta(hours=4), 90)
    assert ends_at(fixed, fixed.opens_at) - fixed.opens_at == timedelta(minutes=90)


@given(st.integers(1, 600), st.decimals("1", "3", places=2))
def test_a_factor_gives_at_least_its_share_and_less_than_a_minute_more(limit, factor):
    extra = extra_minutes(limit, factor)
    assert 0 <= limit + extra - limit * factor < 1


@pytest.mark.parametrize(("factor", "extra"), [("1", 0), ("1.25", 23), ("1.5", 45), ("2", 90), ("3", 180)])
def test_usual_factors_of_ninety_minutes(factor, extra):
    assert extra_minutes(90, Decimal(factor)) == extra


@given(histories())
def test_a_clock_set_back_in_a_pause_takes_nothing_away(history):
    fixed, started, _ = history
    back = [(600, Kind.PAUSED, 1), (300, Kind.RESUMED, 1)]
    assert replay(journal(fixed, started, back)).ends_at == ends_at(fixed, started)
