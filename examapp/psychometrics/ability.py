"""Ability theta from responses, for many people at once: EAP, MAP, ML and Warm's weighted likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import irt, undetermined
from examapp.psychometrics.irt import Items
from examapp.psychometrics.response_models import TINY, Floats
from examapp.psychometrics.responses import Codes, codes, person_blocks

METHODS = ("EAP", "MAP", "ML", "WLE", "JEFFREYS")
REACH = 40.0
STEEP = 10.0
BLOCK = 2048
CategoryLogs = tuple[tuple[npt.NDArray[np.intp], Floats], ...]


@dataclass(frozen=True)
class Ability:
    """Estimates `theta` (N,) and `standard_error` (N,) on the items' scale.

    `grid` (Q,) holds the nodes that were searched or summed over, `posterior` (N, Q) each person's posterior
    weights there (EAP only).
    """

    theta: Floats
    standard_error: Floats
    grid: Floats
    posterior: Floats | None = None


def estimate(
    responses: npt.ArrayLike,
    items: Items,
    *,
    method: str = "EAP",
    mean: float = 0.0,
    sd: float = 1.0,
    grid: npt.ArrayLike | None = None,
    bounds: tuple[float, float] = (-6.0, 6.0),
    information: str = "observed",
) -> Ability:
    """Ability of each person from responses (N, J), NaN (or a negative integer) where an item was not seen.

    EAP is the mean of the posterior under N(mean, sd^2), its error the posterior's standard deviation (Bock &
    Mislevy 1982). MAP maximises the posterior, ML the likelihood. WLE solves l'(theta) + J / (2 I) = 0 with
    J = sum P' P'' / P (Warm 1989), for guessing too; JEFFREYS maximises l + log(I) / 2, which is the same
    estimator for Rasch to 2PL items only. Errors come from the observed or the expected `information`, those
    of WLE always from the expected. ML and WLE stay inside `bounds`; with infinite bounds, ML of a pattern
    whose likelihood rises for ever is infinite.

    `grid` (Q,) sets the nodes on the items' scale: by default 121 within 6 sd of the mean for EAP, one for each 0.1
    otherwise.

    >>> items = Items.of("2pl", a=[1.0, 1.0], b=[-0.5, 0.5])
    >>> estimate([[1, 0], [1, 1]], items).theta.round(3).tolist()
    [0.0, 0.713]
    """
    name = method.upper()
    if name not in METHODS:
        raise ValueError(f"estimate: unknown method {method!r}, known are {', '.join(METHODS)}")
    if information not in ("observed", "expected"):
        raise ValueError(f"estimate: information is observed or expected, not {information!r}")
    if not (np.isfinite(mean) and 0 < sd < np.inf) or not bounds[0] < bounds[1]:
        raise ValueError(f"estimate: needs a finite mean and sd > 0 and bounds in order, got {mean}, {sd}, {bounds}")
    scores = codes(responses, items.categories)
    if name == "EAP":
        nodes = irt.normal_grid(mean, sd) if grid is None else np.asarray(grid, dtype=np.float64)
        return expected_a_posteriori(scores, items, nodes, np.log(irt.normal_weights(nodes, mean, sd) + TINY))
    low, high = (max(bounds[0], -REACH), min(bounds[1], REACH)) if name != "MAP" else (mean - 12 * sd, mean + 12 * sd)
    nodes = _searched(items, low, high) if grid is None else np.asarray(grid, dtype=np.float64)
    criterion = _Criterion(items, name, mean, sd, information)
    theta, error = np.empty(len(scores)), np.empty(len(scores))
    for rows in person_blocks(len(scores), max(1, BLOCK * 64 // max(1, len(items)))):
        theta[rows], error[rows] = _maximum(criterion, scores[rows], nodes, bounds)
    return Ability(theta, error, nodes)


def _searched(items: Items, low: float, high: float) -> Floats:
    """Where maxima are looked for: ten nodes a unit, and more where an item's curve would rise between two of them."""
    nodes = irt.grid(low, high, int(10 * (high - low)) + 1)
    steep = np.flatnonzero(items.a > STEEP)
    if not steep.size:
        return nodes
    near = (items.b[steep, :, None] + np.linspace(-8.0, 8.0, 33) / items.a[steep, None, None]).ravel()
    return np.unique(np.concatenate([nodes, near[(near > low) & (near < high)]]))


def expected_a_posteriori(
    scores: Codes, items: Items, nodes: Floats, log_prior: Floats, logs: CategoryLogs | None = None
) -> Ability:
    """EAP under any prior: log weights (Q,) for everyone or (N, Q) one row per person.

    `logs` are those of `category_logs` at the nodes, where the caller has them already.

    `scores` (N, J) are those of `codes`, `nodes` (Q,) abilities on the items' scale, `log_prior` (Q,) or (N, Q) up to a
    constant (Bock & Mislevy 1982).

    >>> prior = np.log([0.5, 0.5])
    >>> expected_a_posteriori(codes([[1]]), Items.of("rasch", b=[0.0]), np.array([-1.0, 1.0]), prior).theta.round(3)
    array([0.462])
    """
    posterior = np.empty((len(scores), nodes.size))
    prior = np.broadcast_to(log_prior, posterior.shape)
    for rows in person_blocks(len(scores), BLOCK):
        joint = log_likelihood(scores[rows], items, nodes, logs) + prior[rows]
        joint -= joint.max(axis=1, keepdims=True)
        np.exp(joint, out=joint)
        posterior[rows] = joint / joint.sum(axis=1, keepdims=True)
    theta = posterior @ nodes
    if math.isnan(theta @ theta):
        raise ValueError(f"expected_a_posteriori: person {int(np.argmax(np.isnan(theta)))}: the prior is not a number")
    variance = posterior @ nodes**2 - theta**2
    return Ability(theta, np.sqrt(np.maximum(variance, 0.0)), nodes, posterior)


def category_logs(items: Items, theta: npt.ArrayLike) -> CategoryLogs:
    """For each category k, the positions (n,) of the items that have it, and log P(X = k | theta_q) of them, (n, Q).

    `theta` (Q,) is on the items' scale. What many people's likelihoods have in common (Lord 1980, ch. 4).

    >>> [positions.tolist() for positions, _ in category_logs(Items.of("rasch", b=[0.0, 1.0]), [0.0])]
    [[0, 1], [0, 1]]
    """
    logs, having = irt.log_probabilities(items, theta), items.categories
    positions = [np.flatnonzero(having > k) for k in range(logs.shape[2])]
    return tuple((has, logs[:, has, k].T) for k, has in enumerate(positions))


def log_likelihood(scores: Codes, items: Items, theta: npt.ArrayLike, logs: CategoryLogs | None = None) -> Floats:
    """log L(theta_q) of each person's seen responses, (N, Q).

    `scores` (N, J) are those of `codes`, `theta` (Q,) abilities on the items' scale; `logs` those of `category_logs`
    there, where the caller has them already (Lord 1980, ch. 4).

    >>> log_likelihood(codes([[1, -1]]), Items.of("rasch", b=[0.0, 0.0]), [0.0]).round(4).tolist()
    [[-0.6931]]
    """
    logs = category_logs(items, theta) if logs is None else logs
    out = np.zeros((len(scores), logs[0][1].shape[1]))
    for k, (has, curves) in enumerate(logs):
        out += (scores.take(has, axis=1) == k).astype(np.float64) @ curves
    return out


def sum_score_distribution(items: Items, theta: npt.ArrayLike) -> Floats:
    """P(sum score = s | theta), (Q, S + 1), by the recursion of Lord & Wingersky (1984).

    `theta` (Q,) is on the items' scale, S the highest sum of category scores.

    >>> sum_score_distribution(Items.of("rasch", b=[0.0, 0.0]), [0.0]).tolist()
    [[0.25, 0.5, 0.25]]
    """
    p = irt.probabilities(items, theta)
    out = np.ones((p.shape[0], 1))
    for j, categories in enumerate(items.categories):
        wider = np.zeros((p.shape[0], out.shape[1] + int(categories) - 1))
        for k in range(int(categories)):
            wider[:, k : k + out.shape[1]] += out * p[:, j, k, None]
        out = wider
    return out


def sum_score_eap(
    items: Items, *, mean: float = 0.0, sd: float = 1.0, grid: npt.ArrayLike | None = None
) -> tuple[Ability, Floats]:
    """Ability given nothing but each sum score 0..S, and the model's probability of each score (S + 1,).

    `grid` (Q,) sets the nodes, by default 121 within 6 sd of the mean. The prior is N(mean, sd^2) on the items' scale
    (Thissen, Pommerich, Billeaud & Williams 1995).

    >>> ability, share = sum_score_eap(Items.of("rasch", b=[-1.0, 0.0, 1.0]))
    >>> ability.theta.shape, round(float(share.sum()), 12)
    ((4,), 1.0)
    """
    nodes = irt.normal_grid(mean, sd) if grid is None else np.asarray(grid, dtype=np.float64)
    joint = sum_score_distribution(items, nodes).T * irt.normal_weights(nodes, mean, sd)
    share = joint.sum(axis=1)
    posterior = joint / np.maximum(share, TINY)[:, None]
    theta = posterior @ nodes
    variance = posterior @ nodes**2 - theta**2
    return Ability(theta, np.sqrt(np.maximum(variance, 0.0)), nodes, posterior), share


def test_characteristic(items: Items, theta: npt.ArrayLike) -> Floats:
    """Expected sum score at each theta, (Q,), in score points.

    T(theta) = sum_j sum_k k P_jk(theta), with `theta` (Q,) on the items' scale (Lord 1980, ch. 4).

    >>> test_characteristic(Items.of("rasch", b=[0.0, 0.0]), [0.0]).tolist()
    [1.0]
    """
    return np.asarray(irt.expected_score(items, theta).sum(axis=1), dtype=np.float64)


def plausible_values(rng: np.random.Generator, ability: Ability, count: int = 5) -> Floats:
    """Random draws from each person's posterior, (N, count), linear between the nodes of the EAP grid.

    They are on the scale of theta, and their spread over people is that of the population, which the spread of
    estimates is not (Mislevy 1991).

    >>> person = estimate([[1, 0]], Items.of("rasch", b=[0.0, 0.0]))
    >>> plausible_values(np.random.default_rng(1), person, 3).shape
    (1, 3)
    """
    if ability.posterior is None:
        raise ValueError("plausible_values: needs the posterior of an EAP estimate")
    step = np.diff(ability.grid, append=2 * ability.grid[-1] - ability.grid[-2])
    cumulated = np.cumsum(ability.posterior, axis=1)
    drawn = np.empty((len(ability.theta), count))
    for person, row in enumerate(cumulated):
        u = rng.random(count) * row[-1]
        node = np.minimum(np.searchsorted(row, u), row.size - 1)
        drawn[person] = ability.grid[node] + step[node] * (rng.random(count) - 0.5)
    return drawn


@undetermined.refused("people", "their theta is not known")
def scale_scores(
    theta: npt.ArrayLike, slope: float, intercept: float, low: float = -np.inf, high: float = np.inf, digits: int = 0
) -> Floats:
    """Reported scores slope * theta + intercept, rounded half to even and kept within low..high.

    `theta` has any shape, as the result; `slope`, `intercept`, `low` and `high` are in reported points (Kolen & Brennan
    2014, ch. 9). An infinite theta has the limit for its score, inf without one. Undetermined where theta is NaN.

    >>> scale_scores([-9.0, 0.0, 1.234], 100, 500, low=200, high=800).tolist()
    [200.0, 500.0, 623.0]
    """
    reported = np.round(slope * np.asarray(theta, dtype=np.float64) + intercept, digits)
    return np.asarray(np.clip(reported, low, high), dtype=np.float64)


@dataclass(frozen=True)
class _Criterion:
    """The function of theta whose zero is the estimate, and the information that its error comes from."""

    items: Items
    method: str
    mean: float
    sd: float
    information: str

    def start(self, scores: Codes, nodes: Floats) -> Floats:
        """The criterion itself on the nodes, (N, Q); a trapezoid sum stands in for the integral of Warm's J / (2 I)."""
        objective = log_likelihood(scores, self.items, nodes)
        if self.method == "MAP":
            objective -= 0.5 * ((nodes - self.mean) / self.sd) ** 2
        elif self.method in ("WLE", "JEFFREYS"):
            for row, seen in _designs(scores):
                objective[row] += self._correction(nodes, *irt.theta_derivatives(self.items.take(seen), nodes))
        return objective

    def _correction(self, nodes: Floats, p: Floats, first: Floats, second: Floats) -> Floats:
        if self.method == "JEFFREYS":
            return np.asarray(0.5 * np.log(np.maximum((first**2 / np.maximum(p, TINY)).sum(axis=(1, 2)), TINY)))
        bias = self._bias(p, first, second)
        steps = 0.5 * (bias[1:] + bias[:-1]) * np.diff(nodes)
        return np.concatenate([[0.0], np.cumsum(steps)])

    def gradient(self, scores: Codes, theta: Floats) -> Floats:
        """l'(theta) of each person at their own theta, with the method's correction, (N,)."""
        p, first, second = irt.theta_derivatives(self.items, theta)
        slope = _picked(first / np.maximum(p, TINY), scores)
        if self.method == "MAP":
            return slope - (theta - self.mean) / self.sd**2
        if self.method == "ML":
            return slope
        seen = (scores >= 0)[:, :, None]
        return slope + self._bias(p, first * seen, second * seen)

    def error(self, scores: Codes, theta: Floats) -> Floats:
        """Standard error at the estimates, (N,)."""
        p, first, _ = irt.theta_derivatives(self.items, theta)
        seen = (scores >= 0)[:, :, None]
        expected = (seen * first**2 / np.maximum(p, TINY)).sum(axis=(1, 2))
        prior = 1 / self.sd**2 if self.method == "MAP" else 0.0
        held = expected + prior
        if self.information == "observed" and self.method != "WLE":
            observed = self._observed(scores, theta)
            held = np.where(observed > 0, observed, held)
        return np.asarray(1.0 / np.sqrt(np.maximum(held, TINY)), dtype=np.float64)

    def _observed(self, scores: Codes, theta: Floats) -> Floats:
        h = 1e-4
        return (self.gradient(scores, theta - h) - self.gradient(scores, theta + h)) / (2 * h)

    def _bias(self, p: Floats, first: Floats, second: Floats) -> Floats:
        """J / (2 I) for WLE, I' / (2 I) for JEFFREYS."""
        safe = np.maximum(p, TINY)
        held = (first**2 / safe).sum(axis=(1, 2))
        warm = (first * second / safe).sum(axis=(1, 2))
        if self.method == "WLE":
            return np.asarray(warm / np.maximum(2 * held, TINY), dtype=np.float64)
        slope = 2 * warm - (safe * (first / safe) ** 3).sum(axis=(1, 2))
        return np.asarray(slope / np.maximum(2 * held, TINY), dtype=np.float64)


def _designs(scores: Codes) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """People grouped by the items they saw: their rows and those items."""
    patterns, group = np.unique(scores >= 0, axis=0, return_inverse=True)
    return [(np.flatnonzero(group.ravel() == g), np.flatnonzero(seen)) for g, seen in enumerate(patterns)]


def _picked(values: Floats, scores: Codes) -> Floats:
    """Sum over items of the value in the person's own category, (N,), unseen items left out."""
    chosen = np.take_along_axis(values, np.maximum(scores, 0)[:, :, None].astype(np.intp), axis=2)[:, :, 0]
    return np.asarray(np.where(scores >= 0, chosen, 0.0).sum(axis=1), dtype=np.float64)


def _maximum(criterion: _Criterion, scores: Codes, nodes: Floats, bounds: tuple[float, float]) -> tuple[Floats, Floats]:
    """The best node of each person, refined between its neighbours; edges stay where `bounds` put them."""
    start = criterion.start(scores, nodes)
    best = np.where(start[:, -1] >= start.max(axis=1) - 1e-9, nodes.size - 1, start.argmax(axis=1))
    best = np.where(start[:, 0] >= start.max(axis=1) - 1e-9, 0, best)
    low, high = nodes[np.maximum(best - 1, 0)], nodes[np.minimum(best + 1, nodes.size - 1)]
    theta = _root(lambda at: criterion.gradient(scores, at), low, high, best == nodes.size - 1)
    nothing = (scores < 0).all(axis=1) & (criterion.method != "MAP")
    theta = np.where(nothing, 0.0 if bounds[0] < 0.0 < bounds[1] else nodes[0], theta)
    error = np.where(nothing, np.inf, criterion.error(scores, theta))
    for edge, bound in ((nodes[0], bounds[0]), (nodes[-1], bounds[1])):
        endless = (theta == edge) & np.isinf(bound)
        theta, error = np.where(endless, bound, theta), np.where(endless, np.inf, error)
    return theta, error


def _root(
    function: Callable[[Floats], Floats], low: Floats, high: Floats, prefer_high: npt.NDArray[np.bool_]
) -> Floats:
    """Zero of falling functions, one per person, by the Illinois rule; the nearer end where the sign never changes."""
    at_low, at_high = function(low), function(high)
    fixed = np.where(at_low <= 0, low, np.where(at_high >= 0, high, np.nan))
    fixed = np.where(prefer_high & (at_high >= 0), high, fixed)
    inside = np.isnan(fixed)
    middle, side = 0.5 * (low + high), np.zeros(low.shape)
    for _ in range(60):
        with np.errstate(divide="ignore", invalid="ignore"):
            guess = (low * at_high - high * at_low) / (at_high - at_low)
        middle = np.where(inside & np.isfinite(guess), guess, 0.5 * (low + high))
        value = function(middle)
        if np.all(~inside | (np.abs(high - low) < 1e-10) | (np.abs(value) < 1e-10)):
            break
        right = value > 0
        at_high = np.where(right, np.where(side > 0, 0.5, 1.0) * at_high, value)
        at_low = np.where(right, value, np.where(side < 0, 0.5, 1.0) * at_low)
        low, high, side = np.where(right, middle, low), np.where(right, high, middle), np.where(right, 1.0, -1.0)
    return np.where(inside, middle, fixed)
