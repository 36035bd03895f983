"""Differential item functioning by logistic regression of the item on the matching score and the group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, chdtri

from examapp.psychometrics.dif import Labels, size_classes
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
from examapp.psychometrics.response_models import Floats, logistic

KINDS = {"both": (2, 4), "uniform": (2, 3), "nonuniform": (3, 4)}
CYCLES = 50


@dataclass(frozen=True)
class LogisticDif:
    """Per item (J,): chi-square with `degrees_of_freedom`, p-value, and the gain in Nagelkerke's R squared.

    `coefficients` (J, 4) are those of constant, score, focal group and their product in the full model of the test;
    a product that the test leaves out has 0. `converged` (J,) is false where the regression has no finite solution, and
    where everybody was right, or nobody, or one group saw nothing: there the others are NaN.
    """

    statistic: Floats
    degrees_of_freedom: int
    p_value: Floats
    gain: Floats
    coefficients: Floats
    flagged: Mask
    effect_class: Labels
    converged: Mask
    purification: Purification

    @property
    def blank(self) -> Mapping[str, Mask]:
        """Items without a regression say so by `converged`."""
        return dict.fromkeys(("statistic", "p_value", "gain", "coefficients"), ~self.converged)


@dataclass(frozen=True)
class Fit:
    """One regression: coefficients (p,), their covariance (p, p), deviance, and whether it settled."""

    coefficients: Floats
    covariance: Floats
    deviance: float
    converged: bool


def logistic_dif(
    responses: npt.ArrayLike,
    focal: npt.ArrayLike,
    *,
    kind: str = "both",
    criterion: str = "likelihood-ratio",
    matching: npt.ArrayLike | None = None,
    alpha: float = 0.05,
    purify: bool = False,
) -> LogisticDif:
    """Test of logit P(right) = t0 + t1 score + t2 focal + t3 score focal (Swaminathan & Rogers 1990).

    `responses` (N, J) are right or wrong, `focal` (N,) boolean. `kind` "both" asks for t2 = t3 = 0, "uniform" for t2 =
    0 without the product, "nonuniform" for t3 = 0; `criterion` is "likelihood-ratio" or "wald". The score is the total
    with the studied item, or `matching` (N,). Classes are those of Jodoin & Gierl (2001) for the gain in R squared: B
    from 0.035, C from 0.070, A if the test is not significant.

    >>> right = np.array([[1, 1], [1, 0], [0, 1], [0, 0]] * 10)
    >>> logistic_dif(right, np.arange(40) % 8 < 4, kind="uniform").statistic.round(6).tolist()
    [0.0, 0.0]
    """
    if kind not in KINDS or criterion not in ("likelihood-ratio", "wald"):
        raise ValueError(f"logistic_dif: kind is one of {', '.join(KINDS)}, got {kind!r}, {criterion!r}")
    data, limit = matched(responses, focal, matching), float(chdtri(np.subtract(*KINDS[kind][::-1]), alpha))
    only_right_or_wrong(data, "logistic_dif")
    state = Purification(data.anchors, 0, True)
    if purify:
        data, state = purified(data, lambda at: _tests(at, kind, criterion)[0] > limit)
    statistic, gain, coefficients, converged = _tests(data, kind, criterion)
    freedom, flagged = KINDS[kind][1] - KINDS[kind][0], statistic > limit
    classes = size_classes(np.where(flagged | np.isnan(gain), gain, 0.0), 0.035, 0.070)
    return LogisticDif(
        statistic, freedom, chdtrc(freedom, statistic), gain, coefficients, flagged, classes, converged, state
    )


def _tests(data: Matched, kind: str, criterion: str) -> tuple[Floats, Floats, Floats, Mask]:
    """Statistic, gain, coefficients and convergence of every item; NaN where nobody or everybody was right."""
    count, (small, large) = data.scores.shape[1], KINDS[kind]
    statistic, gain = np.full(count, np.nan), np.full(count, np.nan)
    coefficients, converged = np.full((count, 4), np.nan), np.zeros(count, dtype=bool)
    for item, cells in each_item(data):
        n, right, design = _design(cells)
        if not 0 < right.sum() < n.sum():
            continue
        none, less, full = (fit_logistic(design[:, :p], right, n) for p in (1, small, large))
        statistic[item] = max(less.deviance - full.deviance, 0.0)
        if criterion == "wald":
            tested = full.coefficients[small:large]
            statistic[item] = tested @ np.linalg.pinv(full.covariance[small:large, small:large]) @ tested
        gain[item] = _nagelkerke(full, none, n.sum()) - _nagelkerke(less, none, n.sum())
        coefficients[item] = np.pad(full.coefficients, (0, 4 - large))
        converged[item] = less.converged and full.converged
    return statistic, gain, coefficients, converged


def _design(cells: Cells) -> tuple[Floats, Floats, Floats]:
    """People, right answers and design rows (constant, score, focal, product) of the filled cells."""
    score = np.tile(cells.level, 2)
    focal = np.repeat([0.0, 1.0], cells.level.size)
    filled = cells.count.ravel() > 0
    design = np.column_stack([np.ones_like(score), score, focal, score * focal])[filled]
    return cells.count.ravel()[filled], cells.total.ravel()[filled], design


def fit_logistic(design: Floats, right: Floats, count: Floats) -> Fit:
    """Logistic regression of `right` (n,) out of `count` (n,) on a `design` (n, p) by Newton steps, halved if too long.

    The deviance is -2 log L of the single responses (McCullagh & Nelder 1989, ch. 4).

    >>> fit = fit_logistic(np.ones((2, 1)), np.array([1.0, 2.0]), np.array([4.0, 8.0]))
    >>> round(float(logistic(fit.coefficients)[0]), 9), fit.converged
    (0.25, True)
    """
    if design.ndim != 2 or not len(design) or right.shape != (len(design),) or count.shape != right.shape:
        raise ValueError(f"fit_logistic: design {design.shape}, right {right.shape}, count {count.shape}: no cells")
    if not (np.isfinite(design).all() and np.isfinite(right).all() and np.isfinite(count).all()):
        raise ValueError("fit_logistic: design, right and count must be finite")
    scale = np.maximum(np.abs(design).max(axis=0), 1e-12)
    x, beta = design / scale, np.zeros(design.shape[1])
    deviance, converged = _deviance(x @ beta, right, count), False
    for _ in range(CYCLES):
        p = logistic(x @ beta)
        held = (x.T * (count * p * (1 - p))) @ x
        step = np.linalg.pinv(held, rcond=1e-12) @ (x.T @ (right - count * p))
        size = 1.0
        while (value := _deviance(x @ (beta + size * step), right, count)) > deviance + 1e-9 and size > 1e-6:
            size /= 2
        beta, before, deviance = beta + size * step, deviance, value
        if before - deviance < 1e-10 * (1 + abs(deviance)) and np.abs(size * step).max() < 1e-6:
            converged = True
            break
    p = logistic(x @ beta)
    covariance = np.linalg.pinv((x.T * (count * p * (1 - p))) @ x, rcond=1e-12) / np.outer(scale, scale)
    return Fit(beta / scale, covariance, deviance, converged)


def _deviance(z: Floats, right: Floats, count: Floats) -> float:
    """-2 log L of the single responses."""
    return float(2 * (right * np.logaddexp(0, -z) + (count - right) * np.logaddexp(0, z)).sum())


def _nagelkerke(fit: Fit, none: Fit, people: float) -> float:
    """Share of the reachable R squared (Nagelkerke 1991)."""
    return float(np.expm1((fit.deviance - none.deviance) / people) / np.expm1(-none.deviance / people))
