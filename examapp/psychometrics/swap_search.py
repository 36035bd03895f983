"""Dealing a pool out to parallel forms, and exchanging items until every form is where it should be.

A local search: the worst form gives up one item for the one, unused or of another form, that leaves the worse of the
two forms best off. Broken demands weigh more than any deviation, so the search repairs first and balances then. At a
local optimum a few random exchanges shake the best forms found (Lourenco, Martin & Stutzle 2003).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from time import monotonic

import numpy as np

from examapp.psychometrics.constraints import SLACK, Demands, Mask
from examapp.psychometrics.irt import Indices
from examapp.psychometrics.response_models import Floats

WEIGHT = 1e9
SMALL_BREAK = 1e-3
SMALL = 1e-9
SHAKES = 3
FEW = 4


@dataclass(frozen=True)
class Goal:
    """Relative information (Q,) of each form should lie between `low` and `high`, give or take `close`."""

    low: Floats
    high: Floats
    close: float


def search(
    demands: Demands,
    sizes: Floats,
    share: Floats,
    goal: Goal,
    start: Mask,
    rng: np.random.Generator,
    *,
    steps: int = 2_000,
    ends: float = np.inf,
) -> Mask:
    """The best forms (F, J) found from a `start` (F, J); they may still break demands.

    `share` (J, Q) is each item's relative information, `sizes` (J,) how many items stand behind each position. The
    search looks at no more than `steps` forms, and stops at the instant `ends`.

    >>> one = Demands.of(2, [], forms=2, max_use=1)
    >>> goal = Goal(np.ones(1), np.ones(1), 0.01)
    >>> start = np.array([[True, True], [False, False]])
    >>> search(one, np.ones(2), np.ones((2, 1)), goal, start, np.random.default_rng(1)).sum(axis=1).tolist()
    [1, 1]
    """
    table = _Table(demands, sizes, share, goal, start)
    best, best_key = table.x.copy(), table.key()
    while steps > 0 and best_key > goal.close and monotonic() < ends:
        steps -= _descend(table)
        if table.key() < best_key - SMALL:
            best, best_key = table.x.copy(), table.key()
        elif table.key() > best_key:
            table.place(best)
        for _ in range(SHAKES):
            _shake(table, rng)
    return best[:, :-1]


def _descend(table: _Table) -> int:
    """Exchange while the worst form improves; the number of forms looked at."""
    looked = 0
    while table.key() > table.goal.close:
        looked += 1
        form = table.worst()
        exchange = table.best(form, np.append(np.flatnonzero(table.x[form]), table.blank))
        if exchange is None:
            break
        table.exchange(form, *exchange)
    return max(looked, 1)


def _shake(table: _Table, rng: np.random.Generator) -> None:
    """One random exchange that breaks nothing more."""
    form = int(rng.integers(len(table.x)))
    held = rng.choice(np.append(np.flatnonzero(table.x[form]), table.blank), 1)
    key, other, taken = table.unused(form, held) if rng.random() < 0.5 else table.others(form, held)
    harmless = np.flatnonzero(key[0] < WEIGHT * SMALL_BREAK)
    if harmless.size:
        at = int(rng.choice(harmless))
        table.exchange(form, int(held[0]), int(other[at]), int(taken[at]))


class _Table:
    """The forms lying on the table, with the sums that judge them.

    One position more than there are items stands for "nothing", so that giving up, taking and moving an item are
    exchanges too.
    """

    def __init__(self, demands: Demands, sizes: Floats, share: Floats, goal: Goal, selected: Mask) -> None:
        self.demands, self.goal, self.blank = demands, goal, demands.items
        self.share = np.vstack([share, np.zeros(share.shape[1])])
        self.sizes = np.append(sizes, 0.0)
        columns = np.vstack([demands.matrix.T, np.zeros(len(demands.constraints))])
        few = np.array([np.unique(row).size <= FEW for row in columns.T], dtype=bool)
        self.counted, self.weighed = np.flatnonzero(few), np.flatnonzero(~few)
        self.kinds, kind = np.unique(columns[:, self.counted], axis=0, return_inverse=True)
        self.kind = kind.ravel()
        self.columns = columns
        self.price = (columns != 0).sum(axis=0) / np.maximum(np.abs(columns).sum(axis=0), SMALL)
        self.low, self.high = demands.lower - SLACK, demands.upper + SLACK
        self.foes = _foes(demands)
        self.most = 1 if demands.max_overlap == 0 else min(demands.max_use or demands.forms, demands.forms)
        self.cap = np.inf if demands.max_overlap is None else float(demands.max_overlap)
        self.place(np.column_stack([selected, np.zeros(len(selected), dtype=bool)]))

    def place(self, x: Mask) -> None:
        """Put these forms on the table."""
        self.x = x.copy()
        chosen = x.astype(np.float64)
        self.sums, self.level = chosen @ self.columns, chosen @ self.share
        self.near = np.zeros(x.shape)
        for form, item in zip(*np.nonzero(x), strict=True):
            self.near[form, self.foes[item]] += 1.0
        self.shared = (chosen * self.sizes) @ chosen.T
        np.fill_diagonal(self.shared, -np.inf)
        self._judge()

    def exchange(self, form: int, item: int, other: int, taken: int) -> None:
        """Form gives up item for `taken`, which comes from `other` (-1: from the unused)."""
        self._move(form, item, taken)
        if other >= 0:
            self._move(other, taken, item)
        self._judge()

    def key(self) -> float:
        """How bad the worst form is: broken demands of all forms first, then its deviation."""
        return float(WEIGHT * self.broken.sum() + self.off.max())

    def worst(self) -> int:
        """The form with most broken demands, or else the farthest off."""
        return int((WEIGHT * self.broken + self.off).argmax())

    def best(self, form: int, held: Indices) -> tuple[int, int, int] | None:
        """The exchange that leaves the worse of its two forms best off, if it improves the form at all.

        Other forms are asked where the unused items do not already halve the distance.
        """
        found, least = None, -SMALL
        for offers in (self.unused, self.others):
            key, other, taken = offers(form, held)
            if key.size and key.min() < least:
                at, to = np.unravel_index(int(key.argmin()), key.shape)
                found, least = (int(held[at]), int(other[to]), int(taken[to])), float(key[at, to])
            if least < -self.strain[form] * 0.875:
                break
        return found

    def unused(self, form: int, held: Indices) -> tuple[Floats, Indices, Indices]:
        """How bad the form is with each unused item (columns) for each that it holds (rows)."""
        free = ~self.x[form] & (self.uses < self.most) & self.allowed
        taken = np.flatnonzero(free)
        mine = self._strain_after(self.level[form, :, None], held, taken, 1.0) - self.strain[form]
        broken = self._taking(form, held, taken) + self._overlap(form, held, taken)
        return WEIGHT * broken + mine, np.full(taken.size, -1), taken

    def others(self, form: int, held: Indices) -> tuple[Floats, Indices, Indices]:
        """How bad the worse of two forms is when another gives an item (columns) for one held (rows)."""
        other, taken = self.members
        fits = (other != form) & ~self.x[form, taken]
        other, taken = other[fits], taken[fits]
        mine = self._strain_after(self.level[form, :, None], held, taken, 1.0) - self.strain[form]
        theirs = self._strain_after(self.level[other].T, held, taken, -1.0) - self.strain[other]
        broken = self._taking(form, held, taken) + self._giving(held, other, taken)
        broken += self._exchanged_overlap(form, held, other, taken)
        broken[self.x[other[None, :], held[:, None]]] = np.inf
        return WEIGHT * broken + mine + theirs, other, taken

    def _taking(self, form: int, held: Indices, taken: Indices) -> Floats:
        """Change of what the form breaks when it gives up held (rows) for taken (columns)."""
        change = self._change(np.full(taken.size, form), held, taken, 1.0)
        near = self.near[form]
        return np.asarray(change + near[taken] - near[held, None] - self._are_foes(held, taken), dtype=np.float64)

    def _giving(self, held: Indices, other: Indices, taken: Indices) -> Floats:
        """Change of what the other forms break when they get held (rows) for taken (columns)."""
        change = self._change(other, held, taken, -1.0)
        near = self.near[other, held[:, None]] - self.near[other, taken]
        return np.asarray(change + near - self._are_foes(held, taken), dtype=np.float64)

    def _change(self, forms: Indices, held: Indices, taken: Indices, sign: float) -> Floats:
        """Change of what forms (columns) break when sums move by sign * (taken - held); counts only once a kind."""
        out, row = np.unique(self.kind[held], return_inverse=True)
        pairs, column = np.unique(forms * len(self.kinds) + self.kind[taken], return_inverse=True)
        form, into = np.divmod(pairs, len(self.kinds))
        before = self.sums[:, self.counted]
        after = self._broken(before[form] + sign * (self.kinds[into] - self.kinds[out, None]), self.counted)
        change = (after - self._broken(before, self.counted)[form])[np.ix_(row.ravel(), column.ravel())]
        for one in self.weighed:
            rows, weight, sums = [int(one)], self.columns[:, one], self.sums[forms, one]
            after = sums + sign * (weight[taken] - weight[held, None])
            change += self._broken(after[..., None], rows) - self._broken(sums[:, None], rows)
        return np.asarray(change, dtype=np.float64)

    def _are_foes(self, held: Indices, taken: Indices) -> Floats:
        """1 where held (rows) and taken (columns) are enemies."""
        foes, mark = np.zeros((held.size, taken.size)), np.zeros(self.blank + 1)
        for row, item in enumerate(held.tolist()):
            if self.foes[item].size:
                mark[self.foes[item]] = 1.0
                foes[row] = mark[taken]
                mark[self.foes[item]] = 0.0
        return foes

    def _overlap(self, form: int, held: Indices, taken: Indices) -> Floats | float:
        """Change of the excess overlap when the form gives up held (rows) for unused items (columns)."""
        if np.isinf(self.cap):
            return 0.0
        total = np.zeros((held.size, taken.size))
        for shared, has in zip(self.shared[form], self.x, strict=True):
            change = has[taken] * self.sizes[taken] - (has[held] * self.sizes[held])[:, None]
            total += np.maximum(shared + change - self.cap, 0.0)
        return np.asarray(total - self.excess[form])

    def _exchanged_overlap(self, form: int, held: Indices, other: Indices, taken: Indices) -> Floats | float:
        """The same when the other forms exchange; what the two forms share with each other stays."""
        if np.isinf(self.cap):
            return 0.0
        total = np.zeros((held.size, taken.size))
        for third, has in enumerate(self.x):
            change = has[taken] * self.sizes[taken] - (has[held] * self.sizes[held])[:, None]
            for mine, sign in ((np.full(other.size, form), 1.0), (other, -1.0)):
                shared = self.shared[mine, third]
                excess = np.maximum(shared + sign * change - self.cap, 0.0) - np.maximum(shared - self.cap, 0.0)
                total += np.where((other == third) | (third == form), 0.0, excess)
        return total

    def _off(self, level: Floats) -> Floats:
        """The largest distance from the goal at any point, (...)."""
        far = np.maximum(level - self.goal.high, self.goal.low - level)
        return np.asarray(far.max(axis=-1, initial=0.0), dtype=np.float64)

    def _strain(self, point: int, level: Floats) -> Floats:
        """The cubed distance from the goal at one point, in units of `close`: what is farthest counts most."""
        far = np.maximum(level - self.goal.high[point], self.goal.low[point] - level)
        far = np.maximum(far, 0.0) / self.goal.close
        return np.asarray(far * far * far, dtype=np.float64)

    def _strain_after(self, level: Floats, held: Indices, taken: Indices, sign: float) -> Floats:
        """Strain of forms at `level` (Q, columns) that move by sign * (taken - held), (rows, columns)."""
        total = np.zeros((held.size, taken.size))
        for point, share in enumerate(self.share.T):
            total += self._strain(point, level[point] + sign * (share[taken] - share[held, None]))
        return total

    def _broken(self, sums: Floats, rows: Indices | list[int]) -> Floats:
        """How far the sums (..., m) of these constraints lie outside their limits, in typical weights, (...)."""
        low, high, price = self.low[rows], self.high[rows], self.price[rows]
        return np.asarray((np.maximum(low - sums, 0.0) + np.maximum(sums - high, 0.0)) @ price, dtype=np.float64)

    def _move(self, form: int, out: int, into: int) -> None:
        self.shared[form] += self.x[:, into] * self.sizes[into] - self.x[:, out] * self.sizes[out]
        self.shared[:, form] = self.shared[form]
        self.shared[form, form] = -np.inf
        self.x[form, out], self.x[form, into] = False, into != self.blank
        self.sums[form] += self.columns[into] - self.columns[out]
        self.level[form] += self.share[into] - self.share[out]
        self.near[form, self.foes[out]] -= 1.0
        self.near[form, self.foes[into]] += 1.0

    def _judge(self) -> None:
        foes = (self.near * self.x).sum(axis=1) / 2
        self.excess = np.maximum(self.shared - self.cap, 0.0).sum(axis=1) if np.isfinite(self.cap) else 0 * foes
        self.broken = self._broken(self.sums, np.arange(self.sums.shape[1])) + foes + self.excess / 2
        self.off, self.strain = self._off(self.level), np.zeros(len(self.x))
        for point, level in enumerate(self.level.T):
            self.strain += self._strain(point, level)
        self.uses = self.x.sum(axis=0)
        self.members = np.nonzero(self.x)
        self.allowed = np.append(self.demands.allowed, True)


def _foes(demands: Demands) -> list[Indices]:
    """The enemies of each item, and of nothing."""
    foes: list[set[int]] = [set() for _ in range(demands.items + 1)]
    for group in demands.enemies:
        for one, other in combinations(group, 2):
            foes[one].add(other)
            foes[other].add(one)
    return [np.array(sorted(some), dtype=np.intp) for some in foes]
