"""Accuracy and consistency of classifications against cacIRT."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from examapp.psychometrics import ability, irt
from examapp.psychometrics.cut_scores import Classification, lee, rudner
from examapp.psychometrics.irt import Items

from .compare import Check, compare

MODELS = {"graded": "grm", "gpcm": "gpcm"}


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    items, theta, weight = case_items(case["items"]), case["quadrature"]["theta"], case["quadrature"]["weight"]
    error = 1 / np.sqrt(irt.information(items, theta).sum(axis=1))
    if "sem_at_quadrature" in case:
        yield compare("SEM", error, case["sem_at_quadrature"], 1e-6)
    if "lord_wingersky_at_theta_minus1_0_1" in case:
        own = ability.sum_score_distribution(items, [-1.0, 0.0, 1.0])
        yield compare("sum-score distribution", own, case["lord_wingersky_at_theta_minus1_0_1"], 1e-8)
    for result in case["results"]:
        cuts = result.get("cut_theta", result.get("cut_sum_score"))

        def classify(marks: list[float], by_theta: bool = "cut_theta" in result) -> Classification:
            return rudner(theta, error, weight, marks) if by_theta else lee(items, theta, weight, marks)

        parts = [(f"cut at {cut}", [cut]) for cut in cuts]
        parts += [("Simultaneous", cuts)] if len(cuts) > 1 else []
        for name, marks in parts:
            ours, theirs = classify(marks), result["marginal"][name]
            for key in ("accuracy", "consistency"):
                yield compare(
                    f"{result['method']} {key}", getattr(ours, key), theirs[key], case["tolerances"][f"{key}_abs"]
                )
        ours, theirs = classify(cuts), result["conditional_last_column"]
        yield compare("nodes", theta, theirs["theta"], 1e-6)
        wide = 0.005 if "poly" in result["method"] else 1e-6  # the reference clips small category probabilities there
        for key in ("accuracy", "consistency"):
            yield compare(f"{result['method']} {key} at theta", getattr(ours, f"{key}_at"), theirs[key], wide)


def case_items(rows: list[dict[str, Any]]) -> Items:
    """Items of a classification case: a, b, c, or slopes and intercepts of a named model."""
    if "model" not in rows[0]:
        return Items.of("3pl", a=[r["a"] for r in rows], b=[r["b"] for r in rows], c=[r["c"] for r in rows])
    model = MODELS[rows[0]["model"]]
    intercepts = [np.atleast_1d(np.asarray(row["d"], dtype=np.float64)) for row in rows]
    steps = [np.diff(d) if model == "gpcm" else d for d in intercepts]
    return Items.of(model, a=[r["a"] for r in rows], b=[(-d / r["a"]).tolist() for d, r in zip(steps, rows)])
