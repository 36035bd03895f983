"""How one item answers one ability: what a response model is, and the dichotomous ones; see `polytomous_models` too.

A model works on a matrix of *working parameters*, one row per item, in slope-intercept form on the logistic
metric (no 1.7), because there the likelihood is smooth and nearly quadratic:

* dichotomous (n, 4): slope, intercept, logit of the lower, logit of the upper asymptote;
* graded and partial credit (n, K): slope, then K-1 intercepts;
* nominal (n, 2K-2): K-1 category slopes, then K-1 intercepts.

All items given to a class together have the same number of categories K. Theta is (Q,) everywhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
TINY = 1e-200


def logistic(z: Floats) -> Floats:
    """1 / (1 + exp(-z)) for `z` of any shape, accurate in the left tail and silent in both.

    >>> logistic(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    positive: Floats = 1.0 / (1.0 + np.exp(-np.clip(z, -700.0, 700.0)))
    return np.where(z < -700.0, 0.0, positive)


def logit(p: Floats) -> Floats:
    """log(p / (1 - p)) for `p` of any shape, infinite at 0 and 1.

    >>> logit(np.array([0.0, 0.5])).tolist()
    [-inf, 0.0]
    """
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(p) - np.log1p(-p), dtype=np.float64)


def nonzero(a: Floats) -> Floats:
    """Slopes `a` of any shape, those too flat to be divided by 1e-8 instead.

    >>> nonzero(np.array([0.0, -2.0])).tolist()
    [1e-08, -2.0]
    """
    return np.where(np.abs(a) < 1e-8, 1e-8, a)


@dataclass(frozen=True)
class ResponseModel(ABC):
    """One response model. `free` names what calibration estimates: slope, intercepts, lower, upper."""

    free: tuple[str, ...]
    common_slope: bool = False

    @abstractmethod
    def working(self, a: Floats, b: Floats, c: Floats, d: Floats, slopes: Floats) -> Floats:
        """Working parameters (n, p) from the item parameters of n items."""

    @abstractmethod
    def natural(self, xi: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Item parameters a (n,), b (n, K-1), c (n,), d (n,), slopes (n, K-1) from working parameters."""

    @abstractmethod
    def kinds(self, categories: int) -> tuple[str, ...]:
        """What each working column is: slope, intercept, lower or upper."""

    def is_straight(self, xi: Floats) -> bool:
        """Whether log P(X = k) / P(X = 0) is a straight line in theta, for these items and all free parameters."""
        return False

    @abstractmethod
    def moved(self, xi: Floats, shift: float, factor: float) -> Floats:
        """Working parameters of the same curves on the scale (theta - shift) / factor."""

    @abstractmethod
    def log_probabilities(self, xi: Floats, theta: Floats) -> Floats:
        """log P(X = k | theta), (n, K, Q)."""

    @abstractmethod
    def log_derivatives(self, xi: Floats, theta: Floats) -> Floats:
        """Derivatives of log P(X = k | theta) by each working parameter, (n, p, K, Q)."""

    @abstractmethod
    def curvature(self, xi: Floats, theta: Floats, counts: Floats) -> Floats:
        """Minus the second derivatives of sum(counts * log P) by the working parameters, (n, p, p)."""

    @abstractmethod
    def theta_derivatives(self, xi: Floats, theta: Floats) -> tuple[Floats, Floats, Floats]:
        """P and its first two derivatives by theta, each (Q, n, K)."""


class Dichotomous(ResponseModel):
    """P = c + (d - c) / (1 + exp(-a (theta - b))): Rasch to four parameters (Birnbaum 1968; Barton & Lord 1981)."""

    def kinds(self, categories: int) -> tuple[str, ...]:
        return ("slope", "intercept", "lower", "upper")

    def working(self, a: Floats, b: Floats, c: Floats, d: Floats, slopes: Floats) -> Floats:
        return np.column_stack([a, -a * b[:, 0], logit(c), logit(d)])

    def natural(self, xi: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        a = nonzero(xi[:, 0])
        b = -xi[:, 1:2] / a[:, None]
        return a, b, logistic(xi[:, 2]), logistic(xi[:, 3]), np.ones_like(b)

    def is_straight(self, xi: Floats) -> bool:
        free = "lower" in self.free or "upper" in self.free
        return not free and bool(np.isneginf(xi[:, 2]).all() and np.isposinf(xi[:, 3]).all())

    def moved(self, xi: Floats, shift: float, factor: float) -> Floats:
        out = xi.copy()
        out[:, 1] += shift * xi[:, 0]
        out[:, 0] *= factor
        return out

    def _parts(self, xi: Floats, theta: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
        """Logistic s, lower c, upper d, and P of right and wrong; c, d are (n, 1), the others (n, Q)."""
        z = xi[:, :1] * theta + xi[:, 1:2]
        s, c, d = logistic(z), logistic(xi[:, 2:3]), logistic(xi[:, 3:4])
        right = c + (d - c) * s
        wrong = logistic(-xi[:, 3:4]) + (d - c) * logistic(-z)
        return s, c, d, z, np.maximum(right, TINY), np.maximum(wrong, TINY)

    def log_probabilities(self, xi: Floats, theta: Floats) -> Floats:
        if np.isneginf(xi[:, 2]).all() and np.isposinf(xi[:, 3]).all():
            z = xi[:, :1] * theta + xi[:, 1:2]
            right = -np.logaddexp(0.0, -z)
            return np.stack([right - z, right], axis=1)
        _, _, _, _, right, wrong = self._parts(xi, theta)
        return np.log(np.stack([wrong, right], axis=1))

    def _first(self, xi: Floats, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Derivatives of P by the working parameters (n, 4, Q), then P of right and wrong, and s."""
        s, c, d, z, right, wrong = self._parts(xi, theta)
        dz = (d - c) * s * logistic(-z)
        first = np.stack([dz * theta, dz, c * (1.0 - c) * (1.0 - s), d * (1.0 - d) * s], axis=1)
        return first, right, wrong, s

    def log_derivatives(self, xi: Floats, theta: Floats) -> Floats:
        first, right, wrong, _ = self._first(xi, theta)
        return np.stack([-first / wrong[:, None], first / right[:, None]], axis=2)

    def curvature(self, xi: Floats, theta: Floats, counts: Floats) -> Floats:
        first, right, wrong, s = self._first(xi, theta)
        c, d = logistic(xi[:, 2:3]), logistic(xi[:, 3:4])
        gain = counts[:, 1] / right - counts[:, 0] / wrong
        score = np.stack([-first / wrong[:, None], first / right[:, None]], axis=2)
        out: Floats = np.einsum("jpkq,jrkq,jkq->jpr", score, score, counts, optimize=True)
        sv = s * (1.0 - s)
        second_z = gain * (d - c) * sv * (1.0 - 2.0 * s)
        by_lower, by_upper = -gain * c * (1.0 - c) * sv, gain * d * (1.0 - d) * sv
        out[:, 0, 0] -= second_z @ theta**2
        out[:, 1, 1] -= second_z.sum(1)
        subtract_symmetric(out, 0, 1, second_z @ theta)
        for column, cross in ((2, by_lower), (3, by_upper)):
            subtract_symmetric(out, 0, column, cross @ theta)
            subtract_symmetric(out, 1, column, cross.sum(1))
        out[:, 2, 2] -= (gain * c * (1.0 - c) * (1.0 - 2.0 * c) * (1.0 - s)).sum(1)
        out[:, 3, 3] -= (gain * d * (1.0 - d) * (1.0 - 2.0 * d) * s).sum(1)
        return out

    def theta_derivatives(self, xi: Floats, theta: Floats) -> tuple[Floats, Floats, Floats]:
        s, c, d, z, right, wrong = self._parts(xi, theta)
        a = xi[:, :1]
        first = a * (d - c) * s * logistic(-z)
        second = a * (1.0 - 2.0 * s) * first
        return _by_theta(wrong, right), _by_theta(-first, first), _by_theta(-second, second)


def subtract_symmetric(matrix: Floats, row: int, column: int, value: Floats) -> None:
    """Take a `value` (n,) from an entry of each `matrix` (n, p, p) and from its mirror image.

    >>> matrix = np.eye(2)[None]
    >>> subtract_symmetric(matrix, 0, 1, np.array([3.0]))
    >>> matrix[0].tolist()
    [[1.0, -3.0], [-3.0, 1.0]]
    """
    matrix[:, row, column] -= value
    matrix[:, column, row] -= value


def _by_theta(wrong: Floats, right: Floats) -> Floats:
    return np.stack([wrong.T, right.T], axis=2)
