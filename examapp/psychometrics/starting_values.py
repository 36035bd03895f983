"""Where calibration begins: the category counts of each item, and items that roughly fit them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.expectation import Block
from examapp.psychometrics.irt import MODELS, Indices, Items
from examapp.psychometrics.polytomous_models import Graded, Nominal
from examapp.psychometrics.response_models import Dichotomous, Floats, ResponseModel

SPREAD = 1.2


@dataclass(frozen=True)
class Margins:
    """What one pass over the blocks finds: people by score (J, K), people, rows and groups."""

    counts: Floats
    people: float
    rows: int
    groups: int

    @property
    def missing(self) -> bool:
        """Whether somebody did not see everything."""
        return bool((self.counts.sum(axis=1) < self.people - 1e-9).any())


def margins(blocks: Iterable[Block]) -> Margins:
    """How many people gave each score to each item, and how many people, rows and groups there are.

    >>> margins([Block(np.array([[0, 1], [1, -1]], dtype=np.int8))]).counts.tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    total, people, rows, groups = np.zeros((0, 2)), 0.0, 0, 0
    for block in blocks:
        top = int(block.scores.max(initial=1)) + 1
        here = np.stack([_counted(block, k) for k in range(top)], axis=1)
        if total.shape[0] not in (0, here.shape[0]):
            raise ValueError(f"blocks: {total.shape[0]} items in one, {here.shape[0]} in another")
        width = max(top, total.shape[1])
        base = np.pad(total, ((0, here.shape[0] - total.shape[0]), (0, width - total.shape[1])))
        total, people = base + np.pad(here, ((0, 0), (0, width - top))), people + block.size
        rows, groups = rows + len(block.scores), max(groups, block.group + 1)
    return Margins(total, people, rows, groups)


def _counted(block: Block, k: int) -> Floats:
    """How many people gave score k to each item, (J,)."""
    given = block.scores == k
    if block.weight is not None:
        return np.asarray(block.weight @ given, dtype=np.float64)
    return np.asarray(np.add.reduce(given.view(np.uint8), axis=0, dtype=np.int32), dtype=np.float64)


def start_items(
    counts: Floats,
    names: Sequence[str],
    categories: npt.ArrayLike | None,
    anchors: Items | None,
    held: Indices,
    has_prior: bool,
) -> Items:
    """Items with slope 1 whose margins are those observed; anchored ones as they are given.

    `counts` (J, K) are those of `margins`, `categories` (J,) how many each item has, `held` (n,) the positions of
    anchored items.

    >>> counts = np.array([[50.0, 50.0]])
    >>> start_items(counts, ["2pl"], None, None, np.zeros(0, dtype=np.intp), False).a.tolist()
    [1.0]
    """
    given = None if categories is None else np.broadcast_to(np.asarray(categories, dtype=np.intp), (len(names),))
    sizes = [int(np.flatnonzero(own > 0).max(initial=1)) + 1 for own in counts] if given is None else given.tolist()
    held_at = set(held.tolist())
    width = max(2, counts.shape[1], *sizes) - 1
    a, c, d = np.ones(len(names)), np.zeros(len(names)), np.ones(len(names))
    b, slopes = np.full((2, len(names), width), np.nan)
    for item, (name, own, size) in enumerate(zip(names, counts, sizes, strict=True)):
        own = np.pad(own, (0, max(0, size - own.size)))
        if item not in held_at:
            _check(item, name, own, size, has_prior)
        model, share = MODELS[name], (own[:size] + 0.5) / (own[:size].sum() + 0.5 * size)
        c[item], d[item] = 0.2 if "lower" in model.free else 0.0, 0.95 if "upper" in model.free else 1.0
        b[item, : size - 1] = _thresholds(model, share, c[item], d[item])
        slopes[item, : size - 1] = 0.5 * np.arange(1.0, size) if isinstance(model, Nominal) else 1.0
    begin = Items(tuple(names), a, b, c, d, slopes)
    if anchors is None or not held_at:
        return begin
    return Items.concatenate([(anchors if j in held_at else begin).take([j]) for j in range(len(names))])


def _check(item: int, name: str, own: Floats, size: int, has_prior: bool) -> None:
    """Refuse what no estimate exists for."""
    if isinstance(MODELS[name], Dichotomous) and (size > 2 or (own[2:] > 0).any()):
        raise ValueError(f"calibrate: item {item}: model {name} has two categories, the data up to {size}")
    if (own[size:] > 0).any():
        raise ValueError(f"calibrate: item {item}: scores above its {size} categories")
    bare = own[:size] == 0
    if has_prior and isinstance(MODELS[name], Graded):
        bare[[0, -1]] = False  # a prior holds thresholds in place, but two of them meet around an empty category
    elif has_prior:
        bare[:] = False
    if own.sum() > 0 and bare.any():
        empty = int(np.flatnonzero(bare)[0])
        raise ValueError(
            f"calibrate: item {item}: nobody is in category {empty} of 0..{size - 1}; merge it with a neighbour, "
            "leave the item out, or give thresholds a prior"
        )


def _thresholds(model: ResponseModel, share: Floats, c: float, d: float) -> Floats:
    """Thresholds (K-1,) at which an item of slope 1 has about these shares of people in its categories."""
    if isinstance(model, Dichotomous):
        p = min(0.97, max(0.03, (float(share[1]) - c) / (d - c)))
        return np.array([-SPREAD * log(p / (1 - p))])
    if isinstance(model, Graded):
        above = share[::-1].cumsum()[::-1][1:]
        return np.asarray(-SPREAD * np.log(above / (1 - above)), dtype=np.float64)
    if isinstance(model, Nominal):
        return np.asarray(-np.log(share[1:] / share[0]), dtype=np.float64)
    return np.asarray(-np.diff(np.log(share)), dtype=np.float64)
