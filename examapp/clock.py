"""The server's clock, the only clock that counts; doors read it once for each request."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

STEP_SECONDS = 2.0


def now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)


class ClockWatch:
    """Compares the clock with one that nobody sets: where they part, somebody set the clock, or the machine slept."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._apart = wall() - steady()

    def step(self) -> float | None:
        """Return by how many seconds the clock was set since the last look, when it is more than two."""
        apart = self._wall() - self._steady()
        step, self._apart = apart - self._apart, apart
        return step if abs(step) > STEP_SECONDS else None
