"""What the serving processes of one service count, kept in memory that they share, so that any of them can tell all.

The memory is made before they are forked; each then writes to a slab of its own, and one that takes the place of a dead
one goes on with its numbers: a counter never goes down. To count one save costs about a microsecond.
"""

import mmap
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from ctypes import Structure, c_char, c_double, c_uint64, sizeof

PROCESSES = 64
CODES = 40
# upper bounds; the last cell counts what is beyond
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Histogram(Structure):
    """How many values fell up to each bound, and their sum."""

    _fields_ = [("counts", c_uint64 * (len(SECONDS) + 1)), ("total", c_double)]

    def add(self, bounds: tuple[float, ...], value: float) -> None:
        """Count one value; `bounds` are always the same ones."""
        self.counts[bisect_left(bounds, value)] += 1
        self.total += value


class Refusals(Structure):
    """How often a code was said."""

    _fields_ = [("code", c_char * 48), ("count", c_uint64)]


class Slab(Structure):
    """What one process counts."""

    _fields_ = [
        ("waited", Histogram),
        ("batch_sizes", Histogram),
        ("batch_seconds", Histogram),
        ("refusals", Refusals * CODES),
        ("waiting", c_uint64),
        ("tried_again", c_uint64),
        ("clock_steps", c_uint64),
    ]


class Meters:
    """The slabs of all processes, and the one that is ours."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, PROCESSES * sizeof(Slab))
        self._lock = threading.Lock()
        self.take(0)

    def take(self, number: int) -> None:
        """Count from now on in the slab of the process with this number, from 0."""
        self.own = Slab.from_buffer(self._memory, number % PROCESSES * sizeof(Slab))
        self.own.waiting = 0
        self._cells: dict[str, Refusals] = {each.code.decode(): each for each in self.own.refusals if each.code}
        self._lock = threading.Lock()

    def came(self) -> None:
        """Count a request of a sitting that waits from now on."""
        with self._lock:
            self.own.waiting += 1

    def waited(self, seconds: float) -> None:
        """Count a request of a sitting that was answered after so long."""
        with self._lock:
            self.own.waited.add(SECONDS, seconds)
            self.own.waiting = max(0, self.own.waiting - 1)

    def committed(self, size: int, seconds: float) -> None:
        """Count a transaction of the committer, which is one thread."""
        self.own.batch_sizes.add(SIZES, float(size))
        self.own.batch_seconds.add(SECONDS, seconds)

    def refused(self, code: str) -> None:
        """Count a refusal by its code; past the first so many codes all others are one."""
        with self._lock:
            cell = self._cells.get(code) or self._new_cell(code)
            cell.count += 1

    def _new_cell(self, code: str) -> Refusals:
        name = code if len(self._cells) < CODES - 1 else "other"
        if name not in self._cells:
            cell = self.own.refusals[len(self._cells)]
            cell.code = name.encode()[:47]
            self._cells[name] = cell
        return self._cells[name]

    def slabs(self) -> Iterator[Slab]:
        """Yield the slab of every process that there may be."""
        for number in range(PROCESSES):
            yield Slab.from_buffer(self._memory, number * sizeof(Slab))

    def total(self, name: str) -> Histogram:
        """Return the sum of a histogram over all processes."""
        found = Histogram()
        for slab in self.slabs():
            one = getattr(slab, name)
            found.total += one.total
            for place, count in enumerate(one.counts):
                found.counts[place] += count
        return found

    def sum(self, name: str) -> int:
        """Return the sum of a number over all processes."""
        return sum(getattr(slab, name) for slab in self.slabs())

    def refusals(self) -> Counter[str]:
        """Return how often each code was said by any process."""
        found: Counter[str] = Counter()
        for slab in self.slabs():
            for cell in slab.refusals:
                if cell.code:
                    found[cell.code.decode()] += cell.count
        return found
