"""Deciding on which side of each cut a trainee stands, while testing goes on.

A decision for each cut is 1 (above), -1 (below) or 0 (not yet). With several cuts the level is the number of cuts
passed, and it is known when every cut is decided (Sobel & Wald 1949).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from examapp.psychometrics import irt
from examapp.psychometrics.irt import Items
from examapp.psychometrics.response_models import TINY, Floats

KINDS = ("sprt", "glr", "interval")
Signs = npt.NDArray[np.int8]


@dataclass(frozen=True)
class DecisionRule:
    """How cuts (C,) on the theta scale are decided; `log_p` (J, K, P) holds log P at the `points` (P,) it looks at."""

    kind: str
    cuts: tuple[float, ...]
    half_width: float
    bounds: tuple[float, float]
    points: Floats
    log_p: Floats

    def decide(self, log_likelihood: Floats, theta: Floats, error: Floats) -> Signs:
        """Decisions (N, C) from log L (N, P) at the rule's points, estimates (N,) and standard errors (N,)."""
        cuts = np.array(self.cuts)
        if self.kind == "interval":
            width = self.bounds[1] * error[:, None]
            return np.asarray(np.sign(theta[:, None] - cuts) * (np.abs(theta[:, None] - cuts) > width), dtype=np.int8)
        ratio = self._ratio(log_likelihood)
        return np.asarray((ratio >= self.bounds[1]).astype(np.int8) - (ratio <= self.bounds[0]), dtype=np.int8)

    def log_likelihood(self, items: Sequence[int], scores: Sequence[int]) -> Floats:
        """log L (P,) of one trainee at the rule's points."""
        return np.asarray(self.log_p[list(items), list(scores)].sum(axis=0), dtype=np.float64)

    def _ratio(self, log_likelihood: Floats) -> Floats:
        """log L above each cut less log L below it, (N, C)."""
        count = len(self.cuts)
        below, above = log_likelihood[:, :count], log_likelihood[:, count : 2 * count]
        if self.kind == "sprt":
            return above - below
        inner = log_likelihood[:, 2 * count :]
        points = self.points[2 * count :]
        best = []
        for c, cut in enumerate(self.cuts):
            low = inner[:, points <= cut - self.half_width].max(axis=1, initial=-np.inf)
            high = inner[:, points >= cut + self.half_width].max(axis=1, initial=-np.inf)
            best.append(np.maximum(high, above[:, c]) - np.maximum(low, below[:, c]))
        return np.stack(best, axis=1)


def sprt(
    items: Items, cuts: Sequence[float], *, half_width: float, alpha: float = 0.05, beta: float = 0.05
) -> DecisionRule:
    """Sequential probability ratio test between cut - half_width and cut + half_width (Wald 1947; Reckase 1983).

    `cuts` (C,) rise and, as `half_width`, are on the items' theta scale. A trainee at the lower point passes with
    probability alpha, one at the upper point fails with probability beta: above when log L(upper) - log L(lower) >=
    log((1 - beta) / alpha), below when <= log(beta / (1 - alpha)).

    >>> sprt(Items.of("2pl", b=[0.0]), [0.5], half_width=0.3).points.tolist()
    [0.2, 0.8]
    """
    return _rule("sprt", items, cuts, half_width, alpha, beta, np.zeros(0))


def glr(
    items: Items,
    cuts: Sequence[float],
    *,
    half_width: float,
    alpha: float = 0.05,
    beta: float = 0.05,
    mean: float = 0.0,
    sd: float = 1.0,
) -> DecisionRule:
    """Generalised likelihood ratio: the same bounds, the likeliest theta of each side instead (Thompson 2009).

    It is sought at 121 points up to 6 `sd` from the `mean` of the trainees' ability. After very few items the likeliest
    theta is extreme and errs up to 1.4 times as often as stated; in tests of at least ten items (Stopping.fewest) the
    stated rates hold.

    >>> rule = glr(Items.of("2pl", a=[1.0] * 20, b=[0.0] * 20), [0.0], half_width=0.3)
    >>> rule.decide(rule.log_likelihood(range(20), [1] * 20)[None], np.zeros(1), np.ones(1)).tolist()
    [[1]]
    """
    return _rule("glr", items, cuts, half_width, alpha, beta, irt.normal_grid(mean, sd))


def interval(cuts: Sequence[float], *, confidence: float = 0.95) -> DecisionRule:
    """A confidence interval theta +- z SE that leaves the cut outside (Kingsbury & Weiss 1983).

    >>> interval([0.0]).decide(np.zeros((2, 0)), np.array([0.5, 1.0]), np.array([0.3, 0.3])).tolist()
    [[0], [1]]
    """
    if not 0 < confidence < 1:
        raise ValueError(f"interval: confidence must lie between 0 and 1, got {confidence}")
    z = float(ndtri(0.5 + confidence / 2))
    return DecisionRule("interval", _ordered(cuts), 0.0, (-z, z), np.zeros(0), np.zeros((1, 1, 0)))


def level(decisions: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Number of cuts passed, (N,), or -1 where decisions (N, C) are open or contradict each other.

    >>> level([[1, -1], [1, 0], [-1, 1]]).tolist()
    [1, -1, -1]
    """
    signs = np.asarray(decisions)
    known = (signs != 0).all(axis=1) & (np.diff(signs, axis=1) <= 0).all(axis=1)
    return np.where(known, (signs > 0).sum(axis=1), -1)


def _rule(
    kind: str, items: Items, cuts: Sequence[float], half_width: float, alpha: float, beta: float, more: Floats
) -> DecisionRule:
    if not half_width > 0 or not (0 < alpha < 0.5 and 0 < beta < 0.5):
        raise ValueError(f"{kind}: needs half_width > 0, alpha and beta below 0.5; got {half_width}, {alpha}, {beta}")
    marks = np.array(_ordered(cuts))
    points = np.concatenate([marks - half_width, marks + half_width, more])
    log_p = np.ascontiguousarray(np.moveaxis(irt.log_probabilities(items, points), 0, 2))
    bounds = (float(np.log(beta / (1 - alpha))), float(np.log((1 - beta) / alpha)))
    return DecisionRule(kind, tuple(marks.tolist()), half_width, bounds, points, np.maximum(log_p, np.log(TINY)))


def _ordered(cuts: Sequence[float]) -> tuple[float, ...]:
    marks = tuple(float(cut) for cut in cuts)
    if not marks or not np.isfinite(marks).all() or any(x >= y for x, y in pairwise(marks)):
        raise ValueError(f"cuts: must be finite and rise, got {list(cuts)}")
    return marks
