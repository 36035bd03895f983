"""Which item to give next: how good each item would be, by the criteria of the literature.

`items` (n,) are positions in the pool, theta is the present estimate on its scale. `weights` (Q,) on the pool's nodes
stand for a likelihood or a posterior; only their proportions matter to the choice. Larger values are better; what is to
be minimised comes negated.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from examapp.psychometrics import ability, irt
from examapp.psychometrics.adaptive_pool import AdaptivePool
from examapp.psychometrics.irt import Indices
from examapp.psychometrics.response_models import TINY, Floats

DICHOTOMOUS = ("rasch", "1pl", "2pl", "3pl", "4pl")
MEI_BLOCK = 64


def weighted_information(pool: AdaptivePool, items: Indices, theta: float, weights: Floats) -> Floats:
    """Information weighted over ability, sum_q w_q I_j(theta_q), (n,): MLWI and, with a posterior, MPWI.

    Sources: Veerkamp & Berger (1997), van der Linden (1998).

    >>> pool = AdaptivePool.of(irt.Items.of("2pl", a=[1.0, 2.0], b=[0.0, 0.0]))
    >>> weighted_information(pool, np.array([0, 1]), 0.0, pool.prior).round(3).tolist()
    [0.207, 0.606]
    """
    at = irt.information(pool.items.take(items), pool.nodes)
    return np.asarray(weights @ at, dtype=np.float64)


def kullback_leibler(pool: AdaptivePool, items: Indices, theta: float, weights: Floats) -> Floats:
    """sum_q w_q sum_k P_k(theta) log(P_k(theta) / P_k(theta_q)), (n,): KL and KLP (Chang & Ying 1996).

    >>> pool = AdaptivePool.of(irt.Items.of("2pl", a=[1.0, 2.0], b=[0.0, 0.5]))
    >>> kullback_leibler(pool, np.array([0, 1]), 0.0, pool.prior).round(3).tolist()
    [0.113, 0.329]
    """
    here = irt.probabilities(pool.items.take(items), [theta])[0][:, : pool.likelihood.shape[1]]
    curves = pool.likelihood[items, : here.shape[1]]
    mean_log = np.log(np.maximum(curves, TINY)) @ weights
    own = (here * np.log(np.maximum(here, TINY))).sum(axis=1)
    return np.asarray(weights.sum() * own - (here * mean_log).sum(axis=1), dtype=np.float64)


def discrimination_index(pool: AdaptivePool, items: Indices, theta: float, weights: Floats) -> Floats:
    """Variance of the expected score over ability, (n,): GDI and GDIP (Kaplan, de la Torre & Barrada 2015).

    >>> pool = AdaptivePool.of(irt.Items.of("2pl", a=[1.0, 2.0], b=[0.0, 0.5]))
    >>> discrimination_index(pool, np.array([0, 1]), 0.0, pool.prior).round(3).tolist()
    [0.043, 0.088]
    """
    share = weights / weights.sum()
    expected = np.arange(pool.likelihood.shape[1]) @ pool.likelihood[items]
    return np.asarray(expected**2 @ share - (expected @ share) ** 2, dtype=np.float64)


def expected_variance(pool: AdaptivePool, items: Indices, theta: float, weights: Floats) -> Floats:
    """Minus the posterior variance to be expected after the item, (n,): MEPV (van der Linden & Pashley 2000).

    Each response counts with its probability at theta, as in common use.

    >>> pool = AdaptivePool.of(irt.Items.of("2pl", a=[1.0, 2.0], b=[0.0, 0.5]))
    >>> expected_variance(pool, np.array([0, 1]), 0.0, pool.prior).round(3).tolist()
    [-0.829, -0.661]
    """
    chance = irt.probabilities(pool.items.take(items), [theta])[0]
    total, first, second = np.moveaxis(pool.likelihood[items] @ (weights * pool.moments).T, 2, 0)
    mean = first / np.maximum(total, TINY)
    variance = second / np.maximum(total, TINY) - mean**2
    return np.asarray(-(chance * variance[:, : chance.shape[1]]).sum(axis=1), dtype=np.float64)


def match(pool: AdaptivePool, items: Indices, theta: float, weights: Floats) -> Floats:
    """Minus the distance of the difficulty from theta, (n,) (Urry 1970); b-matching, for dichotomous items.

    >>> pool = AdaptivePool.of(irt.Items.of("2pl", a=[1.0, 2.0], b=[0.0, 0.5]))
    >>> match(pool, np.array([0, 1]), 0.2, pool.prior).round(3).tolist()
    [-0.2, -0.3]
    """
    _only_dichotomous(pool, "b")
    return np.asarray(-np.abs(pool.items.b[items, 0] - theta), dtype=np.float64)


def match_peak(pool: AdaptivePool, items: Indices, theta: float, weights: Floats) -> Floats:
    """Minus the distance of theta from where the item informs most, (n,) (Birnbaum 1968, eq. 20.4.21).

    >>> pool = AdaptivePool.of(irt.Items.of("2pl", a=[1.0, 2.0], b=[0.0, 0.5]))
    >>> match_peak(pool, np.array([0, 1]), 0.2, pool.prior).round(3).tolist()
    [-0.2, -0.3]
    """
    _only_dichotomous(pool, "theta")
    return np.asarray(-np.abs(peak(pool.items)[items] - theta), dtype=np.float64)


def peak(items: irt.Items) -> Floats:
    """Ability of most information of dichotomous items, (J,); b of flat ones, which have none anywhere.

    With s the logistic part the peak solves (1 - 2 s) P Q = s (1 - s) (d - c) (1/2 - P); for d = 1 it is
    Birnbaum's (1968, eq. 20.4.21) b + log((1 + sqrt(1 + 8 c)) / 2) / a.

    >>> peak(irt.Items.of("3pl", a=[1.0], b=[0.5], c=[0.0])).tolist()
    [0.5]
    """
    c, d = items.c, items.d
    low, high = np.full(c.size, 0.0), np.full(c.size, 1.0)
    for _ in range(60):
        s = 0.5 * (low + high)
        p = c + (d - c) * s
        rises = (1 - 2 * s) * 2 * p * (1 - p) - s * (1 - s) * (d - c) * (1 - 2 * p) > 0
        low, high = np.where(rises, s, low), np.where(rises, high, s)
    s = 0.5 * (low + high)
    beyond = np.divide(np.log(s / (1 - s)), items.a, out=np.zeros(s.size), where=items.a != 0)
    return np.asarray(items.b[:, 0] + beyond, dtype=np.float64)


def expected_information(pool: AdaptivePool, items: Indices, theta: float, given: Indices, scores: Indices) -> Floats:
    """Observed information of the item at the estimate after it, expected over its responses, (n,): MEI.

    sum_k P_k(theta) J_j(theta_k), theta_k the posterior mode when the item gets k (van der Linden 1998).

    `given` (m,) are the items so far and `scores` (m,) what they got.

    >>> pool = AdaptivePool.of(irt.Items.of("2pl", a=[1.0, 2.0], b=[0.0, 0.5]))
    >>> expected_information(pool, np.array([1]), 0.0, np.array([0]), np.array([1])).round(3).tolist()
    [0.794]
    """
    out = np.empty(items.size)
    for start in range(0, items.size, MEI_BLOCK):
        block = items[start : start + MEI_BLOCK]
        out[start : start + MEI_BLOCK] = _expected_information(pool, block, theta, given, scores)
    return out


def _expected_information(pool: AdaptivePool, items: Indices, theta: float, given: Indices, scores: Indices) -> Floats:
    part = pool.items.take(np.concatenate([given, items]))
    new = pool.items.take(items)
    rows, score = np.nonzero(np.arange(new.categories.max()) < new.categories[:, None])
    responses = np.full((rows.size, len(part)), -1)
    responses[:, : given.size] = scores
    responses[np.arange(rows.size), given.size + rows] = score
    after = ability.estimate(responses, part, method="MAP", mean=pool.mean, sd=pool.sd).theta
    p, first, second = (x[np.arange(rows.size), rows, score] for x in irt.theta_derivatives(new, after))
    observed = (first / np.maximum(p, TINY)) ** 2 - second / np.maximum(p, TINY)
    chance = irt.probabilities(new, [theta])[0][rows, score]
    return np.asarray(np.bincount(rows, chance * observed, minlength=items.size), dtype=np.float64)


def _only_dichotomous(pool: AdaptivePool, what: str) -> None:
    wrong = [j for j, name in enumerate(pool.items.model) if name not in DICHOTOMOUS]
    if wrong:
        raise ValueError(f"selection by {what}: item {wrong[0]} is {pool.items.model[wrong[0]]}, not dichotomous")


Criterion = Callable[[AdaptivePool, Indices, float, Floats], Floats]

BY_LIKELIHOOD: dict[str, Criterion] = {
    "mlwi": weighted_information,
    "kl": kullback_leibler,
    "gdi": discrimination_index,
    "b": match,
    "theta": match_peak,
}
BY_POSTERIOR: dict[str, Criterion] = {
    "mpwi": weighted_information,
    "klp": kullback_leibler,
    "gdip": discrimination_index,
    "mepv": expected_variance,
}
CRITERIA = ("mfi", "mei", *BY_LIKELIHOOD, *BY_POSTERIOR)
