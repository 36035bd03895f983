"""Traces of items known beforehand and of answers changed by others: leads for a hearing, never verdicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from examapp.psychometrics import ability, irt, undetermined
from examapp.psychometrics.irt import Items
from examapp.psychometrics.response_models import TINY, Floats
from examapp.psychometrics.responses import Codes, codes

Mask = npt.NDArray[np.bool_]
RANGE = (-4.0, 4.0)


@dataclass(frozen=True)
class Preknowledge:
    """Per person (N,): signed likelihood ratio, its p-value, and ability on the exposed and on the other items.

    Undetermined for people who saw only one kind of item.
    """

    statistic: Floats
    p_value: Floats
    exposed_theta: Floats
    other_theta: Floats


@dataclass(frozen=True)
class AnswerChanges:
    """Per person (or group): changes, those to right with their expectation, and the excess in standard deviations.

    `p_value` is the upper tail of N(0, 1) at `index`. Both are undetermined where nothing was changed.
    """

    changes: Floats
    to_right: Floats
    expected: Floats
    index: Floats
    p_value: Floats


@undetermined.refused("people", "they saw only one kind of item")
def preknowledge(
    responses: npt.ArrayLike, items: Items, exposed: npt.ArrayLike, *, bounds: tuple[float, float] = RANGE
) -> Preknowledge:
    """Is a person better on the items at positions `exposed` than on the others? (Sinharay 2017)

    `responses` (N, J) are scores, `exposed` (n,) positions, `bounds` on the items' scale of theta.
    sign(theta_e - theta_o) sqrt(2 (l_e(theta_e) + l_o(theta_o) - l(theta))), each theta by maximum likelihood
    within `bounds`; standard normal without preknowledge. Undetermined for people who saw only one kind of item.

    >>> items = Items.of("rasch", b=[0.0, 0.0, 0.0, 0.0])
    >>> preknowledge([[1, 0, 0, 1]], items, [2, 3]).statistic.tolist()
    [0.0]
    """
    scores, chosen = codes(responses, items.categories), _chosen(exposed, len(items))
    parts = [np.where(kept, scores, -1).astype(np.int8) for kept in (chosen, ~chosen, np.ones_like(chosen))]
    thetas = [ability.estimate(part, items, method="ML", bounds=bounds).theta for part in parts]
    best = [_log_likelihood(part, items, theta) for part, theta in zip(parts, thetas, strict=True)]
    both = (parts[0] >= 0).any(axis=1) & (parts[1] >= 0).any(axis=1)
    gain = np.maximum(2 * (best[0] + best[1] - best[2]), 0.0)
    statistic = np.where(both, np.sign(thetas[0] - thetas[1]) * np.sqrt(gain), np.nan)
    return Preknowledge(statistic, np.asarray(ndtr(-statistic)), thetas[0], thetas[1])


@undetermined.refused("people or groups", "nothing was changed")
def answer_changes(
    responses: npt.ArrayLike,
    items: Items,
    changed: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    theta: npt.ArrayLike | None = None,
    continuity: float = 0.5,
    corrected: bool = True,
) -> AnswerChanges:
    """Erasure detection index: final answers right on changed items beyond what ability explains.

    `responses` (N, J) are the final ones, right or wrong, `theta` (N,) abilities on the items' scale. `changed` (N, J)
    says which final responses replaced another. (s - sum P - 1/2) / sqrt(sum P (1 - P)) with s the right ones among
    them, P at theta from the unchanged items, by default Warm's estimate (Wollack, Cohen & Eckerly 2015). `corrected`
    adds (sum P')^2 / I(theta), the error of theta, to the variance (Sinharay 2018). With labels `groups` (N,) sums run
    over people of a group, in sorted order of the labels.

    >>> items = Items.of("rasch", b=[0.0] * 6)
    >>> answer_changes([[1, 1, 1, 0, 0, 0]], items, [[0, 1, 1, 0, 0, 0]]).to_right.tolist()
    [2.0]
    """
    scores, moved = codes(responses, items.categories), np.asarray(changed, dtype=bool)
    if moved.shape != scores.shape or (items.categories > 2).any():
        raise ValueError(f"answer_changes: needs right-or-wrong items and changes of shape {scores.shape}")
    moved = moved & (scores >= 0)
    kept = np.where(moved, -1, scores).astype(np.int8)
    at = ability.estimate(kept, items, method="WLE").theta if theta is None else np.asarray(theta, dtype=np.float64)
    p, first, _ = irt.theta_derivatives(items, at)
    right, rise = p[:, :, 1], first[:, :, 1]
    held = ((first**2 / np.maximum(p, TINY)).sum(axis=2) * (kept >= 0)).sum(axis=1)
    variance = (moved * right * (1 - right)).sum(axis=1)
    if corrected:
        variance = variance + (moved * rise).sum(axis=1) ** 2 / np.maximum(held, TINY) * (held > 0)
    parts = np.stack([moved.sum(axis=1), (moved & (scores == 1)).sum(axis=1), (moved * right).sum(axis=1), variance])
    if groups is not None:
        labels = np.asarray(groups)
        if labels.shape != (len(scores),):
            raise ValueError(f"answer_changes: {len(scores)} people, but groups of shape {labels.shape}")
        known, which = np.unique(labels, return_inverse=True)
        parts = np.stack([np.bincount(which, part, known.size) for part in parts])
    changes, to_right, expected, spread = parts
    safe = np.sqrt(np.where(spread > 0, spread, 1.0))
    index = np.where(spread > 0, (to_right - expected - continuity) / safe, np.nan)
    return AnswerChanges(changes, to_right, expected, index, np.asarray(ndtr(-index)))


def _chosen(positions: npt.ArrayLike, count: int) -> Mask:
    chosen = np.zeros(count, dtype=bool)
    at = np.asarray(positions, dtype=np.intp)
    if at.size == 0 or at.min() < 0 or at.max() >= count or np.unique(at).size == count:
        raise ValueError(f"exposed: needs some, but not all, of the positions 0..{count - 1}")
    chosen[at] = True
    return chosen


def _log_likelihood(scores: Codes, items: Items, theta: Floats) -> Floats:
    """log L of each person's seen responses at their own theta, (N,)."""
    logs = irt.log_probabilities(items, theta)
    picked = np.take_along_axis(logs, np.maximum(scores, 0)[:, :, None].astype(np.intp), axis=2)[:, :, 0]
    return np.asarray(np.where(scores >= 0, picked, 0.0).sum(axis=1), dtype=np.float64)
