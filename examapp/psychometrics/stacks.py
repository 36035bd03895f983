"""Responses cut into blocks of people of one group: the form in which calibration reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.expectation import Block
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import Codes, codes, person_blocks

ROWS = 8192
SHORT = 16


def in_blocks(
    responses: npt.ArrayLike | Sequence[Block],
    groups: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> Sequence[Block]:
    """Blocks of people of one group from responses (N, J), labels (N,) and weights (N,); blocks pass through.

    Groups are numbered in the sorted order of their labels. On a short test equal rows are counted once.

    `responses` (N, J), `groups` (N,), `weights` (N,); NaN or a negative integer is unseen.

    >>> [block.scores.shape for block in in_blocks([[0, 1], [0, 1], [1, 1]], groups=["a", "a", "b"])]
    [(1, 2), (1, 2)]
    """
    if isinstance(responses, Sequence) and len(responses) and isinstance(responses[0], Block):
        return cast("Sequence[Block]", responses)
    scores = codes(cast("npt.ArrayLike", responses))
    count = len(scores)
    weight = None if weights is None else np.asarray(weights, dtype=np.float64)
    if count == 0 or scores.shape[1] == 0:
        raise ValueError(f"responses: nobody or nothing to calibrate, shape {scores.shape}")
    if weight is not None and (weight.shape != (count,) or not (weight >= 0).all()):
        raise ValueError(f"weights: need {count} numbers, none negative")
    labels = np.zeros(count) if groups is None else np.asarray(groups)
    if labels.shape != (count,):
        raise ValueError(f"groups: need {count} labels, got shape {labels.shape}")
    out: list[Block] = []
    for group, label in enumerate(np.unique(labels) if groups is not None else [0.0]):
        rows = slice(None) if groups is None else np.flatnonzero(labels == label)
        out.extend(_blocks(scores[rows], group, None if weight is None else weight[rows]))
    return out


def thinned(blocks: Sequence[Block], every: int) -> list[Block]:
    """Every so many rows of each block.

    >>> [block.scores.ravel().tolist() for block in thinned(in_blocks(np.arange(40)[:, None] % 5), 2)]
    [[0, 2, 4]]
    """
    out = []
    for block in blocks:
        rows = slice(None, None, every)
        out.append(Block(block.scores[rows].copy(), block.group, None if block.weight is None else block.weight[rows]))
    return out


def _blocks(scores: Codes, group: int, weight: Floats | None) -> list[Block]:
    if scores.shape[1] <= SHORT:
        scores, weight = _counted(scores, weight)
    return [
        Block(scores[rows], group, None if weight is None else weight[rows])
        for rows in person_blocks(len(scores), ROWS)
    ]


def _counted(scores: Codes, weight: Floats | None) -> tuple[Codes, Floats]:
    """Different rows and how many people (or how much weight) each stands for."""
    key = np.zeros(len(scores), dtype=np.uint64)
    base = np.uint64(int(scores.max(initial=0)) + 2)
    if float(base) ** scores.shape[1] > 2.0**63:
        return scores, np.ones(len(scores)) if weight is None else weight
    for column in scores.T:
        key = key * base + (column.astype(np.int64) + 1).astype(np.uint64)
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    return scores[first], np.bincount(which, weights=weight, minlength=first.size).astype(np.float64)
