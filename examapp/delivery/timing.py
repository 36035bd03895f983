"""When a sitting ends: the one place that does arithmetic with time.

A sitting that starts at s in a window [o, c] with limit m (minutes), extra time x granted before the start, time a
added while it runs (minutes; the credit for an outage is such time), and pauses of p seconds in all, ends at

    min(s + m + x, c + x) + a + p

So the window's end wins over the limit (a late start is a shorter sitting), extra time moves the window's end too
(whoever was granted it must be able to use it), and what an invigilator adds or a pause took is always given in full.
While it is paused it has no end: `NO_END` stands there, so nothing closes it and whatever arrives still counts.
A response counts if it arrived by then or within the grace, which is for the network and not shown.

All instants are UTC, which has neither summer time nor gaps; a wall clock is shown to people and never calculated with.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal

# later than any window can be scheduled, and far enough from the last day of dates to add to it
NO_END = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TimeRules:
    """What was fixed when the sitting started: window, limit and extra minutes."""

    opens_at: datetime
    closes_at: datetime
    minutes: int
    extra_minutes: int = 0


def ends_at(
    rules: TimeRules, started_at: datetime, added_minutes: int = 0, paused: timedelta = timedelta(0)
) -> datetime:
    """Return the instant at which a sitting that began at `started_at` ends."""
    extra = timedelta(minutes=rules.extra_minutes)
    limit = started_at + timedelta(minutes=rules.minutes) + extra
    return min(limit, rules.closes_at + extra) + timedelta(minutes=added_minutes) + paused


def pause_length(since: datetime, until: datetime) -> timedelta:
    """Return what a pause gives back; a clock that was set back meanwhile takes nothing away."""
    return max(until - since, timedelta(0))


def minutes_if_started(rules: TimeRules, at: datetime) -> int:
    """Return the whole minutes that a sitting begun at `at` would have: what the trainee is told before the start."""
    return max(0, int((ends_at(rules, at) - at).total_seconds() // 60))


def extra_minutes(minutes: int, factor: Decimal) -> int:
    """Return the extra minutes that make a limit `factor` times as long, in favour of the trainee.

    >>> extra_minutes(90, Decimal("1.25"))
    23
    """
    return int((minutes * (factor - 1)).to_integral_value(ROUND_CEILING))


def counts(ends: datetime, at: datetime, grace: timedelta) -> bool:
    """Say whether a response that arrived at `at` counts."""
    return at < ends + grace
