"""Raw-score item analysis of a multiple-choice test against base R and psych."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from examapp.psychometrics import classical

from .compare import Check, compare, responses


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    rows, tolerance = case["items"], case["tolerances"]["abs"]
    choices = responses(folder / "itemanalysis" / case["data"], [row["item"] for row in rows])
    key = np.array([row["key"] for row in rows])
    scored = classical.score_by_key(choices, key)
    statistics = classical.classical_statistics(scored)
    yield compare("alpha", statistics.alpha, case["alpha"], tolerance)
    yield compare("p", statistics.mean, [row["p"] for row in rows], tolerance)
    yield compare("point-biserial", statistics.total_correlation, [row["point_biserial"] for row in rows], tolerance)
    corrected = [row["point_biserial_corrected"] for row in rows]
    yield compare("corrected point-biserial", statistics.rest_correlation, corrected, tolerance)
    difference = [row.get("upper_lower_27", {}).get("discrimination_index") for row in rows]
    yield compare("upper-lower", classical.upper_lower_difference(scored), difference, tolerance)
    for item, row in enumerate(rows):
        ours = classical.distractors(choices, key, item)
        names = ("option", "count", "share", "mean_total", "total_correlation", "rest_correlation")
        theirs = ("option", "n", "share", "mean_total", "point_biserial_with_total", "point_biserial_with_rest")
        for name, other in zip(names, theirs):
            chosen = [option[other] for option in row["options"] if option["n"]]
            yield compare(f"option {name}", [getattr(option, name) for option in ours], chosen, tolerance)
