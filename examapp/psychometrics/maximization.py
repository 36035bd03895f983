"""The M-step: one scoring step of every free parameter at once, and Anderson's acceleration of the whole cycle."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.free_parameters import Kind, Layout
from examapp.psychometrics.priors import Priors
from examapp.psychometrics.response_models import Floats, Graded

Mask = npt.NDArray[np.bool_]
SMALLEST_LOG_SD = np.log(0.01)


@dataclass(frozen=True)
class Step:
    """A scoring step (P,), the gradient it comes from, one over the complete-data SE, and the log prior."""

    step: Floats
    gradient: Floats
    scale: Floats
    log_prior: float


def scoring_step(layout: Layout, vector: Floats, theta: Floats, counts: Floats, people: Floats, priors: Priors) -> Step:
    """Fisher scoring of the expected complete-data log-likelihood at the current parameters.

    theta (G, Q) nodes, counts (J, K, G * Q) and people (G, Q) as the E-step gave them. At the current parameters
    the gradient is also that of the marginal log-posterior (Fisher's identity; Louis 1982).
    """
    gradient, step, scale = np.zeros(layout.size), np.zeros(layout.size), np.ones(layout.size)
    matrix = np.zeros((layout.size, layout.size)) if layout.shared else None
    log_prior = 0.0
    for kind in layout.kinds:
        if (kind.index < 0).all():
            continue
        xi = kind.values(vector)
        density, slope, information = _complete_data(kind, xi, theta.ravel(), counts, priors)
        log_prior += density
        free = kind.index >= 0
        np.add.at(gradient, kind.index[free], slope[free])
        if matrix is not None:
            both = free[:, :, None] & free[:, None, :]
            rows = np.broadcast_to(kind.index[:, :, None], both.shape)[both]
            np.add.at(matrix, (rows, np.broadcast_to(kind.index[:, None, :], both.shape)[both]), information[both])
            continue
        step[kind.index[free]] = _ordered(kind, xi, _solved(information, slope, free))[free]
        scale[kind.index[free]] = np.sqrt(np.einsum("jpp->jp", information))[free]
    _latent_step(layout, vector, theta, people, gradient, step, scale)
    if matrix is not None:
        items = np.diag(matrix) > 0
        scale[items] = np.sqrt(np.diag(matrix)[items])
        step[items] = np.clip(np.linalg.solve(matrix[np.ix_(items, items)], gradient[items]), -1.0, 1.0)
    return Step(step, gradient, np.maximum(scale, 1e-3), log_prior)


def _complete_data(
    kind: Kind, xi: Floats, theta: Floats, counts: Floats, priors: Priors
) -> tuple[float, Floats, Floats]:
    """Log prior, gradient (n, p) and expected information (n, p, p) of one kind of items."""
    own = counts[kind.at, : kind.categories]
    score = kind.model.log_derivatives(xi, theta)
    n, p = xi.shape
    flat = score.reshape(n, p, -1)
    gradient = (flat @ own.reshape(n, -1, 1))[:, :, 0]
    expected = np.exp(kind.model.log_probabilities(xi, theta)) * own.sum(axis=1, keepdims=True)
    information = (flat * expected.reshape(n, 1, -1)) @ flat.transpose(0, 2, 1)
    density, slope, curvature = priors.terms(kind.model, xi, (kind.index >= 0).astype(np.float64))
    diagonal = np.arange(p)
    information[:, diagonal, diagonal] += np.maximum(curvature[:, diagonal, diagonal], 0.0) + 1e-9
    return float(density.sum()), gradient + slope, information


def _solved(information: Floats, gradient: Floats, free: Mask) -> Floats:
    """Steps (n, p) of items that share nothing, at most 1 in each parameter; fixed parameters stay."""
    keep = free[:, :, None] * free[:, None, :]
    matrix = np.where(keep, information, np.eye(free.shape[1]))
    step = np.linalg.solve(matrix, np.where(free, gradient, 0.0)[:, :, None])[:, :, 0]
    return np.asarray(step / np.maximum(1.0, np.abs(step).max(axis=1, keepdims=True)), dtype=np.float64)


def _ordered(kind: Kind, xi: Floats, step: Floats) -> Floats:
    """Halve the step of a graded item until its intercepts still fall."""
    if not isinstance(kind.model, Graded) or xi.shape[1] < 3:
        return step
    for _ in range(30):
        crossed: Mask = np.any(np.diff((xi + step)[:, 1:], axis=1) >= 0, axis=1)
        if not crossed.any():
            break
        step = np.where(crossed[:, None], 0.5 * step, step)
    return step


def _latent_step(
    layout: Layout, vector: Floats, theta: Floats, people: Floats, gradient: Floats, step: Floats, scale: Floats
) -> None:
    """Move free means and SDs to the moments of the posterior weights."""
    mean, sd = layout.distribution(vector)
    count = np.maximum(people.sum(axis=1), 1e-9)
    first = (people * theta).sum(axis=1) / count
    target = np.where(layout.mean_index >= 0, first, mean)
    spread = np.sqrt((people * (theta - target[:, None]) ** 2).sum(axis=1) / count)
    second = (people * (theta - mean[:, None]) ** 2).sum(axis=1) / count
    free = layout.mean_index >= 0
    at = layout.mean_index[free]
    step[at], scale[at] = (first - mean)[free], (np.sqrt(count) / sd)[free]
    gradient[at] = (count * (first - mean) / sd**2)[free]
    free = layout.sd_index >= 0
    at = layout.sd_index[free]
    step[at] = (np.maximum(np.log(np.maximum(spread, 1e-300)), SMALLEST_LOG_SD) - np.log(sd))[free]
    scale[at] = np.sqrt(2 * count)[free]
    gradient[at] = (count * (second / sd**2 - 1))[free]


def is_possible(layout: Layout, vector: Floats) -> bool:
    """Whether graded intercepts fall and no SD or asymptote has run away."""
    for kind in layout.kinds:
        xi = kind.values(vector)
        if isinstance(kind.model, Graded) and xi.shape[1] > 2 and (np.diff(xi[:, 1:], axis=1) >= 0).any():
            return False
        moving = kind.index >= 0
        if (np.abs(np.where(moving, xi, 0.0)) > 60).any():
            return False
    free = layout.sd_index[layout.sd_index >= 0]
    return bool((vector[free] >= SMALLEST_LOG_SD).all() and (vector[free] < 6).all())


@dataclass
class Anderson:
    """Anderson (1965) acceleration of a fixed-point iteration, type II, on the last `memory` steps."""

    memory: int = 8
    points: list[Floats] = field(default_factory=list)
    steps: list[Floats] = field(default_factory=list)

    def clear(self) -> None:
        """Forget the past: after a step that was refused."""
        self.points.clear()
        self.steps.clear()

    def next(self, point: Floats, step: Floats, scale: Floats) -> Floats:
        """The next point, from this point and the plain step there, weighed by `scale`."""
        self.points.append(point)
        self.steps.append(step)
        del self.points[: -self.memory - 1], self.steps[: -self.memory - 1]
        if len(self.points) < 2:
            return point + step
        moved = np.diff(np.array(self.points), axis=0).T
        changed = np.diff(np.array(self.steps), axis=0).T
        mixed = np.linalg.lstsq(changed * scale[:, None], step * scale, rcond=1e-8)[0]
        return np.asarray(point + step - (moved + changed) @ mixed, dtype=np.float64)
