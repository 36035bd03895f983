"""Linking constants, their errors, chains and equated scores against equateIRT."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from examapp.psychometrics.equating import equate_observed_scores, equate_true_scores
from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import Link, chain, link
from examapp.psychometrics.response_models import Floats

from .compare import Check, compare, read

NAMES = {
    "mean-mean": "mean-mean",
    "mean-gmean": "mean-geometric",
    "mean-sigma": "mean-sigma",
    "Haebara": "haebara",
    "Stocking-Lord": "stocking-lord",
}
TOLERANCES = {
    "mean_methods_abs": 1e-6,
    "characteristic_curve_methods_abs": 1e-3,
    "se_rel": 0.01,
    "equated_scores_abs": 0.005,
}


class Form:
    """One form of an input file: its items, their names and the covariance matrix in the engine's order."""

    def __init__(self, rows: list[dict[str, Any]], covariance: Any):
        model = "3pl" if "c" in rows[0] else "2pl" if "a" in rows[0] else "rasch"
        self.names = [row["item"] for row in rows]
        self.items = Items.of(
            model,
            a=[row.get("a", 1.0) for row in rows],
            b=[row["b"] for row in rows],
            c=[row.get("c", 0.0) for row in rows],
        )
        matrix, blocks = np.array(covariance), len(covariance) // len(rows)
        order = [block * len(rows) + item for item in range(len(rows)) for block in reversed(range(blocks))]
        self.covariance: Floats = matrix[np.ix_(order, order)]


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    tolerances = TOLERANCES | case.get("tolerances", {})
    if "results" not in case:
        yield from _chain_checks(folder, case, tolerances)
        return
    held = read(folder / "linking", case["input"]) if "input" in case else case
    source, target = (Form(held[f"{side}_items"], held["covariance"][side]) for side in ("form1", "form2"))
    if "common_items" in case:
        yield Check(
            "common items", 0.0 if set(case["common_items"]) == set(source.names) & set(target.names) else 2.0, 1
        )
    for name, expected in case["results"].items():
        if name in NAMES:
            yield from _link_checks(name, name, linked(source, target, NAMES[name]), expected, tolerances)
        else:
            yield from _score_checks(name, source, target, expected, tolerances)


def linked(source: Form, target: Form, method: str) -> Link:
    """The link over the items of the same name, with the reference's errors for mean-sigma.

    There the reference's derivative of A is (n - 1) / n of the true one: its A is the ratio of standard deviations
    over n - 1, differentiated as if over n, and B = mean b* - A mean b takes the same derivative. A difference
    quotient of A, and simulation (`tests/psychometrics/test_linking.py`), give the engine's errors.
    """
    common = [(source.names.index(name), target.names.index(name)) for name in source.names if name in target.names]
    found = link(source.items, target.items, common, method=method, covariances=(source.covariance, target.covariance))
    if method != "mean-sigma" or not found.jacobians[0][0].any():
        return found
    mean_b = float(np.mean([source.items.b[position] for position, _ in common]))
    theirs = []
    for jacobian in found.jacobians:
        by_A = jacobian[0] / len(common)
        theirs.append(np.stack([jacobian[0] - by_A, jacobian[1] + mean_b * by_A]))
    total = sum(part @ known @ part.T for part, known in zip(theirs, found.covariances, strict=True))
    return replace(found, covariance=np.asarray(total), jacobians=tuple(theirs))


def _link_checks(
    quantity: str, name: str, ours: Link, expected: dict[str, float], tolerances: dict[str, float]
) -> Iterator[Check]:
    curve = name in ("Haebara", "Stocking-Lord")
    tolerance = tolerances["characteristic_curve_methods_abs" if curve else "mean_methods_abs"]
    yield compare(f"{quantity} A, B", [ours.A, ours.B], [expected["A"], expected["B"]], tolerance)
    errors = [expected["se_A"], expected["se_B"]]
    yield compare(f"{quantity} se", ours.standard_errors, errors, tolerances["se_rel"], relative=True)


def _score_checks(
    quantity: str, source: Form, target: Form, expected: dict[str, Any], tolerances: dict[str, float]
) -> Iterator[Check]:
    """The reference lists scores of the target form and what they are worth on the source form."""
    back = linked(source, target, NAMES[quantity.removeprefix("score_equating_after_").rsplit("_", 1)[0]]).inverse()
    scores = next(value for key, value in expected.items() if key not in ("theta", "StdErr") and ".as." not in key)
    equivalents = next(value for key, value in expected.items() if ".as." in key)
    if quantity.endswith("TSE"):
        ours = equate_true_scores(target.items, source.items, back, scores)
        inside = np.isfinite(ours.theta)
        theta = np.where(inside, expected["theta"], np.nan).tolist()
        yield compare(f"{quantity} theta", ours.theta, theta, tolerances["equated_scores_abs"])
    else:
        ours = equate_observed_scores(target.items, source.items, back)
    yield compare(quantity, ours.equivalent, equivalents, tolerances["equated_scores_abs"])
    yield compare(f"{quantity} se", ours.standard_error, expected["StdErr"], tolerances["se_rel"], True, floor=1e-6)


def _chain_checks(folder: Path, case: dict[str, Any], tolerances: dict[str, float]) -> Iterator[Check]:
    """Chains of the published constants, and links and chains between the forms whose parameters the folder holds."""
    for name, expected in case["chains"].items():
        direct = [case["direct"][f"{a}.{b}"] for a, b in pairwise(name.split("."))]
        whole = chain([Link(step["A"], step["B"], None, True, (), ()) for step in direct])
        yield compare(f"{name} composed", [whole.A, whole.B], [expected["A"], expected["B"]], 1e-6)
    family = case["id"].split("_chain")[0]
    known: dict[str, Form] = {}
    for path in sorted((folder / "linking").glob(f"{family}_*_input.json")):
        held, (first, second) = read(path.parent, path.name), path.name.removesuffix("_input.json").split("_")[1::2][:2]
        for name, side in ((first, "form1"), (second, "form2")):
            known[name] = Form(held[f"{side}_items"], held["covariance"][side])
    for name, expected in {**case["direct"], **case["chains"]}.items():
        forms = name.split(".")
        if set(forms) <= set(known):
            steps = [linked(known[a], known[b], NAMES[_title(case["method"])]) for a, b in pairwise(forms)]
            yield from _link_checks(name, _title(case["method"]), chain(steps), expected, tolerances)


def _title(method: str) -> str:
    return method if method in NAMES else {name.lower(): name for name in NAMES}[method.lower()]
