"""The queue of the group commit: of the threads that wait, one stores the requests of all.

There is no thread that only commits. Whoever comes while nobody stores anything leads: it takes what waits, at most
`LARGEST_BATCH`, stores it, wakes the others with what became of theirs, and lets the first of those who came meanwhile
lead next. So a request that comes alone is stored by its own thread, and nobody has to be woken for it.

A batch begins when `enough` wait or a pause is over: an idle service writes at once, a busy one gathers for some
milliseconds, which divides what a transaction costs by the size of the batch. The queue is bounded; past it a request
is refused at once (503 with Retry-After) and stays safe in the trainee's browser.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

from examapp.delivery.acceptance import Outcome, Request
from examapp.errors import N_, Unavailable

LARGEST_BATCH = 256
LARGEST_QUEUE = 2000
PATIENCE_SECONDS = 20
# the pause grows with the load: so many seconds for each request a second, of which each batch tells a part anew
PAUSE_EACH = 25e-6
NEWEST_PART = 0.1


class Waiting:
    """A request whose sender waits, until when it sleeps, and whether it leads.

    It is woken by a bare lock, at a fraction of what a condition costs; who never sleeps needs none.
    """

    __slots__ = ("bell", "is_first", "leads", "outcome", "request", "until")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.outcome: Outcome | Exception | None = None
        self.leads = self.is_first = False
        self.until = 0.0
        self.bell: threading.Lock | None = None

    def answer(self, outcome: Outcome | Exception) -> None:
        """Say what became of the request; the one that leads need not be woken."""
        self.outcome = outcome
        if not self.leads:
            self.wake()

    def wake(self) -> None:
        """Wake the sender, if it sleeps."""
        if self.bell is not None:
            self.bell.release()

    def sleep(self) -> None:
        """Return when somebody wakes the sender, or when it is time."""
        if self.bell is not None:
            self.bell.acquire(timeout=max(0.0, self.until - time.monotonic()))


class Gathering:
    """Requests that wait, in the order in which they came."""

    def __init__(self, store: Callable[[list[Waiting]], object], enough: int, longest_pause: float) -> None:
        """Let `store` answer one batch after another; it begins when `enough` wait, after `longest_pause` at most."""
        self._store, self._enough, self._longest_pause = store, enough, longest_pause
        self._lock = threading.Lock()
        self._queue: deque[Waiting] = deque()
        self._is_led = False
        self._taken = self._next = self._rate = 0.0

    def __len__(self) -> int:
        return len(self._queue)

    def outcome_of(self, request: Request) -> Outcome | Exception | None:
        """Return what became of a request, None when that did not come in time; `Unavailable` if too many wait."""
        waiting, now = Waiting(request), time.monotonic()
        patience = now + PATIENCE_SECONDS
        with self._lock:
            if len(self._queue) >= LARGEST_QUEUE:
                raise busy()
            self._queue.append(waiting)
            batch = self._batch_of(waiting, now, patience)
        while not batch:
            waiting.sleep()
            if waiting.outcome is not None:
                return waiting.outcome
            batch, is_over = self._look_again(waiting, patience)
            if is_over:
                return waiting.outcome
        self._lead(batch)
        return waiting.outcome

    def _look_again(self, waiting: Waiting, patience: float) -> tuple[list[Waiting], bool]:
        """Return the batch to store, and whether there is nothing more to wait for."""
        with self._lock:
            now = time.monotonic()
            if waiting.outcome is not None:
                return [], True
            batch = self._batch_of(waiting, now, patience)
            if batch or now < patience:
                return batch, False
            self._leave(waiting)
            return [], True

    def _batch_of(self, waiting: Waiting, now: float, patience: float) -> list[Waiting]:
        """Return what this one shall store, as it leads now; nothing when it has to sleep."""
        queue = self._queue
        if waiting.leads or (not self._is_led and (now >= self._next or len(queue) >= self._enough)):
            waiting.leads = self._is_led = True
            return self._take(now)
        # the first one looks again when the pause is over; who stores then lets it lead
        waiting.is_first = now < self._next and bool(queue) and queue[0] is waiting
        waiting.until = min(self._next, patience) if waiting.is_first else patience
        if waiting.bell is None:
            waiting.bell = threading.Lock()
            waiting.bell.acquire()
        return []

    def _take(self, now: float) -> list[Waiting]:
        queue = self._queue
        batch = [queue.popleft() for _ in range(min(len(queue), LARGEST_BATCH))]
        self._pause(len(batch), now)
        return batch

    def _pause(self, size: int, now: float) -> None:
        """Let the next batch gather: the longer, the more come."""
        before, self._taken = self._taken, now
        self._rate += NEWEST_PART * (size / max(now - before, 0.001) - self._rate)
        self._next = now + min(self._longest_pause, self._rate * PAUSE_EACH)

    def _lead(self, batch: list[Waiting]) -> None:
        try:
            self._store(batch)
        finally:
            with self._lock:
                self._is_led = False
                self._hand_over()

    def _hand_over(self) -> None:
        """Let the first one lead, unless it looks again by itself when the pause is over."""
        queue = self._queue
        if queue and (not queue[0].is_first or len(queue) >= self._enough or time.monotonic() >= self._next):
            queue[0].leads = self._is_led = True
            queue[0].wake()

    def _leave(self, waiting: Waiting) -> None:
        """Wait no longer: what nobody stores yet is not stored."""
        if waiting in self._queue:
            self._queue.remove(waiting)
            if not self._is_led:
                self._hand_over()


def busy() -> Unavailable:
    """Return the refusal of what cannot be stored now."""
    message = N_("The service is very busy. Your answer is kept on your computer and will be sent again.")
    return Unavailable("service.busy", message, retry_after=2)
