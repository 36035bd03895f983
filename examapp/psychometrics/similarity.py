"""Do two people answer more alike than their abilities explain? Leads for a hearing, never verdicts.

`responses` (N, J) are categories, `theta` (N,) abilities on the items' scale, `pairs` (M, 2) positions of people. Given
both abilities, answers are independent. What is compared are chosen categories: options for nominal items,
marks for scored ones. Only items that both people saw count. All pairs of a cohort are many tests: hold the
p-values against `adjusted`, and expect nothing of a short exam, where even much copying stays in the noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from examapp.psychometrics import irt, undetermined
from examapp.psychometrics.irt import Items
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import Codes, codes, person_blocks

Pairs = npt.NDArray[np.intp]
Matching = Callable[[Pairs], Floats]
BLOCK = 2048
SHARE_NOTHING = "they share no item, or every match is certain"


@dataclass(frozen=True)
class Similarity:
    """For each pair (M, 2): identical answers, their expectation, omega with its p-value, and the exact GBT p-value.

    Undetermined where the pair shares no item, or every match is certain.
    """

    pairs: Pairs
    matches: Floats
    expected: Floats
    omega: Floats
    omega_p: Floats
    gbt_p: Floats


@undetermined.refused("pairs", SHARE_NOTHING)
def similarity(responses: npt.ArrayLike, items: Items, theta: npt.ArrayLike, pairs: npt.ArrayLike) -> Similarity:
    """Identical answers of pairs of people (M, 2), both abilities given (van der Linden & Sotaridona 2006).

    An item matches with probability m = sum_k P_k(theta_1) P_k(theta_2). omega = (h - sum m) / sqrt(sum m (1 - m));
    GBT is the exact probability of h or more matches.

    >>> items = Items.of("rasch", b=[0.0, 0.0])
    >>> similarity([[1, 0], [1, 0]], items, [0.0, 0.0], [[0, 1]]).gbt_p.tolist()
    [0.25]
    """
    scores, p, which = _read(responses, items, theta, pairs)
    return _judged(scores, which, lambda rows: (p[rows[:, 0]] * p[rows[:, 1]]).sum(axis=2))


@undetermined.refused("pairs", SHARE_NOTHING)
def copying(responses: npt.ArrayLike, items: Items, theta: npt.ArrayLike, pairs: npt.ArrayLike) -> Similarity:
    """As `similarity`, for pairs (copier, source), (M, 2): the source's answers are taken as they are (Wollack 1997).

    An item matches with the probability that the copier's ability gives to the source's answer.

    >>> items = Items.of("rasch", b=[0.0, 0.0])
    >>> copying([[1, 0], [1, 0]], items, [0.0, 0.0], [[0, 1]]).gbt_p.tolist()
    [0.25]
    """
    scores, p, which = _read(responses, items, theta, pairs)

    def matching(rows: Pairs) -> Floats:
        chosen = np.maximum(scores[rows[:, 1]], 0)[:, :, None].astype(np.intp)
        return np.take_along_axis(p[rows[:, 0]], chosen, axis=2)[:, :, 0]

    return _judged(scores, which, matching)


@undetermined.refused("pairs", SHARE_NOTHING)
def joint_similarity(
    responses: npt.ArrayLike,
    items: Items,
    theta: npt.ArrayLike,
    pairs: npt.ArrayLike,
    right: npt.ArrayLike | None = None,
) -> Floats:
    """M4: p-values (M,) of the numbers of identical right and identical wrong answers together (Maynes 2014).

    Both counts follow a generalised trinomial distribution f. An outcome is at least as extreme as the observed one
    if its upper tail P(R >= r, W >= w) is no larger; the p-value adds f over these. `right` (J,) is the right
    category of each item, by default the highest. Undetermined for a pair that shares no item.

    >>> items = Items.of("rasch", b=[0.0, 0.0])
    >>> joint_similarity([[1, 0], [1, 0]], items, [0.0, 0.0], [[0, 1]]).round(6).tolist()
    [0.25]
    """
    scores, p, which = _read(responses, items, theta, pairs)
    key = items.categories - 1 if right is None else np.asarray(right, dtype=np.intp)
    if key.shape != (len(items),) or (key < 0).any() or (key >= items.categories).any():
        raise ValueError(f"joint_similarity: right needs one category of each of {len(items)} items")
    out = np.empty(len(which))
    for at, (one, two) in enumerate(which.tolist()):
        both = np.flatnonzero((scores[one] >= 0) & (scores[two] >= 0))
        same = scores[one, both] == scores[two, both]
        is_right = scores[one, both] == key[both]
        product = p[one, both] * p[two, both]
        as_right = product[np.arange(both.size), key[both]]
        density = _trinomial(as_right, product.sum(axis=1) - as_right)
        out[at] = _extreme(density, int((same & is_right).sum()), int((same & ~is_right).sum()))
    return out


@undetermined.refused("people", SHARE_NOTHING, diagonal=False)
def similarity_matrix(responses: npt.ArrayLike, items: Items, theta: npt.ArrayLike) -> Floats:
    """omega of all pairs of N people, (N, N), by matrix products; the diagonal, which is no pair, holds NaN.

    `responses` (N, J) and `theta` (N,) as for `similarity`, whose omega it is (after Wollack 1997).
    Meant for screening: take the pairs with a large omega to `similarity` for their exact p-value. Undetermined as
    there.

    >>> items = Items.of("rasch", b=[0.0, 0.0])
    >>> similarity_matrix([[1, 0], [1, 0]], items, [0.0, 0.0]).round(3).tolist()
    [[nan, 1.414], [1.414, nan]]
    """
    scores, p = _people(responses, items, theta)
    count, seen = len(scores), (scores >= 0).astype(np.float64)
    shown = p * seen[:, :, None]
    chosen = np.concatenate([scores == k for k in range(p.shape[2])], axis=1).astype(np.float64)
    products = (shown[:, :, :, None] * shown[:, :, None, :]).reshape(count, p.shape[1] * p.shape[2] ** 2)
    flat = shown.reshape(count, p.shape[1] * p.shape[2])
    out = np.empty((count, count))
    for rows in person_blocks(count, BLOCK):
        expected = flat[rows] @ flat.T
        variance = expected - products[rows] @ products.T
        out[rows] = _standardised(chosen[rows] @ chosen.T, expected, variance)
    np.fill_diagonal(out, np.nan)
    return out


@undetermined.refused("p-values", "not known")
def adjusted(p_values: npt.ArrayLike, method: str = "benjamini-hochberg") -> Floats:
    """The `p_values` (M,) corrected for their number, (M,).

    `method` is "benjamini-hochberg" (false discovery rate) or "holm" (any false alarm).

    What is NaN is not counted, and undetermined. Sources: Benjamini & Hochberg (1995), Holm (1979).

    >>> adjusted([0.01, 0.04, 0.03]).round(9).tolist(), adjusted([0.01, 0.04, 0.03], "holm").tolist()
    ([0.03, 0.04, 0.04], [0.03, 0.06, 0.06])
    """
    values = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(values))
    order, count = known[np.argsort(values[known], kind="stable")], known.size
    if method == "holm":
        steps = np.maximum.accumulate(values[order] * np.arange(count, 0, -1))
    elif method == "benjamini-hochberg":
        steps = np.minimum.accumulate((values[order] * count / np.arange(1, count + 1))[::-1])[::-1]
    else:
        raise ValueError(f"adjusted: method is benjamini-hochberg or holm, not {method!r}")
    out = np.full(values.shape, np.nan)
    out[order] = np.minimum(steps, 1.0)
    return out


def _people(responses: npt.ArrayLike, items: Items, theta: npt.ArrayLike) -> tuple[Codes, Floats]:
    scores, abilities = codes(responses, items.categories), np.asarray(theta, dtype=np.float64)
    if abilities.shape != (len(scores),):
        raise ValueError(f"theta: needs one ability for each of {len(scores)} people, got shape {abilities.shape}")
    return scores, irt.probabilities(items, abilities)


def _read(
    responses: npt.ArrayLike, items: Items, theta: npt.ArrayLike, pairs: npt.ArrayLike
) -> tuple[Codes, Floats, Pairs]:
    scores, p = _people(responses, items, theta)
    which = np.asarray(pairs, dtype=np.intp).reshape(-1, 2)
    if which.size and (which.min() < 0 or which.max() >= len(scores) or (which[:, 0] == which[:, 1]).any()):
        raise ValueError(f"pairs: need two different people each, counted from 0 to {len(scores) - 1}")
    return scores, p, which


def _judged(scores: Codes, pairs: Pairs, matching: Matching) -> Similarity:
    """Count and judge the matches of all pairs, in blocks."""
    parts = np.empty((4, len(pairs)))
    for rows in person_blocks(len(pairs), BLOCK):
        one, two = scores[pairs[rows, 0]], scores[pairs[rows, 1]]
        both = (one >= 0) & (two >= 0)
        m = np.where(both, matching(pairs[rows]), 0.0)
        h = ((one == two) & both).sum(axis=1)
        parts[0, rows], parts[1, rows] = h, m.sum(axis=1)
        parts[2, rows] = (m * (1 - m)).sum(axis=1)
        parts[3, rows] = np.where(both.any(axis=1), _binomial_tail(m, h), np.nan)
    matches, expected, variance, gbt = parts
    omega = _standardised(matches, expected, variance)
    return Similarity(pairs, matches, expected, omega, np.asarray(ndtr(-omega)), gbt)


def _standardised(matches: Floats, expected: Floats, variance: Floats) -> Floats:
    uncertain = variance > 1e-12
    return np.where(uncertain, (matches - expected) / np.sqrt(np.where(uncertain, variance, 1.0)), np.nan)


def _binomial_tail(m: Floats, least: npt.NDArray[np.intp]) -> Floats:
    """P(at least `least` successes) of independent trials with probabilities m (M, J), each row by recursion."""
    density = np.zeros((len(m), m.shape[1] + 1))
    density[:, 0] = 1.0
    for j in range(m.shape[1]):
        p = m[:, j : j + 1]
        density[:, 1 : j + 2] = density[:, 1 : j + 2] * (1 - p) + density[:, : j + 1] * p
        density[:, :1] *= 1 - p
    tail = np.cumsum(density[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(np.minimum(tail[np.arange(len(m)), least], 1.0), dtype=np.float64)


def _trinomial(right: Floats, wrong: Floats) -> Floats:
    """Distribution of the numbers of identical right and wrong answers, (J + 1, J + 1)."""
    density = np.zeros((right.size + 1, right.size + 1))
    density[0, 0] = 1.0
    for r, w in zip(right, wrong, strict=True):
        following = density * (1 - r - w)
        following[1:] += density[:-1] * r
        following[:, 1:] += density[:, :-1] * w
        density = following
    return density


def _extreme(density: Floats, right: int, wrong: int) -> float:
    """Sum of the density where the joint upper tail is no larger than the observed one."""
    tail = np.cumsum(np.cumsum(density[::-1, ::-1], axis=0), axis=1)[::-1, ::-1]
    return min(float(density[tail <= tail[right, wrong] * (1 + 1e-9)].sum()), 1.0) if len(density) > 1 else float("nan")
