"""Item response theory: the registry of models, the items of a test as arrays, and their curves.

The metric is logistic without 1.7. For item j with slope a, threshold b, lower asymptote c and upper asymptote d

    P(X_j = 1 | theta) = c + (d - c) / (1 + exp(-a (theta - b)))                 (Lord 1980, eq. 2-1)

and the polytomous models are in `polytomous_models`. A score X runs from 0 to K-1. Abilities `theta` (Q,) are on the
items' scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.polytomous_models import Graded, Nominal, PartialCredit
from examapp.psychometrics.response_models import Dichotomous, Floats, ResponseModel
from examapp.psychometrics.undetermined import Mask

Indices = npt.NDArray[np.intp]

MODELS: dict[str, ResponseModel] = {
    "rasch": Dichotomous(free=("intercept",)),
    "1pl": Dichotomous(free=("slope", "intercept"), common_slope=True),
    "2pl": Dichotomous(free=("slope", "intercept")),
    "3pl": Dichotomous(free=("slope", "intercept", "lower")),
    "4pl": Dichotomous(free=("slope", "intercept", "lower", "upper")),
    "grm": Graded(free=("slope", "intercept")),
    "pcm": PartialCredit(free=("intercept",)),
    "gpcm": PartialCredit(free=("slope", "intercept")),
    "nrm": Nominal(free=("category slope", "intercept")),
}


@dataclass(frozen=True)
class Items:
    """The parameters of J items on one named scale.

    `model` names each item's model; `a` (J,) slopes; `b` (J, K-1) thresholds, padded with NaN behind the last
    one; `c` and `d` (J,) lower and upper asymptotes; `slopes` (J, K-1) the category slopes of nominal items,
    1 elsewhere. A nominal item holds the negated intercepts in `b`. The padding is `blank`.

    >>> items = Items.of("2pl", a=[1.0, 2.0], b=[0.0, 0.5])
    >>> items.b.shape, items.categories.tolist()
    ((2, 1), [2, 2])
    """

    model: tuple[str, ...]
    a: Floats
    b: Floats
    c: Floats
    d: Floats
    slopes: Floats

    def __post_init__(self) -> None:
        _check(self)

    @classmethod
    def of(
        cls,
        model: str | Sequence[str],
        a: npt.ArrayLike = 1.0,
        b: npt.ArrayLike | Sequence[Sequence[float]] = 0.0,
        c: npt.ArrayLike = 0.0,
        d: npt.ArrayLike = 1.0,
        slopes: npt.ArrayLike | Sequence[Sequence[float]] = 1.0,
    ) -> Items:
        """Items from scalars, sequences or ragged lists of thresholds; `b` decides how many items there are.

        >>> Items.of(["2pl", "grm"], a=[1.0, 1.2], b=[[0.0], [-1.0, 1.0]]).categories.tolist()
        [2, 3]
        """
        thresholds = _padded(b)
        count = len(thresholds)
        names = (model,) * count if isinstance(model, str) else tuple(model)
        weights = np.full(thresholds.shape, float(slopes)) if isinstance(slopes, float | int) else _padded(slopes)
        weights = np.where(np.isnan(thresholds), np.nan, weights)
        return cls(names, _column(a, count), thresholds, _column(c, count), _column(d, count), weights)

    @classmethod
    def concatenate(cls, parts: Sequence[Items]) -> Items:
        """One test made of the items of several, in their order.

        >>> one = Items.of("2pl", b=[0.0])
        >>> len(Items.concatenate([one, Items.of("grm", b=[[-1.0, 0.0, 1.0]])]))
        2
        """
        if not parts:
            raise ValueError("concatenate: no parts")
        width = max(part.b.shape[1] for part in parts)
        return cls(
            tuple(name for part in parts for name in part.model),
            np.concatenate([part.a for part in parts]),
            np.concatenate([_widened(part.b, width) for part in parts]),
            np.concatenate([part.c for part in parts]),
            np.concatenate([part.d for part in parts]),
            np.concatenate([_widened(part.slopes, width) for part in parts]),
        )

    def take(self, indices: npt.ArrayLike) -> Items:
        """The items at these positions (or where this mask is true), in this order.

        >>> Items.of("rasch", b=[0.0, 1.0, 2.0]).take([2, 0]).b.ravel().tolist()
        [2.0, 0.0]
        """
        at = np.asarray(indices)
        chosen = np.arange(len(self))[at if at.size else at.astype(np.intp)]
        return replace(
            self,
            model=tuple(self.model[int(i)] for i in chosen),
            a=self.a[chosen],
            b=self.b[chosen],
            c=self.c[chosen],
            d=self.d[chosen],
            slopes=self.slopes[chosen],
        )

    def __len__(self) -> int:
        return len(self.model)

    @property
    def categories(self) -> Indices:
        """Number of categories K of each item, (J,)."""
        return np.asarray(1 + np.isfinite(self.b).sum(axis=1), dtype=np.intp)

    @property
    def blank(self) -> Mapping[str, Mask]:
        """What fills up the rows of `b` and `slopes` behind the last threshold."""
        return dict.fromkeys(("b", "slopes"), np.isnan(self.b))

    def kinds(self) -> Iterator[tuple[ResponseModel, Indices, Floats]]:
        """For each model and number of categories: the model, the positions and the working parameters (n, p)."""
        keys = list(zip(self.model, self.categories.tolist(), strict=True))
        for name, count in dict.fromkeys(keys):
            at = np.flatnonzero([key == (name, count) for key in keys])
            b, slopes = self.b[at, : count - 1], self.slopes[at, : count - 1]
            yield MODELS[name], at, MODELS[name].working(self.a[at], b, self.c[at], self.d[at], slopes)


def grid(low: float = -6.0, high: float = 6.0, points: int = 61) -> Floats:
    """Equally spaced abilities (points,), from low to high: the trapezoid rule on them is spectrally accurate.

    >>> grid(-1.0, 1.0, 3).tolist()
    [-1.0, 0.0, 1.0]
    """
    if not (points >= 1 and -np.inf < low <= high < np.inf):
        raise ValueError(f"grid: needs finite low <= high and points >= 1, got {low}, {high}, {points}")
    return np.linspace(low, high, points)


def normal_grid(mean: float = 0.0, sd: float = 1.0, points: int = 121) -> Floats:
    """The abilities (points,) within six `sd` of the `mean` over which a normal population is summed.

    >>> normal_grid(1.0, 0.5, 3).tolist()
    [-2.0, 1.0, 4.0]
    """
    if not (np.isfinite(mean) and 0 < sd < np.inf):
        raise ValueError(f"normal_grid: needs a finite mean and sd > 0, got {mean} and {sd}")
    return np.asarray(mean + sd * grid(points=points), dtype=np.float64)


def normal_weights(theta: npt.ArrayLike, mean: float = 0.0, sd: float = 1.0) -> Floats:
    """Weights (Q,) of the normal ability distribution on a grid `theta` (Q,), adding up to 1.

    >>> normal_weights([-1.0, 0.0, 1.0]).round(3).tolist()
    [0.274, 0.452, 0.274]
    """
    z = (np.asarray(theta, dtype=np.float64) - mean) / sd if 0 < sd < np.inf else np.array(np.nan)
    if not np.isfinite(z).all():
        raise ValueError(f"normal_weights: needs finite abilities and mean and a finite sd > 0, got {mean} and {sd}")
    density = np.exp(-0.5 * (z**2 - np.min(z**2)))
    return np.asarray(density / density.sum(), dtype=np.float64)


def probabilities(items: Items, theta: npt.ArrayLike) -> Floats:
    """P(X_j = k | theta), (Q, J, K), with 0 in categories an item does not have.

    >>> probabilities(Items.of("2pl", a=[1.0], b=[0.5]), [0.5]).tolist()
    [[[0.5, 0.5]]]
    """
    return np.exp(log_probabilities(items, theta))


def log_probabilities(items: Items, theta: npt.ArrayLike) -> Floats:
    """log P(X_j = k | theta), (Q, J, K), with -inf in categories an item does not have.

    >>> log_probabilities(Items.of("rasch", b=[0.0]), [0.0]).round(4).tolist()
    [[[-0.6931, -0.6931]]]
    """
    points = _points(theta)
    out = np.full((points.size, len(items), int(items.categories.max(initial=2))), -np.inf)
    for model, at, xi in items.kinds():
        logs = model.log_probabilities(xi, points)
        out[:, at, : logs.shape[1]] = np.moveaxis(logs, 2, 0)
    return out


def theta_derivatives(items: Items, theta: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """P(X_j = k | theta) and its first and second derivative by theta, each (Q, J, K) padded with 0.

    >>> theta_derivatives(Items.of("rasch", b=[0.0]), [0.0])[1].tolist()
    [[[-0.25, 0.25]]]
    """
    points = _points(theta)
    shape = (points.size, len(items), int(items.categories.max(initial=2)))
    p, first, second = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for model, at, xi in items.kinds():
        for whole, part in zip((p, first, second), model.theta_derivatives(xi, points), strict=True):
            whole[:, at, : part.shape[2]] = part
    return p, first, second


def expected_score(items: Items, theta: npt.ArrayLike) -> Floats:
    """Expected score sum_k k P(X_j = k | theta) of each item, (Q, J), in score points.

    >>> expected_score(Items.of("grm", a=[1.0], b=[[-1.0, 1.0]]), [0.0]).round(3).tolist()
    [[1.0]]
    """
    p = probabilities(items, theta)
    return np.asarray(p @ np.arange(p.shape[2]), dtype=np.float64)


def information(items: Items, theta: npt.ArrayLike) -> Floats:
    """Fisher information sum_k P'_k(theta)^2 / P_k(theta) of each item, (Q, J) (Samejima 1969).

    >>> information(Items.of("2pl", a=[2.0], b=[0.0]), [0.0]).tolist()
    [[1.0]]
    """
    p, first, _ = theta_derivatives(items, theta)
    return np.asarray((first**2 / np.maximum(p, 1e-300)).sum(axis=2), dtype=np.float64)


def _points(theta: npt.ArrayLike) -> Floats:
    points = np.atleast_1d(np.asarray(theta, dtype=np.float64))
    if points.ndim != 1 or not np.isfinite(points).all():
        raise ValueError(f"theta: needs finite numbers in one dimension, got shape {points.shape}")
    return points


def _column(values: npt.ArrayLike, count: int) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim == 0:
        return np.full(count, float(column))
    if column.shape != (count,):
        raise ValueError(f"Items.of: {count} items but parameters of shape {column.shape}")
    return column.copy()


def _padded(rows: npt.ArrayLike | Sequence[Sequence[float]]) -> Floats:
    """Thresholds as (J, K-1) padded with NaN, from a vector, a matrix or a ragged list."""
    if isinstance(rows, Sequence) and any(isinstance(row, Sequence | np.ndarray) for row in rows):
        lists = [np.atleast_1d(np.asarray(row, dtype=np.float64)) for row in rows]
        width = max(len(row) for row in lists)
        return np.stack([np.pad(row, (0, width - len(row)), constant_values=np.nan) for row in lists])
    array = np.asarray(rows, dtype=np.float64)
    return (np.atleast_1d(array)[:, None] if array.ndim < 2 else array).copy()


def _widened(matrix: Floats, width: int) -> Floats:
    return np.pad(matrix, ((0, 0), (0, width - matrix.shape[1])), constant_values=np.nan)


def _check(items: Items) -> None:
    """Refuse parameters that no model can have, naming the first item concerned."""
    count = len(items.model)
    unknown = sorted(set(items.model) - set(MODELS))
    if unknown:
        raise ValueError(f"Items: unknown model {unknown[0]!r}, known are {', '.join(MODELS)}")
    if items.b.ndim != 2 or items.b.shape[0] != count or items.slopes.shape != items.b.shape:
        raise ValueError(f"Items: {count} models, but b has shape {items.b.shape}, slopes {items.slopes.shape}")
    known = np.isfinite(items.b)
    wrong = {
        "a must be finite": ~np.isfinite(items.a),
        "0 <= c < d <= 1 must hold": ~((items.c >= 0) & (items.c < items.d) & (items.d <= 1)),
        "b must begin with a number and be padded with NaN": ~known[:, 0] | (known[:, 1:] > known[:, :-1]).any(1),
        "the model has one threshold": (known.sum(1) > 1)
        & np.array([isinstance(MODELS[name], Dichotomous) for name in items.model], dtype=bool),
    }
    order = np.nan_to_num(np.diff(items.b, axis=1) * items.a[:, None], nan=0.0) < 0
    wrong["thresholds of a graded item must be in order"] = order.any(1) & np.array(
        [name == "grm" for name in items.model], dtype=bool
    )
    for reason, at in wrong.items():
        if at.any():
            raise ValueError(f"Items: item {int(np.flatnonzero(at)[0])}: {reason}")
