"""Differential item functioning against difR and mirt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri

from examapp.psychometrics import irt
from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.dif import (
    MantelHaenszel,
    breslow_day,
    mantel_haenszel,
    sibtest,
    size_classes,
    standardisation,
)
from examapp.psychometrics.item_comparison import ItemComparison, compare_calibrations
from examapp.psychometrics.likelihood_ratio_dif import likelihood_ratio_dif
from examapp.psychometrics.linking import link, normal_nodes
from examapp.psychometrics.logistic_dif import logistic_dif
from examapp.psychometrics.parameter_vectors import covariance_of
from examapp.psychometrics.standard_errors import standard_errors

from .compare import Check, compare, responses, table
from .slips import sibtest_as_reference

TOLERANCES = {
    "mh_abs": 1e-6,
    "alpha_rel": 1e-6,
    "logistic_abs": 1e-4,
    "standardisation_abs": 1e-8,
    "breslow_day_abs": 1e-3,
    "lord_rel": 0.02,
    "raju_rel": 0.05,
    "sibtest_abs": 1e-4,
    "irt_lr_abs": 0.05,
}
NORMAL = 1.959964
MANTEL_HAENSZEL = {
    "mantel_haenszel": {},
    "mantel_haenszel_no_continuity_correction": {"continuity": False},
    "mantel_haenszel_purified": {"purify": True},
}
LOGISTIC = {
    "logistic_both_LRT": {},
    "logistic_uniform_LRT": {"kind": "uniform"},
    "logistic_nonuniform_LRT": {"kind": "nonuniform"},
    "logistic_both_LRT_purified": {"purify": True},
    "logistic_both_Wald": {"criterion": "wald"},
}


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    tolerances, results = TOLERANCES | case["tolerances"], case["results"]
    path = folder / "dif" / case["data"].split()[0]
    scores, (header, cells) = responses(path, case["items"]), table(path)
    groups = cells[:, header.index(case["group_column"])]
    focal = groups == str(case["focal"])
    sizes = [(~focal).sum(), focal.sum()]
    yield compare("people", sizes, [case["n_reference"], case["n_focal"]], 0.5)
    for name in results.keys() & MANTEL_HAENSZEL.keys():
        yield from _mantel_haenszel(
            name, mantel_haenszel(scores, focal, **MANTEL_HAENSZEL[name]), results[name], tolerances
        )
    for name in results.keys() & LOGISTIC.keys():
        regression, theirs = logistic_dif(scores, focal, **LOGISTIC[name]), results[name]
        statistic = regression.statistic
        if "Wald" in name:
            yield compare(f"{name} at the maximum", statistic, theirs["statistic"], 1e-3, relative=True, floor=1.0)
            statistic = _wald_as_glm(scores, focal)
        gain = regression.gain * _underflown(scores)
        yield compare(name, statistic, theirs["statistic"], tolerances["logistic_abs"])
        yield compare(f"{name} gain", gain, theirs["delta_R2_nagelkerke"], tolerances["logistic_abs"])
        yield _flags(name, regression.flagged, theirs["flagged"])
        yield compare(f"{name} rounds", regression.purification.rounds, theirs["purification_iterations"], 0.5)
    if "standardisation" in results:
        standard, theirs = standardisation(scores, focal), results["standardisation"]
        yield compare("standardisation", standard.difference, theirs["p_dif"], tolerances["standardisation_abs"])
        yield _flags("standardisation", standard.flagged, theirs["flagged"])
    if "breslow_day" in results:
        odds, theirs = breslow_day(scores, focal), results["breslow_day"]
        yield compare("Breslow-Day", odds.statistic, theirs["statistic"], tolerances["breslow_day_abs"])
        yield compare("Breslow-Day df", odds.degrees_of_freedom, theirs["df"], 0.5)
        yield compare("Breslow-Day p", odds.p_value, theirs["p"], tolerances["breslow_day_abs"])
        yield _flags("Breslow-Day", odds.p_value < 0.05, theirs["flagged"])
    if "sibtest_mirt" in results:
        yield from _sibtest(scores, focal, groups, results["sibtest_mirt"]["items"], tolerances["sibtest_abs"])
    if "irt_lr_2pl_all_other_anchors" in results:
        yield from _likelihood_ratio(scores, focal, results["irt_lr_2pl_all_other_anchors"], tolerances["irt_lr_abs"])
    if "lord_2pl_ltm" in results:
        both = _compared(scores, focal, "2pl")
        yield from _lord("Lord 2PL", both, results["lord_2pl_ltm"], tolerances["lord_rel"])
        if "raju_2pl_unsigned" in results:
            theirs = results["raju_2pl_unsigned"]
            yield compare("Raju", both.area_z, theirs["z"], tolerances["raju_rel"], relative=True, floor=1.0)
            yield _flags("Raju", np.abs(both.area_z) > NORMAL, theirs["flagged"], np.abs(theirs["z"]) / NORMAL)
    if "lord_1pl_ltm" in results:
        both = _compared(scores, focal, "rasch")
        yield from _lord("Lord 1PL", both, results["lord_1pl_ltm"], tolerances["lord_rel"])


def _mantel_haenszel(
    name: str, ours: MantelHaenszel, theirs: dict[str, Any], tolerances: dict[str, float]
) -> Iterator[Check]:
    yield compare(name, ours.statistic, theirs["statistic"], tolerances["mh_abs"])
    yield compare(f"{name} alpha", ours.odds_ratio, theirs["alpha_MH"], tolerances["alpha_rel"], relative=True)
    yield compare(f"{name} delta", ours.delta, theirs["delta_MH"], tolerances["mh_abs"])
    yield compare(f"{name} variance", ours.log_variance, theirs["var_log_alpha"], tolerances["mh_abs"])
    yield _flags(name, ours.flagged, theirs["flagged"])
    same = size_classes(ours.delta, 1.0, 1.5) == np.array(theirs["ets_class_by_size_only"])
    yield compare(f"{name} class", same, [1.0] * same.size, 0.5)
    given = [theirs["purification_iterations"], theirs["purification_converged"]]
    yield compare(f"{name} rounds", [ours.purification.rounds, ours.purification.converged], given, 0.5)


def _sibtest(
    scores: npt.NDArray[np.float64],
    focal: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.str_],
    theirs: list[dict[str, float]],
    tolerance: float,
) -> Iterator[Check]:
    """Every item as the reference takes empty cells, and ours where there is none; its first row names its groups."""
    ours, sign = sibtest(scores, focal), -1.0 if groups[0] == groups[focal][0] else 1.0
    slipped = sibtest_as_reference(scores, focal)
    beta, error, chi, p = (np.array([row[key] for row in theirs]) for key in ("beta", "SE", "X2", "p"))
    same = np.isclose(ours.beta, slipped[0], atol=1e-9)
    yield compare("SIBTEST beta, empty cells as there", sign * slipped[0], beta.tolist(), tolerance)
    yield compare("SIBTEST se, empty cells as there", slipped[1], error.tolist(), tolerance)
    chi_square = (slipped[0] / slipped[1]) ** 2
    yield compare("SIBTEST chi-square, empty cells as there", chi_square, chi.tolist(), 1e-3, relative=True, floor=1.0)
    yield compare("SIBTEST beta", sign * ours.beta, np.where(same, beta, np.nan).tolist(), tolerance)
    yield compare("SIBTEST se", ours.standard_error, error.tolist(), tolerance)
    yield compare("SIBTEST p", ours.p_value, np.where(same, p, np.nan).tolist(), 1e-3)


def _likelihood_ratio(
    scores: npt.NDArray[np.float64], focal: npt.NDArray[np.bool_], theirs: dict[str, Any], tolerance: float
) -> Iterator[Check]:
    tested = range(len(theirs["items"]))
    ours = likelihood_ratio_dif(scores, focal, "2pl", tested=list(tested))
    chisq, freedom = ([row[key] for row in theirs["items"]] for key in ("chisq", "df"))
    yield compare("likelihood ratio", ours.statistic[: len(chisq)], chisq, tolerance)
    yield compare("likelihood ratio df", ours.degrees_of_freedom[: len(chisq)], freedom, 0.5)
    yield compare("likelihood ratio base", ours.log_likelihood, theirs["baseline_logLik"], 1e-3)
    moments = [theirs["focal_mean"], theirs["focal_variance"]]
    yield compare("likelihood ratio focal group", [ours.mean, ours.sd**2], moments, 0.005)


def _compared(scores: npt.NDArray[np.float64], focal: npt.NDArray[np.bool_], model: str) -> ItemComparison:
    """Separate calibrations on the reference's quadrature, linked as it does (ability N(0, 1), slope 1 for Rasch).

    Its 21 Gauss-Hermite nodes move the 2PL statistics by up to a fifth (24 items, 73 people); on a fine grid the
    engine's are those of the maximum. With these nodes both agree, so the formulas do.
    """
    nodes, weights = normal_nodes(21)
    sides = []
    with patch.object(irt, "grid", lambda *_, **__: nodes), patch.object(irt, "normal_weights", lambda *_: weights):
        for group in (~focal, focal):
            fit = calibrate(scores[group], model, points=21, free_sd=[False])
            errors = standard_errors(fit, scores[group])
            sides.append((fit.items, covariance_of(fit.items, errors.covariance, fit.layout.names())))
    (first, known), (second, other) = sides
    back = link(second, first, [(j, j) for j in range(len(first))], method="mean-sigma")
    return compare_calibrations(first, second, back, (known, other))


def _lord(name: str, ours: ItemComparison, theirs: dict[str, Any], tolerance: float) -> Iterator[Check]:
    """Relative to the statistic, or to 1 where it is smaller: the reference's optimiser leaves 1e-3 in a parameter."""
    yield compare(name, ours.statistic, theirs["chisq"], tolerance, relative=True, floor=1.0)
    freedom = ours.degrees_of_freedom
    if theirs["df"] is not None:
        yield compare(f"{name} df", freedom, np.broadcast_to(theirs["df"], freedom.shape).tolist(), 0.5)
    critical = chdtri(freedom, 0.05)
    yield _flags(name, ours.statistic > critical, theirs["flagged"], np.array(theirs["chisq"]) / critical)


def _underflown(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The reference's largest R squared is 1 - exp(-deviance / 2)^(2 / n), whose exp is 0 for a thousand people.

    Nagelkerke's is 1 - exp(-deviance / n); the factor takes ours to theirs.
    """
    p = scores.mean(axis=0)
    deviance = -2 * len(scores) * (p * np.log(p) + (1 - p) * np.log1p(-p))
    return np.where(np.exp(-deviance / 2) == 0, -np.expm1(-deviance / len(scores)), 1.0)


def _wald_as_glm(scores: npt.NDArray[np.float64], focal: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Wald statistics as R's glm leaves them: deviance settled to 1e-8, covariance from the weights of the step before.

    That moves them by up to 1e-3 from their value at the maximum, which is what the engine gives.
    """
    total, statistics = scores.sum(axis=1), []
    x = np.column_stack([np.ones(total.size), total, focal, total * focal])
    for right in scores.T:
        mean, deviance = (right + 0.5) / 2, np.inf
        eta = np.log(mean / (1 - mean))
        for _ in range(25):
            weight = mean * (1 - mean)
            covariance = np.linalg.inv(x.T @ (weight[:, None] * x))
            beta = covariance @ (x.T @ (weight * eta + right - mean))
            eta = x @ beta
            mean, before = 1 / (1 + np.exp(-eta)), deviance
            deviance = 2 * np.logaddexp(0, np.where(right > 0, -eta, eta)).sum()
            if abs(deviance - before) / (abs(deviance) + 0.1) < 1e-8:
                break
        statistics.append(beta[2:] @ np.linalg.inv(covariance[2:, 2:]) @ beta[2:])
    return np.array(statistics)


def _flags(name: str, ours: npt.NDArray[np.bool_], theirs: list[int], share: npt.ArrayLike | None = None) -> Check:
    """Which items are flagged; `share` of the critical value leaves out those within the statistic's own tolerance."""
    flags = np.isin(np.arange(ours.size) + 1, theirs).astype(np.float64)
    if share is not None:
        flags[np.abs(np.asarray(share) - 1) < 0.05] = np.nan
    return compare(f"{name} flags", ours, flags.tolist(), 0.5)
