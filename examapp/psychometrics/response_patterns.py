"""Person fit without a model: how far a pattern of right and wrong is from the order of the items' difficulty.

Items are ordered by the proportion p of people who got them right. Only items that a person saw count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import undetermined
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import codes, person_blocks

BLOCK = 512


@dataclass(frozen=True)
class PatternFit:
    """Per person (N,). Undetermined, but for `guttman_errors`, where all or nothing was right, or p does not vary.

    `guttman_errors` pairs of a harder item right and an easier one wrong, `guttman_normed` their share of the
    most possible; `u3` and its standardised form `zu3` (van der Flier 1982), 0 and below for the most regular
    pattern; `ht` the person's transposed scalability (Sijtsma 1986), high if regular; `caution` Sato's caution
    index (1975), 0 if regular; `point_biserial` the correlation of the pattern with the p-values.
    """

    guttman_errors: Floats
    guttman_normed: Floats
    u3: Floats
    zu3: Floats
    ht: Floats
    caution: Floats
    point_biserial: Floats


@undetermined.refused("people", "all or nothing was right, or the items are equally hard")
def pattern_fit(responses: npt.ArrayLike) -> PatternFit:
    """All indices for right-or-wrong responses (N, J), each person against the p-values of all of them.

    The indices, with their sources, are those of `PatternFit`.

    >>> fit = pattern_fit([[1, 1, 0], [1, 0, 0], [0, 1, 1], [1, 1, 0], [1, 0, 0]])
    >>> fit.guttman_errors.tolist(), fit.u3.round(3).tolist()
    ([0.0, 0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0])
    """
    scores = codes(responses)
    if (scores > 1).any():
        raise ValueError(f"pattern_fit: item {int(np.argmax((scores > 1).any(axis=0)))} is not just right or wrong")
    right, seen = (scores == 1).astype(np.float64), (scores >= 0).astype(np.float64)
    p = right.sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    order = np.argsort(-p, kind="stable")
    right, seen, p = right[:, order], seen[:, order], p[order]
    count, total = seen.sum(axis=1), right.sum(axis=1)
    mixed = (total > 0) & (total < count)
    errors, most = _guttman_errors(right, seen), total * (count - total)
    best, worst = _regular(seen, total), _regular(seen[:, ::-1], total)[:, ::-1]
    u3, zu3 = _u3(right, seen, p, best, worst)
    spread = _covariance(best, p, seen)
    caution = 1 - _quotient(_covariance(right, p, seen), spread)
    scale = np.sqrt(_covariance(right, right, seen) * _covariance(p * seen, p, seen))
    point_biserial = _quotient(_covariance(right, p, seen), scale)
    parts = (_quotient(errors, most), u3, zu3, _ht(right, seen), caution, point_biserial)
    return PatternFit(errors, *(np.where(mixed, part, np.nan) for part in parts))


def _guttman_errors(right: Floats, seen: Floats) -> Floats:
    """For each right answer the easier items that were wrong, summed."""
    wrong_before = np.cumsum(seen - right, axis=1) - (seen - right)
    return np.asarray((right * wrong_before).sum(axis=1), dtype=np.float64)


def _regular(seen: Floats, total: Floats) -> Floats:
    """The pattern with the same total that is right on the first items seen."""
    rank = np.cumsum(seen, axis=1)
    return np.asarray(seen * (rank <= total[:, None]), dtype=np.float64)


def _u3(right: Floats, seen: Floats, p: Floats, best: Floats, worst: Floats) -> tuple[Floats, Floats]:
    """U3 and its distance from the expectation given the total, in standard deviations."""
    inside = np.clip(p, 1e-12, 1 - 1e-12)
    weight, held = np.log(inside) - np.log1p(-inside), seen * inside * (1 - inside)
    weighted, top, bottom = right @ weight, best @ weight, worst @ weight
    u3 = _quotient(top - weighted, top - bottom)
    variance = held.sum(axis=1)
    slope = _quotient(held @ weight, variance)
    expected = seen @ (inside * weight) + slope * (right.sum(axis=1) - seen @ inside)
    spread = held @ weight**2 - slope * (held @ weight)
    return u3, _quotient(expected - weighted, np.sqrt(np.maximum(spread, 0.0)))


def _ht(right: Floats, seen: Floats) -> Floats:
    """Sum of a person's covariances with the others over the sum of the largest that their totals allow."""
    out = np.empty(len(right))
    for rows in person_blocks(len(right), BLOCK):
        n = np.maximum(seen[rows] @ seen.T, 1)
        mine, theirs, both = right[rows] @ seen.T / n, seen[rows] @ right.T / n, right[rows] @ right.T / n
        others = np.arange(len(right)) != np.arange(rows.start, rows.stop)[:, None]
        product = mine * theirs
        got = ((both - product) * others).sum(axis=1)
        most = ((np.minimum(mine, theirs) - product) * others).sum(axis=1)
        out[rows] = _quotient(got, most)
    return out


def _covariance(x: Floats, y: Floats, seen: Floats) -> Floats:
    """Covariance over the seen items of each person, up to the factor 1 / n, (N,)."""
    n = np.maximum(seen.sum(axis=1), 1)
    return np.asarray((x * y * seen).sum(axis=1) - (x * seen).sum(axis=1) * (y * seen).sum(axis=1) / n)


def _quotient(over: Floats, under: Floats) -> Floats:
    known = np.abs(under) > 1e-12
    return np.where(known, over / np.where(known, under, 1.0), np.nan)
