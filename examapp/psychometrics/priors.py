"""Prior distributions of item parameters, with the exact derivatives that calibration needs.

Each prior adds its log density to the log-likelihood. The densities are those of the quantity named: of logit c
(not of c), of the slope a itself, of the threshold b, of the intercept.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi

import numpy as np

from examapp.psychometrics.polytomous_models import Graded, PartialCredit
from examapp.psychometrics.response_models import Dichotomous, Floats, ResponseModel


@dataclass(frozen=True)
class Normal:
    """N(mean, sd^2)."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not self.sd > 0:
            raise ValueError(f"prior: sd must be positive, got {self.sd}")

    def terms(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Log density at x, its first and its second derivative."""
        z = (x - self.mean) / self.sd
        return -0.5 * z**2 - log(self.sd) - 0.5 * log(2 * pi), -z / self.sd, np.full_like(x, -1 / self.sd**2)


@dataclass(frozen=True)
class LogNormal:
    """log x is N(mean, sd^2), x > 0."""

    mean: float
    sd: float

    def terms(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Log density at x, its first and its second derivative; a steep slope back where x <= 0."""
        if (x <= 0).any():
            return np.where(x <= 0, -1e10, 0.0), np.where(x <= 0, 1e3, 0.0), np.full_like(x, -1e3)
        z = (np.log(x) - self.mean) / self.sd
        value = -0.5 * z**2 - np.log(x) - log(self.sd) - 0.5 * log(2 * pi)
        return value, -(1 + z / self.sd) / x, (1 + z / self.sd - 1 / self.sd**2) / x**2


@dataclass(frozen=True)
class Priors:
    """What is believed of every freely estimated item; None leaves a quantity without a prior.

    `logit_c` and `logit_d` belong to the asymptotes: without them the three-parameter likelihood has ridges that
    run off to infinity, hence the defaults (centred on 0.2 and 0.95).
    """

    logit_c: Normal | None = Normal(-1.386294361119891, 0.5)
    logit_d: Normal | None = Normal(2.944438979166440, 0.5)
    a: LogNormal | Normal | None = None
    b: Normal | None = None
    intercept: Normal | None = None

    def terms(self, model: ResponseModel, xi: Floats, free: Floats) -> tuple[Floats, Floats, Floats]:
        """Log density (n,), gradient (n, p) and minus second derivatives (n, p, p) by the working parameters.

        `free` (n, p) is 1 where a parameter is estimated; nothing is added for fixed ones.
        """
        kinds = np.array(model.kinds(1 + xi.shape[1] // 2 if "category slope" in model.free else xi.shape[1]))
        value, gradient = np.zeros(len(xi)), np.zeros_like(xi)
        curvature = np.zeros((*xi.shape, xi.shape[1]))
        own = {"slope": self.a, "intercept": self.intercept, "lower": self.logit_c, "upper": self.logit_d}
        for kind, prior in own.items():
            for column in np.flatnonzero(kinds == kind):
                at = np.flatnonzero(free[:, column]) if prior else ()
                if len(at) and prior:
                    density, first, second = prior.terms(xi[at, column])
                    value[at] += density
                    gradient[at, column] += first
                    curvature[at, column, column] -= second
        if self.b and isinstance(model, Dichotomous | Graded | PartialCredit):
            _threshold_terms(self.b, model, xi, free, value, gradient, curvature)
        return value, gradient, curvature


def _threshold_terms(
    prior: Normal, model: ResponseModel, xi: Floats, free: Floats, value: Floats, gradient: Floats, curvature: Floats
) -> None:
    """Add the prior of each threshold b_k = -delta_k / a, delta being intercepts or their differences."""
    last = 2 if isinstance(model, Dichotomous) else xi.shape[1]
    a = np.where(np.abs(xi[:, 0]) < 1e-8, 1e-8, xi[:, 0])
    for k in range(1, last):
        back = isinstance(model, PartialCredit) and k > 1
        delta = xi[:, k] - (xi[:, k - 1] if back else 0.0)
        density, first, second = prior.terms(-delta / a)
        by = np.zeros_like(xi)
        by[:, 0], by[:, k] = delta / a**2, -1 / a
        if back:
            by[:, k - 1] = 1 / a
        twice = np.zeros_like(curvature)
        twice[:, 0, 0] = -2 * delta / a**3
        twice[:, 0, k] = twice[:, k, 0] = 1 / a**2
        if back:
            twice[:, 0, k - 1] = twice[:, k - 1, 0] = -1 / a**2
        on = free[:, k]
        value += on * density
        gradient += (on * first)[:, None] * by * (free > 0)
        full = second[:, None, None] * by[:, :, None] * by[:, None, :] + first[:, None, None] * twice
        curvature -= on[:, None, None] * full * (free[:, :, None] * free[:, None, :])
