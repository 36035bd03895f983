"""Standard errors of calibrated parameters from the information in the observed responses.

With s_i(theta) the complete-data score of person i and E_i, Var_i over their posterior of theta, the observed
information is (Louis 1982; equal to the derivative that Oakes 1999 takes)

    I = -E[d2 log L_complete] - sum_i Var_i(s_i),       Var_i = E_i(s s') - E_i(s) E_i(s)'

computed exactly in one pass over the people. The cross-product form is sum_i E_i(s) E_i(s)'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import undetermined
from examapp.psychometrics.blas import single_thread
from examapp.psychometrics.calibration import Calibration
from examapp.psychometrics.expectation import (
    ROWS,
    Block,
    Columns,
    Table,
    category_counts,
    posterior,
    sums_of,
    tables,
)
from examapp.psychometrics.free_parameters import Layout
from examapp.psychometrics.irt import Items
from examapp.psychometrics.marginal_likelihood import log_probabilities
from examapp.psychometrics.polytomous_models import PartialCredit
from examapp.psychometrics.priors import Priors
from examapp.psychometrics.response_models import Dichotomous, Floats
from examapp.psychometrics.responses import person_blocks
from examapp.psychometrics.stacks import in_blocks
from examapp.psychometrics.undetermined import Mask


@dataclass(frozen=True)
class StandardErrors:
    """Errors of a calibration. Undetermined where a parameter belongs to an item that nobody saw, or b to a flat one.

    `a` (J,), `b` and `intercepts` (J, K-1), `logit_c` and `logit_d` (J,), `mean` and `variance` (G,).
    `covariance` (P, P) belongs to the calibration's vector, whose entries `layout.names()` tells.
    `positive` is false where the information was not positive definite: then the errors are not to be trusted. They are
    NaN, and `blank`, for what is not there: fixed parameters, and thresholds behind the last or of nominal items.
    """

    a: Floats
    b: Floats
    intercepts: Floats
    logit_c: Floats
    logit_d: Floats
    mean: Floats
    variance: Floats
    covariance: Floats
    positive: bool
    blank: Mapping[str, Mask]


@undetermined.refused("items", "nobody saw them, or they are flat", covariance="parameters", mean="groups")
def standard_errors(
    fit: Calibration,
    responses: npt.ArrayLike | Sequence[Block],
    *,
    groups: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    priors: Priors | None = None,
    kind: str = "oakes",
) -> StandardErrors:
    """Errors at a calibration's solution from the responses (N, J), groups, weights and priors it was fitted with.

    `kind` is "oakes" (observed information) or "cross-product" (cheaper on very many parameters, noisier).

    `groups` (N,) and `weights` (N,) are those given to `calibrate`. The equations and sources stand at the head of this
    module.

    >>> from examapp.psychometrics.calibration import calibrate
    >>> data = np.random.default_rng(1).integers(0, 2, (200, 3))
    >>> standard_errors(calibrate(data, "rasch"), data).intercepts.shape
    (3, 1)
    """
    if kind not in ("oakes", "cross-product"):
        raise ValueError(f"standard_errors: kind is oakes or cross-product, not {kind!r}")
    with single_thread():
        information = observed_information(fit, in_blocks(responses, groups, weights), priors or Priors(), kind)
    if not np.isfinite(information).all():
        return _of(fit, np.full_like(information, np.nan), False)
    return _of(fit, *inverted(information))


@undetermined.refused("parameters", "the information tells nothing of them")
def inverted(information: Floats) -> tuple[Floats, bool]:
    """Covariance matrix (P, P) from the information (P, P), and whether that was positive definite.

    Undetermined for parameters of which the data tell nothing at all, which say nothing about the others.

    >>> inverted(np.diag([4.0, 2.0]))
    (array([[0.25, 0.  ],
           [0.  , 0.5 ]]), True)
    """
    told = np.flatnonzero(information.any(axis=1))
    held = information[np.ix_(told, told)]
    positive = bool((np.linalg.eigvalsh(held) > 0).all()) if held.size else True
    covariance = np.full(information.shape, np.nan)
    covariance[np.ix_(told, told)] = np.linalg.inv(held) if positive else np.linalg.pinv(held, hermitian=True)
    return covariance, positive


def observed_information(fit: Calibration, blocks: Sequence[Block], priors: Priors, kind: str = "oakes") -> Floats:
    """The information matrix (P, P) of the calibration's vector, priors included.

    >>> from examapp.psychometrics.calibration import calibrate
    >>> data = np.random.default_rng(1).integers(0, 2, (200, 3))
    >>> observed_information(calibrate(data, "rasch"), in_blocks(data), Priors()).shape
    (4, 4)
    """
    plan, vector = fit.layout, fit.vector
    categories = fit.items.categories
    missing = any((block.scores < 0).any() for block in blocks)
    columns = Columns.of(categories, missing)
    size = sum(float(len(block.scores)) for block in blocks) * columns.item.size
    dtype = np.float64 if size < 4e6 else np.float32
    logs = [log_probabilities(plan, vector, row, categories) for row in fit.nodes]
    by_group = tables(columns, logs, fit.weights, dtype, fit.nodes)
    out = np.zeros((plan.size, plan.size))
    scores = [_scores(plan, vector, row, columns, group) for group, row in enumerate(fit.nodes)]
    for group, score in enumerate(scores):
        own = [block for block in blocks if block.group == group]
        pairs, outer = _pairs(own, columns, by_group[group], score.astype(dtype), kind == "oakes")
        out += outer
        for node, pair in zip(score, pairs, strict=True):
            out -= node.T @ pair @ node
    if kind == "oakes":
        counts = category_counts(sums_of(blocks, columns, by_group), columns)
        people = np.array([sum(_weight(block).sum() for block in blocks if block.group == g) for g in range(len(logs))])
        out += _complete(plan, vector, fit.nodes.ravel(), counts, people)
    return out + _prior(plan, vector, priors)


def _pairs(
    blocks: Sequence[Block], columns: Columns, table: Table, score: npt.NDArray[np.floating], wanted: bool
) -> tuple[Floats, Floats]:
    """Posterior-weighted products of indicator columns at each node (Q, C, C), and sum_i E_i(s) E_i(s)' (P, P)."""
    nodes, width, size = score.shape
    pairs, outer = np.zeros((nodes if wanted else 0, width, width)), np.zeros((size, size))
    room = columns.room(ROWS, score.dtype)
    for block in blocks:
        for rows in person_blocks(len(block.scores), ROWS):
            shown = columns.indicators(block.scores[rows], room)
            mass, _ = posterior(shown, table)
            shown, weight = shown[:, :-1], _weight(block)[rows].astype(score.dtype)
            means = np.zeros((len(shown), size), dtype=score.dtype)
            for node in range(nodes):
                weighted = shown * mass[:, node, None]
                means += weighted @ score[node]
                if wanted:
                    pairs[node] += (weighted * weight[:, None]).T @ shown
            outer += (means * weight[:, None]).T @ means
    return (pairs if wanted else np.zeros((nodes, width, width))), outer


def _weight(block: Block) -> Floats:
    return np.ones(len(block.scores)) if block.weight is None else block.weight


def _scores(plan: Layout, vector: Floats, theta: Floats, columns: Columns, group: int) -> Floats:
    """What each indicator column, and then the constant, adds to the score at each node, (Q, C + 1, P)."""
    upper = columns.item.size
    out = np.zeros((theta.size, upper + columns.missing * columns.categories.size + 1, plan.size))
    place = {(int(j), int(k)): c for c, (j, k) in enumerate(zip(columns.item, columns.category, strict=True))}
    for kind in plan.kinds:
        score = kind.model.log_derivatives(kind.values(vector), theta)
        for row, item in enumerate(kind.at.tolist()):
            for column in np.flatnonzero(kind.index[row] >= 0).tolist():
                entry = kind.index[row, column]
                base = score[row, column, 0]
                out[:, upper + item if columns.missing else -1, entry] += base
                for k in range(1, kind.categories):
                    out[:, place[item, k], entry] += score[row, column, k] - base
    mean, sd = plan.distribution(vector)
    z = (theta - mean[group]) / sd[group]
    if plan.mean_index[group] >= 0:
        out[:, -1, plan.mean_index[group]] = z / sd[group]
    if plan.sd_index[group] >= 0:
        out[:, -1, plan.sd_index[group]] = z**2 - 1
    return out


def _complete(plan: Layout, vector: Floats, theta: Floats, counts: Floats, people: Floats) -> Floats:
    """Minus the expected second derivatives of the complete-data log-likelihood, (P, P)."""
    out = np.zeros((plan.size, plan.size))
    for kind in plan.kinds:
        matrix = kind.model.curvature(kind.values(vector), theta, counts[kind.at, : kind.categories])
        _place(out, kind.index, matrix)
    _, sd = plan.distribution(vector)
    for group, count in enumerate(people.tolist()):
        at_mean, at_sd = plan.mean_index[group], plan.sd_index[group]
        if at_mean >= 0:
            out[at_mean, at_mean] += count / sd[group] ** 2
        if at_sd >= 0:
            out[at_sd, at_sd] += 2 * count
    return out


def _prior(plan: Layout, vector: Floats, priors: Priors) -> Floats:
    out = np.zeros((plan.size, plan.size))
    for kind in plan.kinds:
        free = (kind.index >= 0).astype(np.float64)
        _place(out, kind.index, priors.terms(kind.model, kind.values(vector), free)[2])
    return out


def _place(out: Floats, index: npt.NDArray[np.intp], matrix: Floats) -> None:
    """Add each item's block (n, p, p) where its free parameters stand."""
    both = (index[:, :, None] >= 0) & (index[:, None, :] >= 0)
    rows = np.broadcast_to(index[:, :, None], both.shape)[both]
    np.add.at(out, (rows, np.broadcast_to(index[:, None, :], both.shape)[both]), matrix[both])


def _of(fit: Calibration, covariance: Floats, positive: bool) -> StandardErrors:
    return errors_of(fit.items, fit.layout, fit.vector, fit.sd, covariance, positive)


@undetermined.refused("items", "their variance is not known, or they are flat", covariance="parameters", mean="groups")
def errors_of(
    items: Items, plan: Layout, vector: Floats, sd: Floats, covariance: Floats, positive: bool
) -> StandardErrors:
    """Errors of the items' own parameters by the delta method, from the covariance (P, P) of the vector.

    `vector` (P,) holds the parameters where `plan` says, `sd` (G,) the groups' spread of ability.

    >>> from examapp.psychometrics.free_parameters import layout
    >>> item = Items.of("2pl", a=[2.0], b=[0.0])
    >>> plan = layout(item, np.zeros(0, dtype=np.intp), np.zeros(1), np.ones(1), [False], [False])
    >>> errors_of(item, plan, plan.start(), np.ones(1), np.diag([0.01, 0.04]), True).b.round(3).tolist()
    [[0.1]]
    """
    where = _entries(items, plan)
    b, has_threshold = np.full(items.b.shape, np.nan), np.zeros(items.b.shape, dtype=bool)
    for kind in plan.kinds:
        xi, count = kind.values(vector), kind.model.kinds(kind.categories).count("intercept")
        if not isinstance(kind.model, Dichotomous) and xi.shape[1] != count + 1:
            continue
        has_threshold[kind.at, :count] = where["intercepts"][kind.at, :count] >= 0
        for row, item in enumerate(kind.at.tolist()):
            b[item, :count] = _threshold_errors(kind.model, xi[row], kind.index[row], covariance, count)
    root = np.append(np.sqrt(np.maximum(np.diag(covariance), 0.0)), np.nan)
    errors = {name: root[index] for name, index in where.items()}
    errors["variance"] = 2 * sd**2 * errors["variance"]
    blank = {name: np.asarray(index < 0) for name, index in where.items()} | {"b": ~has_threshold}
    return StandardErrors(b=b, covariance=covariance, positive=positive, blank=blank, **errors)


def _entries(items: Items, plan: Layout) -> dict[str, npt.NDArray[np.intp]]:
    """Where in the vector the parameters of items and groups stand, -1 for what is not free."""
    count, width = items.b.shape
    a, low, high = np.full((3, count), -1)
    intercepts = np.full((count, width), -1)
    for kind in plan.kinds:
        labels = kind.model.kinds(kind.categories)
        at = [i for i, label in enumerate(labels) if label == "intercept"]
        intercepts[kind.at, : len(at)] = kind.index[:, at]
        for label, target in (("slope", a), ("lower", low), ("upper", high)):
            if label in labels:
                target[kind.at] = kind.index[:, labels.index(label)]
    groups = {"mean": plan.mean_index, "variance": plan.sd_index}
    return {"a": a, "intercepts": intercepts, "logit_c": low, "logit_d": high, **groups}


def _threshold_errors(model: object, xi: Floats, index: npt.NDArray[np.intp], covariance: Floats, count: int) -> Floats:
    """Errors of b_k = -delta_k / a of one item; none where b is fixed, or the item flat."""
    free = index >= 0
    if xi[0] == 0 or not free[1]:
        return np.full(count, np.nan)
    matrix = covariance[np.ix_(index[free], index[free])]
    out = np.empty(count)
    for k in range(1, count + 1):
        back = isinstance(model, PartialCredit) and k > 1
        by = np.zeros(xi.size)
        by[0], by[k] = (xi[k] - (xi[k - 1] if back else 0.0)) / xi[0] ** 2, -1 / xi[0]
        if back:
            by[k - 1] = 1 / xi[0]
        out[k - 1] = np.sqrt(np.maximum(by[free] @ matrix @ by[free], 0.0))
    return out
