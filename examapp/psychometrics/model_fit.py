"""Does the whole model fit? Limited-information statistics from the means and products of item scores.

M2 (dichotomous) and M2* (polytomous) compare the mean score of each item and the mean product of each pair with
what the model says; C2 keeps every category's share and the products (Maydeu-Olivares & Joe 2006; Cai & Hansen
2013; Cai & Monroe 2014). With the residuals e, their covariance Xi / N and the derivatives D of the margins by
the parameters, and D' D_c = 0,

    M2 = N e' D_c (D_c' Xi D_c)^-1 D_c' e,    chi-square with (margins - parameters) degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, qr, solve_triangular
from scipy.optimize import brentq
from scipy.special import chdtr, chdtrc, chndtr

from examapp.psychometrics import undetermined
from examapp.psychometrics.irt import Items
from examapp.psychometrics.margins import IndependentMoments, Margins, Moments, margins_of, observed_margins
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import Codes, codes

LIMITS = (0.05, 0.95)


@dataclass(frozen=True)
class ModelFit:
    """Chi-square, degrees of freedom and p-value, and what follows from them.

    `rmsea` is the root mean square error of approximation with its 90 % interval, `srmsr` the standardised root
    mean square residual of the correlations, `tli` and `cfi` compare with independent items. Undetermined without
    degrees of freedom, `srmsr` with an item on which all scored alike.
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float
    rmsea: float
    rmsea_interval: tuple[float, float]
    srmsr: float
    tli: float
    cfi: float


@undetermined.refused("ends", "no degrees of freedom, or an item on which all scored alike")
def model_fit(
    responses: npt.ArrayLike,
    items: Items,
    *,
    mean: float = 0.0,
    sd: float = 1.0,
    statistic: str = "M2",
    free_variance: bool | None = None,
    common_slope: bool | None = None,
) -> ModelFit:
    """Fit of the calibrated items to complete responses (N, J) of people with ability N(mean, sd^2).

    `statistic` is "M2" (which is M2* if items have more than two categories) or "C2". What was estimated is what
    the models free; `free_variance` says that the variance of ability was as well (by default if no model frees a
    slope), `common_slope` that the slopes are one parameter (by default if all items are 1PL). Items that nobody saw
    are left out, then people who did not see all others. Sources and equation stand at the head of this module.

    >>> items = Items.of("2pl", a=[1.0, 1.0, 1.0, 1.0, 1.0], b=[-1.0, -0.5, 0.0, 0.5, 1.0])
    >>> patterns = (np.arange(32)[:, None] >> np.arange(5)) & 1
    >>> model_fit(np.repeat(patterns, 20, axis=0), items).degrees_of_freedom
    5
    """
    scores, items = _complete(responses, items, sd, statistic)
    margins = margins_of(items, statistic)
    moments = Moments(items, margins, mean, sd)
    fixed = set(items.model) <= {"rasch", "pcm"}
    columns = moments.derivatives(
        fixed if free_variance is None else free_variance,
        set(items.model) == {"1pl"} if common_slope is None else common_slope,
    )
    observed = observed_margins(scores, margins)
    value, freedom = quadratic_form(observed - moments.expected(), columns, moments.covariance(), len(scores))
    alone = _independence(scores, items, margins, observed)
    return fit_indices(value, freedom, len(scores), independence=alone, srmsr=_srmsr(scores, moments))


@undetermined.refused("ends", "no degrees of freedom, or nothing to compare with")
def fit_indices(
    statistic: float,
    degrees_of_freedom: int,
    people: int,
    *,
    independence: tuple[float, int],
    srmsr: float,
) -> ModelFit:
    """What follows from a chi-square `statistic` of N `people`: p-value, RMSEA with its interval, TLI and CFI.

    `independence` is the statistic of independent items with its degrees of freedom, `srmsr` is passed on. Undetermined
    as `ModelFit`.

    >>> fit = fit_indices(20.0, 10, 1001, independence=(110.0, 10), srmsr=0.03)
    >>> round(fit.rmsea, 4), round(fit.cfi, 3), round(fit.p_value, 4)
    (0.0316, 0.9, 0.0293)
    """
    tli, cfi = _incremental(statistic, degrees_of_freedom, *independence)
    return ModelFit(
        statistic=statistic,
        degrees_of_freedom=degrees_of_freedom,
        p_value=float(chdtrc(degrees_of_freedom, statistic)) if degrees_of_freedom > 0 else float("nan"),
        rmsea=_rmsea(statistic - degrees_of_freedom, degrees_of_freedom, people),
        rmsea_interval=_rmsea_interval(statistic, degrees_of_freedom, people),
        srmsr=srmsr,
        tli=tli,
        cfi=cfi,
    )


def _complete(responses: npt.ArrayLike, items: Items, sd: float, statistic: str) -> tuple[Codes, Items]:
    """The items that anybody saw and the people who saw them all, if these allow what was asked for."""
    scores = codes(responses, items.categories)
    offered = (scores >= 0).any(axis=0)
    scores, items = scores[:, offered], items.take(offered)
    scores = scores[(scores >= 0).all(axis=1)]
    if statistic not in ("M2", "C2") or not sd > 0:
        raise ValueError(f"model_fit: statistic is M2 or C2 and sd > 0, got {statistic!r} and {sd}")
    if len(items) < 3 or len(scores) < 2:
        raise ValueError(f"model_fit: needs three items and two people who saw them all, got {scores.shape}")
    return scores, items


@undetermined.refused("", "no degrees of freedom, or a singular covariance")
def quadratic_form(residual: Floats, columns: Floats, covariance: Floats, people: int) -> tuple[float, int]:
    """N e' D_c (D_c' Xi D_c)^-1 D_c' e and its degrees of freedom, the margins less the rank of D.

    `residual` e (M,), `columns` D (M, P), `covariance` Xi (M, M), `people` N. Undetermined without degrees of freedom,
    and where the covariance is singular beside D.

    >>> value, freedom = quadratic_form(np.array([0.1, 0.2]), np.array([[1.0], [0.0]]), np.eye(2), 100)
    >>> round(value, 9), freedom
    (4.0, 1)
    """
    q, r, _ = qr(columns, pivoting=True)
    size = np.abs(np.diagonal(r))
    rank = int((size > 1e-9 * size.max(initial=0.0)).sum())
    freedom = residual.size - rank
    if freedom <= 0:
        return float("nan"), freedom
    beside = q[:, rank:]
    left = beside.T @ residual
    try:
        factor = np.tril(cho_factor(beside.T @ covariance @ beside, lower=True)[0])
    except np.linalg.LinAlgError:
        return float("nan"), freedom
    if np.diagonal(factor).min() < 1e-7 * np.diagonal(factor).max():
        return float("nan"), freedom
    scaled = solve_triangular(factor, left, lower=True)
    return float(people * scaled @ scaled), freedom


def _independence(scores: Codes, items: Items, margins: Margins, observed: Floats) -> tuple[float, int]:
    """The statistic of the model in which items are independent and each category has its observed share."""
    shares = np.stack([(scores == k).mean(axis=0) for k in range(int(items.categories.max()))], axis=1)
    alone = IndependentMoments(items, margins, shares)
    return quadratic_form(observed - alone.expected(), alone.columns(), alone.covariance(), len(scores))


def _rmsea(excess: float, freedom: int, people: int) -> float:
    return float(np.sqrt(max(excess, 0.0) / (freedom * (people - 1)))) if freedom > 0 else float("nan")


def _rmsea_interval(value: float, freedom: int, people: int) -> tuple[float, float]:
    """The non-centralities under which the statistic is the 95th and the 5th percentile."""
    if freedom <= 0 or np.isnan(value):
        return float("nan"), float("nan")
    ends = []
    for share in (LIMITS[1], LIMITS[0]):
        if chdtr(freedom, value) <= share:
            ends.append(0.0)
            continue
        top = 2 * value + 100.0
        ends.append(float(brentq(lambda x, s=share: chndtr(value, freedom, x) - s, 1e-9, top, xtol=1e-8)))
    return _rmsea(ends[0], freedom, people), _rmsea(ends[1], freedom, people)


def _srmsr(scores: Codes, moments: Moments) -> float:
    pairs = np.triu_indices(scores.shape[1], 1)
    if (scores.max(axis=0) == scores.min(axis=0)).any():
        return float("nan")
    observed = np.asarray(np.corrcoef(scores, rowvar=False))[pairs]
    return float(np.sqrt(((observed - moments.correlations()[pairs]) ** 2).mean()))


def _incremental(value: float, freedom: int, alone: float, alone_freedom: int) -> tuple[float, float]:
    """Tucker-Lewis and comparative fit index (Bentler 1990) against independent items."""
    if freedom <= 0 or alone_freedom <= 0 or np.isnan(value + alone):
        return float("nan"), float("nan")
    ratio = alone / alone_freedom
    tli = (ratio - value / freedom) / (ratio - 1) if ratio != 1 else float("nan")
    worst = max(alone - alone_freedom, value - freedom, 0.0)
    return tli, 1.0 if worst == 0 else 1 - max(value - freedom, 0.0) / worst
