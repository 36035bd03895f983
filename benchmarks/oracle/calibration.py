"""Calibrations against mirt: parameters, errors, likelihood, scores, information, reliability, raw statistics."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from examapp.psychometrics import ability, classical, irt, reliability
from examapp.psychometrics.calibration import Calibration, calibrate
from examapp.psychometrics.priors import LogNormal, Normal, Priors
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.stacks import in_blocks
from examapp.psychometrics.standard_errors import StandardErrors, observed_information, standard_errors

from .compare import Check, calibrated, compare, numbers, responses, table

SCORE_METHODS = {"EAP": "EAP", "MAP": "MAP", "ML": "ML", "WLE": "JEFFREYS"}
FAR = 19.9


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    tolerances = case["tolerances"]
    data, weight = case_data(folder, case)
    priors = case_priors(case)
    fit = calibrate(data, case["model"].lower(), weights=weight, priors=priors)
    yield from _fit_checks(case, fit, tolerances)
    errors = standard_errors(fit, data, weights=weight, priors=priors)
    yield from _error_checks(case, fit, errors, tolerances["se_rel"])
    if case["prior"] and case["prior"].get("a"):
        yield _slip_check(case, fit, observed_information(fit, in_blocks(data, None, weight), priors))
    yield from _score_checks(case, tolerances)
    yield from _information_checks(case, tolerances)
    yield from _people_checks(case, fit, data, weight, tolerances)
    if weight is None:
        yield from _raw_checks(case["ctt"], data)


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


def _fit_checks(case: dict[str, Any], fit: Calibration, tolerances: dict[str, Any]) -> Iterator[Check]:
    expected, rows, model = case["fit"], case["items"], case["model"].lower()
    yield compare("converged", float(fit.converged), 1.0, 0.5)
    yield compare("logLik", fit.log_likelihood, expected["logLik"], tolerances["logLik_abs"])
    if expected.get("logPosterior") is not None:
        value = fit.log_likelihood + fit.log_prior
        yield compare("logPosterior", value, expected["logPosterior"], tolerances["logLik_abs"])
    count = int(expected["n_parameters"])
    yield compare("parameters", fit.parameters, count, 0.5)
    for name, value in (("AIC", fit.aic), ("BIC", fit.bic)):
        yield compare(name, value, expected[name], 2 * tolerances["logLik_abs"])
    slopes = {"rasch": fit.items.a, "pcm": fit.items.a}.get(model, fit.items.a)
    yield compare("a", slopes, [row["a"] for row in rows], tolerances["item_slope_abs"])
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
    if case["latent"].get("se_variance") is not None:
        yield compare(
            "variance", fit.sd[0] ** 2, case["latent"]["variance"], 0.002 * max(1, case["latent"]["variance"])
        )


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
    rows, credit = case["items"], case["model"] in ("GPCM", "PCM")
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
    if direct and not credit and case["model"] in ("2PL", "GRM"):
        mine = np.concatenate(
            [[s, *own[np.isfinite(b)]] for s, own, b in zip(errors.a, errors.intercepts, fit.items.b)]
        )
        yield _relative("SE direct", mine, direct, 1e-3)


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


def _slip_check(case: dict[str, Any], fit: Calibration, information: Floats) -> Check:
    """The reference's errors come out when its wrong sign in the lognormal prior's curvature is put in on purpose."""
    given = case["prior"]["a"]
    entries = fit.layout.kinds[0].index[:, :3]
    slopes = entries[:, 0]
    slipped = information.copy()
    slipped[slopes, slopes] += 2 * (np.log(fit.items.a) - given["meanlog"]) / (fit.items.a * given["sdlog"]) ** 2
    root = np.sqrt(np.diag(np.linalg.inv(slipped)))
    theirs = [[row["se_a"], row["se_d"], row["se_logit_c"]] for row in case["items"]]
    return _relative("SE as slipped", root[entries].ravel(), np.array(theirs, dtype=np.float64).ravel(), 0.01)


def _relative(name: str, ours: Any, theirs: Any, tolerance: float) -> Check:
    values = numbers(list(theirs))
    values = np.where(values > 0, values, np.nan)
    return compare(name, ours, values.tolist(), tolerance, relative=True)


def _score_checks(case: dict[str, Any], tolerances: dict[str, Any]) -> Iterator[Check]:
    """Scores with the published item parameters: ten times the precision asked of a fit."""
    items, latent = calibrated(case), case["latent"]
    mean, sd = latent["mean"], latent["variance"] ** 0.5
    patterns = numbers([row["responses"] for row in case["scores"]["patterns"]])
    for name, method in SCORE_METHODS.items():
        ours = ability.estimate(patterns, items, method=method, mean=mean, sd=sd, bounds=(-np.inf, np.inf))
        theta, error = (numbers(case["scores"][name][key]) for key in ("theta", "se"))
        near = np.abs(theta) < FAR
        asked = tolerances[f"theta_{name}_abs"] / 10
        if "EAP" in name:  # the reference's grid ends at 6 SDs for Rasch, where extreme patterns still have weight
            asked = np.maximum(asked, 1e-3)
        yield compare(name, ours.theta[near], theta[near].tolist(), float(asked))
        yield compare(f"SE {name}", ours.standard_error[near], error[near].tolist(), 0.005)
        if name == "ML" and (~near & ~np.isnan(theta)).any():
            yield _endless(patterns[~near], items, ours.theta[~near], theta[~near])


def _endless(patterns: Floats, items: irt.Items, ours: Floats, theirs: Floats) -> Check:
    """Where the reference stops at its bound or says infinity, ours must be at least as likely."""
    edges = np.clip(np.nan_to_num(theirs), -ability.REACH, ability.REACH)
    mine = np.clip(ours, -ability.REACH, ability.REACH)
    codes = ability.codes(patterns, items.categories)
    lost = [
        float(np.subtract(*ability.log_likelihood(codes[i : i + 1], items, [edge, own])[0]))
        for i, (edge, own) in enumerate(zip(edges, mine))
    ]
    return compare("ML without end", np.maximum(lost, 0.0), np.zeros(len(lost)).tolist(), 1e-6)


def _information_checks(case: dict[str, Any], tolerances: dict[str, Any]) -> Iterator[Check]:
    items, expected = calibrated(case), case["information"]
    theta = expected["theta"]
    own = irt.information(items, theta)
    asked = tolerances["information_rel"] / 10
    yield compare("information", own.sum(axis=1), expected["test"], asked, relative=True)
    yield compare("item information", own.T, expected["items"], asked, relative=True)
    curve = ability.test_characteristic(items, theta)
    yield compare("expected score", curve, expected["expected_test_score"], 1e-5)
    if "eap_for_sum_scores" in case:
        scores, latent = case["eap_for_sum_scores"], case["latent"]
        eap, _ = ability.sum_score_eap(items, mean=latent["mean"], sd=latent["variance"] ** 0.5)
        yield compare("EAP by sum", eap.theta, scores["F"], tolerances["theta_EAP_abs"])
        yield compare("SE EAP by sum", eap.standard_error, scores["SE_F"], tolerances["theta_EAP_se_abs"])


def _people_checks(
    case: dict[str, Any], fit: Calibration, data: Floats, weight: Floats | None, tolerances: dict[str, Any]
) -> Iterator[Check]:
    """EAP of the first people and reliability, with our own item parameters."""
    everyone = np.repeat(data, weight.astype(int), axis=0) if weight is not None else data
    eap = ability.estimate(everyone, fit.items, mean=float(fit.mean[0]), sd=float(fit.sd[0]))
    first = case["eap_first_rows"]
    rows = first["rows"] if isinstance(first["rows"], int) else len(first["theta"])
    yield compare("EAP people", eap.theta[:rows], first["theta"], tolerances["theta_EAP_abs"])
    yield compare("SE EAP people", eap.standard_error[:rows], first["se"], tolerances["theta_EAP_se_abs"])
    yield compare("EAP mean", eap.theta.mean(), case["eap_summary"]["mean"], tolerances["theta_EAP_abs"])
    known = case["reliability"]
    if known.get("marginal_rxx") is not None:
        yield compare("reliability", reliability.marginal_reliability(fit.items), known["marginal_rxx"], 0.002)
    yield compare("empirical reliability", reliability.empirical_reliability(eap), known["empirical_rxx_EAP"], 0.002)


@lru_cache(maxsize=1)
def _raw_names() -> tuple[tuple[str, str], ...]:
    return (
        ("mean", "mean"),
        ("sd", "sd"),
        ("total.r", "total_correlation"),
        ("total.r_if_rm", "rest_correlation"),
        ("alpha_if_rm", "alpha_without"),
    )


def _raw_checks(expected: dict[str, Any], data: Floats) -> Iterator[Check]:
    ours = classical.classical_statistics(data)
    yield compare("alpha", ours.alpha, expected["alpha"], 1e-8)
    yield compare("mean total", ours.mean_total, expected["mean_total"], 1e-7)
    yield compare("sd total", ours.sd_total, expected["sd_total"], 1e-8)
    for theirs, name in _raw_names():
        yield compare(f"raw {theirs}", getattr(ours, name), [row.get(theirs) for row in expected["items"]], 1e-8)
