"""Calibrations against mirt: parameters, errors, likelihood, and people scored with our own parameters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import ability, irt, reliability
from examapp.psychometrics.calibration import Calibration, calibrate
from examapp.psychometrics.priors import LogNormal, Normal, Priors
from examapp.psychometrics.response_models import Floats

from .calibration_errors import error_checks
from .compare import Check, calibrated, compare, consecutive, numbers, responses, table
from .maximum import stopped_early
from .slips import nodes_of


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    data, weight = case_data(folder, case)
    priors = case_priors(case)
    fit = calibrate(data, case["model"].lower(), weights=weight, priors=priors)
    people = everybody(data, weight)
    yield from _data_checks(case, data, people, fit.items)
    found = list(_fit_checks(case, fit, people))
    early = None
    if not all(check.passed for check in found):
        early = stopped_early(case, fit, data, weight, priors, [c.quantity for c in found if not c.passed])
    if early is None:
        yield from found
        yield from error_checks(case, fit, data, weight, priors)
        yield from _people_checks(case, fit.items, float(fit.sd[0]), people, data)
    else:  # what follows from estimates is judged at theirs; errors belong to a maximum, so there are none to judge
        yield from (check for check in found if check.passed)
        yield from early
        yield from _people_checks(case, calibrated(case), float(case["latent"]["variance"]) ** 0.5, people, data)


def case_data(folder: Path, case: dict[str, Any]) -> tuple[Floats, Floats | None]:
    """Responses of a case, and the frequency of each row where the file is a table of patterns."""
    path = folder / "calibration" / case["data"]["file"]
    data = responses(path, [item["item"] for item in case["items"]])
    data = consecutive(data, [item["n_categories"] for item in case["items"]])
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


def everybody(data: Floats, weight: Floats | None) -> Floats:
    """One row for each person; a table of patterns is written out."""
    return data if weight is None else np.repeat(data, weight.astype(int), axis=0)


def listed(known: Floats, theta: Floats, people: Floats, patterns: Floats) -> npt.NDArray[np.intp]:
    """The people behind listed rows: the first ones, or the first of each pattern where patterns are listed.

    `known` are the abilities listed, `theta` those of all people.
    """
    if known.size > len(people) or not np.allclose(theta[: known.size], known, atol=0.01):
        own = patterns[: known.size]
        return np.array([int(np.flatnonzero((people == pattern).all(axis=1))[0]) for pattern in own], dtype=np.intp)
    return np.arange(known.size)


def _data_checks(case: dict[str, Any], data: Floats, people: Floats, items: irt.Items) -> Iterator[Check]:
    held = case["data"]
    count = len(data) if held["persons"] == len(data) else len(people)  # of a table the rows or the people
    ours = [count, data.shape[1], np.isnan(people).sum()]
    yield compare("people, items, missing", ours, [held[key] for key in ("persons", "items", "missing")], 0.5)
    yield compare("categories", items.categories, [row["n_categories"] for row in case["items"]], 0.5)


def _fit_checks(case: dict[str, Any], fit: Calibration, people: Floats) -> Iterator[Check]:
    expected, rows, model, tolerances = case["fit"], case["items"], case["model"].lower(), case["tolerances"]
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
    adjusted = np.log((len(people) + 2) / 24) * fit.parameters - 2 * fit.log_likelihood
    yield compare("SABIC", adjusted, expected["SABIC"], 2 * wide)
    patterns = min(float(np.prod(fit.items.categories.astype(np.float64))) - 1, 1e10)  # more it does not count
    yield compare("G2 df", patterns - fit.parameters, expected["G2_df"], 0.5)
    yield compare("G2", _likelihood_ratio(people, fit), expected["G2"], 2 * wide)
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


def _people_checks(case: dict[str, Any], items: irt.Items, sd: float, people: Floats, data: Floats) -> Iterator[Check]:
    """EAP of the first people and of all, and reliability."""
    tolerances = case["tolerances"]
    eap = ability.estimate(people, items, mean=float(case["latent"]["mean"]), sd=sd, grid=nodes_of(case))
    first = case["eap_first_rows"]
    rows = listed(numbers(first["theta"]), eap.theta, people, data)
    yield compare("EAP people", eap.theta[rows], first["theta"], tolerances["theta_EAP_abs"])
    yield compare("SE EAP people", eap.standard_error[rows], first["se"], tolerances["theta_EAP_se_abs"])
    summary, mean_square = case["eap_summary"], (eap.standard_error**2).mean()
    yield compare("EAP mean", eap.theta.mean(), summary["mean"], tolerances["theta_EAP_abs"])
    yield compare("EAP sd", eap.theta.std(ddof=1), summary["sd"], tolerances["theta_EAP_abs"])
    yield compare("EAP squared error", mean_square, summary["mean_squared_se"], tolerances["theta_EAP_se_abs"])
    known = case["reliability"]
    if known.get("marginal_rxx") is not None:
        yield compare("reliability", reliability.marginal_reliability(items), known["marginal_rxx"], 0.002)
    yield compare("empirical reliability", reliability.empirical_reliability(eap), known["empirical_rxx_EAP"], 0.002)


def _likelihood_ratio(data: Floats, fit: Calibration) -> float:
    """Twice the log-likelihood that the saturated model of response patterns gains on ours."""
    counts = np.unique(data, axis=0, return_counts=True)[1]
    return float(2 * (counts @ np.log(counts / len(data)) - fit.log_likelihood))
