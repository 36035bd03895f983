"""Putting two calibrations of common items on one scale, with the error of the constants, and chains of such links.

A link takes theta on one form's scale to the next one's: theta_to = A theta_from + B. Item parameters follow as
a* = a / A, b* = A b + B; asymptotes stay (Kolen & Brennan 2014, ch. 6). Errors come from the delta method and
need the covariance matrix of each calibration's free parameters, in the order of `parameter_vectors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from examapp.psychometrics import irt
from examapp.psychometrics.irt import Items
from examapp.psychometrics.parameter_vectors import (
    checked_covariance,
    free_parameters,
    numerical_jacobian,
    owners,
    propagated,
    with_free_parameters,
)
from examapp.psychometrics.response_models import Floats

METHODS = ("mean-mean", "mean-geometric", "mean-sigma", "haebara", "stocking-lord")
CURVE_METHODS = ("haebara", "stocking-lord")
NODES = 30
Pairs = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Link:
    """theta_to = `A` theta_from + `B`, with standard errors where the covariances of the parameters were given.

    `covariance` (2, 2) is that of (A, B), None if unknown. `jacobians` holds, for each form on the way, the
    derivatives (2, P) of (A, B) by its free parameters, `covariances` their covariance matrices (P, P). Where
    `converged` is false, A may be NaN or not positive.
    """

    A: float
    B: float
    covariance: Floats | None
    converged: bool
    jacobians: tuple[Floats, ...]
    covariances: tuple[Floats, ...]

    @property
    def blank(self) -> Mapping[str, npt.NDArray[np.bool_]]:
        """Constants that were not found say so by `converged`."""
        return dict.fromkeys(("A", "B"), np.array(not self.converged))

    @property
    def standard_errors(self) -> tuple[float, float] | None:
        """Standard errors of A and B; None if unknown."""
        if self.covariance is None:
            return None
        return float(np.sqrt(self.covariance[0, 0])), float(np.sqrt(self.covariance[1, 1]))

    def theta(self, theta: npt.ArrayLike) -> Floats:
        """Abilities carried to the other scale."""
        return self.A * np.asarray(theta, dtype=np.float64) + self.B

    def inverse(self) -> Link:
        """The way back: theta_from = (theta_to - B) / A."""
        by_old = np.array([[-1.0 / self.A**2, 0.0], [self.B / self.A**2, -1.0 / self.A]])
        jacobians = tuple(by_old @ one for one in self.jacobians[::-1])
        return _link(1.0 / self.A, -self.B / self.A, self.converged, jacobians, self.covariances[::-1])


def link(
    source: Items,
    target: Items,
    common: Sequence[tuple[int, int]],
    *,
    method: str = "stocking-lord",
    covariances: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    symmetric: bool = False,
) -> Link:
    """Constants that take the scale of `source` to the scale of `target`, from their common items.

    `covariances` (P, P) are those of the free parameters of `source` and of `target`. `common` pairs positions in
    `source` and `target`. The moment methods compare means and spreads: A is mean a / mean a* (mean-mean, Loyd & Hoover
    1980), the geometric mean of a / a* (mean-geometric, Mislevy & Bock 1990) or sd b* / sd b (mean-sigma, Marco 1977),
    and B = mean b* - A mean b. The curve methods minimise the distance over theta ~ N(0, 1) on the target's scale of
    the item curves (haebara, 1980) or of the test curves (stocking-lord, 1983); `symmetric` adds the distance over N(0,
    1) on the source's scale. Forms with fixed slopes (Rasch, partial credit) keep A = 1.

    >>> old, new = Items.of("2pl", a=[1.0, 2.0], b=[0.0, 1.0]), Items.of("2pl", a=[0.5, 1.0], b=[0.5, 2.5])
    >>> found = link(old, new, [(0, 0), (1, 1)])
    >>> round(found.A, 9), round(found.B, 9)
    (2.0, 0.5)
    """
    pairs = _check_pairs(source, target, common, method)
    old, new = source.take(pairs[:, 0]), target.take(pairs[:, 1])
    fixed = set(old.model) | set(new.model) <= {"rasch", "pcm"}
    rule = _CurveRule(method, fixed, symmetric) if method in CURVE_METHODS else _MomentRule(method, fixed)
    at, converged = rule.constants(old, new)
    converged = converged and bool(np.isfinite(at).all() and at[0] > 0)
    if covariances is None:
        return _link(float(at[0]), float(at[1]), converged, (), ())
    forms, parts = (source, target), rule.jacobians(old, new, at)
    spread = tuple(_spread(parts[side], forms[side], pairs[:, side]) for side in (0, 1))
    known = tuple(checked_covariance(covariances[side], spread[side].shape[1], "link") for side in (0, 1))
    return _link(float(at[0]), float(at[1]), converged, spread, known)


def chain(links: Sequence[Link]) -> Link:
    """One link from the first form to the last: A = A_2 A_1, B = A_2 B_1 + B_2, and so on (Battauz 2013).

    Neighbouring links share the form between them, so their errors are correlated; the delta method runs over
    the parameters of all forms.

    >>> step = Link(2.0, 1.0, np.eye(2), True, (), ())
    >>> chain([step, step]).A, chain([step, step]).B
    (4.0, 3.0)
    """
    if not links:
        raise ValueError("chain: no links")
    total = links[0]
    for step in links[1:]:
        by_step = np.array([[total.A, 0.0], [total.B, 1.0]])
        jacobians = [step.A * one for one in total.jacobians]
        following = [by_step @ one for one in step.jacobians]
        if jacobians and following:
            if jacobians[-1].shape != following[0].shape:
                raise ValueError("chain: the last form of one link is not the first form of the next")
            jacobians[-1] = jacobians[-1] + following.pop(0)
        joined = total.covariances + step.covariances[1:]
        A, B = step.A * total.A, step.A * total.B + step.B
        total = _link(A, B, total.converged and step.converged, (*jacobians, *following), joined)
    return total


def rescale(items: Items, A: float, B: float) -> Items:
    """The same items on the scale theta* = A theta + B: every probability stays what it was.

    Items whose model fixes the slope become the model that frees it, unless A is 1.

    a* = a / A, b* = A b + B, for nominal intercepts b* = b + a s B / A; the source stands at the head of this module.

    >>> moved = rescale(Items.of("2pl", a=[1.0], b=[0.5]), 2.0, 1.0)
    >>> moved.a.tolist(), moved.b.tolist()
    ([0.5], [[2.0]])
    """
    if not (A > 0 and np.isfinite([A, B]).all()):
        raise ValueError(f"rescale: needs a finite A > 0 and B, got {A} and {B}")
    nominal = np.array([name == "nrm" for name in items.model])[:, None]
    b = np.where(nominal, items.b + items.a[:, None] * items.slopes * B / A, A * items.b + B)
    freed = {"rasch": "1pl", "pcm": "gpcm"} if A != 1 else {}
    return replace(items, model=tuple(freed.get(name, name) for name in items.model), a=items.a / A, b=b)


def normal_nodes(count: int = NODES) -> tuple[Floats, Floats]:
    """Gauss-Hermite abilities and weights (count,) of N(0, 1) (Abramowitz & Stegun 1964, 25.4.46).

    >>> nodes, weights = normal_nodes(3)
    >>> round(float(weights @ nodes**2), 12)
    1.0
    """
    if count < 1:
        raise ValueError(f"normal_nodes: needs at least one node, got {count}")
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return nodes, weights / weights.sum()


@dataclass(frozen=True)
class _MomentRule:
    """The moment methods: A from slopes or from the spread of the thresholds, B from the means of the thresholds."""

    method: str
    fixed: bool

    def constants(self, old: Items, new: Items) -> tuple[Floats, bool]:
        b, b_new = (side.b[np.isfinite(side.b)] for side in (old, new))
        if self.fixed:
            A = 1.0
        elif self.method == "mean-mean":
            A = old.a.mean() / new.a.mean() if new.a.mean() else np.nan
        elif self.method == "mean-geometric":
            A = np.exp(np.log(old.a / new.a).mean())
        else:
            A = b_new.std() / b.std()
        return np.array([A, b_new.mean() - A * b.mean()]), True

    def jacobians(self, old: Items, new: Items, at: Floats) -> tuple[Floats, Floats]:
        return (
            numerical_jacobian(lambda x: self.constants(with_free_parameters(old, x), new)[0], free_parameters(old)),
            numerical_jacobian(lambda x: self.constants(old, with_free_parameters(new, x))[0], free_parameters(new)),
        )


@dataclass(frozen=True)
class _CurveRule:
    """The curve methods: the least weighted squared distance of item curves, or of test curves, over (A, B)."""

    method: str
    fixed: bool
    symmetric: bool

    def constants(self, old: Items, new: Items) -> tuple[Floats, bool]:
        ratio = np.abs(old.a).mean() / max(float(np.abs(new.a).mean()), 1e-6)
        A = 1.0 if self.fixed else float(np.clip(ratio, 0.05, 20.0))
        start, first = np.array([A, np.nanmean(new.b) - A * np.nanmean(old.b)]), int(self.fixed)
        found = least_squares(
            lambda x: self._parts(old, new, self._full(x))[0],
            start[first:],
            jac=lambda x: self._parts(old, new, self._full(x))[1][:, first:],
            bounds=([1e-3, -np.inf][first:], np.inf),
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
        )
        return self._full(found.x), bool(found.success)

    def jacobians(self, old: Items, new: Items, at: Floats) -> tuple[Floats, Floats]:
        """At the minimum the gradient g(A, B; parameters) stays 0: d(A, B) = -(dg / d(A, B))^-1 dg."""
        keep = [1] if self.fixed else [0, 1]
        hessian = numerical_jacobian(lambda x: self._gradient(old, new, x), at)[np.ix_(keep, keep)]
        inverse = np.zeros((2, 2))
        inverse[np.ix_(keep, keep)] = np.linalg.pinv(hessian)
        by_old = numerical_jacobian(
            lambda x: self._gradient(with_free_parameters(old, x), new, at), free_parameters(old)
        )
        by_new = numerical_jacobian(
            lambda x: self._gradient(old, with_free_parameters(new, x), at), free_parameters(new)
        )
        return -inverse @ by_old, -inverse @ by_new

    def _gradient(self, old: Items, new: Items, at: Floats) -> Floats:
        residual, slope = self._parts(old, new, at)
        return np.asarray(slope.T @ residual, dtype=np.float64)

    def _full(self, x: Floats) -> Floats:
        return np.array([1.0, x[0]]) if self.fixed else np.asarray(x, dtype=np.float64)

    def _parts(self, old: Items, new: Items, at: Floats) -> tuple[Floats, Floats]:
        """Weighted distances (R,) and their derivatives (R, 2) by A and B."""
        (A, B), (nodes, weights) = at, normal_nodes()
        back, root = (nodes - B) / A, np.sqrt(weights)[:, None]
        p, slope, _ = irt.theta_derivatives(old, back)
        rise = root * self._curves(slope)
        parts = [(root * self._curves(irt.probabilities(new, nodes) - p), rise * back[:, None] / A, rise / A)]
        if self.symmetric:
            p, slope, _ = irt.theta_derivatives(new, A * nodes + B)
            rise = root * self._curves(slope)
            parts.append((root * self._curves(p - irt.probabilities(old, nodes)), rise * nodes[:, None], rise))
        distance, by_A, by_B = (np.concatenate([part[i].ravel() for part in parts]) for i in range(3))
        return distance, np.column_stack([by_A, by_B])

    def _curves(self, values: Floats) -> Floats:
        """Category curves (Q, J K) or the test curve (Q, 1) from category values (Q, J, K)."""
        if self.method == "haebara":
            return values.reshape(len(values), -1)
        return np.asarray((values @ np.arange(values.shape[2])).sum(axis=1, keepdims=True), dtype=np.float64)


def _link(A: float, B: float, converged: bool, jacobians: tuple[Floats, ...], covariances: tuple[Floats, ...]) -> Link:
    """A link whose covariance of (A, B) is the sum over forms, which were calibrated independently."""
    total = np.zeros((2, 2))
    for jacobian, covariance in zip(jacobians, covariances, strict=True):
        total += propagated(jacobian, covariance)
    return Link(A, B, total if jacobians else None, converged, jacobians, covariances)


def _spread(part: Floats, form: Items, positions: Pairs) -> Floats:
    """Derivatives by the parameters of the common items, placed among those of the whole form; 0 elsewhere."""
    owner = owners(form)
    out = np.zeros((2, owner.size))
    out[:, np.concatenate([np.flatnonzero(owner == position) for position in positions])] = part
    return out


def _check_pairs(source: Items, target: Items, common: Sequence[tuple[int, int]], method: str) -> Pairs:
    if method not in METHODS:
        raise ValueError(f"link: unknown method {method!r}, known are {', '.join(METHODS)}")
    pairs = np.asarray(common, dtype=np.intp)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) == 0:
        raise ValueError("link: needs pairs of positions of at least one common item")
    for side, form, name in ((0, source, "source"), (1, target, "target")):
        column = pairs[:, side]
        if column.min() < 0 or column.max() >= len(form) or len(set(column.tolist())) < len(column):
            raise ValueError(f"link: positions in {name} must be different and in 0..{len(form) - 1}")
    old, new = source.take(pairs[:, 0]), target.take(pairs[:, 1])
    differ = np.flatnonzero(old.categories != new.categories)
    if differ.size:
        raise ValueError(f"link: common item {int(differ[0])} has other categories in source and target")
    if method not in CURVE_METHODS:
        _check_moments(old, new, method)
    return pairs


def _check_moments(old: Items, new: Items, method: str) -> None:
    if "nrm" in old.model + new.model:
        raise ValueError(f"link: {method} needs ordered categories, use a curve method for nominal items")
    flat = np.flatnonzero((old.a == 0) | (new.a == 0))
    if flat.size:
        raise ValueError(f"link: common item {int(flat[0])} is flat and has no thresholds; use a curve method")
    if method == "mean-geometric" and not ((old.a > 0) & (new.a > 0)).all():
        raise ValueError("link: mean-geometric needs positive slopes in all common items")
    if method == "mean-sigma" and min(np.nanstd(old.b), np.nanstd(new.b)) == 0:
        raise ValueError("link: mean-sigma needs common items of different difficulty")
