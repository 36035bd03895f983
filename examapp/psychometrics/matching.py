"""People of two groups matched on a score: what the observed-score methods for differential functioning share.

Tables by matching score, the studied item included, follow Holland & Thayer (1988).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import Codes, codes

Mask = npt.NDArray[np.bool_]
PURIFICATIONS = 10


@dataclass(frozen=True)
class Matched:
    """Responses `scores` (N, J) of people in the reference and the `focal` (N,) group, and what matches them.

    With `given` (N,) that score matches everyone; otherwise it is the sum over `anchors` (J,) and the item studied.
    """

    scores: Codes
    focal: Mask
    anchors: Mask
    given: Floats | None = None

    @property
    def seen(self) -> Mask:
        """Items that anybody of either group saw, (J,)."""
        seen = self.scores >= 0
        return np.asarray(seen[self.focal].any(axis=0) & seen[~self.focal].any(axis=0), dtype=bool)

    def with_anchors(self, anchors: Mask) -> Matched:
        """The same people, matched on the items where `anchors` (J,) is true."""
        return Matched(self.scores, self.focal, anchors, self.given)

    def people(self, item: int) -> tuple[Floats, Mask, Floats]:
        """Score on the item, focal or not, and matching score of those who saw it, (n,) each."""
        has = self.scores[:, item] >= 0
        if self.given is not None:
            return self.scores[has, item].astype(np.float64), self.focal[has], self.given[has]
        counted = self.anchors & self.seen
        counted[item] = True
        total = self.scores[np.ix_(has, counted)].sum(axis=1, dtype=np.float64)
        return self.scores[has, item].astype(np.float64), self.focal[has], total

    def cells(self, item: int) -> Cells:
        """Counts, means and squares of the item score by matching score and group."""
        score, focal, total = self.people(item)
        levels, stratum = np.unique(total, return_inverse=True)
        size = 2 * levels.size
        index = stratum.ravel() + levels.size * focal
        sums = [np.bincount(index, weights=score**power, minlength=size) for power in (0, 1, 2)]
        count, first, second = np.array(sums, dtype=np.float64).reshape(3, 2, -1)
        return Cells(levels, count, first, second)


@dataclass(frozen=True)
class Cells:
    """For S matching scores `level` (S,): number of people, sum and sum of squares of the item score, (2, S) each.

    The first row is the reference group, the second the focal one.
    """

    level: Floats
    count: Floats
    total: Floats
    squares: Floats

    def table(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Right and wrong in the reference group, right and wrong in the focal group, (S,) each."""
        wrong = self.count - self.total
        return self.total[0], wrong[0], self.total[1], wrong[1]


@dataclass(frozen=True)
class Purification:
    """Which items the matching score of the final round held (J,), rounds taken, and whether the flags settled."""

    anchors: Mask
    rounds: int
    converged: bool


def matched(responses: npt.ArrayLike, focal: npt.ArrayLike, matching: npt.ArrayLike | None = None) -> Matched:
    """Check and join `responses` (N, J), the group `focal` (N,) and, if given, an outside score `matching` (N,).

    People who saw nothing are left out. Without an outside score everyone else must have seen every item that
    anybody saw, as sums over different items do not compare.

    >>> data = matched([[1, 0], [0, 1], [1, 1]], np.array([True, False, False]))
    >>> data.cells(0).level.tolist(), data.cells(0).count.tolist()
    ([1.0, 2.0], [[1.0, 1.0], [1.0, 0.0]])
    """
    scores, group = codes(np.asarray(responses)), np.asarray(focal)
    if group.dtype != np.bool_ or group.shape != (len(scores),):
        raise ValueError(f"focal: needs {len(scores)} booleans, got {group.dtype} of shape {group.shape}")
    present = (scores >= 0).any(axis=1)
    outside = None if matching is None else np.asarray(matching, dtype=np.float64)
    if outside is not None and (outside.shape != group.shape or not np.isfinite(outside[present]).all()):
        raise ValueError(f"matching: needs {len(scores)} finite numbers, got shape {outside.shape}")
    scores, group = scores[present], group[present]
    if not group.any() or group.all():
        raise ValueError("focal: both groups need people who saw something")
    offered = (scores >= 0).any(axis=0)
    if outside is None and (scores[:, offered] < 0).any():
        person = int(np.flatnonzero((scores[:, offered] < 0).any(axis=1))[0])
        raise ValueError(f"responses: person {person} did not see every item; give a matching score instead")
    return Matched(scores, group, np.ones(scores.shape[1], dtype=bool), None if outside is None else outside[present])


def only_right_or_wrong(data: Matched, where: str) -> None:
    """Refuse items with more than two categories.

    >>> only_right_or_wrong(matched([[1], [0]], np.array([True, False])), "test")
    """
    most = data.scores.max(axis=0, initial=0)
    if (most > 1).any():
        raise ValueError(f"{where}: item {int(np.argmax(most > 1))} has more than two categories")


def purified(
    data: Matched, flags: Callable[[Matched], Mask], rounds: int = PURIFICATIONS
) -> tuple[Matched, Purification]:
    """Take flagged items out of the matching score until the flags stay the same (Candell & Drasgow 1988).

    >>> data = matched([[1, 0], [0, 1]], np.array([True, False]))
    >>> purified(data, lambda at: np.array([True, False]))[1].anchors.tolist()
    [False, True]
    """
    flagged = flags(data)
    if not flagged.any():
        return data, Purification(data.anchors, 0, True)
    for done in range(1, rounds + 1):
        data = data.with_anchors(~flagged)
        again = flags(data)
        if (again == flagged).all():
            return data, Purification(data.anchors, done, True)
        flagged = again
    return data, Purification(data.anchors, rounds, False)


def each_item(data: Matched) -> Iterator[tuple[int, Cells]]:
    """The cells of each item that both groups saw.

    >>> [item for item, _ in each_item(matched([[1, 0], [0, 1]], np.array([True, False])))]
    [0, 1]
    """
    for item in np.flatnonzero(data.seen).tolist():
        yield item, data.cells(item)
