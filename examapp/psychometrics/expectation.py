"""The E-step: expected numbers of people at each ability and in each category, as a sum over blocks of people.

For person i with responses x_i and nodes theta_q of prior weight w_q, the posterior weight is

    p_iq = w_q prod_j P_j(x_ij | theta_q) / sum_r w_r prod_j P_j(x_ij | theta_r)         (Bock & Aitkin 1981)

Scores are turned into indicator columns, so both the log-likelihood and the counts are matrix products: one
column for each category above 0 and, if anything is missing, one for "seen". Where log P_k / P_0 is a straight line
in theta (all models but the graded one and those with asymptotes), much less will do: the line of a person is the sum
of those of the categories, and all that the M-step can learn of people in a category is their number and their mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.irt import Indices
from examapp.psychometrics.response_models import TINY, Floats
from examapp.psychometrics.responses import Codes, person_blocks

ROWS = 2048
Real = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Block:
    """Scores (n, J) of people of one group, -1 where unseen, and their weights (n,) if they are not all 1."""

    scores: Codes
    group: int = 0
    weight: Floats | None = None

    @property
    def size(self) -> float:
        """How many people it stands for."""
        return float(len(self.scores)) if self.weight is None else float(self.weight.sum())


@dataclass(frozen=True)
class Columns:
    """The indicator columns of J items: `item` and `category` (C,) of each, and whether "seen" columns follow.

    `straight` says that each category's log-odds against category 0 are a straight line in theta.
    """

    categories: Indices
    item: Indices
    category: Indices
    missing: bool
    straight: bool = False

    @classmethod
    def of(cls, categories: Indices, missing: bool, straight: bool = False) -> Columns:
        """Columns ordered by category, then item.

        >>> Columns.of(np.array([2, 3]), False).item.tolist()
        [0, 1, 1]
        """
        top = int(categories.max(initial=2))
        pairs = [(j, k) for k in range(1, top) for j in np.flatnonzero(categories > k).tolist()]
        item, category = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
        return cls(categories, item, category, missing, straight)

    @property
    def width(self) -> int:
        """How many columns there are with the "seen" ones."""
        return int(self.item.size + self.categories.size * self.missing)

    def room(self, people: int, dtype: npt.DTypeLike) -> Real:
        """Rows (people, W) to fill: indicator columns, before the "seen" ones two for a line, at the end two of 1."""
        return np.ones((people, self.width + 2 * self.straight + 2), dtype=dtype)

    def indicators(self, scores: Codes, out: Real) -> Real:
        """The indicator columns of scores (n, J), in as many rows of a room."""
        out, items, start = out[: len(scores)], scores.shape[1], 0
        if self.item.size == items and not self.missing:
            out[:, :items] = scores
            return out
        while start < self.item.size:
            k = self.category[start]
            stop = start + int((self.category == k).sum())
            has = self.item[start:stop]
            np.equal(scores if has.size == items else scores[:, has], k, out=out[:, start:stop])
            start = stop
        if self.missing:
            np.greater_equal(scores, 0, out=out[:, -2 - items : -2])
        return out


@dataclass(frozen=True)
class Table:
    """What a block needs for one group: what each column of a row adds to the log of prior times likelihood, (W, Q).

    Straight columns are not among them but in `lines` (U, 2), height and slope along the nodes; those of a person take
    the first two rows of `by_column`, which hold 1 and the places of the nodes. Its last two rows are what is left and,
    in single precision, what rounding took of that; `lost` (Q, C) is what rounding took of the columns. The same error
    for everybody would add up over the people, so it is given back.
    """

    by_column: Real
    lines: Real | None = None
    lost: Floats | None = None

    @classmethod
    def of(cls, by_column: Floats, rest: Floats, dtype: npt.DTypeLike) -> Table:
        """The table in the wanted precision from columns (Q, C) and the rest (Q,)."""
        short, left = by_column.astype(dtype), rest.astype(dtype)
        whole = np.concatenate([short.T, left[None], (rest - left)[None].astype(dtype)])
        return cls(whole, None, None if dtype == np.float64 else by_column - short)

    @classmethod
    def straight(cls, by_column: Floats, rest: Floats, dtype: npt.DTypeLike, lines: int, theta: Floats) -> Table:
        """The same, the first columns being straight lines in theta (Q,)."""
        place = (theta - theta.mean()) / ((theta[1:2] - theta[:1]).sum() or 1.0)
        rise = (by_column[-1, :lines] - by_column[0, :lines]) / ((place[-1] - place[0]) or 1.0)
        exact = np.stack([by_column[0, :lines] - rise * place[0], rise], axis=1)
        along, short = np.stack([np.ones_like(place), place]), exact.astype(dtype)
        others = cls.of(by_column[:, lines:], rest, dtype)
        whole, lost = np.concatenate([along, others.by_column]).astype(dtype), others.lost
        if lost is not None:
            lost = np.concatenate([((exact - short) @ along).T, lost], axis=1)
        return cls(whole, short, lost)

    def joint(self, rows: Real, out: Real | None = None) -> Real:
        """log of prior times likelihood (n, Q) of rows (n, W), in `out` if given; a person's line is written there."""
        if self.lines is not None:
            straight = len(self.lines)
            rows[:, straight : straight + 2] = rows[:, :straight] @ self.lines
            rows = rows[:, straight:]
        return np.matmul(rows, self.by_column, out=out)


@dataclass(frozen=True)
class Sums:
    """Sums over people: counts (G, Q, C), posterior weight (G, Q), log-likelihood."""

    counts: Floats
    people: Floats
    log_likelihood: float

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.counts + other.counts, self.people + other.people, self.log_likelihood + other.log_likelihood)


def tables(columns: Columns, logs: list[Floats], weights: Floats, dtype: npt.DTypeLike, theta: Floats) -> list[Table]:
    """One table per group from log P (Q, J, K) of each group, its prior weights (G, Q) and its nodes theta (G, Q).

    `logs` (Q, J, K) are those of each group in turn.

    >>> half = np.log(np.full((1, 1, 2), 0.5))
    >>> columns, nodes = Columns.of(np.array([2]), False), np.zeros((1, 1))
    >>> tables(columns, [half], np.ones((1, 1)), np.float64, nodes)[0].by_column.round(3).tolist()
    [[0.0], [-0.693], [0.0]]
    """
    out = []
    for log_p, weight, nodes in zip(logs, weights, theta, strict=True):
        base = log_p[:, :, 0]
        upper = log_p[:, columns.item, columns.category] - base[:, columns.item]
        with np.errstate(divide="ignore"):
            rest = np.maximum(np.log(weight), -1e4)
        if columns.missing:
            upper = np.concatenate([upper, base], axis=1)
        else:
            rest = rest + base.sum(axis=1)
        straight = columns.straight and (columns.item.size, nodes)
        out.append(Table.straight(upper, rest, dtype, *straight) if straight else Table.of(upper, rest, dtype))
    return out


def posterior(rows: Real, table: Table, out: Real | None = None) -> tuple[Real, Floats]:
    """Posterior weights (n, Q) of rows (n, W), in `out` if given, and the log-likelihood (n,) of each.

    >>> table = Table.of(np.log(np.array([[1.0], [3.0]])), np.log(np.array([0.5, 0.5])), np.float64)
    >>> posterior(np.array([[1.0, 1.0, 1.0]]), table)[0].round(3).tolist()
    [[0.25, 0.75]]
    """
    joint = table.joint(rows, out)
    top = _height(joint)
    total = _raised(joint, top)
    if not np.isfinite(total).all():
        joint = table.joint(rows, joint)
        top = joint.max(axis=1)
        total = _raised(joint, top)
    joint *= (1 / total)[:, None]
    return joint, top.astype(np.float64) + np.log(total)


def _height(joint: Real) -> Real:
    """The largest of every eighth column, (n,): near enough to that of all, unless posteriors are very narrow."""
    first = min(4, joint.shape[1] // 2)
    top: Real = joint[:, first].copy()
    for node in range(first + 8, joint.shape[1], 8):
        np.maximum(top, joint[:, node], out=top)
    return top


def _raised(joint: Real, top: Real) -> Real:
    """exp(joint - top) in place of joint (n, Q), and its sums, infinite where it does not fit, (n,)."""
    joint -= top[:, None]
    with np.errstate(over="ignore"):
        np.exp(joint, out=joint)
    return np.asarray(joint @ np.ones(joint.shape[1], dtype=joint.dtype))


def block_sums(block: Block, columns: Columns, by_group: list[Table]) -> Sums:
    """The E-step of one block of people; a plain function of its arguments, so it can run anywhere.

    >>> table = Table.of(np.log(np.array([[1.0], [3.0]])), np.log(np.array([0.5, 0.5])), np.float64)
    >>> block = Block(np.array([[1], [1]], dtype=np.int8))
    >>> block_sums(block, Columns.of(np.array([2]), False), [table]).people.round(3).tolist()
    [[0.5, 1.5]]
    """
    table = by_group[block.group]
    straight, nodes = 0 if table.lines is None else len(table.lines), table.by_column.shape[1]
    products, moments, total = np.zeros(table.by_column.shape), np.zeros((straight, 2)), 0.0
    size, dtype = min(ROWS, len(block.scores)), table.by_column.dtype
    room, space = columns.room(size, dtype), np.empty((size, nodes), dtype)
    for rows in person_blocks(len(block.scores), ROWS):
        shown = columns.indicators(block.scores[rows], room)
        weights, log_likelihood = posterior(shown, table, space[: len(shown)])
        if block.weight is not None:
            weights *= block.weight[rows].astype(dtype)[:, None]
            log_likelihood = log_likelihood * block.weight[rows]
        products += shown[:, straight:].T @ weights
        if straight:
            moments += shown[:, :straight].T @ (weights @ table.by_column[:2].T)
        total += float(log_likelihood.sum())
    products *= block.size / max(float(products[-2].sum()), TINY)  # sums in single precision drop what is very small
    counts = products[2:-2] if straight else products[:-2]
    if straight:
        counts = np.concatenate([_at_two_nodes(moments, table.by_column[1]), counts])
    if table.lost is not None:
        total += float((counts.T * table.lost).sum())
    groups = len(by_group)
    out = Sums(np.zeros((groups, nodes, columns.width)), np.zeros((groups, nodes)), total)
    out.counts[block.group], out.people[block.group] = counts.T, products[-2]
    return out


def _at_two_nodes(moments: Floats, place: Real) -> Floats:
    """People (U, Q), all of them at two nodes, so that their numbers and sums of places (U, 2) are those given."""
    out = np.zeros((len(moments), place.size))
    low = place.size // 4
    high = place.size - 1 - low
    out[:, high] = (moments[:, 1] - moments[:, 0] * place[low]) / ((place[high] - place[low]) or 1.0)
    out[:, low] = moments[:, 0] - out[:, high]
    return out


def add_up(parts: Iterable[Sums]) -> Sums:
    """The total of the blocks' sums, in their order: the same on one machine and on many.

    >>> part = Sums(np.zeros((1, 1, 1)), np.ones((1, 1)), -2.0)
    >>> add_up([part, part]).log_likelihood
    -4.0
    """
    return reduce(Sums.__add__, parts)


def sums_of(blocks: Iterable[Block], columns: Columns, by_group: list[Table]) -> Sums:
    """The E-step of all blocks, one after the other.

    >>> table = Table.of(np.zeros((1, 1)), np.zeros(1), np.float64)
    >>> sums_of([Block(np.array([[1]], dtype=np.int8))] * 2, Columns.of(np.array([2]), False), [table]).people.tolist()
    [[2.0]]
    """
    return add_up(block_sums(block, columns, by_group) for block in blocks)


def category_counts(sums: Sums, columns: Columns) -> Floats:
    """Expected counts (J, K, G * Q): people of each group at each of its nodes in each category of each item.

    Where the columns are straight, people stand at two nodes that give the same sums of any straight line; those in
    category 0 make up for them, so that everybody is where they should be, though a single count may be negative.

    >>> sums = Sums(np.array([[[2.0]]]), np.array([[5.0]]), 0.0)
    >>> category_counts(sums, Columns.of(np.array([2]), False)).ravel().tolist()
    [3.0, 2.0]
    """
    groups, nodes = sums.people.shape
    items, width = columns.categories.size, int(columns.categories.max(initial=2))
    flat = sums.counts.transpose(2, 0, 1).reshape(-1, groups * nodes)
    out = np.zeros((items, width, groups * nodes))
    out[columns.item, columns.category] = flat[: columns.item.size]
    seen = flat[columns.item.size :] if columns.missing else sums.people.reshape(1, -1)
    out[:, 0] = seen - out[:, 1:].sum(axis=1)
    if not columns.straight:
        np.maximum(out[:, 0], 0.0, out=out[:, 0])
    return out
