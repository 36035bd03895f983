"""Where calibration begins: the category counts of each item, and items that roughly fit them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.expectation import Block
from examapp.psychometrics.irt import MODELS, Indices, Items
from examapp.psychometrics.response_models import Dichotomous, Floats, Graded, Nominal

SPREAD = 1.2


def margins(blocks: Iterable[Block]) -> tuple[Floats, float]:
    """How many people gave each score to each item, (J, K), and how many people there are."""
    total, people = np.zeros((0, 2)), 0.0
    for block in blocks:
        top = int(block.scores.max(initial=1)) + 1
        weight = np.ones(len(block.scores)) if block.weight is None else block.weight
        here = np.stack([weight @ (block.scores == k) for k in range(top)], axis=1)
        if total.shape[0] not in (0, here.shape[0]):
            raise ValueError(f"blocks: {total.shape[0]} items in one, {here.shape[0]} in another")
        width = max(top, total.shape[1])
        base = np.pad(total, ((0, here.shape[0] - total.shape[0]), (0, width - total.shape[1])))
        total, people = base + np.pad(here, ((0, 0), (0, width - top))), people + float(weight.sum())
    return total, people


def start_items(
    counts: Floats,
    names: Sequence[str],
    categories: npt.ArrayLike | None,
    anchors: Items | None,
    held: Indices,
    has_prior: bool,
) -> Items:
    """Items with slope 1 whose margins are those observed; anchored ones as they are given."""
    given = None if categories is None else np.broadcast_to(np.asarray(categories, dtype=np.intp), (len(names),))
    parts = []
    for item, name in enumerate(names):
        if anchors is not None and item in held:
            parts.append(anchors.take([item]))
            continue
        own = counts[item]
        size = int(given[item]) if given is not None else max(2, int(np.flatnonzero(own > 0).max(initial=1)) + 1)
        _check(item, name, own, size, has_prior)
        parts.append(_one(name, own[:size]))
    return Items.concatenate(parts)


def _check(item: int, name: str, own: Floats, size: int, has_prior: bool) -> None:
    """Refuse what no estimate exists for."""
    if isinstance(MODELS[name], Dichotomous) and (size > 2 or (own[2:] > 0).any()):
        raise ValueError(f"calibrate: item {item}: model {name} has two categories, the data up to {size}")
    if (own[size:] > 0).any():
        raise ValueError(f"calibrate: item {item}: scores above its {size} categories")
    if own.sum() > 0 and not has_prior and (own[:size] == 0).any():
        empty = int(np.flatnonzero(own[:size] == 0)[0])
        raise ValueError(
            f"calibrate: item {item}: nobody is in category {empty} of 0..{size - 1}; merge it with a neighbour, "
            "leave the item out, or give thresholds a prior"
        )


def _one(name: str, own: Floats) -> Items:
    model = MODELS[name]
    share = (own + 0.5) / (own.sum() + 0.5 * own.size)
    if isinstance(model, Dichotomous):
        c, d = 0.2 if "lower" in model.free else 0.0, 0.95 if "upper" in model.free else 1.0
        p = np.clip((share[1] - c) / (d - c), 0.03, 0.97)
        return Items.of(name, b=[-SPREAD * float(np.log(p / (1 - p)))], c=[c], d=[d])
    if isinstance(model, Graded):
        above = share[::-1].cumsum()[::-1][1:]
        return Items.of(name, b=[(-SPREAD * np.log(above / (1 - above))).tolist()])
    if isinstance(model, Nominal):
        slopes = 0.5 * np.arange(1.0, own.size)
        return Items.of(name, b=[(-np.log(share[1:] / share[0])).tolist()], slopes=[slopes.tolist()])
    return Items.of(name, b=[(-np.diff(np.log(share))).tolist()])
