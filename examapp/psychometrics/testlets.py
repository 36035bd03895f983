"""Testlets: items that share a text or figure share something besides ability (Bradlow, Wainer & Wang 1999).

An item j of testlet t answers to eta = theta + gamma_t, gamma_t ~ N(0, sd_t^2) independent of theta ~ N(0, 1) and
of the other testlets: the bifactor model with testlet slopes proportional to the general ones. Given theta the
testlets are independent, so every integral has two dimensions however many testlets there are (Gibbons & Hedeker
1992):

    L_i = sum_q w_q prod_t sum_r v_r prod_(j in t) P_j(x_ij | theta_q + sd_t z_r)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import irt
from examapp.psychometrics.ability import Ability
from examapp.psychometrics.blas import single_thread
from examapp.psychometrics.expectation import Block
from examapp.psychometrics.irt import Indices, Items
from examapp.psychometrics.maximization import Anderson
from examapp.psychometrics.polytomous_models import Graded
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import Codes, codes
from examapp.psychometrics.starting_values import margins, start_items

SMALLEST_SD = 0.02


@dataclass(frozen=True)
class TestletCalibration:
    """Items on the scale of the general ability, N(0, 1), and the SD (T,) that each testlet adds to it.

    `testlet` (J,) is the testlet of each item, -1 for items that stand alone.
    """

    __test__ = False

    items: Items
    testlet: Indices
    sd: Floats
    log_likelihood: float
    converged: bool
    cycles: int
    largest_change: float


@dataclass(frozen=True)
class _Sums:
    """Counts (J, K, Q * R) of each item at its own nodes, mean gamma^2 / sd^2 of each testlet, log-likelihood."""

    counts: Floats
    spread: Floats
    posterior: Floats
    log_likelihood: float


def calibrate_testlets(
    responses: npt.ArrayLike,
    testlet: npt.ArrayLike,
    model: str | Sequence[str] = "2pl",
    *,
    points: tuple[int, int] = (41, 21),
    tolerance: float = 1e-3,
    max_cycles: int = 500,
) -> TestletCalibration:
    """Fit items and testlet spreads to responses (N, J) by marginal maximum likelihood with accelerated EM.

    `testlet` (J,) labels each item's testlet with 0, 1, ...; -1 is none. `points` are the nodes for the general
    ability and for a testlet. The models are "2pl", "grm" and "gpcm". `tolerance` is in standard errors.

    >>> rng = np.random.default_rng(1)
    >>> fit = calibrate_testlets(rng.integers(0, 2, (300, 4)), [0, 0, -1, -1], max_cycles=3)
    >>> fit.sd.shape, fit.items.b.shape
    ((1,), (4, 1))
    """
    scores = codes(responses)
    belongs = np.asarray(testlet, dtype=np.intp)
    names = (model,) * scores.shape[1] if isinstance(model, str) else tuple(model)
    if belongs.shape != (scores.shape[1],) or len(names) != belongs.size:
        raise ValueError(f"calibrate_testlets: {scores.shape[1]} items, {belongs.size} testlets, {len(names)} models")
    if not set(names) <= {"2pl", "grm", "gpcm"}:
        raise ValueError(f"calibrate_testlets: models are 2pl, grm, gpcm, not {sorted(set(names))}")
    found = margins([Block(scores)])
    items = start_items(found.counts, names, None, None, np.zeros(0, dtype=np.intp), has_prior=False)
    with single_thread():
        return _climb(scores, items, belongs, points, tolerance, max_cycles)


def estimate(responses: npt.ArrayLike, fit: TestletCalibration, points: tuple[int, int] = (61, 21)) -> Ability:
    """EAP of the general ability (N,), what the items of a testlet share besides it being integrated out.

    >>> items = Items.of("2pl", b=[0.0, 0.0])
    >>> pair = TestletCalibration(items, np.array([0, 0]), np.array([1.0]), 0.0, True, 1, 0.0)
    >>> estimate([[1, 1]], pair).theta.round(2).tolist()
    [0.57]
    """
    scores = codes(responses, fit.items.categories)
    sums = _expect(scores, fit.items, fit.testlet, fit.sd, points)
    nodes = irt.grid(points=points[0])
    theta = sums.posterior @ nodes
    variance = sums.posterior @ nodes**2 - theta**2
    return Ability(theta, np.sqrt(np.maximum(variance, 0.0)), nodes, sums.posterior)


def _climb(
    scores: Codes, items: Items, testlet: Indices, points: tuple[int, int], tolerance: float, max_cycles: int
) -> TestletCalibration:
    """Accelerated EM over the working parameters of all items and the log SDs of the testlets."""
    kinds, count = list(items.kinds()), int(testlet.max(initial=-1)) + 1
    finite = [np.where(np.isfinite(xi), xi, 0.0).ravel() for _, _, xi in kinds]
    vector = np.concatenate([*finite, np.full(count, np.log(0.5))])
    anderson, best, plain = Anderson(), -np.inf, vector
    for cycle in range(1, max_cycles + 1):
        items, sd = _unpacked(vector, items, count)
        sums = _expect(scores, items, testlet, sd, points)
        if sums.log_likelihood < best - 1e-9 * abs(best):
            anderson.clear()
            vector = plain
            best = -np.inf
            continue
        best = sums.log_likelihood
        step, scale = _step(vector, items, testlet, sd, sums, points, len(scores))
        plain = vector + step
        following = anderson.next(vector, step, scale)
        change = float(np.max(np.abs(following - vector) * scale, initial=0.0))
        if change < tolerance or cycle == max_cycles:
            return TestletCalibration(items, testlet, sd, best, change < tolerance, cycle, change)
        vector = following if _possible(following, items, count) else plain
    return TestletCalibration(items, testlet, sd, sums.log_likelihood, False, max_cycles, np.inf)


def _unpacked(vector: Floats, items: Items, count: int) -> tuple[Items, Floats]:
    """Items and testlet SDs from the vector."""
    a, b, start = items.a.copy(), items.b.copy(), 0
    for model, at, xi in items.kinds():
        own = np.where(np.isfinite(xi), vector[start : start + xi.size].reshape(xi.shape), xi)
        natural = model.natural(own)
        a[at], b[at, : natural[1].shape[1]] = natural[0], natural[1]
        start += xi.size
    sd = np.exp(vector[start:]) if count else np.zeros(0)
    return Items(items.model, a, b, items.c, items.d, items.slopes), np.asarray(sd, dtype=np.float64)


def _possible(vector: Floats, items: Items, count: int) -> bool:
    """Graded intercepts fall, slopes have not run away, and no testlet SD is below its floor."""
    start = 0
    for model, _, xi in items.kinds():
        own: Floats = vector[start : start + xi.size].reshape(xi.shape)
        if isinstance(model, Graded) and own.shape[1] > 2 and (np.diff(own[:, 1:], axis=1) >= 0).any():
            return False
        start += xi.size
    spread = vector[start:]
    return bool((np.abs(vector) < 60).all() and (spread > np.log(SMALLEST_SD)).all() and (np.abs(spread) < 4).all())


def _expect(scores: Codes, items: Items, testlet: Indices, sd: Floats, points: tuple[int, int]) -> _Sums:
    """The E-step with dimension reduction."""
    theta, z = irt.grid(points=points[0]), irt.grid(-5, 5, points[1])
    weight, inner = irt.normal_weights(theta), irt.normal_weights(z)
    nodes, width = theta.size * z.size, int(items.categories.max())
    joint = np.log(weight) + np.zeros((len(scores), theta.size))
    parts = []
    for t in range(-1, sd.size):
        own = np.flatnonzero(testlet == t)
        eta = np.repeat(theta, z.size) if t < 0 else (theta[:, None] + sd[t] * z).ravel()
        shown = [(scores[:, own] == k).astype(np.float64) for k in range(width)]
        logs = irt.log_probabilities(items.take(own), eta) if own.size else np.zeros((nodes, 0, width))
        logs = np.where(np.isfinite(logs), logs, 0.0)
        like = sum((x @ logs[:, :, k].T for k, x in enumerate(shown)), np.zeros((len(scores), nodes)))
        like = like.reshape(len(scores), theta.size, z.size) + np.log(inner)
        top = like.max(axis=2)
        total = top + np.log(np.exp(like - top[:, :, None]).sum(axis=2))
        joint += total
        parts.append((own, shown, like - total[:, :, None]))
    top = joint.max(axis=1, keepdims=True)
    mass = np.exp(joint - top)
    log_likelihood = float((top[:, 0] + np.log(mass.sum(axis=1))).sum())
    mass /= mass.sum(axis=1, keepdims=True)
    counts, spread = np.zeros((len(items), width, nodes)), np.ones(sd.size)
    for t, (own, shown, within) in enumerate(parts, start=-1):
        full = (mass[:, :, None] * np.exp(within)).reshape(len(scores), nodes)
        for k, x in enumerate(shown):
            counts[own, k] = x.T @ full
        if t >= 0:
            spread[t] = full.sum(axis=0).reshape(theta.size, z.size).sum(axis=0) @ z**2 / len(scores)
    return _Sums(counts, spread, mass, log_likelihood)


def _step(
    vector: Floats, items: Items, testlet: Indices, sd: Floats, sums: _Sums, points: tuple[int, int], people: int
) -> tuple[Floats, Floats]:
    """Scoring steps of the items at their own nodes, and the EM step of the testlet SDs; one over their SEs."""
    theta, z = irt.grid(points=points[0]), irt.grid(-5, 5, points[1])
    step, scale, start = np.zeros_like(vector), np.ones_like(vector), 0
    for model, at, xi in items.kinds():
        for row, item in enumerate(at.tolist()):
            t = int(testlet[item])
            eta = (theta[:, None] + (sd[t] if t >= 0 else 0.0) * z).ravel()
            own = sums.counts[item : item + 1, : items.categories[item]]
            score = model.log_derivatives(xi[row : row + 1], eta)[0]
            free = [column for column, kind in enumerate(model.kinds(own.shape[1])) if kind in ("slope", "intercept")]
            flat = score[free].reshape(len(free), -1)
            expected = np.exp(model.log_probabilities(xi[row : row + 1], eta)) * own.sum(axis=1, keepdims=True)
            information = (flat * expected.reshape(1, -1)) @ flat.T + 1e-9 * np.eye(len(free))
            move = np.linalg.solve(information, flat @ own.ravel())
            at_vector = start + row * xi.shape[1] + np.array(free)
            step[at_vector] = move / max(1.0, float(np.abs(move).max()))
            scale[at_vector] = np.sqrt(np.diag(information))
        start += xi.size
    log_sd = np.log(np.maximum(np.sqrt(sums.spread) * sd, 1.05 * SMALLEST_SD))
    step[start:], scale[start:] = log_sd - vector[start:], np.sqrt(2 * people)
    return step, scale
