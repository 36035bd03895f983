"""Response times under the lognormal model, misfit, sudden speed, and rapid guessing.

log T_ij ~ N(beta_j - tau_i, 1 / alpha_j^2): beta is the time intensity of item j in log seconds, alpha its
precision, tau the speed of person i (van der Linden 2006). Times are (N, J), NaN or not positive where unknown.
A person who races through everything is merely fast to this model: rapid guessing has its own absolute rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr

from examapp.psychometrics import undetermined
from examapp.psychometrics.response_models import Floats

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TimeModel:
    """`alpha` (J,), per log second, and `beta` (J,), in log seconds, and the standard deviation `sd` of speed.

    Speed has the mean 0. Undetermined for an item without times.
    """

    alpha: Floats
    beta: Floats
    sd: float
    converged: bool
    cycles: int


@dataclass(frozen=True)
class TimeFit:
    """Per person (N,): speed with its error, in log seconds, chi-square misfit with degrees of freedom and p-value.

    Undetermined without times, and the p-value of a single one.
    """

    speed: Floats
    standard_error: Floats
    statistic: Floats
    degrees_of_freedom: npt.NDArray[np.intp]
    p_value: Floats


@dataclass(frozen=True)
class RapidGuessing:
    """`thresholds` (J,) in seconds, `rapid` (N, J) responses below them, and each person's `effort` (N,).

    Effort is the share of responses that took the time an attempt needs; `flagged` people fall below the limit.
    """

    thresholds: Floats
    rapid: Mask
    effort: Floats
    flagged: Mask


@undetermined.refused("items", "nobody has a time there")
def fit_times(times: npt.ArrayLike, *, tolerance: float = 1e-8, max_cycles: int = 500) -> TimeModel:
    """Time intensity and precision of the items by maximum likelihood from times (N, J), in seconds, by EM.

    log T_ij ~ N(beta_j - tau_i, 1 / alpha_j^2), tau ~ N(0, sd^2) (van der Linden 2006). The iteration ends when the
    log-likelihood gains less than `tolerance` of itself, or after `max_cycles` without having converged.

    >>> seconds = np.exp(np.array([[3.0, 4.0, 3.4], [3.4, 4.2, 3.9], [2.7, 3.6, 3.1], [3.2, 4.1, 3.5]]))
    >>> fit_times(seconds).beta.round(1).tolist()
    [3.1, 4.0, 3.5]
    """
    logs, seen = _logs(times)
    count = seen.sum(axis=0)
    if (count == 1).any() or not seen.any():
        raise ValueError(f"fit_times: item {int(np.argmax(count == 1))} has fewer than two times")
    known = count > 0
    found = _climb(logs[:, known], seen[:, known], tolerance, max_cycles)
    alpha, beta = np.full(known.size, np.nan), np.full(known.size, np.nan)
    alpha[known], beta[known] = found.alpha, found.beta
    return replace(found, alpha=alpha, beta=beta)


@undetermined.refused("people", "they have no time, or one alone")
def time_fit(times: npt.ArrayLike, alpha: npt.ArrayLike, beta: npt.ArrayLike) -> TimeFit:
    """Speed tau = sum alpha^2 (beta - log T) / sum alpha^2 and misfit sum alpha^2 (log T - beta + tau)^2.

    `times` (N, J) are in seconds, `alpha` and `beta` (J,) those of `fit_times`. The misfit is chi-square with one
    degree of freedom less than the times known (van der Linden & Guo 2008).

    >>> time_fit(np.exp([[3.0, 4.0]]), [1.0, 1.0], [3.5, 4.5]).speed.tolist()
    [0.5]
    """
    logs, seen, precision, intensity = _with_model(times, alpha, beta)
    held = seen @ precision**2
    known = held > 0
    speed = ((seen * (intensity - logs)) @ precision**2) / np.where(known, held, 1.0)
    statistic = (seen * precision**2 * (logs - intensity + speed[:, None]) ** 2).sum(axis=1)
    freedom = np.maximum(seen.sum(axis=1) - 1, 0).astype(np.intp)
    p_value = np.where(freedom > 0, chdtrc(np.maximum(freedom, 1), statistic), np.nan)
    nothing = np.where(known, 0.0, np.nan)
    error = 1 / np.sqrt(np.where(known, held, 1.0)) + nothing
    return TimeFit(speed + nothing, error, statistic + nothing, freedom, p_value)


@undetermined.refused("people", "they have times of one kind of item only")
def time_preknowledge(
    times: npt.ArrayLike, alpha: npt.ArrayLike, beta: npt.ArrayLike, exposed: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Is a person faster on the items at positions `exposed` than on the others? Statistic and p-value, (N,) each.

    `times` (N, J) are in seconds, `alpha` and `beta` (J,) those of `fit_times`, `exposed` (n,) positions.
    (tau_e - tau_o) / sqrt(1 / sum_e alpha^2 + 1 / sum_o alpha^2), the signed likelihood ratio (Sinharay 2020);
    standard normal without preknowledge. Undetermined for people with times of one kind only.

    >>> time_preknowledge(np.exp([[3.0, 4.0]]), [1.0, 1.0], [3.5, 4.5], [1])[0].tolist()
    [0.0]
    """
    logs, seen, precision, intensity = _with_model(times, alpha, beta)
    at = np.asarray(exposed, dtype=np.intp)
    if at.size == 0 or at.min() < 0 or at.max() >= precision.size:
        raise ValueError(f"time_preknowledge: exposed needs positions in 0..{precision.size - 1}")
    chosen = np.isin(np.arange(precision.size), at)
    held = np.stack([(seen * kind) @ precision**2 for kind in (chosen, ~chosen)])
    total = np.stack([(seen * kind * (intensity - logs)) @ precision**2 for kind in (chosen, ~chosen)])
    both = (held > 0).all(axis=0)
    safe = np.where(both, held, 1.0)
    statistic = np.where(both, (total[0] / safe[0] - total[1] / safe[1]) / np.sqrt((1 / safe).sum(axis=0)), np.nan)
    return statistic, np.asarray(ndtr(-statistic))


@undetermined.refused("people", "they have no times")
def rapid_guessing(
    times: npt.ArrayLike,
    thresholds: npt.ArrayLike | None = None,
    *,
    share: float = 0.1,
    most: float = 10.0,
    limit: float = 0.9,
) -> RapidGuessing:
    """Responses given too fast to have been read, and the effort of each person (Wise & Kong 2005).

    Thresholds (J,) in seconds are given, or `share` of each item's mean time but no more than `most` seconds (Wise
    & Ma 2012). Effort below `limit` flags a person. Undetermined without times.

    `times` (N, J) and `thresholds` (J,) are in seconds.

    >>> rapid_guessing([[40.0, 60.0], [2.0, 1.0], [45.0, 50.0]]).effort.tolist()
    [1.0, 0.0, 1.0]
    """
    raw = _times(times)
    seen = raw > 0
    count = seen.sum(axis=0)
    if thresholds is None:
        mean = np.where(seen, raw, 0.0).sum(axis=0) / np.maximum(count, 1)
        bounds = np.minimum(share * mean, most)
    else:
        bounds = np.asarray(thresholds, dtype=np.float64)
        if bounds.shape != count.shape or not (bounds >= 0).all():
            raise ValueError(f"rapid_guessing: needs {count.size} thresholds, none negative")
    rapid = seen & (raw < bounds)
    given = seen.sum(axis=1)
    effort = np.where(given > 0, 1 - rapid.sum(axis=1) / np.maximum(given, 1), np.nan)
    return RapidGuessing(bounds, rapid, effort, effort < limit)


def _climb(logs: Floats, seen: Mask, tolerance: float, max_cycles: int) -> TimeModel:
    """EM over items that have times."""
    count = seen.sum(axis=0)
    beta = logs.sum(axis=0) / count
    spread = np.maximum((seen * (logs - beta) ** 2).sum(axis=0) / count, 1e-6)
    people, variance, before = seen.any(axis=1), float(np.mean(spread)) / 2, -np.inf
    for cycle in range(1, max_cycles + 1):
        held = 1 / variance + seen @ (1 / spread)
        speed = ((seen * (beta - logs)) @ (1 / spread)) / held
        value = _log_likelihood(logs, seen, beta, spread, variance, held, speed)
        if value - before < tolerance * (1 + abs(value)):
            return TimeModel(1 / np.sqrt(spread), beta, float(np.sqrt(variance)), True, cycle)
        before = value
        beta = (seen * (logs + speed[:, None])).sum(axis=0) / count
        square = (logs - beta + speed[:, None]) ** 2 + (1 / held)[:, None]
        spread = np.maximum((seen * square).sum(axis=0) / count, 1e-6)
        variance = max(float((speed**2 + 1 / held)[people].mean()), 1e-8)
    return TimeModel(1 / np.sqrt(spread), beta, float(np.sqrt(variance)), False, max_cycles)


def _times(times: npt.ArrayLike) -> Floats:
    raw = np.asarray(times, dtype=np.float64)
    if raw.ndim != 2 or np.isinf(raw).any():
        raise ValueError(f"times: needs finite seconds of people by items, got shape {raw.shape}")
    return np.nan_to_num(raw, nan=0.0)


def _logs(times: npt.ArrayLike) -> tuple[Floats, Mask]:
    """Log times, 0 where unknown, and which are known."""
    raw = _times(times)
    seen = raw > 0
    return np.log(np.where(seen, raw, 1.0)), seen


def _with_model(times: npt.ArrayLike, alpha: npt.ArrayLike, beta: npt.ArrayLike) -> tuple[Floats, Mask, Floats, Floats]:
    logs, seen = _logs(times)
    precision, intensity = np.asarray(alpha, dtype=np.float64), np.asarray(beta, dtype=np.float64)
    if precision.shape != (logs.shape[1],) or intensity.shape != precision.shape or not (precision > 0).all():
        raise ValueError(f"times: {logs.shape[1]} items need as many alpha > 0 and beta")
    return logs, seen, precision, intensity


def _log_likelihood(
    logs: Floats, seen: Mask, beta: Floats, spread: Floats, variance: float, held: Floats, speed: Floats
) -> float:
    """Marginal log-likelihood: the sum of squares less what speed explains, and the determinants."""
    square = (seen * (logs - beta) ** 2) @ (1 / spread) - held * speed**2
    determinant = seen @ np.log(spread) + np.log(variance) + np.log(held)
    return float(-0.5 * (square + determinant).sum())
