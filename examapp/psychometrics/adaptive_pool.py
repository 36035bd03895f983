"""The items of an adaptive test with the tables that make a step fast: likelihood rows, information, its best items.

Maximum information is exact and yet looks at few items: for each tenth of the ability scale the items are sorted by the
most information they can give there, and the search ends where no later item can win. Masks cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import irt
from examapp.psychometrics.constraints import Mask
from examapp.psychometrics.irt import Indices, Items
from examapp.psychometrics.response_models import Floats

REACH = 6.0
STEP = 0.025
PER_CELL = 4
MARGIN = 1.001
BLOCK = 32
FIRST_WIDTH = 32
ITEM_BLOCK = 512


@dataclass(frozen=True)
class AdaptivePool:
    """J items with K categories at most, under a prior on Q abilities.

    `nodes` (Q,) and `prior` (Q,), which adds up to 1; `likelihood` (J, K, Q) holds P(X_j = k | node); `moments`
    (3, Q) the powers 0, 1, 2 of the nodes; `curves` (J, G) the information every STEP from -REACH - STEP on, in
    standard deviations `sd` of ability from its `mean`.
    """

    items: Items
    nodes: Floats
    prior: Floats
    likelihood: Floats
    moments: Floats
    curves: Floats
    categories: tuple[int, ...]
    mean: float
    sd: float

    @classmethod
    def of(
        cls, items: Items, *, mean: float = 0.0, sd: float = 1.0, nodes: npt.ArrayLike | None = None
    ) -> AdaptivePool:
        """The pool of these items for trainees with ability N(mean, sd^2).

        >>> AdaptivePool.of(Items.of("2pl", b=[0.0, 1.0])).likelihood.shape
        (2, 2, 121)
        """
        if not len(items):
            raise ValueError("AdaptivePool: no items")
        points = irt.normal_grid(mean, sd) if nodes is None else np.asarray(nodes, dtype=np.float64)
        likelihood = np.ascontiguousarray(np.moveaxis(irt.probabilities(items, points), 0, 2))
        scale = mean + sd * (np.arange(-1, 2 * round(REACH / STEP) + 2) * STEP - REACH)
        blocks = (np.arange(start, min(start + ITEM_BLOCK, len(items))) for start in range(0, len(items), ITEM_BLOCK))
        curves = np.ascontiguousarray(np.concatenate([irt.information(items.take(at), scale).T for at in blocks]))
        moments = np.stack([np.ones_like(points), points, points**2])
        categories = tuple(items.categories.tolist())
        return cls(
            items, points, irt.normal_weights(points, mean, sd), likelihood, moments, curves, categories, mean, sd
        )

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def ceilings(self) -> tuple[Indices, Floats]:
        """For each cell of the scale the items by falling ceiling, and the ceilings of their information, (C, J)."""
        cells = (self.curves.shape[1] - 3) // PER_CELL
        at = 1 + PER_CELL * np.arange(cells)[:, None] + np.arange(PER_CELL + 1)
        highest = MARGIN * self.curves[:, at].max(axis=2).T
        order = np.argsort(-highest, axis=1, kind="stable")
        return order, np.take_along_axis(highest, order, axis=1)

    def information(self, items: npt.ArrayLike, theta: float) -> Floats:
        """Information of items (n,) at one theta, by cubic interpolation of the curves.

        It is within 2e-6 / sd^2 of `irt.information` for slopes of at most 3 / sd.
        """
        chosen = np.asarray(items, dtype=np.intp)
        z = (theta - self.mean) / self.sd
        if not abs(z) < REACH:
            return np.asarray(irt.information(self.items.take(chosen), [theta])[0], dtype=np.float64)
        place = (z + REACH) / STEP
        left = int(place)
        return np.asarray(self.curves[chosen, left : left + 4] @ cubic(place - left), dtype=np.float64)

    def best(
        self, theta: float, open_items: Mask, count: int = 1, area: Indices | None = None, wanted: Mask | None = None
    ) -> Indices:
        """The `count` open items of most information at theta, most first, ties by position; fewer if few are open.

        With `wanted` (A,) only items whose `area` (J,) is wanted count.
        """
        z = (theta - self.mean) / self.sd
        if not abs(z) < REACH:
            return self._best_of(_open(np.arange(len(self)), open_items, area, wanted), theta, count)[0]
        cell = int((z + REACH) / (STEP * PER_CELL))
        order, ceiling = self.ceilings
        found = np.zeros(0, dtype=np.intp)
        least = -1.0
        for start in range(0, len(self), BLOCK):
            if ceiling[cell, start] < least:
                break
            block = _open(order[cell, start : start + BLOCK], open_items, area, wanted)
            if block.size:
                found, value = self._best_of(np.concatenate([found, block]) if found.size else block, theta, count)
                least = value if found.size == count else -1.0
        return found

    def _best_of(self, items: Indices, theta: float, count: int) -> tuple[Indices, float]:
        """The best `count` of these items, and the information of the last of them."""
        items = np.sort(items)
        value = self.information(items, theta)
        if count == 1 and items.size:
            at = int(value.argmax())
            return items[at : at + 1], float(value[at])
        best = np.argsort(-value, kind="stable")[:count]
        return items[best], float(value[best[-1]]) if best.size else 0.0

    def best_each(self, theta: Floats, open_items: Mask, count: int = 1) -> tuple[Indices, Floats]:
        """`best` for n people at once: items (n, count), -1 for none, and the information of the first, (n,).

        `theta` is (n,) and `open_items` (n, J). Abilities beyond REACH standard deviations count as there.
        """
        found, value = np.full((theta.size, count), -1), np.full(theta.size, -1.0)
        rows, width = np.arange(theta.size), max(FIRST_WIDTH, 4 * count)
        near = np.clip((theta - self.mean) / self.sd, -REACH + 1e-9, REACH - 1e-9)
        cell = ((near + REACH) / (STEP * PER_CELL)).astype(np.intp)
        order, ceiling = self.ceilings
        while rows.size:
            width = min(width, len(self))
            items = order[cell[rows], :width]
            held = np.where(open_items[rows[:, None], items], self._information_each(items, near[rows]), -1.0)
            at = np.lexsort((items, -held), axis=1)[:, :count] if count > 1 else _first(items, held)
            best, level = np.take_along_axis(items, at, axis=1), np.take_along_axis(held, at, axis=1)
            found[rows, : at.shape[1]], value[rows] = np.where(level >= 0, best, -1), level[:, 0]
            following = ceiling[cell[rows], min(width, len(self) - 1)]
            rows = rows[(following >= level[:, -1]) & (width < len(self))]
            width *= 4
        return found, value

    def _information_each(self, items: Indices, z: Floats) -> Floats:
        """Information of items (n, w) at each person's standard ability (n,), from the curves of a single step."""
        place = (z + REACH) / STEP
        left = place.astype(np.intp)
        weights = cubic(place - left)[:, :, None]
        first = items * self.curves.shape[1] + left[:, None]
        flat = self.curves.reshape(-1)
        value = weights[0] * flat[first]
        for shift in range(1, 4):
            value += weights[shift] * flat[first + shift]
        return np.asarray(value, dtype=np.float64)


def _first(items: Indices, value: Floats) -> Indices:
    """Column (n, 1) of the greatest value, ties by item."""
    tied = np.where(value == value.max(axis=1, keepdims=True), items, np.iinfo(np.intp).max)
    return np.asarray(tied.argmin(axis=1)[:, None], dtype=np.intp)


def _open(items: Indices, open_items: Mask, area: Indices | None, wanted: Mask | None) -> Indices:
    items = items[open_items[items]]
    return items if wanted is None or area is None else items[wanted[area[items]]]


def cubic(fraction: float | Floats) -> Floats:
    """Weights (4, ...) of the points -1, 0, 1, 2 in Lagrange's cubic at a `fraction` of any shape, between 0 and 1.

    Source: Abramowitz & Stegun (1964, 25.2.13).

    >>> cubic(0.5).tolist()
    [-0.0625, 0.5625, 0.5625, -0.0625]
    """
    f = fraction
    return np.array(
        [
            -f * (f - 1) * (f - 2) / 6,
            (f + 1) * (f - 1) * (f - 2) / 2,
            -(f + 1) * f * (f - 2) / 2,
            (f + 1) * f * (f - 1) / 6,
        ]
    )
