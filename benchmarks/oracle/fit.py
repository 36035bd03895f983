"""Fit statistics of calibration cases against mirt, with the reference's item parameters plugged in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from examapp.psychometrics import ability
from examapp.psychometrics.item_fit import mean_squares, q3
from examapp.psychometrics.person_fit import lz

from .compare import Check, calibrated, compare, responses


FLOOR = 10**-2.5  # the reference's least variance of an item score


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    items, tolerances = calibrated(case), case["tolerances"]
    scores = responses(folder / "data" / Path(case["data"]["file"]).name, [row["item"] for row in case["items"]])
    mean, sd = case["latent"]["mean"], float(np.sqrt(case["latent"]["variance"]))
    theta = ability.estimate(scores, items, mean=mean, sd=sd).theta
    if case.get("itemfit"):
        ours = mean_squares(scores, items, theta, least_variance=FLOOR)
        for name, values, key in _pairs(ours):
            theirs = [row.get(name) for row in case["itemfit"]]
            yield compare(f"items {name}", values, theirs, tolerances[key])
    if "personfit_first_rows" in case:
        first = case["personfit_first_rows"]
        rows = slice(first["rows"])
        ours = mean_squares(scores[rows], items, theta[rows], of="people", least_variance=FLOOR)
        for name, values, key in _pairs(ours):
            yield compare(f"people {name}", values, first[name], tolerances[key])
        zh = lz(scores, items, theta)
        yield compare("Zh", zh[rows], first["Zh"], tolerances["Zh_abs"])
        yield compare("Zh mean", np.nanmean(zh), first["summary"]["mean_Zh"], tolerances["Zh_abs"])
        yield compare("Zh sd", np.nanstd(zh, ddof=1), first["summary"]["sd_Zh"], tolerances["Zh_abs"])
    if "Q3" in case:
        matrix = q3(scores, items, theta)
        rows = case["Q3"]["lower_triangle_by_row"]
        theirs = [value for row in rows for value in (row if isinstance(row, list) else [row])]
        yield compare("Q3", matrix[np.tril_indices(len(items), -1)], theirs, 0.002)


def _pairs(fit):
    return (
        ("outfit", fit.outfit, "infit_outfit_abs"),
        ("z.outfit", fit.outfit_z, "z_infit_outfit_abs"),
        ("infit", fit.infit, "infit_outfit_abs"),
        ("z.infit", fit.infit_z, "z_infit_outfit_abs"),
    )
