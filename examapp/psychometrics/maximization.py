"""The M-step: one approximate Newton step of every free parameter at once, and Anderson's acceleration of the cycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.free_parameters import Kind, Layout
from examapp.psychometrics.polytomous_models import Graded
from examapp.psychometrics.priors import Priors
from examapp.psychometrics.response_models import TINY, Floats

Mask = npt.NDArray[np.bool_]
SMALLEST_LOG_SD = np.log(0.01)


@dataclass(frozen=True)
class Step:
    """A step (P,), the safer but shorter EM step, their gradient, one over the complete-data SE, and the log prior."""

    step: Floats
    safe: Floats
    gradient: Floats
    scale: Floats
    log_prior: float


@dataclass(frozen=True)
class _Part:
    """One kind of items: gradient (n, p), complete-data information (n, p, p) and drift (n, p, G * Q)."""

    kind: Kind
    xi: Floats
    log_prior: float
    gradient: Floats
    information: Floats
    drift: Floats
    held: Floats


def newton_step(layout: Layout, vector: Floats, theta: Floats, counts: Floats, people: Floats, priors: Priors) -> Step:
    """One step towards the maximum of the marginal log-posterior, from the sums of an E-step.

    `vector` (P,) holds the parameters, theta (G, Q) nodes, counts (J, K, G * Q) and people (G, Q) as the E-step gave
    them. The complete-data gradient is also that of the marginal log-posterior (Fisher's identity). Its information is
    the complete-data one less what not knowing theta costs (Louis 1982),

        sum_i Var_i(s_i) ~ sum_q n_q v_q u_q u_q',   u_q = E(ds / dtheta | theta_q),  v_q = 1 / (I(theta_q) + 1 / sd^2)

    to first order in the spread of the posteriors: a matrix of low rank, so that the step costs no pass over the
    people and takes the place of dozens of EM cycles. The approximation touches the path, not where it ends.

    Ten people, half of them right at each of two abilities, pull an item's slope towards 0:

    >>> from examapp.psychometrics.free_parameters import layout
    >>> from examapp.psychometrics.irt import Items
    >>> plan = layout(Items.of("2pl", b=[0.0]), np.zeros(0, dtype=np.intp), np.zeros(1), np.ones(1), [False], [False])
    >>> theta, counts, people = np.array([[-1.0, 1.0]]), np.full((1, 2, 2), 2.5), np.array([[5.0, 5.0]])
    >>> newton_step(plan, plan.start(), theta, counts, people, Priors()).gradient.round(3).tolist()
    [-2.311, 0.0]
    """
    parts = [
        _complete_data(kind, kind.values(vector), theta.ravel(), counts, people.ravel(), priors)
        for kind in layout.kinds
        if (kind.index >= 0).any()
    ]
    gradient, scale = np.zeros(layout.size), np.ones(layout.size)
    drift = np.zeros((layout.size, people.size))
    for part in parts:
        free = part.kind.index >= 0
        np.add.at(gradient, part.kind.index[free], part.gradient[free])
        np.add.at(drift, part.kind.index[free], part.drift[free])
    _latent_terms(layout, vector, theta, people, gradient, scale, drift)
    sd = np.repeat(layout.distribution(vector)[1], people.shape[1])
    held = sum((part.held for part in parts), np.zeros(people.size)) + _fixed_information(layout, vector, theta, counts)
    count = people.ravel()
    variance = 1 / (held / np.maximum(count, 1e-9) + 1 / sd**2)
    drift *= np.sqrt(count * variance)
    spreads = layout.sd_index[layout.sd_index >= 0]
    drift[spreads] *= np.sqrt(1 - variance / (2 * sd**2))  # Var(z^2) of a wide posterior is 4 z^2 v - 2 v^2 on average
    inverse = _inverse(layout, parts, scale)
    near, spread = inverse(gradient[:, None])[:, 0], inverse(drift)
    inner = (1 + 1e-9) * np.eye(count.size) - drift.T @ spread
    step = near + spread @ np.linalg.solve(inner, drift.T @ near)
    log_prior = sum(part.log_prior for part in parts)
    step, safe = (_limited(layout, parts, vector, move) for move in (step if step @ gradient > 0 else near, near))
    return Step(step, safe, gradient, np.maximum(scale, 1e-3), log_prior)


def _complete_data(kind: Kind, xi: Floats, theta: Floats, counts: Floats, people: Floats, priors: Priors) -> _Part:
    """The complete-data quantities of one kind of items, priors included; fixed columns are left at zero."""
    own = counts[kind.at, : kind.categories]
    seen = own.sum(axis=1)
    n, p = xi.shape
    moving = np.flatnonzero((kind.index >= 0).any(axis=0))
    score = kind.model.log_derivatives(xi, theta)[:, moving]
    flat = score.reshape(n, moving.size, -1)
    chance, first, _ = (np.moveaxis(x, 0, 2) for x in kind.model.theta_derivatives(xi, theta))
    density, gradient, curvature = priors.terms(kind.model, xi, (kind.index >= 0).astype(np.float64))
    gradient[:, moving] += (flat @ own.reshape(n, -1, 1))[:, :, 0]
    information = np.zeros((n, p, p))
    weighted = flat * (chance * seen[:, None]).reshape(n, 1, -1)
    information[:, moving[:, None], moving] = weighted @ flat.transpose(0, 2, 1)
    drift = np.zeros((n, p, theta.size))
    drift[:, moving] = -(score * first[:, None]).sum(axis=2) * (seen / np.maximum(people, 1e-9))[:, None]
    held = ((first**2 / np.maximum(chance, TINY)).sum(axis=1) * seen).sum(axis=0)
    diagonal = np.arange(p)
    information[:, diagonal, diagonal] += np.maximum(curvature[:, diagonal, diagonal], 0.0) + 1e-9
    information[:, diagonal, diagonal] *= 1 + 1e-9
    return _Part(kind, xi, float(density.sum()), gradient, information, drift, held)


def _fixed_information(layout: Layout, vector: Floats, theta: Floats, counts: Floats) -> Floats:
    """Fisher information, times people, of the kinds whose items are all fixed, (G * Q,)."""
    out = np.zeros(theta.size)
    for kind in layout.kinds:
        if (kind.index < 0).all():
            p, first, _ = kind.model.theta_derivatives(kind.values(vector), theta.ravel())
            seen = counts[kind.at].sum(axis=1).T
            out += ((first**2 / np.maximum(p, TINY)).sum(axis=2) * seen).sum(axis=1)
    return out


def _latent_terms(
    layout: Layout, vector: Floats, theta: Floats, people: Floats, gradient: Floats, scale: Floats, drift: Floats
) -> None:
    """Write the entries of free means and log SDs into gradient, scale and drift."""
    mean, sd = layout.distribution(vector)
    nodes = people.shape[1]
    for group in range(mean.size):
        z = (theta[group] - mean[group]) / sd[group]
        count, columns = people[group].sum() + 1e-9, slice(group * nodes, (group + 1) * nodes)
        at = layout.mean_index[group]
        if at >= 0:
            gradient[at], scale[at] = people[group] @ z / sd[group], np.sqrt(count) / sd[group]
            drift[at, columns] = 1 / sd[group] ** 2
        at = layout.sd_index[group]
        if at >= 0:
            gradient[at], scale[at] = people[group] @ (z**2 - 1), np.sqrt(2 * count)
            drift[at, columns] = 2 * z / sd[group]


def _inverse(layout: Layout, parts: list[_Part], scale: Floats) -> Callable[[Floats], Floats]:
    """The function M -> B^-1 M of the complete-data information B; fills `scale` with the roots of its diagonal."""
    latent = scale.copy()
    blocks = []
    for part in parts:
        free = part.kind.index >= 0
        keep = free[:, :, None] & free[:, None, :]
        blocks.append((part.kind.index, free, np.where(keep, part.information, np.eye(free.shape[1]))))
        if not layout.shared:
            scale[part.kind.index[free]] = np.sqrt(np.einsum("jpp->jp", part.information))[free]
    if layout.shared:
        matrix = np.zeros((layout.size, layout.size))
        for index, free, block in blocks:
            both = free[:, :, None] & free[:, None, :]
            rows = np.broadcast_to(index[:, :, None], both.shape)[both]
            np.add.at(matrix, (rows, np.broadcast_to(index[:, None, :], both.shape)[both]), block[both])
        alone = np.flatnonzero(np.diag(matrix) == 0)
        matrix[alone, alone] = latent[alone] ** 2
        scale[:] = np.sqrt(np.diag(matrix))
        return partial(np.linalg.solve, matrix)

    def solve(right: Floats) -> Floats:
        out = right / latent[:, None] ** 2
        for index, free, block in blocks:
            rows = np.where(free[:, :, None], right[np.maximum(index, 0)], 0.0)
            out[index[free]] = np.linalg.solve(block, rows)[free]
        return out

    return solve


def _limited(layout: Layout, parts: list[_Part], vector: Floats, step: Floats) -> Floats:
    """At most 1 in any parameter of an item or group, graded intercepts in order, no SD below its floor."""
    out = np.clip(step, -1.0, 1.0)
    for part in parts:
        free = part.kind.index >= 0
        own = np.where(free, step[np.maximum(part.kind.index, 0)], 0.0)
        own = own / np.maximum(1.0, np.abs(own).max(axis=1, keepdims=True))
        if isinstance(part.kind.model, Graded) and own.shape[1] > 2:
            own = _ordered(part.xi, own)
        if not layout.shared:
            out[part.kind.index[free]] = own[free]
    at = layout.sd_index[layout.sd_index >= 0]
    out[at] = np.maximum(out[at], SMALLEST_LOG_SD - vector[at])
    return out


def _ordered(xi: Floats, step: Floats) -> Floats:
    """Halve the step of a graded item until its intercepts still fall."""
    for _ in range(30):
        crossed: Mask = np.any(np.diff((xi + step)[:, 1:], axis=1) >= 0, axis=1)
        if not crossed.any():
            break
        step = np.where(crossed[:, None], 0.5 * step, step)
    return step


def is_possible(layout: Layout, vector: Floats) -> bool:
    """Whether graded intercepts fall and no SD or asymptote has run away.

    `vector` (P,) is read as `layout` says; no working parameter may exceed 60.

    >>> from examapp.psychometrics.free_parameters import layout
    >>> from examapp.psychometrics.irt import Items
    >>> plan = layout(Items.of("2pl", b=[0.0]), np.zeros(0, dtype=np.intp), np.zeros(1), np.ones(1), [False], [True])
    >>> is_possible(plan, np.array([1.0, 0.0, 0.1])), is_possible(plan, np.array([1.0, 0.0, 7.0]))
    (True, False)
    """
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
    """Anderson (1965) acceleration of a fixed-point iteration, type II, on the last `memory` differences of steps."""

    memory: int = 8
    moved: list[Floats] = field(default_factory=list)
    changed: list[Floats] = field(default_factory=list)
    last: tuple[Floats, Floats] | None = None

    def clear(self) -> None:
        """Forget the past: after a step that was refused."""
        self.moved.clear()
        self.changed.clear()
        self.last = None

    def turn(self) -> None:
        """Go on with a slightly different iteration, whose steps change as those before did but are others."""
        self.last = None

    def next(self, point: Floats, step: Floats, scale: Floats) -> Floats:
        """The next point, from this point and the plain step there, weighed by `scale`.

        Of x -> (x + 1) / 2, two steps show the rest of the way:

        >>> iteration, one = Anderson(), np.ones(1)
        >>> first = iteration.next(np.array([0.0]), np.array([0.5]), one)
        >>> iteration.next(first, np.array([0.25]), one).round(6).tolist()
        [1.0]
        """
        if self.last is not None:
            self.moved.append(point - self.last[0])
            self.changed.append(step - self.last[1])
            del self.moved[: -self.memory], self.changed[: -self.memory]
        self.last = point, step
        if not self.moved:
            return point + step
        moved, changed = np.array(self.moved).T, np.array(self.changed).T
        mixed = np.linalg.lstsq(changed * scale[:, None], step * scale, rcond=1e-8)[0]
        return np.asarray(point + step - (moved + changed) @ mixed, dtype=np.float64)
