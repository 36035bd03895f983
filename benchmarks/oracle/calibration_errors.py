"""Standard errors of calibration cases against mirt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from examapp.psychometrics.calibration import Calibration
from examapp.psychometrics.priors import Priors
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.stacks import in_blocks
from examapp.psychometrics.standard_errors import StandardErrors, observed_information, standard_errors

from .compare import Check, compare, numbers


def error_checks(
    case: dict[str, Any], fit: Calibration, data: Floats, weight: Floats | None, priors: Priors
) -> Iterator[Check]:
    """Errors of a fit; with a lognormal slope prior those that the reference's wrong sign gives."""
    errors = standard_errors(fit, data, weights=weight, priors=priors)
    is_maximum = float(np.isfinite(errors.covariance).all())
    yield compare("second-order test", is_maximum, float(case["fit"]["second_order_test"]), 0.5)
    if case["prior"] and case["prior"].get("a"):
        yield from _slip_checks(case, fit, observed_information(fit, in_blocks(data, None, weight), priors))
    else:
        yield from _item_checks(case, fit, errors, case["tolerances"]["se_rel"])


def _item_checks(case: dict[str, Any], fit: Calibration, errors: StandardErrors, tolerance: float) -> Iterator[Check]:
    rows = case["items"]
    yield _relative("SE a", errors.a, [row.get("se_a") for row in rows], tolerance)
    ours = [own[np.isfinite(b)] for own, b in zip(errors.intercepts, fit.items.b)]
    theirs = [np.atleast_1d(numbers(row["se_d"])) for row in rows]
    theirs = [one[-len(own) :] for own, one in zip(ours, theirs)]
    yield _relative("SE d", np.concatenate(ours), np.concatenate(theirs), tolerance)
    if rows[0].get("se_logit_c") is not None:
        yield _relative("SE logit c", errors.logit_c, [row["se_logit_c"] for row in rows], tolerance)
    ours = [own[np.isfinite(b)] for own, b in zip(errors.b, fit.items.b)]
    if case["model"] == "GPCM":
        ours = [np.append(first, own[1:]) for first, own in zip(_first_steps(fit, errors), ours)]
    theirs = [np.atleast_1d(numbers(row["se_b"])) for row in rows]
    yield _relative("SE b", np.concatenate(ours), np.concatenate(theirs), tolerance)
    if case["latent"].get("se_variance") is not None:
        yield _relative("SE variance", errors.variance, [case["latent"]["se_variance"]], tolerance)
    direct = case["checks"].get("observed_information_se")
    if direct:
        yield _relative("SE direct", _in_their_order(fit, errors), direct, 1e-3)


def _in_their_order(fit: Calibration, errors: StandardErrors) -> Floats:
    """Errors item by item (slope where free, intercepts, logit of c), and at last that of a log variance."""
    out: list[float] = []
    for item, model in enumerate(fit.items.model):
        out += [] if model in ("rasch", "pcm") else [errors.a[item]]
        out += errors.intercepts[item, np.isfinite(fit.items.b[item])].tolist()
        out += [errors.logit_c[item]] if model == "3pl" else []
    if set(fit.items.model) <= {"rasch", "pcm"}:
        out.append(float(errors.variance[0] / fit.sd[0] ** 2))
    return np.array(out)


def _first_steps(fit: Calibration, errors: StandardErrors) -> Floats:
    """The reference's error of each generalized item's first step b_1 = -d_1 / a.

    It takes the derivative by the slope of the second step, -(d_2 - d_1) / a^2, for d_1 / a^2. Ours are the
    derivatives of b_1 itself (`tests/psychometrics/test_standard_errors.py` compares with difference quotients).
    """
    out = np.empty(len(fit.items))
    for kind in fit.layout.kinds:
        for item, xi, index in zip(kind.at, kind.values(fit.vector), kind.index):
            by = np.array([-(xi[2] - xi[1]) / xi[0] ** 2 if xi.size > 2 else xi[1] / xi[0] ** 2, -1 / xi[0]])
            out[item] = np.sqrt(by @ errors.covariance[np.ix_(index[:2], index[:2])] @ by)
    return out


def _slip_checks(case: dict[str, Any], fit: Calibration, information: Floats) -> Iterator[Check]:
    """The reference's errors come out when its wrong sign in the lognormal prior's curvature is put in on purpose."""
    given, rows = case["prior"]["a"], case["items"]
    entries = fit.layout.kinds[0].index[:, :3]
    slopes = entries[:, 0]
    slipped = information.copy()
    slipped[slopes, slopes] += 2 * (np.log(fit.items.a) - given["meanlog"]) / (fit.items.a * given["sdlog"]) ** 2
    covariance = np.linalg.inv(slipped)
    root = np.sqrt(np.diag(covariance))
    theirs = [[row["se_a"], row["se_d"], row["se_logit_c"]] for row in rows]
    yield _relative("SE as slipped", root[entries].ravel(), np.array(theirs, dtype=np.float64).ravel(), 0.01)
    by = np.stack([-fit.items.b[:, 0], -np.ones(len(rows))], axis=1) / fit.items.a[:, None]
    both = covariance[entries[:, :2, None], entries[:, None, :2]]
    b_error = np.sqrt(np.einsum("jp,jpq,jq->j", by, both, by))
    yield _relative("SE b as slipped", b_error, [row["se_b"] for row in rows], 0.01)


def _relative(name: str, ours: Any, theirs: Any, tolerance: float) -> Check:
    values = numbers(list(theirs))
    values = np.where(values > 0, values, np.nan)
    return compare(name, ours, values.tolist(), tolerance, relative=True)
