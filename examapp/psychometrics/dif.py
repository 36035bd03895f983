"""Differential item functioning: does an item treat people of equal standing but different groups alike?

Groups are the reference and the focal group; people are matched on a score. Nothing here says why an item differs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, chdtri, ndtri

from examapp.psychometrics import undetermined
from examapp.psychometrics.matching import (
    Cells,
    Mask,
    Matched,
    Purification,
    each_item,
    matched,
    only_right_or_wrong,
    purified,
)
from examapp.psychometrics.response_models import Floats

Labels = npt.NDArray[np.str_]


@dataclass(frozen=True)
class MantelHaenszel:
    """Per item (J,): chi-square of 1 degree of freedom, its p-value, the common odds ratio and what follows.

    `odds_ratio` above 1 favours the reference group, and is infinite where no table has the focal group right and the
    reference group wrong; `delta` = -2.35 log(odds ratio) on the ETS scale, negative where the item is harder for the
    focal group; `log_variance` is the variance of log(odds ratio). Where the ratio is 0 or infinite both are infinite,
    and there is no class. Undetermined where the tables tell nothing.
    """

    statistic: Floats
    p_value: Floats
    odds_ratio: Floats
    delta: Floats
    log_variance: Floats
    flagged: Mask
    effect_class: Labels
    purification: Purification


@dataclass(frozen=True)
class Standardisation:
    """Per item (J,): the standardised difference in item score, focal minus reference, and its class A, B or C.

    Undetermined, without a class, where the groups share no score.
    """

    difference: Floats
    flagged: Mask
    effect_class: Labels


@dataclass(frozen=True)
class BreslowDay:
    """Per item (J,): chi-square of equal odds ratios at all matching scores, degrees of freedom and p-value.

    Undetermined where the odds ratio is 0, infinite or unknown, or no two scores are left to differ.
    """

    statistic: Floats
    degrees_of_freedom: npt.NDArray[np.intp]
    p_value: Floats


@dataclass(frozen=True)
class Sibtest:
    """Per item (J,): beta, the corrected score difference reference minus focal, its error, chi-square, p-value.

    `beta` and `standard_error` are in item score points. Undetermined where no score holds enough people of both groups
    whose answers vary.
    """

    beta: Floats
    standard_error: Floats
    statistic: Floats
    p_value: Floats


@undetermined.refused("items", "one group did not see them, or the tables tell nothing")
def mantel_haenszel(
    responses: npt.ArrayLike,
    focal: npt.ArrayLike,
    *,
    matching: npt.ArrayLike | None = None,
    alpha: float = 0.05,
    continuity: bool = True,
    purify: bool = False,
) -> MantelHaenszel:
    """Mantel-Haenszel test of right-or-wrong responses (N, J), `focal` (N,) boolean (Holland & Thayer 1988).

    Matching is on the total score with the studied item, or on `matching` (N,). With A, B right and wrong in the
    reference group, C, D in the focal one and N people at each score, the odds ratio is sum(AD/N) / sum(BC/N)
    and the statistic (|sum A - sum E A| - 1/2)^2 / sum Var A. `purify` takes flagged items out of the total, at
    most ten times. Effect classes are those of `ets_classes`.

    >>> right = np.array([[1, 1], [1, 0], [0, 1], [0, 0]] * 10)
    >>> result = mantel_haenszel(right, np.arange(40) % 8 < 4)
    >>> result.odds_ratio.round(6).tolist(), result.effect_class.tolist()
    ([1.0, 1.0], ['A', 'A'])
    """
    data, limit = matched(responses, focal, matching), float(chdtri(1, alpha))
    only_right_or_wrong(data, "mantel_haenszel")
    state = Purification(data.anchors, 0, True)
    if purify:
        data, state = purified(data, lambda at: _mantel_haenszel(at, continuity)[0] > limit)
    statistic, odds_ratio, log_variance = _mantel_haenszel(data, continuity)
    with np.errstate(divide="ignore"):
        delta = -2.35 * np.log(odds_ratio)
    known = np.where(np.isfinite(delta), delta, np.nan)
    classes = ets_classes(known, 2.35 * np.sqrt(log_variance), alpha)
    return MantelHaenszel(
        statistic, chdtrc(1, statistic), odds_ratio, delta, log_variance, statistic > limit, classes, state
    )


@undetermined.refused("items", "the groups share no matching score")
def standardisation(
    responses: npt.ArrayLike, focal: npt.ArrayLike, *, matching: npt.ArrayLike | None = None, limit: float = 0.1
) -> Standardisation:
    """Mean difference in item score at equal matching score, weighted by the focal group (Dorans & Kulick 1986).

    `responses` (N, J) are scores, `focal` (N,) boolean, `matching` (N,) a score to use in place of the total.
    sum_s n_Fs (mean_Fs - mean_Rs) / sum_s n_Fs over the scores s that both groups reached, in item score points;
    class A below 0.05, B below 0.10, C from there on.

    >>> right = np.array([[1, 1], [1, 0], [0, 1], [0, 0]] * 10)
    >>> standardisation(right, np.arange(40) % 8 < 4).difference.tolist()
    [0.0, 0.0]
    """
    data = matched(responses, focal, matching)
    difference = np.full(data.scores.shape[1], np.nan)
    for item, cells in each_item(data):
        both = (cells.count > 0).all(axis=0)
        weight = cells.count[1, both]
        mean = cells.total[:, both] / cells.count[:, both]
        if weight.size:
            difference[item] = (weight * (mean[1] - mean[0])).sum() / weight.sum()
    return Standardisation(difference, np.abs(difference) > limit, size_classes(difference, 0.05, 0.1))


@undetermined.refused("items", "the odds ratio is 0, infinite or unknown, or no two scores can differ")
def breslow_day(responses: npt.ArrayLike, focal: npt.ArrayLike, *, matching: npt.ArrayLike | None = None) -> BreslowDay:
    """Test of non-uniform functioning: are the odds ratios the same at all matching scores? (Breslow & Day 1980)

    `responses` (N, J) are right or wrong, `focal` (N,) boolean, `matching` (N,) a score to use in place of the total.
    Sum over scores of (A - E)^2 / V, where E fills the table's margins with the Mantel-Haenszel odds ratio.

    >>> right = (np.arange(80)[:, None] >> np.arange(3)) & 1
    >>> breslow_day(right, np.arange(80) % 16 < 8).degrees_of_freedom.tolist()
    [1, 1, 1]
    """
    data = matched(responses, focal, matching)
    only_right_or_wrong(data, "breslow_day")
    statistic, freedom = np.full(data.scores.shape[1], np.nan), np.zeros(data.scores.shape[1], dtype=np.intp)
    for item, cells in each_item(data):
        statistic[item], freedom[item] = _breslow_day(cells)
    return BreslowDay(statistic, freedom, np.where(freedom > 0, chdtrc(np.maximum(freedom, 1), statistic), np.nan))


@undetermined.refused("items", "no matching score holds enough people of both groups whose answers vary")
def sibtest(responses: npt.ArrayLike, focal: npt.ArrayLike, *, least: int = 5) -> Sibtest:
    """SIBTEST for each item of responses (N, J), matched on all others; `focal` (N,) boolean (Shealy & Stout 1993).

    Item means at each matching score are moved along their local slope to where both groups' estimated true
    scores agree (true score by Kelley's regression with coefficient alpha), then averaged over scores with more
    than `least` people in each group, weighted by all people there. Scores at which a group's answers do not vary
    are left out.

    >>> rng = np.random.default_rng(1)
    >>> right = rng.random((400, 6)) < 1 / (1 + np.exp(-rng.normal(size=(400, 1))))
    >>> bool((np.abs(sibtest(right, np.arange(400) < 200).beta) < 0.15).all())
    True
    """
    data = matched(responses, focal)
    count = data.scores.shape[1]
    beta, error = np.full(count, np.nan), np.full(count, np.nan)
    for item in np.flatnonzero(data.seen).tolist():
        beta[item], error[item] = _sibtest(data, item, least)
    statistic = np.where(error > 0, (beta / np.where(error > 0, error, 1.0)) ** 2, np.nan)
    return Sibtest(beta, error, statistic, chdtrc(1, statistic))


def ets_classes(delta: npt.ArrayLike, standard_error: npt.ArrayLike, alpha: float = 0.05) -> Labels:
    """Effect classes of delta by size and significance (Zieky 1993); empty where unknown.

    `delta` and `standard_error` are of one shape, on the ETS scale of `MantelHaenszel`. C if |delta| is at least 1.5
    and significantly above 1, A if it is below 1 or not significantly different from 0, B otherwise.

    >>> ets_classes([0.5, -1.2, -1.8, 1.8], [0.1, 0.2, 0.2, 2.0]).tolist()
    ['A', 'B', 'C', 'A']
    """
    size, error = np.abs(np.asarray(delta, dtype=np.float64)), np.asarray(standard_error, dtype=np.float64)
    large = (size >= 1.5) & (size + ndtri(alpha) * error > 1.0)
    small = (size < 1.0) | (size <= -ndtri(alpha / 2) * error)
    return np.where(np.isnan(size), "", np.where(small, "A", np.where(large, "C", "B")))


def size_classes(effect: npt.ArrayLike, moderate: float, large: float) -> Labels:
    """Classes by size alone: A below `moderate`, B below `large`, C from there on; empty where unknown.

    `effect` has any shape and the unit of the limits; each method states the source of its own limits.

    >>> size_classes([0.2, -1.0, 1.7], 1.0, 1.5).tolist()
    ['A', 'B', 'C']
    """
    size = np.abs(np.asarray(effect, dtype=np.float64))
    known = np.where(size < moderate, "A", np.where(size < large, "B", "C"))
    return np.where(np.isnan(size), "", known)


def _mantel_haenszel(data: Matched, continuity: bool) -> tuple[Floats, Floats, Floats]:
    """Statistic, odds ratio and variance of its log for each item, (J,); NaN where the margins leave no freedom."""
    out = np.full((3, data.scores.shape[1]), np.nan)
    for item, cells in each_item(data):
        a, b, c, d = (part[cells.count.sum(axis=0) > 1] for part in cells.table())
        n = a + b + c + d
        variance = ((a + b) * (c + d) * (a + c) * (b + d) / (n**2 * np.maximum(n - 1, 1))).sum()
        distance = abs((a - (a + b) * (a + c) / n).sum()) - 0.5 * continuity
        over, under = (a * d / n).sum(), (b * c / n).sum()
        if variance > 0:
            out[0, item] = distance**2 / variance
        if over > 0 or under > 0:
            out[1, item] = over / under if under > 0 else np.inf
            out[2, item] = np.inf
        if over > 0 and under > 0:
            ratio = out[1, item]
            out[2, item] = ((a * d + ratio * b * c) * (a + d + ratio * (b + c)) / n**2).sum() / (2 * over**2)
    return out[0], out[1], out[2]


def _breslow_day(cells: Cells) -> tuple[float, int]:
    a, b, c, d = cells.table()
    margins = np.stack([a + b, c + d, a + c, b + d])
    inside = (margins > 0).all(axis=0)
    over = (a * d / margins[:2].sum(axis=0)).sum()
    under = (b * c / margins[:2].sum(axis=0)).sum()
    if not (over > 0 and under > 0):
        return float("nan"), 0
    expected = _with_odds_ratio(over / under, *margins[:3, inside])
    r, f, right, _ = margins[:, inside]
    variance = 1.0 / (1 / expected + 1 / (r - expected) + 1 / (right - expected) + 1 / (f - right + expected))
    return float(((a[inside] - expected) ** 2 / variance).sum()), int(inside.sum()) - 1


def _with_odds_ratio(ratio: float, reference: Floats, focal: Floats, right: Floats) -> Floats:
    """Right answers E of the reference group for E (f - right + E) = ratio (r - E) (right - E), by the quadratic."""
    if ratio == 1:
        return reference * right / (reference + focal)
    p = focal - right + ratio * (reference + right)
    root = np.sqrt(np.maximum(p**2 - 4 * (ratio - 1) * ratio * reference * right, 0.0))
    return np.asarray(2 * ratio * reference * right / (p + root), dtype=np.float64)


def _sibtest(data: Matched, item: int, least: int) -> tuple[float, float]:
    others = data.seen.copy()
    others[item] = False
    if not others.any():
        return float("nan"), float("nan")
    rest = data.scores[:, others].astype(np.float64)
    outside = Matched(data.scores, data.focal, data.anchors, rest.sum(axis=1))
    cells = outside.cells(item)
    true_score = np.stack([_kelley(rest[group], cells.level) for group in (~data.focal, data.focal)])
    n, mean = cells.count, cells.total / np.maximum(cells.count, 1)
    variance = (cells.squares - n * mean**2) / np.maximum(n - 1, 1)
    used = np.asarray((n > least).all(axis=0) & (variance > 1e-12).all(axis=0), dtype=bool)
    used[[0, -1]] = False
    if not used.any():
        return float("nan"), float("nan")
    target = true_score.mean(axis=0)
    moved = np.stack([_moved(mean[g], n[g] > 0, true_score[g], target) for g in (0, 1)])[:, used]
    weight = n[:, used].sum(axis=0) / n[:, used].sum()
    error = np.sqrt((weight**2 * (variance / np.maximum(n, 1))[:, used].sum(axis=0)).sum())
    return float(weight @ (moved[0] - moved[1])), float(error)


def _kelley(scores: Floats, level: Floats) -> Floats:
    """True proportion right at each total score: mean + alpha (score - mean), per item."""
    total, count = scores.sum(axis=1), scores.shape[1]
    spread = total.var(ddof=1) if len(total) > 1 else 0.0
    parts = scores.var(axis=0, ddof=1).sum() if len(total) > 1 else 0.0
    alpha = count / (count - 1) * (1 - parts / spread) if count > 1 and spread > 0 else 0.0
    return np.asarray((total.mean() + alpha * (level - total.mean())) / count, dtype=np.float64)


def _moved(mean: Floats, filled: Mask, true_score: Floats, target: Floats) -> Floats:
    """Item means carried from one group's true score to the target along the slope between filled neighbours."""
    at = np.flatnonzero(filled)
    places = np.arange(mean.size)
    below = at[np.maximum(np.searchsorted(at, places, side="left") - 1, 0)]
    above = at[np.minimum(np.searchsorted(at, places, side="right"), at.size - 1)]
    run = true_score[above] - true_score[below]
    slope = np.where(run != 0, (mean[above] - mean[below]) / np.where(run != 0, run, 1.0), 0.0)
    return np.asarray(mean + slope * (target - true_score), dtype=np.float64)
