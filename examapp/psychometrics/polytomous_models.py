"""Response models of items with ordered or unordered categories 0..K-1, each written in a single class."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from examapp.psychometrics.response_models import TINY, Floats, ResponseModel, logistic, nonzero, subtract_symmetric


class Graded(ResponseModel):
    """P(X >= k) = 1 / (1 + exp(-a (theta - b_k))), thresholds b in order (Samejima 1969)."""

    def kinds(self, categories: int) -> tuple[str, ...]:
        return ("slope", *["intercept"] * (categories - 1))

    def working(self, a: Floats, b: Floats, c: Floats, d: Floats, slopes: Floats) -> Floats:
        return np.column_stack([a, -a[:, None] * b])

    def natural(self, xi: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        a = nonzero(xi[:, 0])
        b = -xi[:, 1:] / a[:, None]
        return a, b, np.zeros_like(a), np.ones_like(a), np.ones_like(b)

    def moved(self, xi: Floats, shift: float, factor: float) -> Floats:
        return np.column_stack([factor * xi[:, 0], xi[:, 1:] + shift * xi[:, :1]])

    def _boundaries(self, xi: Floats, theta: Floats) -> Floats:
        return xi[:, :1, None] * theta + xi[:, 1:, None]

    def log_probabilities(self, xi: Floats, theta: Floats) -> Floats:
        z = self._boundaries(xi, theta)
        above, below = -np.logaddexp(0.0, -z), -np.logaddexp(0.0, z)
        gap = xi[:, 1:-1] - xi[:, 2:]
        between = above[:, :-1] + below[:, 1:] + np.log(np.maximum(-np.expm1(-gap), TINY))[:, :, None]
        return np.concatenate([below[:, :1], between, above[:, -1:]], axis=1)

    def log_derivatives(self, xi: Floats, theta: Floats) -> Floats:
        slope = self._density(xi, theta)
        p = np.maximum(np.exp(self.log_probabilities(xi, theta)), TINY)
        n, m, q = slope.shape
        out = np.zeros((n, m + 1, m + 1, q))
        for k in range(m):
            out[:, 1 + k, k + 1] = slope[:, k] / p[:, k + 1]
            out[:, 1 + k, k] = -slope[:, k] / p[:, k]
        out[:, 0] = theta * out[:, 1:].sum(1)
        return out

    def _density(self, xi: Floats, theta: Floats) -> Floats:
        z = self._boundaries(xi, theta)
        return logistic(z) * logistic(-z)

    def curvature(self, xi: Floats, theta: Floats, counts: Floats) -> Floats:
        s, density = logistic(self._boundaries(xi, theta)), self._density(xi, theta)
        p = np.maximum(np.exp(self.log_probabilities(xi, theta)), TINY)
        score = self.log_derivatives(xi, theta)
        out: Floats = np.einsum("jpkq,jrkq,jkq->jpr", score, score, counts, optimize=True)
        ratio = counts / p
        second = density * (1.0 - 2.0 * s) * (ratio[:, 1:] - ratio[:, :-1])
        out[:, 0, 0] -= (second @ theta**2).sum(1)
        for k in range(second.shape[1]):
            out[:, 1 + k, 1 + k] -= second[:, k].sum(1)
            subtract_symmetric(out, 0, 1 + k, second[:, k] @ theta)
        return out

    def theta_derivatives(self, xi: Floats, theta: Floats) -> tuple[Floats, Floats, Floats]:
        s = logistic(self._boundaries(xi, theta))
        a = xi[:, :1, None]
        first = a * self._density(xi, theta)
        second = a * first * (1.0 - 2.0 * s)
        p = np.exp(self.log_probabilities(xi, theta))
        return tuple(np.moveaxis(x, 2, 0) for x in (p, _between(first), _between(second)))  # type: ignore[return-value]


class DivideByTotal(ResponseModel):
    """P(X = k) proportional to exp(slope_k theta + intercept_k): what the partial credit and nominal models share."""

    @abstractmethod
    def lines(self, xi: Floats) -> tuple[Floats, Floats]:
        """Slopes and intercepts of the K-1 upper categories, each (n, K-1)."""

    @abstractmethod
    def _design(self, xi: Floats, theta: Floats) -> Floats:
        """Derivatives of the category lines by the working parameters, (n, p, K-1, Q)."""

    def is_straight(self, xi: Floats) -> bool:
        return True

    def log_probabilities(self, xi: Floats, theta: Floats) -> Floats:
        slopes, intercepts = self.lines(xi)
        z = slopes[:, :, None] * theta + intercepts[:, :, None]
        z = np.concatenate([np.zeros_like(z[:, :1]), z], axis=1)
        z -= z.max(axis=1, keepdims=True)
        return np.asarray(z - np.log(np.exp(z).sum(axis=1, keepdims=True)), dtype=np.float64)

    def log_derivatives(self, xi: Floats, theta: Floats) -> Floats:
        p = np.exp(self.log_probabilities(xi, theta))
        design = self._design(xi, theta)
        mean = (design * p[:, None, 1:]).sum(axis=2, keepdims=True)
        return np.concatenate([-mean, design - mean], axis=2)

    def curvature(self, xi: Floats, theta: Floats, counts: Floats) -> Floats:
        p = np.exp(self.log_probabilities(xi, theta))
        score = self.log_derivatives(xi, theta)
        weight = p * counts.sum(axis=1, keepdims=True)
        return np.asarray(np.einsum("jpkq,jrkq,jkq->jpr", score, score, weight, optimize=True), dtype=np.float64)

    def theta_derivatives(self, xi: Floats, theta: Floats) -> tuple[Floats, Floats, Floats]:
        p = np.moveaxis(np.exp(self.log_probabilities(xi, theta)), 2, 0)
        slopes = np.concatenate([np.zeros((len(xi), 1)), self.lines(xi)[0]], axis=1)
        off = slopes - (p * slopes).sum(axis=2, keepdims=True)
        variance = (p * off**2).sum(axis=2, keepdims=True)
        return p, p * off, p * (off**2 - variance)


class PartialCredit(DivideByTotal):
    """Adjacent categories k-1, k meet at b_k with slope a (Masters 1982; generalized: Muraki 1992)."""

    def kinds(self, categories: int) -> tuple[str, ...]:
        return ("slope", *["intercept"] * (categories - 1))

    def working(self, a: Floats, b: Floats, c: Floats, d: Floats, slopes: Floats) -> Floats:
        return np.column_stack([a, -a[:, None] * np.cumsum(b, axis=1)])

    def natural(self, xi: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        a = nonzero(xi[:, 0])
        b = -np.diff(xi[:, 1:], axis=1, prepend=0.0) / a[:, None]
        return a, b, np.zeros_like(a), np.ones_like(a), np.ones_like(b)

    def moved(self, xi: Floats, shift: float, factor: float) -> Floats:
        return np.column_stack([factor * xi[:, 0], xi[:, 1:] + shift * xi[:, :1] * np.arange(1.0, xi.shape[1])])

    def lines(self, xi: Floats) -> tuple[Floats, Floats]:
        return xi[:, :1] * np.arange(1.0, xi.shape[1]), xi[:, 1:]

    def _design(self, xi: Floats, theta: Floats) -> Floats:
        n, p = xi.shape
        out = np.zeros((n, p, p - 1, theta.size))
        out[:, 0] = np.arange(1.0, p)[:, None] * theta
        out[:, np.arange(1, p), np.arange(p - 1)] = 1.0
        return out


class Nominal(DivideByTotal):
    """log P(X = k) / P(X = 0) = a s_k theta - b_k, categories without an order (Bock 1972)."""

    def kinds(self, categories: int) -> tuple[str, ...]:
        return ("category slope",) * (categories - 1) + ("intercept",) * (categories - 1)

    def working(self, a: Floats, b: Floats, c: Floats, d: Floats, slopes: Floats) -> Floats:
        return np.column_stack([a[:, None] * slopes, -b])

    def natural(self, xi: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        m = xi.shape[1] // 2
        one = np.ones(len(xi))
        return one, -xi[:, m:], np.zeros_like(one), one, xi[:, :m]

    def moved(self, xi: Floats, shift: float, factor: float) -> Floats:
        slopes, intercepts = self.lines(xi)
        return np.column_stack([factor * slopes, intercepts + shift * slopes])

    def lines(self, xi: Floats) -> tuple[Floats, Floats]:
        m = xi.shape[1] // 2
        return xi[:, :m], xi[:, m:]

    def _design(self, xi: Floats, theta: Floats) -> Floats:
        n, p = xi.shape
        m = p // 2
        out = np.zeros((n, p, m, theta.size))
        out[:, np.arange(m), np.arange(m)] = theta
        out[:, m + np.arange(m), np.arange(m)] = 1.0
        return out


def _between(boundary: Floats) -> Floats:
    """Derivatives of the category probabilities (n, K, Q) from those of the K-1 boundary curves."""
    edge = np.zeros_like(boundary[:, :1])
    padded = np.concatenate([edge, boundary, edge], axis=1)
    return np.concatenate([-boundary[:, :1], padded[:, 1:-1] - padded[:, 2:]], axis=1)
