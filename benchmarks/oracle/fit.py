"""Fit statistics of calibration cases against mirt, with the reference's item parameters plugged in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import ability
from examapp.psychometrics.irt import Items
from examapp.psychometrics.item_fit import MeanSquares, mean_squares, q3
from examapp.psychometrics.margins import Moments, margins_of, observed_margins
from examapp.psychometrics.model_fit import fit_indices, model_fit, quadratic_form
from examapp.psychometrics.parameter_vectors import free_parameters, numerical_jacobian, with_free_parameters
from examapp.psychometrics.person_fit import lz
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import codes
from examapp.psychometrics.score_group_fit import score_group_fit

from .calibration import case_data, everybody, listed
from .compare import Check, calibrated, compare, numbers
from .slips import SLIPPED, model_fit_as_reference, nodes_of, score_group_fit_as_reference

KINDS = ("calibration",)
FLOOR = 10**-2.5  # the reference's least variance of an item score


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    items, tolerances, (patterns, weight) = calibrated(case), case["tolerances"], case_data(folder, case)
    scores = everybody(patterns, weight)
    mean, sd = case["latent"]["mean"], float(np.sqrt(case["latent"]["variance"]))
    theta = ability.estimate(scores, items, mean=mean, sd=sd, grid=nodes_of(case)).theta
    if case.get("itemfit"):
        ours = mean_squares(scores, items, theta, least_variance=FLOOR)
        for name, values, key in _pairs(ours):
            theirs = [row.get(name) for row in case["itemfit"]]
            yield compare(f"items {name}", values, theirs, tolerances[key])
        if case["itemfit"][0].get("S_X2") is not None:
            yield from _score_groups(scores, items, mean, sd, case)
    if "personfit_first_rows" in case:
        first = case["personfit_first_rows"]
        rows = listed(numbers(case["eap_first_rows"]["theta"][: first["rows"]]), theta, scores, patterns)
        ours = mean_squares(scores[rows], items, theta[rows], of="people", least_variance=FLOOR)
        for name, values, key in _pairs(ours):
            yield compare(f"people {name}", values, first[name], tolerances[key])
        zh = lz(scores, items, theta)
        yield compare("Zh", zh[rows], first["Zh"], tolerances["Zh_abs"])
        summary = first["summary"]
        yield compare("Zh mean", np.nanmean(zh), summary["mean_Zh"], tolerances["Zh_abs"])
        yield compare("Zh sd", np.nanstd(zh, ddof=1), summary["sd_Zh"], tolerances["Zh_abs"])
        yield compare("Zh low", np.nanmean(zh < -1.645), summary["share_below_minus_1.645"], 1.5 / len(zh))
    for name in ("M2", "C2"):
        if case.get(name):
            yield from _model(name, scores, items, mean, sd, case)
    if "Q3" in case:
        matrix = q3(scores, items, theta)
        rows = case["Q3"]["lower_triangle_by_row"]
        theirs = [value for row in rows for value in (row if isinstance(row, list) else [row])]
        pairs = matrix[np.tril_indices(len(items), -1)]
        yield compare("Q3", pairs, theirs, 0.002)
        yield compare("largest Q3", np.nanmax(np.abs(pairs)), case["Q3"]["max_abs_offdiag"], 0.002)


def _model(name: str, scores: Floats, items: Items, mean: float, sd: float, case: dict[str, Any]) -> Iterator[Check]:
    """M2, M2* and C2 with what follows from them; where the reference slips, difference quotients judge ours."""
    theirs, tolerances = case[name], case["tolerances"]
    ours = model_fit(scores, items, mean=mean, sd=sd, statistic=name)
    slipped = model_fit_as_reference(name, scores, items, mean, sd, nodes_of(case))
    fit = slipped if set(items.model) & SLIPPED else ours
    if fit is slipped:
        direct = _by_difference_quotients(name, scores, items, mean, sd)
        yield compare(f"{name} by difference quotients", ours.statistic, direct, tolerances["M2_abs"])
    yield compare(f"{name} df", ours.degrees_of_freedom, theirs["df"], 0.5)
    yield compare(f"{name} SRMSR", ours.srmsr, theirs["SRMSR"], 1e-4)
    yield compare(name, fit.statistic, theirs["M2"], tolerances["M2_abs"])
    yield compare(f"{name} p", fit.p_value, theirs["p"], 1e-4)
    yield compare(f"{name} RMSEA", fit.rmsea, theirs["RMSEA"], 1e-3)
    people = int((scores >= 0).all(axis=1).sum())
    interval = np.array(fit.rmsea_interval) * np.sqrt((people - 1) / people)  # the reference divides by N there
    yield compare(f"{name} RMSEA interval", interval, [theirs["RMSEA_5"], theirs["RMSEA_95"]], 1e-3)
    collapsed = name == "M2" and (items.categories > 2).any()
    base = slipped if collapsed else fit
    yield compare(f"{name} TLI, CFI", [base.tli, base.cfi], [theirs["TLI"], theirs["CFI"]], 1e-3)


def _by_difference_quotients(name: str, scores: Floats, items: Items, mean: float, sd: float) -> float:
    """The statistic from margins alone: nothing but their expectation under the model is differentiated."""
    margins = margins_of(items, name)
    moments = Moments(items, margins, mean, sd)
    spread = [sd] if set(items.model) <= {"rasch", "pcm"} else []  # there the variance of ability is free

    def expected(vector: Floats) -> Floats:
        at, own = np.split(vector, [vector.size - len(spread)])
        return Moments(with_free_parameters(items, at), margins, mean, *(own.tolist() or [sd])).expected()

    columns = numerical_jacobian(expected, np.append(free_parameters(items), spread))
    residual = observed_margins(codes(scores), margins) - moments.expected()
    return quadratic_form(residual, columns, moments.covariance(), len(scores))[0]


def _score_groups(scores: Floats, items: Items, mean: float, sd: float, case: dict[str, Any]) -> Iterator[Check]:
    """S-X2 as the reference merges cells, and ours wherever that leaves as many degrees of freedom."""
    rows, tolerance = case["itemfit"], case["tolerances"]["S_X2_abs"]
    theirs = {key: numbers([row[f"{key}S_X2"] for row in rows]) for key in ("", "df.", "p.", "RMSEA.")}
    statistic, freedom = score_group_fit_as_reference(scores, items, mean, sd)
    ours = score_group_fit(scores, items, mean=mean, sd=sd)
    yield compare("S-X2 df", freedom, theirs["df."].tolist(), 0.5)
    yield compare("S-X2 as merged there", statistic, theirs[""].tolist(), tolerance)
    same = ours.degrees_of_freedom == freedom
    found = {"": ours.statistic, "p.": ours.p_value, "RMSEA.": ours.rmsea}
    for key, values in found.items():
        where = np.where(same, theirs[key], np.nan).tolist()
        yield compare(f"{key}S-X2", values, where, tolerance if key == "" else 1e-3)
    merged = fit_indices_of(statistic, freedom, int((scores >= 0).all(axis=1).sum()))
    yield compare("S-X2 as merged there: p, RMSEA", merged, [theirs["p."].tolist(), theirs["RMSEA."].tolist()], 1e-3)


def fit_indices_of(statistic: Floats, freedom: npt.NDArray[np.intp], people: int) -> list[list[float]]:
    """p-values and RMSEA of several statistics."""
    without = {"independence": (np.nan, 0), "srmsr": np.nan}
    found = [fit_indices(float(x), int(df), people, **without) for x, df in zip(statistic, freedom, strict=True)]
    return [[one.p_value for one in found], [one.rmsea for one in found]]


def _pairs(fit: MeanSquares) -> tuple[tuple[str, Floats, str], ...]:
    return (
        ("outfit", fit.outfit, "infit_outfit_abs"),
        ("z.outfit", fit.outfit_z, "z_infit_outfit_abs"),
        ("infit", fit.infit, "infit_outfit_abs"),
        ("z.infit", fit.infit_z, "z_infit_outfit_abs"),
    )
