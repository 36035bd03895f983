"""Does a person answer as the model says? Standardised log-likelihoods (lz, Zh, lz*) at a given ability.

Large negative values mean a pattern less likely than the model leads one to expect: right where most would be
wrong and the other way round. They are leads for a look at the sitting, never verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import irt, undetermined
from examapp.psychometrics.irt import Items
from examapp.psychometrics.response_models import TINY, Floats
from examapp.psychometrics.responses import Codes, codes, person_blocks

BLOCK = 1024
ESTIMATORS = ("given", "ML", "MAP", "WLE")


@dataclass(frozen=True)
class Terms:
    """For N people at their theta: `seen` (N, J), `chosen` (N, J) category, P and its derivatives (N, J, K)."""

    seen: npt.NDArray[np.bool_]
    chosen: Codes
    p: Floats
    first: Floats
    second: Floats

    def centred(self, weight: Floats) -> Floats:
        """Weight of the chosen category less its expectation, summed over seen items, (N,)."""
        picked = np.take_along_axis(weight, self.chosen[:, :, None].astype(np.intp), axis=2)[:, :, 0]
        return np.asarray(((picked - (self.p * weight).sum(axis=2)) * self.seen).sum(axis=1), dtype=np.float64)

    def variance(self, weight: Floats) -> Floats:
        """Variance of the summed weights of the chosen categories, (N,)."""
        mean = (self.p * weight).sum(axis=2)
        return np.asarray((((self.p * weight**2).sum(axis=2) - mean**2) * self.seen).sum(axis=1), dtype=np.float64)

    def total(self, values: Floats) -> Floats:
        """Sum over categories and seen items, (N,)."""
        return np.asarray((values.sum(axis=2) * self.seen).sum(axis=1), dtype=np.float64)


@undetermined.refused("people", "nothing was seen, or the outcome is certain")
def lz(responses: npt.ArrayLike, items: Items, theta: npt.ArrayLike) -> Floats:
    """Standardised log-likelihood (l - E l) / sqrt(Var l) of each person at theta, (N,), for any mixture of models.

    `responses` (N, J) are scores, `theta` (N,) abilities on the items' scale. Source: Drasgow, Levine & Williams
    (1985); called Zh with the EAP ability. Undetermined where nothing was seen or the outcome is certain. With an
    estimated ability its variance is below 1: use `lz_star`.

    >>> lz([[1, 1, 0], [0, 0, 1]], Items.of("2pl", a=[1.0, 1.0, 1.0], b=[-1.0, 0.0, 1.0]), [0.0, 0.0]).round(3).tolist()
    [0.858, -2.332]
    """
    scores, abilities = _checked(responses, items, theta)
    out = np.empty(len(scores))
    for rows in person_blocks(len(scores), BLOCK):
        terms = _terms(scores[rows], items, abilities[rows])
        logs = np.log(np.maximum(terms.p, TINY))
        out[rows] = _ratio(terms.centred(logs), terms.variance(logs))
    return out


@undetermined.refused("people", "nothing was seen, or the outcome is certain")
def lz_star(
    responses: npt.ArrayLike,
    items: Items,
    theta: npt.ArrayLike,
    *,
    estimator: str = "ML",
    mean: float = 0.0,
    sd: float = 1.0,
) -> Floats:
    """lz corrected for the ability being estimated from the same responses, (N,) (Snijders 2001; Sinharay 2016).

    With w = log P and the estimating equation r0 + sum (1 - E) r = 0, r = P' / P: c = sum P' w / sum P' r and
    lz* = (sum (1 - E) w + c r0) / sqrt(Var sum (w - c r)). r0 is 0 for `estimator` "ML" and for a "given" theta,
    (mean - theta) / sd^2 for "MAP", J / 2I for "WLE". Undetermined as `lz`.

    `responses` (N, J) are scores, `theta` (N,) abilities on the items' scale, of the population N(mean, sd^2) for MAP.

    >>> items = Items.of("2pl", a=[1.0, 1.0, 1.0], b=[-1.0, 0.0, 1.0])
    >>> lz_star([[1, 1, 0]], items, [0.8], estimator="WLE").round(3).tolist()
    [0.891]
    """
    if estimator not in ESTIMATORS or not sd > 0:
        raise ValueError(f"lz_star: estimator is one of {', '.join(ESTIMATORS)} and sd > 0, got {estimator!r}, {sd}")
    scores, abilities = _checked(responses, items, theta)
    out = np.empty(len(scores))
    for rows in person_blocks(len(scores), BLOCK):
        terms = _terms(scores[rows], items, abilities[rows])
        safe = np.maximum(terms.p, TINY)
        logs, score = np.log(safe), terms.first / safe
        held = np.maximum(terms.total(terms.first * score), TINY)
        c = terms.total(terms.first * logs) / held
        start = np.zeros(c.size)
        if estimator == "MAP":
            start = np.where(np.isfinite(abilities[rows]), mean - abilities[rows], 0.0) / sd**2
        elif estimator == "WLE":
            start = terms.total(score * terms.second) / (2 * held)
        out[rows] = _ratio(terms.centred(logs) + c * start, terms.variance(logs - c[:, None, None] * score))
    return out


def _checked(responses: npt.ArrayLike, items: Items, theta: npt.ArrayLike) -> tuple[Codes, Floats]:
    scores, abilities = codes(responses, items.categories), np.asarray(theta, dtype=np.float64)
    if abilities.shape != (len(scores),):
        raise ValueError(f"theta: needs one ability for each of {len(scores)} people, got shape {abilities.shape}")
    return scores, abilities


def _terms(scores: Codes, items: Items, theta: Floats) -> Terms:
    """Infinite and unknown abilities count as having seen nothing: there every outcome is certain, or nothing is."""
    known = np.isfinite(theta)
    p, first, second = irt.theta_derivatives(items, np.where(known, theta, 0.0))
    return Terms((scores >= 0) & known[:, None], np.maximum(scores, 0), p, first, second)


def _ratio(distance: Floats, variance: Floats) -> Floats:
    sure = variance <= 1e-12
    return np.where(sure, np.nan, distance / np.sqrt(np.where(sure, 1.0, variance)))
