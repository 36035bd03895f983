"""What a sitting promises, written down a second time and as simply as possible; it imports nothing of the service.

Times are seconds since the start as whole or half numbers, answers are `Said`: what must come back from each request.
"""

from dataclasses import dataclass, field
from typing import Any

GRACE = 5
LIMIT = 90 * 60
WINDOW = 4 * 3600
# what one person may add alone, in minutes
ALONE = 60


@dataclass(frozen=True)
class Said:
    """An answer: HTTP status, code of a refusal, the number it carries, and the deadline that it tells."""

    status: int
    code: str = ""
    number: int | None = None
    end: float | None = None


OK = 200
CLOSED = Said(409, "sitting.closed")
NO_TICKET = Said(403, "sitting.ticket")


@dataclass
class Model:
    """One sitting, begun at `began` seconds after the window opened."""

    began: float
    status: str = "open"
    epoch: int = 1
    closed_at: float | None = None
    added: int = 0
    alone: int = 0
    paused_since: float | None = None
    paused: float = 0
    stored: dict[int, tuple[int, Any, int]] = field(default_factory=dict)
    flags: set[int] = field(default_factory=set)
    late: set[tuple[int, int]] = field(default_factory=set)
    outages: set[str] = field(default_factory=set)
    asked: dict[int, int] = field(default_factory=dict)
    handed_in: Said | None = None
    journal: list[str] = field(default_factory=lambda: ["started"])

    @property
    def end(self) -> float:
        """The deadline; a paused sitting has none."""
        if self.paused_since is not None:
            return float("inf")
        return min(self.began + LIMIT, WINDOW) + self.added * 60 + self.paused

    def _write(self, kind: str) -> int:
        self.journal.append(kind)
        return len(self.journal)

    def _counts(self, at: float) -> bool:
        return self.status == "open" and at < self.end + GRACE

    def _runs(self, at: float) -> bool:
        return self.status == "open" and at < self.end

    def save(self, epoch: int, slot: int, seq: int, value: Any, at: float) -> Said:
        """A response that arrived at `at`; the number is the entry's, or the stored seq of a stale one."""
        if epoch != self.epoch:
            return NO_TICKET
        newest = self.stored.get(slot)
        if newest and newest[:2] == (seq, value):
            return Said(OK, number=newest[2], end=self.end)
        if not self._counts(at):
            if (slot, seq) not in self.late:
                self.late.add((slot, seq))
                self._write("late")
            return CLOSED
        if newest and newest[0] >= seq:
            return Said(409, "response.stale", newest[0])
        self.stored[slot] = (seq, value, self._write("responded"))
        return Said(OK, number=self.stored[slot][2], end=self.end)

    def flag(self, epoch: int, slot: int, is_flagged: bool, at: float) -> Said:
        """A mark for review."""
        if epoch != self.epoch:
            return NO_TICKET
        if not self._counts(at):
            return CLOSED
        self.flags = self.flags | {slot} if is_flagged else self.flags - {slot}
        self._write("flagged")
        return Said(OK, end=self.end)

    def hand_in(self, epoch: int, at: float) -> Said:
        """The end by the trainee; repeated, the answer is the same."""
        if epoch != self.epoch:
            return NO_TICKET
        if self.handed_in:
            return self.handed_in
        if not self._counts(at):
            return CLOSED
        self.handed_in = Said(OK, number=self._write("submitted"), end=self.end)
        self._close("submitted", at)
        return self.handed_in

    def _close(self, status: str, at: float) -> None:
        self.status, self.closed_at = status, at

    def expire(self, at: float) -> bool:
        """The end by the clock, as of the deadline."""
        if self.status != "open" or self._counts(at):
            return False
        self._close("expired", self.end)
        self._write("expired")
        return True

    def pause(self, at: float) -> bool:
        """Stop the clock."""
        if not self._runs(at) or self.paused_since is not None:
            return False
        self.paused_since = at
        self._write("paused")
        return True

    def resume(self, at: float) -> bool:
        """Let it run on; the pause is given back in full."""
        if self.status != "open" or self.paused_since is None:
            return False
        self.paused += at - self.paused_since
        self.paused_since = None
        self._write("resumed")
        return True

    def add_time(self, minutes: int, at: float) -> bool | None:
        """More minutes: given, waiting for a second person (False), or refused (None)."""
        return self._give(minutes, at) if self._runs(at) else None

    def _give(self, minutes: int, at: float) -> bool:
        if self.alone + minutes <= ALONE:
            self.added += minutes
            self.alone += minutes
            self._write("time_added")
            return True
        self.asked[self._write("time_asked")] = minutes
        return False

    def confirm(self, number: int, at: float) -> bool:
        """A second person gives what was asked for; False when it is refused."""
        if not self._runs(at) or number not in self.asked:
            return False
        self.added += self.asked.pop(number)
        self._write("time_added")
        return True

    def credit(self, outage: str, minutes: int, at: float) -> bool:
        """Give back what an outage took, once."""
        if not self._runs(at) or outage in self.outages:
            return False
        self.outages.add(outage)
        self._give(minutes, at)
        return True

    def void(self, at: float) -> bool:
        """The end by staff; False when it is over."""
        if self.status != "open":
            return False
        self._close("voided", at)
        self._write("voided")
        return True

    def sign_out(self) -> None:
        """Make the tickets of a running sitting worthless."""
        self.epoch += self.status == "open"

    def start_again(self, at: float) -> bool:
        """Whether a start gives the same sitting: always, as there is one attempt."""
        return True
