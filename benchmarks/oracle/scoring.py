"""Scores, information and raw statistics of calibration cases against mirt, with the published item parameters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from examapp.psychometrics import ability, classical, irt
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import codes

from .calibration import case_data, everybody
from .compare import Check, calibrated, compare, numbers
from .slips import nodes_of

KINDS = ("calibration",)
SCORE_METHODS = {"EAP": "EAP", "MAP": "MAP", "ML": "ML", "WLE": "JEFFREYS"}
FAR = 19.9
RAW = {
    "mean": "mean",
    "sd": "sd",
    "total.r": "total_correlation",
    "total.r_if_rm": "rest_correlation",
    "alpha_if_rm": "alpha_without",
}


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    yield from _score_checks(case, case["tolerances"])
    yield from _information_checks(case, case["tolerances"])
    if case.get("ctt"):
        yield from _raw_checks(case["ctt"], everybody(*case_data(folder, case)))


def _score_checks(case: dict[str, Any], tolerances: dict[str, Any]) -> Iterator[Check]:
    """Scores with the published item parameters: ten times the precision asked of a fit."""
    items, latent = calibrated(case), case["latent"]
    mean, sd = latent["mean"], latent["variance"] ** 0.5
    nodes = nodes_of(case)
    patterns = numbers([row["responses"] for row in case["scores"]["patterns"]])
    for name, method in SCORE_METHODS.items():
        grid = nodes if name == "EAP" else None
        ours = ability.estimate(patterns, items, method=method, mean=mean, sd=sd, grid=grid, bounds=(-np.inf, np.inf))
        theta, error = (numbers(case["scores"][name][key]) for key in ("theta", "se"))
        near = np.abs(theta) < FAR
        asked = tolerances[f"theta_{name}_abs"] / 10
        yield compare(name, ours.theta[near], theta[near].tolist(), asked)
        yield compare(f"SE {name}", ours.standard_error[near], error[near].tolist(), 0.005)
        if name == "ML" and (~near & ~np.isnan(theta)).any():
            yield _endless(patterns[~near], items, ours.theta[~near], theta[~near])


def _endless(patterns: Floats, items: irt.Items, ours: Floats, theirs: Floats) -> Check:
    """Where the reference stops at its bound or says infinity, ours must be at least as likely."""
    edges = np.clip(np.nan_to_num(theirs), -ability.REACH, ability.REACH)
    mine = np.clip(ours, -ability.REACH, ability.REACH)
    scores = codes(patterns, items.categories)
    lost = [
        float(np.subtract(*ability.log_likelihood(scores[i : i + 1], items, [edge, own])[0]))
        for i, (edge, own) in enumerate(zip(edges, mine))
    ]
    return compare("ML without end", np.maximum(lost, 0.0), np.zeros(len(lost)).tolist(), 1e-6)


def _information_checks(case: dict[str, Any], tolerances: dict[str, Any]) -> Iterator[Check]:
    items, expected = calibrated(case), case["information"]
    theta = expected["theta"]
    own = irt.information(items, theta)
    asked = tolerances["information_rel"] / 10
    yield compare("information", own.sum(axis=1), expected["test"], asked, relative=True)
    yield compare("item information", own.T, expected["items"], asked, relative=True, floor=1e-6)
    if expected.get("min_se_theta") is not None:
        yield compare("least error", theta[int(own.sum(axis=1).argmax())], expected["min_se_theta"], 1e-6)
    curve = ability.test_characteristic(items, theta)
    yield compare("expected score", curve, expected["expected_test_score"], 1e-5)
    if "eap_for_sum_scores" in case:
        scores, latent = case["eap_for_sum_scores"], case["latent"]
        eap, _ = ability.sum_score_eap(items, mean=latent["mean"], sd=latent["variance"] ** 0.5, grid=nodes_of(case))
        yield compare("sum scores", np.arange(eap.theta.size), scores["Sum.Scores"], 0.5)
        yield compare("EAP by sum", eap.theta, scores["F"], tolerances["theta_EAP_abs"] / 10)
        yield compare("SE EAP by sum", eap.standard_error, scores["SE_F"], tolerances["theta_EAP_se_abs"] / 10)


def _raw_checks(expected: dict[str, Any], data: Floats) -> Iterator[Check]:
    ours = classical.classical_statistics(data)
    yield compare("alpha", ours.alpha, expected["alpha"], 1e-8)
    yield compare("mean total", ours.mean_total, expected["mean_total"], 1e-7)
    yield compare("sd total", ours.sd_total, expected["sd_total"], 1e-8)
    for theirs, name in RAW.items():
        yield compare(f"raw {theirs}", getattr(ours, name), [row.get(theirs) for row in expected["items"]], 1e-8)
