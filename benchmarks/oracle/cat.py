"""Adaptive testing against catR: scores, next items with the values of their criteria, whole tests replayed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import ability, irt, selection
from examapp.psychometrics.adaptive import State, next_step, replay
from examapp.psychometrics.adaptive_design import Design, Stopping
from examapp.psychometrics.adaptive_pool import AdaptivePool
from examapp.psychometrics.irt import Items

from .compare import Check, compare

Floats = npt.NDArray[np.float64]
CRITERIA = {"bOpt": "b", "thOpt": "theta"}
POINTS = irt.grid(-4.0, 4.0, 81)


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    items, tolerance = bank(case), case["tolerances"]
    for row in case.get("item_information", []):
        ours = irt.information(items, [row["theta"]])[0]
        yield compare("information", ours, row["information"], tolerance["information_rel"], relative=True)
    for scenario in case["scenarios"]:
        yield from scores(items, scenario, tolerance)
        yield from next_items(case, items, scenario, tolerance)
        unused = scenario["fisher_information_of_unused_items_at_MAP"]
        ours = irt.information(items, [scenario["scores"]["MAP"]["theta"]])[0, np.array(unused["items"]) - 1]
        given = unused["information"]
        yield compare("information at MAP", ours, given, tolerance["information_rel"], relative=True)
    for test in case["adaptive_tests"]:
        for name in ("stop_at_se_0.35", "stop_at_length"):
            yield from replayed(items, test, name, tolerance)
        if test.get("a_stratified"):
            yield from stratified(items, test["a_stratified"], tolerance)


def bank(case: dict[str, Any]) -> Items:
    """The bank in our parameters, from the reference's columns for the model."""
    rows = [[value for value in row["par"] if value is not None] for row in case["bank"]]
    model = case["model"].lower()
    if model in ("grm", "gpcm"):
        return Items.of(model, a=[row[0] for row in rows], b=[row[1:] for row in rows])
    if model == "pcm":
        return Items.of("pcm", b=rows)
    if model == "rsm":
        return Items.of("pcm", b=[[row[0] + step for step in row[1:]] for row in rows])
    if model == "nrm":
        return Items.of("nrm", b=[[-c for c in row[1::2]] for row in rows], slopes=[row[::2] for row in rows])
    a, b, c, d = np.array(rows, dtype=np.float64).T
    return Items.of("4pl", a=a, b=b, c=c, d=d)


def answered(items: Items, scenario: dict[str, Any]) -> npt.NDArray[np.int8]:
    row = np.full((1, len(items)), -1, dtype=np.int8)
    row[0, np.array(scenario["administered"], dtype=int) - 1] = scenario["responses"]
    return row


def scores(items: Items, scenario: dict[str, Any], tolerance: dict[str, Any]) -> Iterator[Check]:
    row = answered(items, scenario)
    for method, theirs in scenario["scores"].items():
        nodes = irt.grid(points=121) if method == "EAP" else None
        ours = ability.estimate(row, items, method=method, grid=nodes, information="expected")
        yield compare(f"{method} theta", ours.theta[0], theirs["theta"], tolerance["theta_abs"])
        wide = float(theirs["se"]) > 10  # at the bounds the reference's own theta is rounded
        yield compare(f"{method} SE", ours.standard_error[0], theirs["se"], tolerance["se_abs"], relative=wide)


def next_items(
    case: dict[str, Any], items: Items, scenario: dict[str, Any], tolerance: dict[str, Any]
) -> Iterator[Check]:
    """Selection at the recorded MAP; the weights are the trapezoid's, and plain for GDI, as in the reference."""
    pool = AdaptivePool.of(items, nodes=POINTS)
    row = answered(items, scenario)
    theta = float(scenario["scores"]["MAP"]["theta"])
    left = np.flatnonzero(row[0] < 0)
    likelihood = np.exp(ability.log_likelihood(row, items, POINTS))[0]
    for name, theirs in scenario["next_item"].items():
        if name.startswith("MFI_content"):
            right = balanced(case, items, theta, scenario, theirs)
            yield Check(f"next item by {name}", 0.0 if right else np.inf, 1)
            continue
        ours = values(name, pool, left, theta, likelihood, scenario)
        shown = ours if name not in ("MEPV", *CRITERIA) else -ours
        best = int(ours.argmax())
        at = int(np.flatnonzero(left == int(theirs["item"]) - 1)[0])
        tied = abs(ours[best] - ours[at]) <= 1e-6 * abs(ours[best])
        yield Check(f"next item by {name}", 0.0 if tied else np.inf, 1)
        yield compare(f"value of {name}", shown[at], theirs["value"], tolerance["criterion_value_rel"], relative=True)


def values(
    name: str,
    pool: AdaptivePool,
    left: npt.NDArray[np.intp],
    theta: float,
    likelihood: Floats,
    scenario: dict[str, Any],
) -> Floats:
    key = CRITERIA.get(name, name.lower())
    if key == "mfi":
        return pool.information(left, theta)
    if key == "mei":
        given = np.array(scenario["administered"]) - 1
        return selection.expected_information(pool, left, theta, given, np.array(scenario["responses"]))
    trapezoid = np.full(POINTS.size, POINTS[1] - POINTS[0])
    trapezoid[[0, -1]] /= 2
    step = np.ones(POINTS.size) if name.startswith("GDI") else trapezoid
    prior = np.exp(-0.5 * POINTS**2) / np.sqrt(2 * np.pi)
    if key in selection.BY_POSTERIOR:
        return selection.BY_POSTERIOR[key](pool, left, theta, likelihood * prior * step)
    return selection.BY_LIKELIHOOD[key](pool, left, theta, likelihood * step)


def balanced(
    case: dict[str, Any], items: Items, theta: float, scenario: dict[str, Any], theirs: dict[str, Any]
) -> bool:
    """Whether the recorded item informs most in an area that has had fewest; among such the reference draws."""
    areas = np.array([entry["group"] for entry in case["bank"]])
    given = areas[np.array(scenario["administered"]) - 1]
    counts = {str(name): int((given == name).sum()) for name in areas}
    left = answered(items, scenario)[0] < 0
    value = np.where(left & (areas == theirs["group"]), irt.information(items, [theta])[0], -1.0)
    return counts[theirs["group"]] == min(counts.values()) and int(value.argmax()) == int(theirs["item"]) - 1


def replayed(items: Items, test: dict[str, Any], name: str, tolerance: dict[str, Any]) -> Iterator[Check]:
    """A whole test by our own steps from the recorded complete response vector."""
    theirs = test[name]
    stopping = Stopping(most=len(items), error=0.35) if "se" in name else Stopping(most=15)
    design = Design(AdaptivePool.of(items), stopping)
    states = taken(design, test["full_response_vector"])
    yield Check(f"{name}: items", 0.0 if [i + 1 for i in states[-1].items] == theirs["items"] else np.inf, 1)
    if len(states) != len(theirs["theta"]):
        return
    yield compare(f"{name}: theta", [state.theta for state in states], theirs["theta"], tolerance["theta_abs"])
    yield compare(f"{name}: SE", [state.error for state in states], theirs["se"], tolerance["se_abs"])
    yield compare(f"{name}: responses", states[-1].scores, theirs["responses"], 0.5)
    yield compare(f"{name}: last theta", states[-1].theta, theirs["final_theta"], tolerance["theta_abs"])
    yield compare(f"{name}: last SE", states[-1].error, theirs["final_se"], tolerance["se_abs"])


def taken(design: Design, responses: Sequence[int]) -> list[State]:
    """The states after each item of a test whose first item is the most informative at theta 0."""
    states = [replay(design, [], [])]
    while (item := next_step(design, states[-1]).item) is not None:
        before = states[-1]
        states.append(replay(design, [*before.items, item], [*before.scores, responses[item]]))
    return states[1:]


def stratified(items: Items, theirs: dict[str, Any], tolerance: dict[str, Any]) -> Iterator[Check]:
    """Three strata by slope, filled evenly: each recorded item matches theta best in a stratum whose turn it is."""
    given = [item - 1 for item in theirs["items"]]
    design = Design(AdaptivePool.of(items), Stopping(most=len(given)), criterion="b", strata=3)
    fits = []
    for count in range(1, len(given)):
        state = replay(design, given[:count], theirs["responses"][:count])
        at = np.bincount(design.stratum[given[:count]], minlength=3)
        item = given[count]
        own = np.flatnonzero(state.open_items & (design.stratum == design.stratum[item]))
        value = selection.match(design.pool, own, state.theta, state.posterior)
        fits.append(at[design.stratum[item]] == at.min() and value.max() - value[own == item][0] <= 1e-6)
    yield Check("a-stratified: items", 0.0 if all(fits) else np.inf, len(fits))
    thetas = [replay(design, given[:n], theirs["responses"][:n]).theta for n in range(1, len(given) + 1)]
    yield compare("a-stratified: theta", thetas, theirs["theta"], tolerance["theta_abs"])
