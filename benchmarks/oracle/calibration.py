"""Calibrations against mirt: parameters, errors, likelihood, and people scored with our own parameters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from examapp.psychometrics import ability, irt, reliability
from examapp.psychometrics.calibration import Calibration, calibrate
from examapp.psychometrics.priors import LogNormal, Normal, Priors
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.stacks import in_blocks
from examapp.psychometrics.standard_errors import StandardErrors, observed_information, standard_errors

from .compare import Check, calibrated, compare, numbers, responses, table
from .maximum import directly
from .slips import nodes_of


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    data, weight = case_data(folder, case)
    priors, tolerances = case_priors(case), case["tolerances"]
    fit = calibrate(data, case["model"].lower(), weights=weight, priors=priors)
    yield from _data_checks(case, data, weight, fit.items)
    found = list(_fit_checks(case, fit, tolerances))
    if all(check.passed for check in found):
        yield from found
    else:
        yield from _unless_not_converged(case, fit, data, weight, priors, found)
    errors = standard_errors(fit, data, weights=weight, priors=priors)
    is_maximum = float(np.isfinite(errors.covariance).all())
    yield compare("second-order test", is_maximum, float(case["fit"]["second_order_test"]), 0.5)
    yield from _error_checks(case, fit, errors, tolerances["se_rel"])
    if case["prior"] and case["prior"].get("a"):
        yield from _slip_checks(case, fit, observed_information(fit, in_blocks(data, None, weight), priors))
    yield from _people_checks(case, fit, data, weight, tolerances)


def case_data(folder: Path, case: dict[str, Any]) -> tuple[Floats, Floats | None]:
    """Responses of a case, and the frequency of each row where the file is a table of patterns."""
    path = folder / "calibration" / case["data"]["file"]
    data = responses(path, [item["item"] for item in case["items"]])
    if not case["data"].get("tabulated"):
        return data, None
    header, cells = table(path)
    counted = next(i for i, name in enumerate(header) if name.lower() in ("frequency", "freq"))
    return data, cells[:, counted].astype(np.float64)


def case_priors(case: dict[str, Any]) -> Priors:
    """The priors a case states, and no others."""
    stated = case["prior"] or {}

    def one(name: str) -> Any:
        given = stated.get(name)
        if not given:
            return None
        kind = LogNormal if given["dist"] == "lognormal" else Normal
        return kind(given.get("mean", given.get("meanlog")), given.get("sd", given.get("sdlog")))

    return Priors(logit_c=one("logit_c"), logit_d=None, a=one("a"), b=one("b"), intercept=one("d"))


def intercepts(fit_items: irt.Items) -> list[Floats]:
    """Intercepts of each item as the reference writes them, without the leading zero of partial credit."""
    out = []
    for name, a, b in zip(fit_items.model, fit_items.a, fit_items.b):
        own = b[np.isfinite(b)]
        out.append(-a * (np.cumsum(own) if name in ("gpcm", "pcm") else own))
    return out


def _data_checks(case: dict[str, Any], data: Floats, weight: Floats | None, items: irt.Items) -> Iterator[Check]:
    held, counts = case["data"], np.ones(len(data)) if weight is None else weight
    ours = [counts.sum(), data.shape[1], counts @ np.isnan(data).sum(axis=1)]
    yield compare("people, items, missing", ours, [held[key] for key in ("persons", "items", "missing")], 0.5)
    yield compare("categories", items.categories, [row["n_categories"] for row in case["items"]], 0.5)


def _fit_checks(case: dict[str, Any], fit: Calibration, tolerances: dict[str, Any]) -> Iterator[Check]:
    expected, rows, model = case["fit"], case["items"], case["model"].lower()
    wide = tolerances["logLik_abs"]
    yield compare("converged", float(fit.converged), 1.0, 0.5)
    yield compare("logLik", fit.log_likelihood, expected["logLik"], wide)
    other = case["checks"]["logLik_recomputed_by_independent_code_401_points_pm8sd"]
    yield compare("logLik by other code", fit.log_likelihood, other, wide)
    if expected.get("logPosterior") is not None:
        yield compare("logPosterior", fit.log_likelihood + fit.log_prior, expected["logPosterior"], wide)
        yield compare("logPrior", fit.log_prior, expected["logPrior"], 2 * wide)
    count = int(expected["n_parameters"])
    yield compare("parameters", fit.parameters, count, 0.5)
    for name, value in (("AIC", fit.aic), ("BIC", fit.bic)):
        yield compare(name, value, expected[name], 2 * wide)
    adjusted = np.log((case["data"]["persons"] + 2) / 24) * fit.parameters - 2 * fit.log_likelihood
    yield compare("SABIC", adjusted, expected["SABIC"], 2 * wide)
    patterns = min(float(np.prod(fit.items.categories.astype(np.float64))) - 1, 1e10)  # more it does not count
    yield compare("G2 df", patterns - fit.parameters, expected["G2_df"], 0.5)
    yield compare("a", fit.items.a, [row["a"] for row in rows], tolerances["item_slope_abs"])
    theirs = [
        d[1:] if model in ("gpcm", "pcm") and d[0] == 0 else d for d in (np.atleast_1d(numbers(r["d"])) for r in rows)
    ]
    ours = np.concatenate(intercepts(fit.items))
    yield compare("d", ours, np.concatenate(theirs).tolist(), tolerances["item_intercept_abs"])
    yield from _threshold_checks(rows, fit, tolerances["item_b_abs"])
    if "c" in rows[0] and rows[0]["c"] is not None and tolerances.get("item_guess_abs"):
        yield compare("c", fit.items.c, [row["c"] for row in rows], tolerances["item_guess_abs"])
    theta = irt.grid(-3, 3, 61)
    distance = np.abs(irt.probabilities(fit.items, theta) - irt.probabilities(calibrated(case), theta)).max()
    yield compare("curve", float(distance), 0.0, tolerances["probability_abs_max_over_grid"])
    variance = case["latent"]["variance"]
    yield compare("mean", fit.mean[0], case["latent"]["mean"], 0.002)
    yield compare("variance", fit.sd[0] ** 2, variance, 0.002 * max(1, variance))


def _unless_not_converged(
    case: dict[str, Any], fit: Calibration, data: Floats, weight: Floats | None, priors: Priors, found: list[Check]
) -> Iterator[Check]:
    """What was found, unless the reference had not arrived: then its own criterion, maximised from where it stopped.

    In a direction in which the maximum is flat or far away a reference may stop on the way. It has if ours is above
    it and a direct maximisation from its estimates climbs too; then ours must be no lower than that, and its curves
    the same.
    """
    begin, tolerances = calibrated(case), case["tolerances"]
    vector, best, start = directly(fit, begin, fit.mean, fit.sd, data, weights=weight, priors=priors)
    ours, wide = fit.log_likelihood + fit.log_prior, tolerances["logLik_abs"]
    if not (best > start + 1e-4 and ours > start + 1e-4):
        yield from found
        return
    yield from (check for check in found if check.passed)
    label = f"direct maximum ({', '.join(check.quantity for check in found if not check.passed)})"
    yield compare(f"{label}: ours short of it", np.maximum(0.0, best - ours), 0.0, wide)
    theta = irt.grid(-3, 3, 61)
    curves = [irt.probabilities(items, theta) for items in (fit.items, fit.layout.items(vector, len(begin)))]
    distance = float(np.abs(curves[0] - curves[1]).max())
    yield compare(f"{label}: curve", distance, 0.0, tolerances["probability_abs_max_over_grid"])


def _threshold_checks(rows: list[dict[str, Any]], fit: Calibration, tolerance: float) -> Iterator[Check]:
    """Thresholds; five times the tolerance where they are extreme, as the reference says."""
    for wide in (False, True):
        ours, theirs = [], []
        for row, a, b in zip(rows, fit.items.a, fit.items.b):
            for own, value in zip(b[np.isfinite(b)], np.atleast_1d(numbers(row["b"]))):
                if (abs(value) > 4 or abs(a) < 0.4) == wide and np.isfinite(value):
                    ours.append(own)
                    theirs.append(value)
        if theirs:
            yield compare("b extreme" if wide else "b", ours, theirs, max(tolerance, 0.05) if wide else tolerance)


def _error_checks(case: dict[str, Any], fit: Calibration, errors: StandardErrors, tolerance: float) -> Iterator[Check]:
    """Errors; with a lognormal slope prior the reference's own slip decides, see `_slip_check`."""
    if case["prior"] and case["prior"].get("a"):
        return
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
            by = np.array([-(xi[2] - xi[1]) / xi[0] ** 2, -1 / xi[0]])
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


def _people_checks(
    case: dict[str, Any], fit: Calibration, data: Floats, weight: Floats | None, tolerances: dict[str, Any]
) -> Iterator[Check]:
    """EAP of the first people and reliability, with our own item parameters."""
    everyone = np.repeat(data, weight.astype(int), axis=0) if weight is not None else data
    eap = ability.estimate(everyone, fit.items, mean=float(fit.mean[0]), sd=float(fit.sd[0]), grid=nodes_of(case))
    yield compare("G2", _likelihood_ratio(everyone, fit), case["fit"]["G2"], 2 * tolerances["logLik_abs"])
    first = case["eap_first_rows"]
    rows = first["rows"] if isinstance(first["rows"], int) else len(first["theta"])
    yield compare("EAP people", eap.theta[:rows], first["theta"], tolerances["theta_EAP_abs"])
    yield compare("SE EAP people", eap.standard_error[:rows], first["se"], tolerances["theta_EAP_se_abs"])
    summary, mean_square = case["eap_summary"], (eap.standard_error**2).mean()
    yield compare("EAP mean", eap.theta.mean(), summary["mean"], tolerances["theta_EAP_abs"])
    yield compare("EAP sd", eap.theta.std(ddof=1), summary["sd"], tolerances["theta_EAP_abs"])
    yield compare("EAP squared error", mean_square, summary["mean_squared_se"], tolerances["theta_EAP_se_abs"])
    known = case["reliability"]
    if known.get("marginal_rxx") is not None:
        yield compare("reliability", reliability.marginal_reliability(fit.items), known["marginal_rxx"], 0.002)
    yield compare("empirical reliability", reliability.empirical_reliability(eap), known["empirical_rxx_EAP"], 0.002)


def _likelihood_ratio(data: Floats, fit: Calibration) -> float:
    """Twice the log-likelihood that the saturated model of response patterns gains on ours."""
    counts = np.unique(data, axis=0, return_counts=True)[1]
    return float(2 * (counts @ np.log(counts / len(data)) - fit.log_likelihood))
