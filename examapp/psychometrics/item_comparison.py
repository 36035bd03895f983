"""The same items calibrated twice: in two groups (differential functioning) or at two times (drift of anchors)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from examapp.psychometrics import irt, undetermined
from examapp.psychometrics.dif import Labels, size_classes
from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import Link, rescale
from examapp.psychometrics.matching import Mask
from examapp.psychometrics.parameter_vectors import (
    checked_covariance,
    free_parameters,
    numerical_jacobian,
    owners,
    with_free_parameters,
)
from examapp.psychometrics.response_models import Floats


@dataclass(frozen=True)
class ItemComparison:
    """Per item (J,), second calibration less first, both on the first one's scale.

    `shift` is the difference of the mean threshold and `robust_z` its distance from the median of all items in
    robust standard deviations; `statistic` with `degrees_of_freedom` and `p_value` is Lord's chi-square;
    `score_difference` the mean difference of the expected item score over N(0, 1), as a share of the highest
    score, with its class A, B or C; `area` the area between two dichotomous curves (Raju 1988), signed, with
    `area_z` for the signed quantity behind the unsigned area (Raju 1990). Areas are infinite where the asymptotes
    differ, and NaN for items that are not `dichotomous` (J,). What needs the covariances is None without them.
    Undetermined are `robust_z` where the shifts do not spread, `statistic` and `area_z` where nothing was estimated,
    and an area where a slope is not positive.
    """

    shift: Floats
    robust_z: Floats
    statistic: Floats | None
    degrees_of_freedom: npt.NDArray[np.intp] | None
    p_value: Floats | None
    score_difference: Floats
    effect_class: Labels
    area: Floats
    unsigned_area: Floats
    area_z: Floats | None
    dichotomous: Mask

    @property
    def blank(self) -> Mapping[str, Mask]:
        """Items of which there is no area, or none that could be off by so many errors."""
        return {**dict.fromkeys(("area", "unsigned_area"), ~self.dichotomous), "area_z": ~np.isfinite(self.area)}


@undetermined.refused("items", "shifts without spread, nothing estimated, or a slope that is not positive")
def compare_calibrations(
    first: Items,
    second: Items,
    link: Link,
    covariances: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    *,
    alpha: float = 0.05,
) -> ItemComparison:
    """Compare J items calibrated twice; `link` takes the scale of `second` to that of `first`.

    Lord's chi-square is v' (C_1 + C_2)^-1 v with v the difference of slope and thresholds where the model frees
    them and C their covariances, the link taken as known (Lord 1980, ch. 14). `covariances` (P, P) each belong to the
    free parameters in the order of `parameter_vectors`. Robust z is (shift - median) / (0.74 interquartile range)
    (Huynh & Meyer 2010). Classes are B from a score difference of 0.05, C from 0.10, and need significance where
    covariances are known.

    >>> items = Items.of("2pl", a=[1.0, 1.0, 1.0], b=[-1.0, 0.0, 1.0])
    >>> harder = Items.of("2pl", a=[1.0, 1.0, 1.0], b=[-1.0, 0.0, 2.0])
    >>> same = Link(1.0, 0.0, np.zeros((2, 2)), True, (), ())
    >>> compare_calibrations(items, harder, same).effect_class.tolist()
    ['A', 'A', 'C']
    """
    _check(first, second)
    moved = rescale(second, link.A, link.B)
    theta = irt.grid(points=121)
    weights = irt.normal_weights(theta)
    gap = weights @ (irt.expected_score(moved, theta) - irt.expected_score(first, theta)) / (first.categories - 1)
    shift = np.nanmean(moved.b, axis=1) - np.nanmean(first.b, axis=1)
    area, unsigned = _areas(first, moved)
    statistic = freedom = p_value = z = None
    counted = gap
    if covariances is not None:
        parts = _covariances(first, second, link, covariances)
        statistic, freedom = _lord(first, moved, parts)
        p_value, z = chdtrc(np.maximum(freedom, 1), statistic), _area_z(first, moved, area, parts)
        counted = np.where(np.isnan(p_value) | (p_value < alpha), gap, 0.0)
    return ItemComparison(
        shift=shift,
        robust_z=_robust_z(shift),
        statistic=statistic,
        degrees_of_freedom=freedom,
        p_value=p_value,
        score_difference=gap,
        effect_class=size_classes(counted, 0.05, 0.10),
        area=area,
        unsigned_area=unsigned,
        area_z=z,
        dichotomous=np.asarray(first.categories == 2, dtype=bool),
    )


def _check(first: Items, second: Items) -> None:
    if first.model != second.model or (first.categories != second.categories).any():
        raise ValueError("compare_calibrations: both need the same items, with the same models and categories")
    if "nrm" in first.model:
        raise ValueError("compare_calibrations: nominal items have no thresholds to compare")


def _natural(items: Items) -> Floats:
    """Slope and thresholds of each item, (J, K)."""
    return np.column_stack([items.a, items.b])


def _covariances(first: Items, second: Items, link: Link, covariances: tuple[npt.ArrayLike, npt.ArrayLike]) -> Floats:
    """Covariances of slope and thresholds of each item and calibration on the first one's scale, (2, J, K, K).

    What a model fixes has variance 0.
    """
    width = first.b.shape[1] + 1
    out = np.zeros((2, len(first), width, width))
    scale = np.concatenate([[1.0 / link.A], np.full(width - 1, link.A)])
    for side, items, stretch in ((0, first, np.ones(width)), (1, second, scale)):
        values, owner = free_parameters(items), owners(items)
        known = checked_covariance(covariances[side], values.size, "covariances")
        slopes = _by_free(items, values)
        for item in range(len(items)):
            own = np.flatnonzero(owner == item)
            jacobian = slopes[item][:, own] * stretch[:, None]
            out[side, item] = jacobian @ known[np.ix_(own, own)] @ jacobian.T
    return out


def _by_free(items: Items, values: Floats) -> Floats:
    """Derivatives of slope and thresholds by the free parameters, (J, K, P)."""
    flat = numerical_jacobian(lambda x: np.nan_to_num(_natural(with_free_parameters(items, x))).ravel(), values)
    return flat.reshape(len(items), -1, values.size)


def _lord(first: Items, moved: Items, parts: Floats) -> tuple[Floats, npt.NDArray[np.intp]]:
    statistic, freedom = np.full(len(first), np.nan), np.zeros(len(first), dtype=np.intp)
    gap = _natural(moved) - _natural(first)
    for item, covariance in enumerate(parts.sum(axis=0)):
        free = np.diagonal(covariance) > 0
        freedom[item] = int(free.sum())
        if free.any():
            v = gap[item, free]
            statistic[item] = v @ np.linalg.pinv(covariance[np.ix_(free, free)], hermitian=True) @ v
    return statistic, freedom


def _robust_z(shift: Floats) -> Floats:
    low, middle, high = np.percentile(shift, [25, 50, 75])
    spread = 0.74 * (high - low)
    return (shift - middle) / spread if spread > 0 else np.full(shift.size, np.nan)


def _areas(first: Items, moved: Items) -> tuple[Floats, Floats]:
    """Signed and unsigned area between dichotomous curves, infinite where they do not meet at an end (Raju 1988)."""
    out = np.full((2, len(first)), np.nan)
    ends = np.sign([first.c - moved.c, first.d - moved.d])
    for item in np.flatnonzero((first.categories == 2) & (first.a > 0) & (moved.a > 0)).tolist():
        reach = float(first.d[item] - first.c[item])
        if ends[:, item].any():
            out[:, item] = ends[:, item].sum() * np.inf if ends[:, item].sum() else np.nan, np.inf
            continue
        area, _ = _area(_natural(first)[item, :2], _natural(moved)[item, :2])
        out[:, item] = reach * (moved.b[item, 0] - first.b[item, 0]), reach * abs(area)
    return out[0], out[1]


def _area_z(first: Items, moved: Items, area: Floats, parts: Floats) -> Floats:
    """The H behind the unsigned areas over its error."""
    out = np.full(len(first), np.nan)
    for item in np.flatnonzero(np.isfinite(area)).tolist():
        distance, slope = _area(_natural(first)[item, :2], _natural(moved)[item, :2])
        variance = slope[:2] @ parts[0, item, :2, :2] @ slope[:2] + slope[2:] @ parts[1, item, :2, :2] @ slope[2:]
        if variance > 0:
            out[item] = distance / np.sqrt(variance)
    return out


def _area(one: Floats, two: Floats) -> tuple[float, Floats]:
    """Raju's H and its derivatives by a_1, b_1, a_2, b_2.

    H = 2 (1/a_1 - 1/a_2) log(1 + exp(y)) - (b_2 - b_1), y = (b_2 - b_1) / (1/a_1 - 1/a_2).
    """
    (a_1, b_1), (a_2, b_2) = one, two
    gap, width = b_2 - b_1, 1 / a_1 - 1 / a_2
    if abs(width) < 1e-9:
        return float(gap), np.array([0.0, -1.0, 0.0, 1.0])
    y = gap / width
    s, rest = 1 / (1 + np.exp(-np.clip(y, -700, 700))), np.logaddexp(0.0, y)
    by_width = 2 * (rest - y * s)
    slope = np.array([-by_width / a_1**2, 1 - 2 * s, by_width / a_2**2, 2 * s - 1])
    return float(2 * width * rest - gap), slope
