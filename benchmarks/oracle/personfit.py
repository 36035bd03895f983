"""Person fit against PerFit, with the reference's abilities and item parameters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from examapp.psychometrics.person_fit import lz, lz_star
from examapp.psychometrics.response_patterns import pattern_fit

from .compare import Check, calibrated, compare, numbers, read, responses


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    fit = read(folder / "calibration", case["oracle"]["item_parameters"] + ".json")
    path = folder / "data" / Path(fit["data"]["file"]).name
    scores = responses(path, [row["item"] for row in fit["items"]])
    kept, first = scores[np.ptp(scores, axis=1) > 0], scores[np.array(case["original_row_numbers"]) - 1]
    items, tolerance, theirs = calibrated(fit), case["tolerances"]["abs"], case["statistics"]
    ml, wle = numbers(case["ability_ML"]), numbers(case["ability_WLE"])
    patterns = pattern_fit(kept)
    ours = {
        "lz_with_ML": lz(first, items, ml),
        "lzstar_with_ML": lz_star(first, items, ml, estimator="ML"),
        "lzstar_with_WLE": lz_star(first, items, wle, estimator="WLE"),
        "guttman_errors": patterns.guttman_errors,
        "guttman_normed": patterns.guttman_normed,
        "U3": patterns.u3,
        "Ht": patterns.ht,
        "caution_C_Sato": patterns.caution,
        "r_pbis": patterns.point_biserial,
    }
    for name, values in ours.items():
        if name in theirs:
            yield compare(name, values[: len(first)], theirs[name], tolerance)
