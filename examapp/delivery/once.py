"""What is dear to read and never changes: computed once a process, however many ask for it at the same moment.

When thousands start together, a plain cache lets all that find it empty compute the same thing beside each other; then
each of them takes hundreds of times as long as the first one alone would have.
"""

import threading
from collections.abc import Callable, Hashable
from functools import update_wrapper
from typing import Generic, TypeVar

T = TypeVar("T")
# who waits may hold what the one that computes needs, a connection to the database: after so long it computes itself
PATIENCE_SECONDS = 1.0


class Once(Generic[T]):
    """A function whose results are kept, the newest `most`; who asks while one is computed waits for it.

    Found results are returned without a lock. What raises is not kept.
    """

    def __init__(self, compute: Callable[..., T], most: int) -> None:
        update_wrapper(self, compute)
        self._compute, self._most = compute, most
        self._kept: dict[tuple[Hashable, ...], T] = {}
        self._lock = threading.Lock()

    def __call__(self, *key: Hashable) -> T:
        """Return what is kept for these arguments, or compute it."""
        try:
            return self._kept[key]
        except KeyError:
            return self._first(key)

    def kept(self, *key: Hashable) -> T | None:
        """Return what is kept for these arguments, nothing if it must be computed."""
        return self._kept.get(key)

    def _first(self, key: tuple[Hashable, ...]) -> T:
        is_alone = self._lock.acquire(timeout=PATIENCE_SECONDS)
        try:
            found = self._kept.get(key)
            if found is not None:
                return found
            found = self._compute(*key)
            self._keep(key, found)
            return found
        finally:
            if is_alone:
                self._lock.release()

    def _keep(self, key: tuple[Hashable, ...], found: T) -> None:
        # every step by itself holds, as not all who keep something hold the lock
        self._kept[key] = found
        for oldest in list(self._kept)[: -self._most]:
            self._kept.pop(oldest, None)

    def forget(self) -> None:
        """Keep nothing."""
        self._kept.clear()


def once(most: int) -> Callable[[Callable[..., T]], Once[T]]:
    """Make a function of hashable positional arguments one whose last `most` results are kept."""
    return lambda compute: Once(compute, most)
