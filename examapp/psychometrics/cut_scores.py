"""Pass marks: setting them (Angoff, bookmark), carrying them to theta, and how well they separate the levels.

L - 1 cuts in rising order make L levels; level l holds cut_l <= theta < cut_(l+1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from examapp.psychometrics import ability as abilities
from examapp.psychometrics import irt, undetermined
from examapp.psychometrics.ability import Ability
from examapp.psychometrics.classical import correlations
from examapp.psychometrics.irt import Items
from examapp.psychometrics.response_models import Floats


@dataclass(frozen=True)
class Judgement:
    """Outcome of an Angoff study with R rounds and M judges.

    `cut` is the last round's pass mark in score points and `standard_error` its error over judges; `rounds` (R,)
    and `spread` (R,) are each round's mark and standard deviation over judges; `judge_cuts` (R, M) each judge's
    own mark; `item_means` and `item_spread` (J,) belong to the last round.
    """

    cut: float
    standard_error: float
    rounds: Floats
    spread: Floats
    judge_cuts: Floats
    item_means: Floats
    item_spread: Floats


@dataclass(frozen=True)
class Classification:
    """Accuracy and consistency of sorting people into levels: by theta (Q,) and over the population, shares of 1.

    `accuracy` is the chance that somebody is put into their true level, `consistency` that two forms put them into the
    same one.
    """

    accuracy: float
    consistency: float
    accuracy_at: Floats
    consistency_at: Floats


@undetermined.refused("", "a judge who rated nothing, or a single one", judge_cuts="rounds × judges")
def angoff_cut(ratings: npt.ArrayLike) -> Judgement:
    """Pass mark by the modified Angoff method (Angoff 1971): the mean over judges of their summed ratings.

    `ratings` (M, J), or (R, M, J) with one layer per round, is the chance (or the score, in points) that a just
    competent trainee gets on each item; NaN where a judge gave none, which is replaced by the other judges' mean.
    Undetermined are the cut of a judge who rated nothing in a round, and who has no part in its mean and spread, and
    the standard error of a single judge. An item that nobody rated in some round is refused.

    >>> angoff_cut([[0.6, 0.8], [0.4, 0.8], [0.5, 0.8]]).cut
    1.3
    """
    layers = np.asarray(ratings, dtype=np.float64)
    layers = layers[None] if layers.ndim == 2 else layers
    if layers.ndim != 3 or 0 in layers.shape or (layers < 0).any():
        raise ValueError(f"angoff_cut: needs judges by items, not negative, got shape {layers.shape}")
    known = ~np.isnan(layers)
    if not known.any(axis=1).all():
        layer, item = (int(i) for i in np.argwhere(~known.any(axis=1))[0])
        raise ValueError(f"angoff_cut: round {layer}, item {item}: no judge rated it")
    means = np.where(known, layers, 0.0).sum(axis=1) / known.sum(axis=1)
    filled = np.where(known, layers, means[:, None])
    present = np.asarray(known.any(axis=2))
    judge_cuts = np.where(present, filled.sum(axis=2), np.nan)
    by_round = [cuts[there] for cuts, there in zip(judge_cuts, present, strict=True)]
    rounds, spread = np.array([cuts.mean() for cuts in by_round]), np.array([_spread(cuts) for cuts in by_round])
    judges = len(by_round[-1])
    error = float(spread[-1] / np.sqrt(judges)) if judges > 1 else float("nan")
    item_spread = _spread(filled[-1][present[-1]])
    return Judgement(round(float(rounds[-1]), 12), error, rounds, spread, judge_cuts, means[-1], item_spread)


@undetermined.refused("judges", "they rate all items alike, or none, or the items are equally hard")
def judge_agreement(ratings: npt.ArrayLike, difficulty: npt.ArrayLike) -> Floats:
    """Correlation (M,) of each judge's ratings (M, J) with the items' proportion correct, `difficulty` (J,).

    Over the items for which both are known (Brandon 2004). Undetermined for a judge who rates all of them alike, or
    none, and where they are equally hard.

    >>> judge_agreement([[0.2, 0.5, 0.8], [0.9, 0.5, 0.1]], [0.3, 0.5, 0.7]).round(9).tolist()
    [1.0, -1.0]
    """
    given, known = np.asarray(ratings, dtype=np.float64), np.asarray(difficulty, dtype=np.float64)
    if given.ndim != 2 or known.shape != given.shape[1:]:
        raise ValueError(f"judge_agreement: ratings {given.shape} and difficulty {known.shape} do not belong together")
    return correlations(np.where(np.isnan(known), np.nan, given).T, known[:, None])


def bookmark_locations(items: Items, chance: float = 2 / 3) -> tuple[Floats, npt.NDArray[np.intp]]:
    """The ordered item booklet: thetas (S,) in rising order, and for each its item and score point (S, 2).

    A score point k of an item stands where P(X >= k | theta) = `chance` (Lewis, Mitzel & Green 1996), between -40 and
    40 on the items' scale: at an end where the curve never gets there.

    >>> bookmark_locations(Items.of("rasch", b=[1.0, 0.5]), chance=0.5)[0].round(9).tolist()
    [0.5, 1.0]
    """
    if not 0 < chance < 1:
        raise ValueError(f"bookmark_locations: chance must lie between 0 and 1, got {chance}")
    places: list[tuple[float, int, int]] = []
    for item, categories in enumerate(items.categories.tolist()):
        one = items.take([item])
        for k in range(1, categories):
            reached = partial(_at_least, one, k)
            places.append((_crossing(reached, chance), item, k))
    places.sort()
    return np.array([place[0] for place in places]), np.array([place[1:] for place in places], dtype=np.intp)


def bookmark_cut(items: Items, bookmarks: npt.ArrayLike, chance: float = 2 / 3) -> float:
    """Cut on theta from the judges' bookmarks: the median location of the first entry each judge holds too hard.

    `bookmarks` (M,) count entries of the booklet from 0; the entry before it is the last one a just competent
    trainee masters, and the cut is that entry's location, as in `bookmark_locations`.

    >>> round(bookmark_cut(Items.of("rasch", b=[0.5, 1.0, 2.0]), [2, 2, 1], chance=0.5), 9)
    1.0
    """
    thetas, _ = bookmark_locations(items, chance)
    marks = np.atleast_1d(np.asarray(bookmarks, dtype=np.intp))
    if (marks < 1).any() or (marks > thetas.size).any():
        raise ValueError(f"bookmark_cut: bookmarks must lie in 1..{thetas.size}")
    return float(np.median(thetas[marks - 1]))


def theta_at_score(items: Items, score: float) -> float:
    """The theta whose expected sum score is `score`, in [-40, 40]: the test characteristic curve turned round.

    `score` is in points, theta on the items' scale (Lord 1980, ch. 4).

    >>> round(theta_at_score(Items.of("rasch", b=[0.0, 1.0]), 1.0), 9)
    0.5
    """
    low, high = abilities.test_characteristic(items, [-abilities.REACH, abilities.REACH])
    if not low < score < high:
        raise ValueError(f"theta_at_score: {score} is not between {low:.6g} and {high:.6g}, what the test can expect")
    return _crossing(lambda theta: abilities.test_characteristic(items, theta), score)


def level_probabilities(ability: Ability, cuts: npt.ArrayLike) -> Floats:
    """Probability of each level for each person, (N, L): from the posterior if there is one, else N(theta, SE^2).

    `cuts` (L-1,) are on theta. A posterior weight is spread evenly over the half steps beside its node, so that a cut
    between nodes takes its share (Rudner 2005 for normal errors).

    >>> person = Ability(np.array([0.0]), np.array([0.5]), irt.grid())
    >>> level_probabilities(person, [0.0]).tolist()
    [[0.5, 0.5]]
    """
    marks = _cuts(cuts)
    if ability.posterior is None:
        known = np.isfinite(ability.theta) & (ability.standard_error >= 0)
        if not known.all():
            raise ValueError(f"level_probabilities: person {int(np.argmin(known))} has no finite theta with an error")
        error = np.maximum(ability.standard_error, 1e-12)[:, None]
        below = ndtr((marks - ability.theta[:, None]) / error)
    else:
        middles = 0.5 * (ability.grid[1:] + ability.grid[:-1])
        edges = np.concatenate([[2 * ability.grid[0] - middles[0]], middles, [2 * ability.grid[-1] - middles[-1]]])
        cumulated = np.zeros((len(ability.posterior), ability.grid.size + 1))
        np.cumsum(ability.posterior, axis=1, out=cumulated[:, 1:])
        cell = np.minimum(np.maximum(edges.searchsorted(marks, side="right") - 1, 0), ability.grid.size - 1)
        part = np.minimum(np.maximum((marks - edges[cell]) / (edges[cell + 1] - edges[cell]), 0.0), 1.0)
        below = cumulated[:, cell] + part * (cumulated[:, cell + 1] - cumulated[:, cell])
    ends = np.zeros((len(below), 1))
    bounds: Floats = np.concatenate([ends, below, ends + 1.0], axis=1)
    return np.subtract(bounds[:, 1:], bounds[:, :-1])


def rudner(
    theta: npt.ArrayLike, standard_error: npt.ArrayLike, weight: npt.ArrayLike, cuts: npt.ArrayLike
) -> Classification:
    """Classification of estimates that fall N(theta, SE^2) around each theta (Rudner 2001, 2005).

    `theta`, `standard_error` and `weight` (Q,) describe the population, `cuts` (L-1,) are on theta. With p_l the chance
    of level l at theta, accuracy is p of the true level and consistency sum_l p_l^2, averaged by the weights.

    >>> round(rudner([-1.0, 1.0], [0.5, 0.5], [0.5, 0.5], [0.0]).accuracy, 4)
    0.9772
    """
    points, marks = np.asarray(theta, dtype=np.float64), _cuts(cuts)
    levels = level_probabilities(Ability(points, np.asarray(standard_error, dtype=np.float64), points), marks)
    return _classified(levels, np.searchsorted(marks, points, side="right"), weight)


def lee(items: Items, theta: npt.ArrayLike, weight: npt.ArrayLike, cuts: npt.ArrayLike) -> Classification:
    """Classification by the sum score, exactly, from its distribution at each theta (Lee 2010).

    `theta` and `weight` (Q,) describe the population. `cuts` (L-1,) are sum scores, in points: x < cut fails, x >= cut
    passes. The true level is that of the expected sum score, which must exceed a cut to be above it. Accuracy and
    consistency follow from the levels' chances as in `rudner`.

    >>> round(lee(Items.of("rasch", b=[0.0, 0.0]), [0.5], [1.0], [1.0]).accuracy, 4)
    0.8575
    """
    marks = _cuts(cuts)
    distribution = abilities.sum_score_distribution(items, theta)
    level = np.searchsorted(marks, np.arange(distribution.shape[1]), side="right")
    levels = np.stack([distribution[:, level == one].sum(axis=1) for one in range(marks.size + 1)], axis=1)
    expected = abilities.test_characteristic(items, theta)
    return _classified(levels, np.searchsorted(marks, expected, side="left"), weight)


def information_needed(distance: float, confidence: float = 0.95) -> float:
    """Test information at a cut so that someone `distance` theta units from it is put on the right side.

    The estimate is taken as N(theta, 1 / I) (Lord 1980, ch. 5): I = (z / distance)^2 with z the normal quantile of
    `confidence`.

    >>> round(information_needed(0.5, 0.95), 2)
    10.82
    """
    if not distance > 0 or not 0.5 < confidence < 1:
        raise ValueError(
            f"information_needed: needs distance > 0 and confidence in (0.5, 1), got {distance}, {confidence}"
        )
    return (NormalDist().inv_cdf(confidence) / distance) ** 2


def _spread(values: Floats) -> Floats:
    """Standard deviation over judges, the first axis; 0 for a single one."""
    return np.asarray(values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1:]), dtype=np.float64)


def _classified(levels: Floats, true: npt.NDArray[np.intp], weight: npt.ArrayLike) -> Classification:
    share = np.asarray(weight, dtype=np.float64)
    if share.shape != (len(levels),) or (share < 0).any() or not share.sum() > 0:
        raise ValueError(f"classification: needs one weight for each of {len(levels)} thetas, none negative")
    share = share / share.sum()
    accurate = levels[np.arange(len(levels)), true]
    consistent = (levels**2).sum(axis=1)
    return Classification(float(share @ accurate), float(share @ consistent), accurate, consistent)


def _cuts(cuts: npt.ArrayLike) -> Floats:
    marks = np.atleast_1d(np.asarray(cuts, dtype=np.float64))
    if marks.ndim != 1 or not np.isfinite(marks).all() or (marks[1:] <= marks[:-1]).any():
        raise ValueError(f"cuts: need finite numbers in rising order, got {marks.tolist()}")
    return marks


def _at_least(items: Items, k: int, theta: Floats) -> Floats:
    """P(X >= k | theta) of one item, (Q,)."""
    return np.asarray(irt.probabilities(items, theta)[:, 0, k:].sum(axis=1), dtype=np.float64)


def _crossing(curve: Callable[[Floats], Floats], level: float) -> float:
    """Where a rising curve of theta meets a level, by bisection to 1e-12."""
    low, high = -abilities.REACH, abilities.REACH
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if curve(np.array([middle]))[0] < level else (low, middle)
    return 0.5 * (low + high)
