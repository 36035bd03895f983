"""Several groups: concurrent, anchored and separate calibration, and a table of patterns, against mirt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from examapp.psychometrics import ability
from examapp.psychometrics.calibration import Calibration, calibrate
from examapp.psychometrics.irt import Items
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.standard_errors import standard_errors

from .compare import Check, compare, numbers, responses, table
from .maximum import directly


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    if "scalar" in case:
        yield from _tabulated(folder, case)
        return
    tolerances = case["tolerances"]
    names = [row["item"] for row in case["concurrent"]["items"]]
    path = folder / "multigroup" / case["data"]["file"]
    data = responses(path, names)
    header, cells = table(path)
    group = cells[:, header.index(case["data"]["group_column"])]
    yield from _concurrent(case["concurrent"], data, group, tolerances)
    labels = np.unique(group)
    first, second = (data[group == label] for label in labels)
    yield from _anchored(case["fixed_anchor"], names, first, second, tolerances)
    alone = case["separate_g2_on_its_own_scale"]
    fit, at = _part(second, names, alone["items"])
    yield compare("separate logLik", fit.log_likelihood, alone["logLik"], tolerances["logLik_abs"])
    yield from _items("separate", fit, at, alone["items"], tolerances)


def _concurrent(expected: dict[str, Any], data: Floats, group: Any, tolerances: dict[str, Any]) -> Iterator[Check]:
    fit = calibrate(data, "2pl", groups=group)
    errors = standard_errors(fit, data, groups=group)
    second = expected["g2"]
    yield compare("concurrent logLik", fit.log_likelihood, expected["logLik"], tolerances["logLik_abs"])
    yield compare("concurrent mean", fit.mean[1], second["mean"], tolerances["mean_abs"])
    yield compare("concurrent variance", fit.sd[1] ** 2, second["variance"], tolerances["variance_abs"])
    yield compare("SE mean", errors.mean[1], second["se_mean"], 0.02, relative=True)
    yield compare("SE variance", errors.variance[1], second["se_variance"], 0.02, relative=True)
    rows = expected["items"]
    yield from _items("concurrent", fit, np.arange(len(rows)), rows, tolerances)
    yield compare("SE a", errors.a, [row["se_a"] for row in rows], 0.02, relative=True)
    yield compare("SE d", errors.intercepts[:, 0], [row["se_d"] for row in rows], 0.02, relative=True)
    key = next((key for key in expected if key.startswith("eap_rows")), None)
    if key is not None:
        scored = expected[key]
        chosen = [*range(10), *range(1500, 1510)]
        which = (group[chosen] == np.unique(group)[1]).astype(int)
        parts = [
            ability.estimate(data[[row]], fit.items, mean=float(fit.mean[g]), sd=float(fit.sd[g]))
            for row, g in zip(chosen, which)
        ]
        yield compare("EAP", [float(p.theta[0]) for p in parts], scored["theta"], tolerances["eap_abs"])
        yield compare("SE EAP", [float(p.standard_error[0]) for p in parts], scored["se"], tolerances["eap_abs"])


def _anchored(
    expected: dict[str, Any], names: list[str], first: Floats, second: Floats, tolerances: dict[str, Any]
) -> Iterator[Check]:
    alone, at = _part(first, names, expected["g1_items"])
    yield compare("first logLik", alone.log_likelihood, expected["g1_logLik"], tolerances["logLik_abs"])
    yield from _items("first", alone, at, expected["g1_items"], tolerances)
    second_at = [names.index(row["item"]) for row in expected["g2_items"]]
    common = [j for j in second_at if j in at]
    anchors = alone.items.take([list(at).index(j) if j in at else 0 for j in second_at])
    fit = calibrate(
        second[:, second_at], "2pl", anchors=anchors, anchored=[i for i, j in enumerate(second_at) if j in common]
    )
    yield compare("anchored logLik", fit.log_likelihood, expected["g2_logLik"], tolerances["logLik_abs"])
    yield compare("anchored mean", fit.mean[0], expected["g2_mean"], tolerances["mean_abs"])
    yield compare("anchored variance", fit.sd[0] ** 2, expected["g2_variance"], tolerances["variance_abs"])
    yield from _items("anchored", fit, np.arange(len(second_at)), expected["g2_items"], tolerances)


def _part(data: Floats, names: list[str], rows: list[dict[str, Any]]) -> tuple[Calibration, Any]:
    """A calibration of the listed items only, and their positions among all."""
    at = np.array([names.index(row["item"]) for row in rows])
    return calibrate(data[:, at], "2pl"), at


def _items(
    name: str, fit: Calibration, at: Any, rows: list[dict[str, Any]], tolerances: dict[str, Any]
) -> Iterator[Check]:
    yield compare(f"{name} a", fit.items.a, [row["a"] for row in rows], tolerances["a_abs"])
    ours = -fit.items.a * fit.items.b[:, 0]
    yield compare(f"{name} d", ours, numbers([row["d"] for row in rows]).tolist(), tolerances["d_abs"])


def _tabulated(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    """Counts of the patterns in each group; the reference group is the first in alphabetical order."""
    tolerances, expected = case["tolerances"], case["scalar"]
    header, cells = table(folder / "data" / Path(case["data"]["file"]).name)
    values = cells.astype(np.float64)
    groups = case["data"]["groups"]
    patterns = values[:, [i for i, name in enumerate(header) if name.startswith("Item")]]
    data = np.concatenate([patterns] * len(groups))
    weight = np.concatenate([values[:, header.index(group)] for group in groups])
    fit = calibrate(data, "2pl", groups=np.repeat(groups, len(patterns)), weights=weight)
    focal = sorted(groups).index(expected["focal_group"])
    theirs = Items.of("2pl", [row["a"] for row in expected["items"]], [row["b"] for row in expected["items"]])
    mean, sd = np.zeros(len(groups)), np.ones(len(groups))
    mean[focal], sd[focal] = expected["focal_mean"], expected["focal_variance"] ** 0.5
    labels = np.repeat(groups, len(patterns))
    vector, best, given = directly(fit, theirs, mean, sd, data, groups=labels, weights=weight)
    found = list(_agreement("", expected, fit, focal, tolerances))
    if not all(check.passed for check in found) and best > given + 1e-3:
        # the reference's own estimates lie below the maximum: judge by the direct maximum instead
        end, (mean, sd) = fit.layout.items(vector, len(theirs)), fit.layout.distribution(vector)
        rows = [{"a": a, "d": -a * b} for a, b in zip(end.a.tolist(), end.b[:, 0].tolist())]
        proved = {"logLik": best, "focal_mean": mean[focal], "focal_variance": sd[focal] ** 2, "items": rows}
        found = list(_agreement("direct maximum: ", proved, fit, focal, tolerances))
    yield from found


def _agreement(
    name: str, expected: dict[str, Any], fit: Calibration, focal: int, tolerances: dict[str, Any]
) -> Iterator[Check]:
    yield compare(f"{name}logLik", fit.log_likelihood, expected["logLik"], tolerances["logLik_abs"])
    yield compare(f"{name}mean", fit.mean[focal], expected["focal_mean"], tolerances["mean_abs"])
    yield compare(f"{name}variance", fit.sd[focal] ** 2, expected["focal_variance"], tolerances["variance_abs"])
    yield from _items(f"{name}scalar", fit, np.arange(len(expected["items"])), expected["items"], tolerances)
