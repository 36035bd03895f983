"""Item parameters as one vector, the form in which covariance matrices and the delta method need them.

The free parameters of a test stand item after item, and within an item in the working order of its model: slope,
intercepts (d = -a b), logit of the lower and of the upper asymptote. What a model fixes is left out, so a Rasch
item has one entry, a 3PL item three. A 1PL slope appears once per item. The delta method is that of Kendall & Stuart
(1977, ch. 10).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import undetermined
from examapp.psychometrics.irt import MODELS, Items
from examapp.psychometrics.response_models import Floats

Indices = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


def free_parameters(items: Items) -> Floats:
    """The free working parameters of all items, (P,).

    >>> free_parameters(Items.of(["rasch", "2pl"], a=[1.0, 2.0], b=[0.5, 0.5])).tolist()
    [-0.5, 2.0, -1.0]
    """
    rows, free = _working(items)
    return rows[free]


def with_free_parameters(items: Items, values: npt.ArrayLike) -> Items:
    """The same items with other free parameters (P,), the inverse of `free_parameters`.

    `values` (P,) are in the order of `free_parameters`.

    >>> with_free_parameters(Items.of("2pl", a=[1.0], b=[0.0]), [2.0, -1.0]).b.tolist()
    [[0.5]]
    """
    rows, free = _working(items)
    given = np.asarray(values, dtype=np.float64)
    if given.shape != (int(free.sum()),):
        raise ValueError(f"with_free_parameters: {int(free.sum())} free parameters, but values of shape {given.shape}")
    rows[free] = given
    a, b, c, d, slopes = (x.copy() for x in (items.a, items.b, items.c, items.d, items.slopes))
    for model, at, xi in items.kinds():
        count = int(items.categories[at[0]]) - 1
        natural = model.natural(rows[at, : xi.shape[1]])
        a[at], c[at], d[at] = natural[0], natural[2], natural[3]
        b[at, :count], slopes[at, :count] = natural[1], natural[4]
    return replace(items, a=a, b=b, c=c, d=d, slopes=slopes)


def owners(items: Items) -> Indices:
    """The position of the item that each free parameter belongs to, (P,).

    >>> owners(Items.of(["rasch", "2pl"], b=[0.0, 0.0])).tolist()
    [0, 1, 1]
    """
    return np.nonzero(_working(items)[1])[0]


@undetermined.refused("entries", "the covariance is not known there")
def covariance_of(items: Items, covariance: npt.ArrayLike, names: Sequence[tuple[str, int]]) -> Floats:
    """The covariance matrix (P, P) of the free parameters from the `covariance` (V, V) of a calibration's vector.

    `names` says what each entry of the vector is and which item it belongs to, -1 if shared (`Layout.names`); what
    the calibration held fixed gets variance 0. Undetermined where the `covariance` is NaN.

    >>> names = [("slope", 0), ("slope", 1), ("intercept", 0), ("intercept", 1)]
    >>> two = Items.of("2pl", b=[0.0, 0.0])
    >>> np.diagonal(covariance_of(two, np.diag([1.0, 2.0, 3.0, 4.0]), names)).tolist()
    [1.0, 3.0, 2.0, 4.0]
    """
    given = np.asarray(covariance, dtype=np.float64)
    if given.shape != (len(names), len(names)):
        raise ValueError(f"covariance_of: {len(names)} names, but a covariance matrix of shape {given.shape}")
    padded = np.pad(given, ((0, 1), (0, 1)))
    places: list[int] = []
    for item, count in enumerate(np.bincount(owners(items), minlength=len(items)).tolist()):
        own = [at for at, (label, where) in enumerate(names) if where == item and label not in ("mean", "log sd")]
        if MODELS[items.model[item]].common_slope and own and names[own[0]][0] != "slope":
            own = [names.index(("slope", -1)), *own]
        places += own or [len(names)] * count
    return np.asarray(padded[np.ix_(places, places)], dtype=np.float64)


def category_gradient(items: Items, theta: npt.ArrayLike) -> Floats:
    """Derivatives of P(X = k | theta) of the owning item by each free parameter, (P, K, Q).

    `theta` (Q,) is on the items' scale.

    >>> category_gradient(Items.of("rasch", b=[0.0]), [0.0]).ravel().tolist()
    [-0.25, 0.25]
    """
    points = np.atleast_1d(np.asarray(theta, dtype=np.float64))
    rows, free = _working(items)
    out = np.zeros((*rows.shape, int(items.categories.max(initial=2)), points.size))
    for model, at, xi in items.kinds():
        by_log = model.log_derivatives(xi, points) * np.exp(model.log_probabilities(xi, points))[:, None]
        out[at, : by_log.shape[1], : by_log.shape[2]] = by_log
    return np.asarray(out[free], dtype=np.float64)


def numerical_jacobian(function: Callable[[Floats], Floats], at: Floats) -> Floats:
    """Central differences (M, P) of a vector function (M,) by each of its arguments at the point `at` (P,).

    >>> numerical_jacobian(lambda x: np.array([x[0] * x[1]]), np.array([2.0, 3.0])).round(6).tolist()
    [[3.0, 2.0]]
    """
    columns = []
    for p, value in enumerate(at):
        step = np.zeros_like(at)
        step[p] = 1e-5 * max(1.0, abs(value) if np.isfinite(value) else 1.0)
        columns.append((function(at + step) - function(at - step)) / (2 * step[p]))
    return np.stack(columns, axis=1) if columns else np.zeros((function(at).size, 0))


def checked_covariance(covariance: npt.ArrayLike, size: int, where: str) -> Floats:
    """The `covariance` (size, size) of free parameters; other shapes are refused.

    >>> checked_covariance([[0.5]], 1, "here").tolist()
    [[0.5]]
    """
    matrix = np.asarray(covariance, dtype=np.float64)
    if matrix.shape != (size, size):
        raise ValueError(f"{where}: {size} free parameters, but a covariance matrix of shape {matrix.shape}")
    return matrix


@undetermined.refused("entries", "the covariance is not known there")
def propagated(jacobian: Floats, covariance: Floats) -> Floats:
    """J C J' (M, M) from a `jacobian` J (M, P) and a `covariance` C (P, P).

    Parameters that have no influence are left out, so that their variance need not be known. Undetermined where that of
    another is NaN.

    >>> propagated(np.array([[2.0, 0.0]]), np.array([[1.0, np.nan], [np.nan, np.nan]])).tolist()
    [[4.0]]
    """
    used = (jacobian != 0).any(axis=0)
    return np.asarray(jacobian[:, used] @ covariance[np.ix_(used, used)] @ jacobian[:, used].T, dtype=np.float64)


def _working(items: Items) -> tuple[Floats, Mask]:
    """Working parameters (J, p), padded with 0, and which of them the item's model estimates."""
    kinds = list(items.kinds())
    width = max((xi.shape[1] for _, _, xi in kinds), default=0)
    rows, free = np.zeros((len(items), width)), np.zeros((len(items), width), dtype=bool)
    for model, at, xi in kinds:
        rows[at, : xi.shape[1]] = xi
        free[at, : xi.shape[1]] = [kind in model.free for kind in model.kinds(int(items.categories[at[0]]))]
    return rows, free
