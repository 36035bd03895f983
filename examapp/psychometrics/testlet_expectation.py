"""The E-step of a test with testlets, by dimension reduction: sums over people, and each person's mean score vector.

Items of testlet t are looked at on nodes eta_qr = theta_q + sd_t z_r. For a person with responses x

    p(q, r | x) = p(q | x) v_r L_t(x | eta_qr) / sum_s v_s L_t(x | eta_qs),   p(q | x) ~ w_q prod_t sum_r v_r L_t

so that the counts of an item need its own testlet's two dimensions only (Gibbons & Hedeker 1992).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from examapp.psychometrics import irt
from examapp.psychometrics.free_parameters import Layout
from examapp.psychometrics.irt import Indices, Items
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import Codes, person_blocks

ROWS = 512


@dataclass(frozen=True)
class Frame:
    """Nodes of the general ability (Q,) and of what a testlet adds (R,), with weights; `testlet` (J,), -1 is none."""

    theta: Floats
    z: Floats
    weight: Floats
    inner: Floats
    testlet: Indices

    @classmethod
    def of(cls, points: tuple[int, int], testlet: Indices) -> Frame:
        """Equally spaced standard nodes."""
        theta, z = irt.grid(points=points[0]), irt.grid(-5, 5, points[1])
        return cls(theta, z, irt.normal_weights(theta), irt.normal_weights(z), testlet)

    @property
    def count(self) -> int:
        """How many testlets there are."""
        return int(self.testlet.max(initial=-1)) + 1

    def eta(self, t: int, sd: Floats) -> Floats:
        """The nodes (Q * R,) at which items of testlet t are looked at."""
        return (self.theta[:, None] + (sd[t] if t >= 0 else 0.0) * self.z).ravel()


@dataclass(frozen=True)
class Sums:
    """Counts (J, K, Q * R) of each item at its own nodes, mean gamma^2 / sd^2 of each testlet, log-likelihood."""

    counts: Floats
    spread: Floats
    log_likelihood: float


@dataclass(frozen=True)
class Posterior:
    """Of n people: weights of theta (n, Q), for each testlet from -1 on those of its nodes (n, Q * R), log L (n,)."""

    theta: Floats
    nodes: tuple[Floats, ...]
    log_likelihood: Floats


def posterior(scores: Codes, items: Items, sd: Floats, frame: Frame) -> Posterior:
    """Where people with these `scores` (n, J) are, given the items and the testlets' SDs `sd` (T,).

    >>> items, frame = Items.of("rasch", b=[0.0, 0.0]), Frame.of((21, 9), np.array([0, 0]))
    >>> found = posterior(np.array([[1, 1]], dtype=np.int8), items, np.array([1.0]), frame)
    >>> bool(found.theta[0] @ frame.theta > 0)
    True
    """
    shape = (len(scores), frame.theta.size, frame.z.size)
    joint, within = np.log(frame.weight) + np.zeros(shape[:2]), []
    for t in range(-1, sd.size):
        own = np.flatnonzero(frame.testlet == t)
        like = np.zeros((len(scores), frame.theta.size * frame.z.size))
        logs = irt.log_probabilities(items.take(own), frame.eta(t, sd)) if own.size else np.zeros((like.shape[1], 0, 0))
        for k in range(logs.shape[2]):
            like += (scores[:, own] == k) @ np.maximum(logs[:, :, k], -1e4).T
        like = like.reshape(shape) + np.log(frame.inner)
        top = like.max(axis=2, keepdims=True)
        total = top[:, :, 0] + np.log(np.exp(like - top).sum(axis=2))
        joint += total
        within.append(like - total[:, :, None])
    top = joint.max(axis=1, keepdims=True)
    mass = np.exp(joint - top)
    log_likelihood = top[:, 0] + np.log(mass.sum(axis=1))
    mass /= mass.sum(axis=1, keepdims=True)
    nodes = tuple((mass[:, :, None] * np.exp(part)).reshape(len(scores), -1) for part in within)
    return Posterior(mass, nodes, log_likelihood)


def expect(scores: Codes, items: Items, sd: Floats, frame: Frame) -> Sums:
    """The E-step over the `scores` (N, J) of all people, a few hundred at a time; `sd` (T,) of the testlets.

    >>> items, frame = Items.of("rasch", b=[0.0, 0.0]), Frame.of((21, 9), np.array([0, 0]))
    >>> sums = expect(np.array([[1, 0], [1, 1]], dtype=np.int8), items, np.array([1.0]), frame)
    >>> sums.counts.sum(axis=2).round(6).tolist()
    [[0.0, 2.0], [1.0, 1.0]]
    """
    counts = np.zeros((len(items), int(items.categories.max()), frame.theta.size * frame.z.size))
    spread, total = np.zeros(sd.size), 0.0
    for shown, found in _blocks(scores, items, sd, frame):
        for t, full in enumerate(found.nodes, start=-1):
            own = np.flatnonzero(frame.testlet == t)
            for k in range(counts.shape[1]):
                counts[own, k] += (shown[:, own] == k).astype(np.float64).T @ full
            if t >= 0:
                spread[t] += full.sum(axis=0) @ np.tile(frame.z**2, frame.theta.size) / len(scores)
        total += float(found.log_likelihood.sum())
    return Sums(counts, spread, total)


def score_products(scores: Codes, plan: Layout, vector: Floats, items: Items, sd: Floats, frame: Frame) -> Floats:
    """sum_i E_i(s) E_i(s)' over people of the score s of items and log SDs, (P + T, P + T).

    `scores` (N, J) are those of `codes`, `vector` (P + T,) and `sd` (T,) those of a calibration.

    >>> from examapp.psychometrics.testlets import calibrate_testlets
    >>> data = np.random.default_rng(1).integers(0, 2, (60, 3)).astype(np.int8)
    >>> fit = calibrate_testlets(data, [0, 0, -1], points=(15, 7), max_cycles=3)
    >>> score_products(data, fit.layout, fit.vector, fit.items, fit.sd, Frame.of((15, 7), fit.testlet)).shape
    (7, 7)
    """
    size = plan.size + sd.size
    out = np.zeros((size, size))
    curves = list(_curves(plan, vector, sd, frame))
    for shown, found in _blocks(scores, items, sd, frame):
        means = np.zeros((len(shown), size))
        for item, index, by in curves:
            full = found.nodes[int(frame.testlet[item]) + 1]
            for k in range(by.shape[1]):
                given = shown[:, item] == k
                means[np.ix_(given, index)] += full[given] @ by[:, k].T
        for t in range(sd.size):
            means[:, plan.size + t] = found.nodes[t + 1] @ np.tile(frame.z**2 - 1, frame.theta.size)
        out += means.T @ means
    return out


def _curves(plan: Layout, vector: Floats, sd: Floats, frame: Frame) -> Iterator[tuple[int, Indices, Floats]]:
    """For each item its entries in the vector and the derivatives (p, K, Q * R) of its log P by them."""
    for kind in plan.kinds:
        xi = kind.values(vector)
        for row, item in enumerate(kind.at.tolist()):
            free = kind.index[row] >= 0
            eta = frame.eta(int(frame.testlet[item]), sd)
            yield item, kind.index[row, free], kind.model.log_derivatives(xi[row : row + 1], eta)[0, free]


def _blocks(scores: Codes, items: Items, sd: Floats, frame: Frame) -> Iterator[tuple[Codes, Posterior]]:
    for rows in person_blocks(len(scores), ROWS):
        yield scores[rows], posterior(scores[rows], items, sd, frame)
