"""Do the items fit the model? S-X2: what people of equal total score should have answered, and did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from examapp.psychometrics import ability, irt, undetermined
from examapp.psychometrics.irt import Indices, Items
from examapp.psychometrics.parameter_vectors import owners
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import Codes, codes


@dataclass(frozen=True)
class ScoreGroupFit:
    """S-X2 of each item (J,): chi-square, degrees of freedom, p-value and root mean square error.

    `observed` and `expected` hold each item's table (score groups, categories) after merging. Undetermined where that
    leaves no degrees of freedom.
    """

    statistic: Floats
    degrees_of_freedom: npt.NDArray[np.intp]
    p_value: Floats
    rmsea: Floats
    observed: tuple[Floats, ...]
    expected: tuple[Floats, ...]


@undetermined.refused("items", "merging left no degrees of freedom")
def score_group_fit(
    responses: npt.ArrayLike,
    items: Items,
    *,
    mean: float = 0.0,
    sd: float = 1.0,
    parameters: npt.ArrayLike | None = None,
    least: float = 1.0,
) -> ScoreGroupFit:
    """S-X2: observed against expected categories in each group of equal total score.

    The expected share of category k at total s is int P_k S'_(s-k) / int S_s over N(mean, sd^2), with S' the score
    distribution of the other items (Orlando & Thissen 2000; Kang & Chen 2008). Scores of one person join the next;
    cells expected below `least` merge within their score, then whole scores with the neighbour of fewer people.
    `parameters` (J,) counts what was estimated for each item, by default what its model frees. Items that nobody saw
    are left out, then people who did not see all others.

    `responses` (N, J) are scores.

    >>> items = Items.of("rasch", b=[-1.0, -0.5, 0.0, 0.5, 1.0])
    >>> patterns = (np.arange(32)[:, None] >> np.arange(5)) & 1
    >>> score_group_fit(np.repeat(patterns, 20, axis=0), items).degrees_of_freedom.tolist()
    [2, 2, 2, 2, 2]
    """
    people = len(_complete(responses, items)[0])
    free = free_counts(items) if parameters is None else np.asarray(parameters, dtype=np.intp)
    statistic, freedom = np.full(len(items), np.nan), np.zeros(len(items), dtype=np.intp)
    tables = [_merged(table, least) for table in score_groups(responses, items, mean=mean, sd=sd)]
    for item, (seen, model) in enumerate(tables):
        kept = model > 0
        freedom[item] = int(kept.sum()) - len(model) - int(free[item])
        if freedom[item] > 0 and len(model):
            statistic[item] = ((seen - model)[kept] ** 2 / model[kept]).sum()
    excess = np.maximum(statistic - freedom, 0.0)
    rmsea = np.sqrt(excess / np.maximum(freedom * max(people - 1, 1), 1))
    p_value = chdtrc(np.maximum(freedom, 1), statistic)
    return ScoreGroupFit(
        statistic, freedom, p_value, rmsea, tuple(table[0] for table in tables), tuple(table[1] for table in tables)
    )


def score_groups(responses: npt.ArrayLike, items: Items, *, mean: float = 0.0, sd: float = 1.0) -> tuple[Floats, ...]:
    """Of each item the observed and expected number of people (2, S, K) by total score and category, nothing merged.

    The S scores are those at which every category of the item is possible. For more than two categories the scores
    beside them, but not the lowest and highest of all, have joined the nearest. S is 0 for an item that nobody saw.

    `responses` (N, J) are scores (Orlando & Thissen 2000; Kang & Chen 2008).

    >>> patterns = (np.arange(8)[:, None] >> np.arange(3)) & 1
    >>> score_groups(patterns, Items.of("rasch", b=[0.0, 0.0, 0.0]))[0].round(6).tolist()
    [[[2.0, 1.0], [1.0, 2.0]], [[2.0, 1.0], [1.0, 2.0]]]
    """
    complete, offered = _complete(responses, items)
    total, out = complete.sum(axis=1, dtype=np.intp), [np.zeros((2, 0, k)) for k in items.categories.tolist()]
    for place, share in enumerate(_expected_shares(items.take(offered), mean, sd)):
        observed = np.zeros_like(share)
        np.add.at(observed, (total, complete[:, place]), 1.0)
        out[offered[place]] = _inner_scores(np.stack([observed, share * observed.sum(axis=1, keepdims=True)]))
    return tuple(out)


def _complete(responses: npt.ArrayLike, items: Items) -> tuple[Codes, Indices]:
    """Scores of the people who saw all items that anybody saw, and the positions of these."""
    if len(items) < 2:
        raise ValueError("score_group_fit: needs at least two items")
    scores = codes(responses, items.categories)
    offered = np.flatnonzero((scores >= 0).any(axis=0))
    return scores[(scores[:, offered] >= 0).all(axis=1)][:, offered], offered


def free_counts(items: Items) -> npt.NDArray[np.intp]:
    """How many parameters each item's model frees, (J,); a slope even where all items share it.

    So the Rasch model, whose ability variance is free, has the degrees of freedom of the equivalent 1PL.

    These are what `score_group_fit` takes off the degrees of freedom.

    >>> free_counts(Items.of(["rasch", "3pl"], b=[0.0, 0.0], c=[0.0, 0.2])).tolist()
    [2, 3]
    """
    shared = np.array([name in ("rasch", "pcm") for name in items.model], dtype=np.intp)
    return np.asarray(np.bincount(owners(items), minlength=len(items)) + shared, dtype=np.intp)


def _expected_shares(items: Items, mean: float, sd: float) -> list[Floats]:
    """For each item the share of its categories at each total score, (S + 1, K), 0 where impossible."""
    theta = irt.normal_grid(mean, sd)
    weights, p = irt.normal_weights(theta, mean, sd), irt.probabilities(items, theta)
    out = []
    for item, categories in enumerate(items.categories.tolist()):
        others = ability.sum_score_distribution(items.take(np.arange(len(items)) != item), theta)
        joint = np.zeros((others.shape[1] + categories - 1, categories))
        for k in range(categories):
            joint[k : k + others.shape[1], k] = (weights * p[:, item, k]) @ others
        out.append(joint / np.maximum(joint.sum(axis=1, keepdims=True), 1e-300))
    return out


def _inner_scores(tables: Floats) -> Floats:
    """Scores at which every category is possible; for more than two categories the rest joins the nearest of them."""
    edge = tables.shape[2] - 1
    kept = tables[:, edge : tables.shape[1] - edge].copy()
    if edge > 1 and kept.shape[1]:
        kept[:, 0] += tables[:, 1:edge].sum(axis=1)
        kept[:, -1] += tables[:, tables.shape[1] - edge : -1].sum(axis=1)
    return kept


def _merged(tables: Floats, least: float) -> tuple[Floats, Floats]:
    """Observed and expected (2, S, K) with sparse cells merged; an expected 0 marks a cell that is no longer there."""
    tables = _without_lone_people(tables[:, tables[0].sum(axis=1) > 0])
    for row in range(tables.shape[1]):
        tables[:, row] = _merged_categories(tables[:, row], least)
    tables = _without_rare_columns(tables)
    while tables.shape[1] > 1:
        sparse = np.flatnonzero(((tables[1] < least) & (tables[1] != 0)).any(axis=1))
        if not sparse.size:
            break
        row = int(sparse[0])
        into = _neighbour(tables[0].sum(axis=1), row)
        tables[:, into] += tables[:, row]
        tables = np.delete(tables, row, axis=1)
    return tables[0], tables[1]


def _without_lone_people(tables: Floats) -> Floats:
    """A score that one person reached joins the next one, the last the one before."""
    while tables.shape[1] > 1:
        lone = np.flatnonzero(tables[0].sum(axis=1) < 2)
        if not lone.size:
            break
        row = int(lone[0])
        into = row + 1 if row + 1 < tables.shape[1] else row - 1
        tables[:, into] += tables[:, row]
        tables = np.delete(tables, row, axis=1)
    return tables


def _merged_categories(cells: Floats, least: float) -> Floats:
    """Observed and expected (2, K) of one score: the rarest cell joins its rarer neighbour until none is sparse.

    At least two cells stay; they move to the front, 0 behind them, so that scores merge first with first.
    """
    merged = cells
    while merged.shape[1] > 2 and merged[1].min() < least:
        rarest = merged.shape[1] - 1 - int(np.argmin(merged[1, ::-1]))
        into = _neighbour(merged[1], rarest)
        merged = merged.copy()
        merged[:, into] += merged[:, rarest]
        merged = np.delete(merged, rarest, axis=1)
    return np.pad(merged, ((0, 0), (0, cells.shape[1] - merged.shape[1])))


def _without_rare_columns(tables: Floats) -> Floats:
    """Columns filled in fewer than one score of twenty join the column before them."""
    for column in range(tables.shape[2] - 1, 1, -1):
        if (tables[1, :, column] > 0).sum() < 0.05 * tables.shape[1]:
            tables[:, :, column - 1] += tables[:, :, column]
            tables = np.delete(tables, column, axis=2)
    return tables


def _neighbour(size: Floats, at: int) -> int:
    """The smaller of the two neighbours, the lower one on a tie; at the ends the only one."""
    if at in (0, size.size - 1):
        return 1 if at == 0 else at - 1
    return at - 1 if size[at - 1] <= size[at + 1] else at + 1
