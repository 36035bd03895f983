"""Differential item functioning against difR and mirt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.dif import (
    MantelHaenszel,
    breslow_day,
    mantel_haenszel,
    sibtest,
    size_classes,
    standardisation,
)
from examapp.psychometrics.logistic_dif import logistic_dif

from .compare import Check, compare, responses, table

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
    focal = groups == case["focal"]
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
    if "standardisation" in results:
        standard, theirs = standardisation(scores, focal), results["standardisation"]
        yield compare("standardisation", standard.difference, theirs["p_dif"], tolerances["standardisation_abs"])
        yield _flags("standardisation", standard.flagged, theirs["flagged"])
    if "breslow_day" in results:
        odds, theirs = breslow_day(scores, focal), results["breslow_day"]
        yield compare("Breslow-Day", odds.statistic, theirs["statistic"], tolerances["breslow_day_abs"])
        yield compare("Breslow-Day df", odds.degrees_of_freedom, theirs["df"], 0.5)
        yield compare("Breslow-Day p", odds.p_value, theirs["p"], tolerances["breslow_day_abs"])
    if "sibtest_mirt" in results:
        yield from _sibtest(scores, focal, groups, results["sibtest_mirt"]["items"], tolerances["sibtest_abs"])


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
    rounds = theirs["purification_iterations"]
    yield compare(f"{name} rounds", ours.purification.rounds, rounds, 0.5)


def _sibtest(
    scores: npt.NDArray[np.float64],
    focal: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.str_],
    theirs: list[dict[str, float]],
    tolerance: float,
) -> Iterator[Check]:
    """The reference calls the group of the first row the reference group, and takes the mean of an empty cell as 0.

    An empty cell beside a used score then tilts the slope there (a cell without people says nothing about its
    mean), so such items are left out; the engine takes the nearest filled score instead.
    """
    ours, sign = sibtest(scores, focal), -1.0 if groups[0] == groups[focal][0] else 1.0
    sound = np.array([not _beside_an_empty_cell(scores, focal, item) for item in range(scores.shape[1])])
    for quantity, mine, key in (("beta", sign * ours.beta, "beta"), ("se", ours.standard_error, "SE")):
        held = np.where(sound, [row[key] for row in theirs], np.nan).tolist()
        yield compare(f"SIBTEST {quantity}", mine, held, tolerance)


def _beside_an_empty_cell(scores: npt.NDArray[np.float64], focal: npt.NDArray[np.bool_], item: int) -> bool:
    total = (scores.sum(axis=1) - scores[:, item]).astype(int)
    count = np.stack([np.bincount(total[group], minlength=scores.shape[1] + 1) for group in (~focal, focal)])
    used = np.flatnonzero((count > 5).all(axis=0))
    beside = np.concatenate([used - 1, used + 1])
    beside = beside[(beside > 0) & (beside < scores.shape[1])]
    return bool((count[:, beside] == 0).any())


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


def _flags(name: str, ours: npt.NDArray[np.bool_], theirs: list[int]) -> Check:
    return compare(f"{name} flags", ours, np.isin(np.arange(ours.size) + 1, theirs).tolist(), 0.5)
