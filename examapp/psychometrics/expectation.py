"""The E-step: expected numbers of people at each ability and in each category, as a sum over blocks of people.

For person i with responses x_i and nodes theta_q of prior weight w_q, the posterior weight is

    p_iq = w_q prod_j P_j(x_ij | theta_q) / sum_r w_r prod_j P_j(x_ij | theta_r)         (Bock & Aitkin 1981)

Scores are turned into indicator columns, so both the log-likelihood and the counts are matrix products: one
column for each category above 0 and, if anything is missing, one for "seen".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.irt import Indices
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import Codes, person_blocks

ROWS = 1024
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
    """The indicator columns of J items: `item` and `category` (C,) of each, and whether "seen" columns follow."""

    categories: Indices
    item: Indices
    category: Indices
    missing: bool

    @classmethod
    def of(cls, categories: Indices, missing: bool) -> Columns:
        """Columns ordered by category, then item.

        >>> Columns.of(np.array([2, 3]), False).item.tolist()
        [0, 1, 1]
        """
        top = int(categories.max(initial=2))
        pairs = [(j, k) for k in range(1, top) for j in np.flatnonzero(categories > k).tolist()]
        item, category = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
        return cls(categories, item, category, missing)

    @property
    def width(self) -> int:
        """How many columns there are with the "seen" ones."""
        return int(self.item.size + self.categories.size * self.missing)

    def indicators(self, scores: Codes, dtype: npt.DTypeLike, out: Real | None = None) -> Real:
        """Indicator columns (n, C), or (n, C + J) with the "seen" ones; written into `out` if given."""
        items = scores.shape[1]
        out = np.empty((len(scores), self.width), dtype=dtype) if out is None else out
        if self.item.size == items and not self.missing:
            out[...] = scores
            return out
        start = 0
        while start < self.item.size:
            k = self.category[start]
            stop = start + int((self.category == k).sum())
            has = self.item[start:stop]
            np.equal(scores if has.size == items else scores[:, has], k, out=out[:, start:stop])
            start = stop
        if self.missing:
            np.greater_equal(scores, 0, out=out[:, start:])
        return out


@dataclass(frozen=True)
class Table:
    """What a block needs for one group: log-likelihood by column (Q, C), and the rest of it (Q,).

    In single precision, `rounded` (Q,) and `lost` (Q, C) hold what rounding took from the two: the same error for
    everybody would add up over the people, so it is given back.
    """

    by_column: Real
    constant: Real
    rounded: Real | None = None
    lost: Floats | None = None

    @classmethod
    def of(cls, by_column: Floats, constant: Floats, dtype: npt.DTypeLike) -> Table:
        """The table in the wanted precision."""
        if dtype == np.float64:
            return cls(by_column, constant)
        single, rest = by_column.astype(dtype), constant.astype(dtype)
        return cls(single, rest, (constant - rest).astype(dtype), by_column - single)


@dataclass(frozen=True)
class Sums:
    """Sums over people: counts (G, Q, C), posterior weight (G, Q), log-likelihood."""

    counts: Floats
    people: Floats
    log_likelihood: float

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.counts + other.counts, self.people + other.people, self.log_likelihood + other.log_likelihood)


def tables(columns: Columns, logs: list[Floats], weights: Floats, dtype: npt.DTypeLike) -> list[Table]:
    """One table per group from log P (Q, J, K) of each group and its prior weights (G, Q).

    >>> half = np.log(np.full((1, 1, 2), 0.5))
    >>> tables(Columns.of(np.array([2]), False), [half], np.ones((1, 1)), np.float64)[0].constant.round(3).tolist()
    [-0.693]
    """
    out = []
    for log_p, weight in zip(logs, weights, strict=True):
        base = log_p[:, :, 0]
        upper = log_p[:, columns.item, columns.category] - base[:, columns.item]
        with np.errstate(divide="ignore"):
            constant = np.maximum(np.log(weight), -1e4)
        if columns.missing:
            upper = np.concatenate([upper, base], axis=1)
        else:
            constant = constant + base.sum(axis=1)
        out.append(Table.of(upper, constant, dtype))
    return out


def posterior(block_rows: Real, table: Table, out: Real | None = None) -> tuple[Real, Floats]:
    """Posterior weights (Q, n) of indicator rows (n, C), in `out` if given, and the log-likelihood (n,) of each.

    >>> table = Table(np.log(np.array([[1.0], [3.0]])), np.log(np.array([0.5, 0.5])))
    >>> posterior(np.array([[1.0]]), table)[0].round(3).tolist()
    [[0.25], [0.75]]
    """
    joint = np.matmul(table.by_column, block_rows.T, out=out)
    joint += table.constant[:, None]
    top = joint.max(axis=0)
    joint -= top
    if table.rounded is not None:
        joint += table.rounded[:, None]
    np.exp(joint, out=joint)
    total = np.ones(len(joint), dtype=joint.dtype) @ joint
    joint *= 1 / total
    return joint, top.astype(np.float64) + np.log(total.astype(np.float64))


def block_sums(block: Block, columns: Columns, by_group: list[Table]) -> Sums:
    """The E-step of one block of people; a plain function of its arguments, so it can run anywhere.

    >>> table = Table(np.log(np.array([[1.0], [3.0]])), np.log(np.array([0.5, 0.5])))
    >>> block = Block(np.array([[1], [1]], dtype=np.int8))
    >>> block_sums(block, Columns.of(np.array([2]), False), [table]).people.round(3).tolist()
    [[0.5, 1.5]]
    """
    table = by_group[block.group]
    nodes, width = table.by_column.shape
    counts, people, total = np.zeros((nodes, width)), np.zeros(nodes), 0.0
    size, dtype = min(ROWS, len(block.scores)), table.by_column.dtype
    ones, room = np.ones(size, dtype), (np.empty((size, width), dtype), np.empty(nodes * size, dtype))
    for rows in person_blocks(len(block.scores), ROWS):
        count = len(block.scores[rows])
        shown = columns.indicators(block.scores[rows], dtype, room[0][:count])
        weights, log_likelihood = posterior(shown, table, room[1][: nodes * count].reshape(nodes, count))
        if block.weight is not None:
            weights *= block.weight[rows].astype(weights.dtype)
            log_likelihood = log_likelihood * block.weight[rows]
        counts += weights @ shown
        people += weights @ ones[:count]
        total += float(log_likelihood.sum())
    if table.lost is not None:
        total += float((counts * table.lost).sum())
    groups = len(by_group)
    out = Sums(np.zeros((groups, nodes, width)), np.zeros((groups, nodes)), total)
    out.counts[block.group], out.people[block.group] = counts, people
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

    >>> table = Table(np.zeros((1, 1)), np.zeros(1))
    >>> sums_of([Block(np.array([[1]], dtype=np.int8))] * 2, Columns.of(np.array([2]), False), [table]).people.tolist()
    [[2.0]]
    """
    return add_up(block_sums(block, columns, by_group) for block in blocks)


def category_counts(sums: Sums, columns: Columns) -> Floats:
    """Expected counts (J, K, G * Q): people of each group at each of its nodes in each category of each item.

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
    out[:, 0] = np.maximum(seen - out[:, 1:].sum(axis=1), 0.0)
    return out
