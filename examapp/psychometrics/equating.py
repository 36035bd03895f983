"""What a score on one form is worth on another: true-score and observed-score equating of linked forms.

Both forms have been calibrated; a `Link` takes theta on the scale of the form that was taken to that of the other
(Kolen & Brennan 2014, ch. 6). Scores are sums of category scores, in points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import ability, irt
from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import Link, normal_nodes
from examapp.psychometrics.parameter_vectors import (
    category_gradient,
    free_parameters,
    numerical_jacobian,
    with_free_parameters,
)
from examapp.psychometrics.response_models import Floats

FAR = 1e6


@dataclass(frozen=True)
class Equating:
    """For each `score` (S,) on the form taken, the `equivalent` (S,) on the other form, in points.

    `theta` (S,) is the least ability that expects the score, on the first form's scale: -inf up to what guessing alone
    gives, inf for the highest score, None for observed scores. `standard_error` (S,) covers the item parameters of
    both forms and the link, None where their covariances are not known.
    """

    score: Floats
    equivalent: Floats
    theta: Floats | None
    standard_error: Floats | None


def equate_true_scores(form: Items, other: Items, link: Link, scores: npt.ArrayLike | None = None) -> Equating:
    """Equivalents T_other(A theta + B) with theta such that T_form(theta) = score; T is the expected sum score.

    Scores at or below what guessing alone gives have theta -inf: they are interpolated between 0 and that score
    (Kolen 1981), and the highest score is worth the highest score. `scores` (S,) are 0, 1, ... by default; `theta` of
    the result is on the scale of `form`. Source: Lord & Wingersky (1984).

    >>> one = Items.of("rasch", b=[-1.0, 0.0, 1.0])
    >>> same = Link(1.0, 0.0, np.zeros((2, 2)), True, (), ())
    >>> equate_true_scores(one, one, same).equivalent.round(9).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    _check(form, other, link)
    wanted, (low, high) = _scores(form, scores), _reach(form)
    theta = _theta_at(form, wanted, low, high)
    inside = np.isfinite(theta)
    least, most = _reach(other)
    equivalent = np.where(wanted >= high, most, least * wanted / low if low > 0 else least)
    equivalent[inside] = ability.test_characteristic(other, link.theta(theta[inside]))
    error = _true_score_error(form, other, link, wanted, theta) if link.jacobians else None
    return Equating(wanted, equivalent, theta, error)


def equate_observed_scores(form: Items, other: Items, link: Link, *, weight: float = 0.5) -> Equating:
    """Equipercentile equivalents of the score distributions that the models predict, for each score 0..S.

    The population is `weight` parts N(0, 1) on the scale of `form` and 1 - `weight` parts N(0, 1) on that of
    `other`; scores are spread uniformly over a point around them. Source: Zeng & Kolen (1995).

    >>> one = Items.of("2pl", a=[1.0, 1.5], b=[0.0, 1.0])
    >>> same = Link(1.0, 0.0, np.zeros((2, 2)), True, (), ())
    >>> equate_observed_scores(one, one, same).equivalent.round(9).tolist()
    [0.0, 1.0, 2.0]
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"equate_observed_scores: weight must lie in 0..1, got {weight}")
    _check(form, other, link)
    at = np.array([link.A, link.B])
    equivalent = _equipercentile(form, other, at, weight)
    error = None
    if link.jacobians:
        by_form = numerical_jacobian(
            lambda x: _equipercentile(with_free_parameters(form, x), other, at, weight), free_parameters(form)
        )
        by_other = numerical_jacobian(
            lambda x: _equipercentile(form, with_free_parameters(other, x), at, weight), free_parameters(other)
        )
        by_link = numerical_jacobian(lambda x: _equipercentile(form, other, x, weight), at)
        error = _error(by_form, by_other, by_link, link)
    scores = np.arange(equivalent.size, dtype=np.float64)
    return Equating(scores, equivalent, None, error)


def _check(form: Items, other: Items, link: Link) -> None:
    """Refuse what leaves scores without an order."""
    if not (link.A > 0 and np.isfinite([link.A, link.B]).all()):
        raise ValueError(f"equating: link: needs a finite A > 0 and B, got {link.A} and {link.B}")
    for name, items in (("form", form), ("other", other)):
        low, high = _reach(items)
        if not low < high:
            raise ValueError(
                f"equating: {name}: the expected score must rise with ability, not go from {low} to {high}"
            )


def _true_score_error(form: Items, other: Items, link: Link, scores: Floats, theta: Floats) -> Floats:
    """Standard errors (S,), 0 at the highest score, which is worth the highest whatever the parameters are."""
    error, inside, below = np.zeros(scores.size), np.isfinite(theta), theta == -np.inf
    error[inside] = _inner_error(form, other, link, theta[inside])
    error[below] = _guessing_error(form, other, link, scores[below])
    return error


def _guessing_error(form: Items, other: Items, link: Link, scores: Floats) -> Floats:
    """Delta method for scores interpolated up to what guessing gives, worth least * score / low, whatever the link."""
    (low, _), (least, _), end = _reach(form), _reach(other), np.array([-FAR])
    share = (scores / low if low > 0 else np.ones(scores.size))[:, None]
    by_form = -share * least / low * _by_parameters(form, end) if low > 0 else 0.0 * share * _by_parameters(form, end)
    return _error(by_form, share * _by_parameters(other, end), np.zeros((scores.size, 2)), link)


def _inner_error(form: Items, other: Items, link: Link, theta: Floats) -> Floats:
    """Delta method through T_form(theta) = score: theta moves by minus the rise of T_form over its slope."""
    there = link.theta(theta)
    slope, slope_there = _slope(form, theta), _slope(other, there)
    by_form = -_by_parameters(form, theta) * (link.A * slope_there / slope)[:, None]
    by_link = np.column_stack([theta * slope_there, slope_there])
    return _error(by_form, _by_parameters(other, there), by_link, link)


def _error(by_form: Floats, by_other: Floats, by_link: Floats, link: Link) -> Floats:
    """Standard errors (S,) from the derivatives by both forms' parameters and by (A, B); forms are independent."""
    parts = [by_link @ jacobian for jacobian in link.jacobians]
    if parts[0].shape[1] != by_form.shape[1] or parts[-1].shape[1] != by_other.shape[1]:
        raise ValueError("equating: the link does not begin at this form and end at the other")
    parts[0], parts[-1] = parts[0] + by_form, parts[-1] + by_other
    variance = np.zeros(len(by_link))
    for part, covariance in zip(parts, link.covariances, strict=True):
        variance += np.einsum("sp,pr,sr->s", part, covariance, part)
    return np.sqrt(np.maximum(variance, 0.0))


def _by_parameters(items: Items, theta: Floats) -> Floats:
    """Derivatives of the expected sum score by the free parameters, (Q, P)."""
    gradient = category_gradient(items, theta)
    return np.asarray(np.einsum("pkq,k->qp", gradient, np.arange(gradient.shape[1])), dtype=np.float64)


def _slope(items: Items, theta: Floats) -> Floats:
    first = irt.theta_derivatives(items, theta)[1]
    return np.asarray((first @ np.arange(first.shape[2])).sum(axis=1), dtype=np.float64)


def _scores(form: Items, scores: npt.ArrayLike | None) -> Floats:
    most = int((form.categories - 1).sum())
    wanted = np.arange(most + 1.0) if scores is None else np.atleast_1d(np.asarray(scores, dtype=np.float64))
    if not ((wanted >= 0) & (wanted <= most)).all():
        raise ValueError(f"equate_true_scores: scores must lie in 0..{most}")
    return wanted


def _reach(items: Items) -> tuple[float, float]:
    """Expected sum score of the lowest and of the highest ability."""
    low, high = ability.test_characteristic(items, [-FAR, FAR])
    return float(np.round(low, 12)), float(np.round(high, 12))


def _theta_at(form: Items, scores: Floats, low: float, high: float) -> Floats:
    """The least theta that expects each sum score, by bisection; infinite at or beyond the ends of the curve."""
    below, above = np.full(scores.size, -FAR), np.full(scores.size, FAR)
    for _ in range(60):
        middle = 0.5 * (below + above)
        short = ability.test_characteristic(form, middle) < scores
        below, above = np.where(short, middle, below), np.where(short, above, middle)
    return np.where(scores <= low, -np.inf, np.where(scores >= high, np.inf, 0.5 * (below + above)))


def _equipercentile(form: Items, other: Items, at: Floats, weight: float) -> Floats:
    """The point of the other form's distribution with the percentile rank of each score on this form.

    Within a score that nobody gets there, its middle.
    """
    (nodes, weights), (A, B) = normal_nodes(), at
    from_form = _mixture(form, nodes, (nodes - B) / A, weights, weight)
    to_other = _mixture(other, A * nodes + B, nodes, weights, weight)
    rank = np.cumsum(from_form) - 0.5 * from_form
    total = np.cumsum(to_other)
    at_score = np.minimum(np.searchsorted(total, rank), to_other.size - 1)
    here = to_other[at_score]
    share = np.divide(rank - (total[at_score] - here), here, out=np.full(rank.shape, 0.5), where=here > 0)
    return np.asarray(at_score - 0.5 + share, dtype=np.float64)


def _mixture(items: Items, first: Floats, second: Floats, weights: Floats, share: float) -> Floats:
    """Distribution of the sum score (S + 1,) over two ability distributions given as nodes."""
    one = weights @ ability.sum_score_distribution(items, first)
    two = weights @ ability.sum_score_distribution(items, second)
    return np.asarray(share * one + (1.0 - share) * two, dtype=np.float64)
