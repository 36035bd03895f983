"""Classical test theory: difficulty, discrimination, distractors and reliability from raw scores.

Missing responses (NaN) are left out item by item. A person's total, in correlations, is the sum of what they
answered; the distribution of totals and alpha use the people who answered everything that anybody answered. Formulas
are those of Lord & Novick (1968, ch. 3, 4, 15).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import undetermined
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import codes


@dataclass(frozen=True)
class TestStatistics:
    """Raw-score statistics of J items: all arrays are (J,).

    `mean` and `sd` are of each item's score, in points; `total_correlation` is with the sum score, `rest_correlation`
    with the sum of the other items; `alpha_without` is coefficient alpha of the other items. `alpha`, `mean_total`,
    `sd_total` and `standard_error` = sd_total sqrt(1 - alpha), in points, belong to the whole test; `people` answered
    all of it. Undetermined where too few answered, or what they scored does not vary.
    """

    __test__ = False

    mean: Floats
    sd: Floats
    total_correlation: Floats
    rest_correlation: Floats
    alpha_without: Floats
    alpha: float
    mean_total: float
    sd_total: float
    standard_error: float
    people: int


@dataclass(frozen=True)
class Option:
    """One answer option of an item: how many chose it, and how good they were on the whole test and on the rest.

    `share` is that of all who answered anything; a correlation is undetermined where one of both does not vary.
    """

    option: int
    count: int
    share: float
    mean_total: float
    total_correlation: float
    rest_correlation: float
    is_key: bool


@undetermined.refused("items", "too few answered, or what they scored does not vary")
def classical_statistics(responses: npt.ArrayLike) -> TestStatistics:
    """Item and test statistics of scored responses (N, J), NaN where unseen; an item nobody saw counts for nothing.

    >>> statistics = classical_statistics([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]])
    >>> statistics.mean.tolist(), round(statistics.alpha, 3)
    ([0.75, 0.5, 0.25], 0.75)
    """
    scores = codes(responses).astype(np.float64)
    if scores.shape[0] < 2 or scores.shape[1] < 1:
        raise ValueError(f"classical_statistics: needs two people and an item, got shape {scores.shape}")
    seen = scores >= 0
    count = seen.sum(axis=0)
    offered = count > 0
    mean = np.where(seen, scores, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = (np.where(seen, scores - mean, 0.0) ** 2).sum(axis=0)
    complete = (seen | ~offered).all(axis=1) & seen.any(axis=1)
    total = np.where(seen, scores, 0.0).sum(axis=1, keepdims=True)
    alpha = _alpha(scores, offered)
    mean_total = float(total[complete].mean()) if complete.any() else float("nan")
    sd_total = float(total[complete].std(ddof=1)) if complete.sum() > 1 else float("nan")
    return TestStatistics(
        mean=np.where(offered, mean, np.nan),
        sd=np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan),
        total_correlation=correlations(np.where(seen, scores, np.nan), total),
        rest_correlation=correlations(np.where(seen, scores, np.nan), total - scores),
        alpha_without=np.array([_alpha(scores, offered & others) for others in ~np.eye(scores.shape[1], dtype=bool)]),
        alpha=alpha,
        mean_total=mean_total,
        sd_total=sd_total,
        standard_error=sd_total * float(np.sqrt(max(0.0, 1 - alpha))) if np.isfinite(alpha) else float("nan"),
        people=int(complete.sum()),
    )


@undetermined.refused("", "a single item, or a total that does not vary")
def cronbach_alpha(covariance: Floats) -> float:
    """Coefficient alpha J / (J - 1) (1 - trace / sum) of an item `covariance` (J, J) (Cronbach 1951).

    Undetermined for a single item, and where the total does not vary.

    >>> round(cronbach_alpha(np.array([[1.0, 0.5], [0.5, 1.0]])), 4)
    0.6667
    """
    if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1] or not np.isfinite(covariance).all():
        raise ValueError(f"cronbach_alpha: needs a square matrix of finite numbers, got shape {covariance.shape}")
    items, total = len(covariance), float(covariance.sum())
    if items < 2 or total <= 0:
        return float("nan")
    return items / (items - 1) * (1 - float(np.trace(covariance)) / total)


@undetermined.refused("columns", "one of both does not vary")
def correlations(columns: Floats, others: Floats) -> Floats:
    """Pearson's correlation (J,) of each of the `columns` (N, J) with its own of `others` (N, J), or the one (N, 1).

    NaN in a column leaves that person out of it. Undetermined where one of both does not vary.

    >>> correlations(np.array([[1.0], [2.0], [np.nan]]), np.array([[2.0], [3.0], [9.0]])).round(9).tolist()
    [1.0]
    """
    known = ~np.isnan(columns)
    count = np.maximum(known.sum(axis=0), 1)
    x, y = np.where(known, columns, 0.0), np.where(known, others, 0.0)
    x = np.where(known, x - x.sum(axis=0) / count, 0.0)
    y = np.where(known, y - y.sum(axis=0) / count, 0.0)
    scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    return np.asarray(np.where(scale > 0, (x * y).sum(axis=0) / np.where(scale > 0, scale, 1.0), np.nan))


def score_by_key(choices: npt.ArrayLike, key: npt.ArrayLike) -> Floats:
    """Right (1) and wrong (0), (N, J), from chosen options `choices` (N, J) and the `key` (J,); NaN stays NaN.

    >>> score_by_key([[2, 1], [3, 1]], [2, 1]).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    chosen, right = np.asarray(choices, dtype=np.float64), np.asarray(key, dtype=np.float64)
    if chosen.ndim != 2 or right.shape != (chosen.shape[1],):
        raise ValueError(f"score_by_key: choices {chosen.shape} and key {right.shape} do not belong together")
    return np.where(np.isnan(chosen), np.nan, (chosen == right).astype(np.float64))


@undetermined.refused("", "who chose the option, or what they scored, does not vary")
def distractors(choices: npt.ArrayLike, key: npt.ArrayLike, item: int) -> list[Option]:
    """What the people who chose each option of one item scored; a wrong option with the best people is suspect.

    `choices` (N, J) holds the options chosen, NaN where none was, `key` (J,) the right ones, `item` is a position;
    totals are numbers of right answers. Options come in rising order, only those that somebody chose; people who
    answered nothing at all do not count (Haladyna & Rodriguez 2013).

    >>> [(option.option, option.count, option.is_key) for option in distractors([[1, 1], [2, 1], [1, 2]], [1, 1], 0)]
    [(1, 2, True), (2, 1, False)]
    """
    scored = score_by_key(choices, key)
    present = ~np.isnan(scored).all(axis=1)
    chosen, scores = np.asarray(choices, dtype=np.float64)[present], np.nan_to_num(scored[present])
    if not 0 <= item < chosen.shape[1]:
        raise ValueError(f"distractors: item {item} is not one of 0..{chosen.shape[1] - 1}")
    total = scores.sum(axis=1)
    rest, own, right = total - scores[:, item], chosen[:, item], float(np.asarray(key)[item])
    options = []
    for value in np.unique(own[~np.isnan(own)]).tolist():
        took = (own == value).astype(np.float64)[:, None]
        options.append(
            Option(
                option=int(value),
                count=int(took.sum()),
                share=float(took.mean()),
                mean_total=float(total[own == value].mean()),
                total_correlation=float(correlations(took, total[:, None])[0]),
                rest_correlation=float(correlations(took, rest[:, None])[0]),
                is_key=value == right,
            )
        )
    return options


def upper_lower_difference(responses: npt.ArrayLike, share: float = 0.27) -> Floats:
    """Mean item score of the best `share` of people less that of the worst, (J,), in points (Kelley 1939).

    `responses` (N, J) are scored; NaN counts as 0, and people who saw nothing do not count. People with equal totals
    keep their order, lowest first.

    >>> upper_lower_difference([[0, 0], [1, 0], [1, 1]], 0.34).tolist()
    [1.0, 1.0]
    """
    raw = np.asarray(responses, dtype=np.float64)
    if raw.ndim != 2 or not 0 < share <= 0.5 or np.isnan(raw).all():
        raise ValueError(f"upper_lower_difference: needs people by items, share in (0, 0.5]; got {raw.shape}, {share}")
    scores = np.nan_to_num(raw[~np.isnan(raw).all(axis=1)])
    order = np.argsort(scores.sum(axis=1), kind="stable")
    size = max(1, round(share * len(scores)))
    return np.asarray(scores[order[-size:]].mean(axis=0) - scores[order[:size]].mean(axis=0), dtype=np.float64)


def choice_curves(choices: npt.ArrayLike, item: int, strength: npt.ArrayLike, bins: int = 5) -> tuple[Floats, Floats]:
    """Shares of each option in groups of rising strength: mean strength (B,) and shares (B, options).

    `choices` (N, J) holds the options chosen, and people without a choice on the item at this position do not count;
    `strength` (N,) is anything that orders people: the rest score or an ability estimate, and may be inf. `bins` groups
    of equal size make the empirical trace lines of Wainer (1989).

    >>> choice_curves([[1], [1], [2], [2]], 0, [0.0, 1.0, 2.0, 3.0], bins=2)[1].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    chosen, known = np.asarray(choices, dtype=np.float64)[:, item], np.asarray(strength, dtype=np.float64)
    if known.shape != chosen.shape:
        raise ValueError(f"choice_curves: {len(chosen)} people, but strength of shape {known.shape}")
    if np.isnan(known).any():
        raise ValueError(f"choice_curves: person {int(np.argmax(np.isnan(known)))} has no strength")
    own, known = chosen[~np.isnan(chosen)], known[~np.isnan(chosen)]
    if not 1 <= bins <= len(own):
        raise ValueError(f"choice_curves: {bins} groups of {len(own)} people who chose an option of item {item}")
    options = np.unique(own)
    groups = np.array_split(np.argsort(known, kind="stable"), bins)
    middle = np.array([float(known[group].mean()) for group in groups])
    shares = np.array([[(own[group] == option).mean() for option in options] for group in groups])
    return middle, shares


def _alpha(scores: Floats, wanted: npt.NDArray[np.bool_]) -> float:
    """Alpha of some of the items, from the people who answered all of them; -1 is unseen."""
    chosen = scores[:, wanted]
    complete = chosen[(chosen >= 0).all(axis=1)]
    return cronbach_alpha(np.cov(complete, rowvar=False)) if min(complete.shape) > 1 else float("nan")
