"""The reference's own numbers where they are not those of its model: its slips, made on purpose.

Ours are the model's; `tests/psychometrics/test_reference.py` shows by difference quotients, and the tests of the
engine's modules by simulation, who is right. With a slip made here the reference comes out to all its digits, so the
slip is all that is between us.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import irt
from examapp.psychometrics.irt import Items
from examapp.psychometrics.margins import IndependentMoments, Moments, margins_of, observed_margins
from examapp.psychometrics.model_fit import ModelFit, fit_indices, model_fit
from examapp.psychometrics.parameter_vectors import owners
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import codes
from examapp.psychometrics.score_group_fit import free_counts, score_groups

SLIPPED = {"rasch", "pcm", "gpcm", "3pl", "4pl"}


def nodes_of(case: dict[str, Any]) -> Floats:
    """The abilities over which the reference integrated, as the case states them."""
    count, low, high = re.findall(r"-?\d+\.?\d*", case["oracle"]["quadrature"])[:3]
    return irt.grid(float(low), float(high), int(count))


def model_fit_as_reference(
    name: str, responses: npt.ArrayLike, items: Items, mean: float, sd: float, nodes: Floats
) -> ModelFit:
    """M2, M2* or C2 with the reference's derivatives, of which it takes as many as there are parameters.

    - 3PL: P (1 - P) stands for the slope of P by its logit.
    - Generalized partial credit: in the mean score's derivative by the slope, theta (E[k^2] - E[k]^2), one E[k] is
      sum k exp(z_k) / max exp(z_k), so divided by the largest term and not by their sum. (The derivatives of the
      category shares, in C2, are right.)
    - Rasch and partial credit: the variance of ability counts as a parameter, but nothing is derived by it.
    - Independent items (for TLI and CFI): their category shares act through the mean score alone, so most
      derivatives are collinear; what is taken as orthogonal complement leaves out more than they span.
    """
    scores = codes(responses, items.categories)
    scores = scores[(scores >= 0).all(axis=1)]
    ours = model_fit(responses, items, mean=mean, sd=sd, statistic=name)
    margins = margins_of(items, name)
    moments = Moments(items, margins, mean, sd, nodes=nodes)
    observed = observed_margins(scores, margins)
    columns = moments.derivatives(free_variance=False, common_slope=set(items.model) == {"1pl"})
    owner = owners(items)
    for item, model in enumerate(items.model):
        own = np.flatnonzero(owner == item)
        if model == "gpcm":
            columns[:, own[0]] = _slope_column(moments, item, columns[:, own[0]])
        if model in ("3pl", "4pl"):
            columns[:, own] = _guessing_columns(moments, item, own.size)
    value = _statistic(observed - moments.expected(), columns, moments.covariance(), len(scores))
    shares = np.stack([(scores == k).mean(axis=0) for k in range(int(items.categories.max()))], axis=1)
    alone = IndependentMoments(items, margins, shares)
    null = _statistic(observed - alone.expected(), alone.columns(), alone.covariance(), len(scores))
    independence = (null, margins.size - int((items.categories - 1).sum()))
    return fit_indices(value, ours.degrees_of_freedom, len(scores), independence=independence, srmsr=ours.srmsr)


def _statistic(residual: Floats, columns: Floats, covariance: Floats, people: int) -> float:
    """N e' Q (Q' Xi Q)^-1 Q' e, with Q the last columns of the orthogonal matrix of a QR decomposition.

    Collinear columns are passed over in the order given, and count all the same in how many columns Q leaves out.
    """
    kept: list[int] = []
    for column in range(columns.shape[1]):
        size = float(np.linalg.norm(columns[:, column]))
        basis = np.linalg.qr(columns[:, kept])[0]
        rest = columns[:, column] - basis @ (basis.T @ columns[:, column])
        if np.linalg.norm(rest) > 1e-7 * size:
            kept.append(column)
    beside = np.linalg.qr(columns[:, kept], mode="complete")[0][:, columns.shape[1] :]
    left = beside.T @ residual
    return float(people * left @ np.linalg.solve(beside.T @ covariance @ beside, left))


def _slope_column(moments: Moments, item: int, right: Floats) -> Floats:
    items, theta, column = moments.items, moments.theta, right.copy()
    count = int(items.categories[item])
    k = np.arange(count)
    terms = items.a[item] * (np.outer(theta, k) - np.append(0.0, np.cumsum(items.b[item, : count - 1])))
    numerators = np.exp(terms - terms.max(axis=1, keepdims=True))
    p = numerators / numerators.sum(axis=1, keepdims=True)
    at, kind, rest = moments.holding(item)
    products = kind == 0
    rise = moments.weights * theta * (p @ k**2 - (p @ k) * (numerators @ k))
    column[at[products]] = rise @ rest[:, products]
    return column


def _guessing_columns(moments: Moments, item: int, count: int) -> Floats:
    at, _, rest = moments.holding(item)
    p = moments.p[:, item, 1]
    rises = (p * (1 - p) * moments.theta, p * (1 - p), 1 - p, p)[:count]
    out = np.zeros((moments.margins.size, count))
    out[at] = np.stack([(moments.weights * rise) @ rest for rise in rises], axis=1)
    return out


def score_group_fit_as_reference(
    responses: npt.ArrayLike, items: Items, mean: float = 0.0, sd: float = 1.0
) -> tuple[Floats, npt.NDArray[np.intp]]:
    """S-X2 and its degrees of freedom, (J,) each, with cells merged as in the reference.

    Before it merges sparse categories, scores that a single person reached join their neighbours; but which scores
    hold a sparse category it looks up by their place before that. So below the first lone score it passes over
    sparse cells and merges full ones.
    """
    statistic, freedom = np.full(len(items), np.nan), np.zeros(len(items), dtype=np.intp)
    free = free_counts(items)
    for item, table in enumerate(score_groups(responses, items, mean=mean, sd=sd)):
        observed, expected = _merged_as_reference(table[:, table[0].sum(axis=1) > 0])
        kept = expected > 0
        freedom[item] = max(int(kept.sum()) - len(expected) - int(free[item]), 0)
        if freedom[item] > 0:
            statistic[item] = ((observed - expected)[kept] ** 2 / expected[kept]).sum()
    return statistic, freedom


def _merged_as_reference(table: Floats) -> Floats:
    sparse = (table[1] < 1).any(axis=1)
    table = _without_lone_people(table)
    if table.shape[2] > 2:
        for row in np.flatnonzero(sparse[: table.shape[1]]):
            table[:, row] = _with_fewer_categories(table[:, row])
    while table.shape[2] > 2 and table[1, :, -1].sum() < np.ceil(table.shape[1] / 10):
        table = _joined(table, 2, table.shape[2] - 1, table.shape[2] - 2)
    for column in range(table.shape[2] - 1, 0, -1):
        if table.shape[2] > 1 and (table[1, :, column] > 0).mean() < 0.05:
            table = _joined(table, 2, column, column - 1)
    while table.shape[1] > 1 and (rows := ((table[1] < 1) & (table[1] != 0)).any(axis=1)).any():
        first = int(np.argmax(rows))
        table = _joined(table, 1, first, _rarer_neighbour(table[0].sum(axis=1), first))
    return table


def _without_lone_people(table: Floats) -> Floats:
    row = 0
    while row < table.shape[1] - 1:
        if table[0, row].sum() == 1:
            table = _joined(table, 1, row, row + 1)
        else:
            row += 1
    if table.shape[1] > 1 and table[0, -1].sum() == 1:
        table = _joined(table, 1, row, row - 1)
    return table


def _with_fewer_categories(cells: Floats) -> Floats:
    """The rarest of a score's categories, the last of equals, joins its rarer neighbour; at least once."""
    count = cells.shape[1]
    while cells.shape[1] > 2:
        rarest = cells.shape[1] - 1 - int(np.argmin(cells[1, ::-1]))
        cells = _joined(cells[:, None], 2, rarest, _rarer_neighbour(cells[1], rarest))[:, 0]
        if (cells[1] >= 1).all():
            break
    return np.pad(cells, ((0, 0), (0, count - cells.shape[1])))


def _joined(table: Floats, axis: int, source: int, target: int) -> Floats:
    out = np.moveaxis(table, axis, 0).copy()
    out[target] += out[source]
    return np.moveaxis(np.delete(out, source, axis=0), 0, axis)


def _rarer_neighbour(size: Floats, at: int) -> int:
    if at in (0, size.size - 1):
        return 1 if at == 0 else at - 1
    return at - 1 if size[at - 1] <= size[at + 1] else at + 1


def sibtest_as_reference(scores: Floats, focal: npt.NDArray[np.bool_], least: int = 5) -> tuple[Floats, Floats]:
    """Beta and its error of each item, (J,) each, the mean score of a cell without people taken as 0.

    Such a cell beside a used score tilts the slope there, along which means are moved to a common true score; the
    engine takes the nearest cell that holds people.
    """
    found = [_sib(scores[:, item], np.delete(scores, item, axis=1), focal, least) for item in range(scores.shape[1])]
    beta, error = np.array(found).T
    return beta, error


def _sib(studied: Floats, others: Floats, focal: npt.NDArray[np.bool_], least: int) -> tuple[float, float]:
    total = others.sum(axis=1)
    levels = np.unique(total)
    true, mean, variance, count = np.zeros((4, 2, levels.size))
    for g, group in enumerate((~focal, focal)):
        own, size = total[group], others.shape[1]
        alpha = size / (size - 1) * (1 - others[group].var(axis=0, ddof=1).sum() / own.var(ddof=1))
        true[g] = (own.mean() + alpha * (levels - own.mean())) / size
        for s, level in enumerate(levels):
            cell = studied[group][own == level]
            count[g, s] = cell.size
            mean[g, s] = cell.mean() if cell.size else 0.0
            variance[g, s] = cell.var(ddof=1) if cell.size > 1 else 0.0
    at = np.flatnonzero((count > least).all(axis=0) & (variance > 0).all(axis=0))
    at = at[(at > 0) & (at < levels.size - 1)]
    slope = (mean[:, at + 1] - mean[:, at - 1]) / (true[:, at + 1] - true[:, at - 1])
    moved = mean[:, at] + slope * (true[:, at].mean(axis=0) - true[:, at])
    weight = count[:, at].sum(axis=0) / count[:, at].sum()
    square = weight**2 * (variance[:, at] / count[:, at]).sum(axis=0)
    return float(weight @ (moved[0] - moved[1])), float(np.sqrt(square.sum()))
