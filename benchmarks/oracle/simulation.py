"""Recovery of known parameters from simulated data, beside mirt on the same data.

The reference says how far it converged; an implementation that ends at a higher posterior passes on likelihood,
and is judged by its distance from the truth and by expected scores.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import irt
from examapp.psychometrics.calibration import Calibration, calibrate
from examapp.psychometrics.irt import Items
from examapp.psychometrics.priors import Normal, Priors
from examapp.psychometrics.response_models import Floats, logistic
from examapp.psychometrics.standard_errors import standard_errors

from .compare import Check, compare, read, responses
from .maximum import directly

PRIOR = Priors(logit_c=Normal(-1.386294361, 0.5))


def checks(folder: Path, case: dict[str, Any]) -> Iterator[Check]:
    truth = read(folder / "simulation", case["truth"])
    data = case_data(folder, case, truth)
    fit = calibrate(data, case["model"].lower(), priors=PRIOR)
    found = list(_checks(case, fit, data, case_items(case["model"], truth["true_parameters"])))
    if all(check.passed for check in found) or case["fit"]["TOL"] < 1e-5:
        yield from found
        return
    yield from (check for check in found if check.passed)
    yield from _direct_checks(case, fit, data, [check.quantity for check in found if not check.passed])


def case_data(folder: Path, case: dict[str, Any], truth: dict[str, Any]) -> npt.NDArray[Any]:
    """Responses of a case, from its file or drawn again from its seed."""
    if case["data"].startswith("regenerate"):
        return drawn_again(truth["model"], truth["seed"], truth["persons"])
    names = [row["item"] for row in case["estimates"]]
    return responses(folder / "simulation" / case["data"], names)


def drawn_again(model: str, seed: int, people: int, count: int = 60) -> npt.NDArray[np.int8]:
    """What the reference's own generator draws: Python's Mersenne Twister, read in bulk from the same state."""
    state = random.Random(seed).getstate()[1]
    bulk = np.random.RandomState()
    bulk.set_state(("MT19937", np.array(state[:-1], dtype=np.uint32), state[-1]))
    normal = NormalDist().inv_cdf
    a, b, c = np.zeros(count), np.zeros((count, 4 if model == "GRM" else 1)), np.zeros(count)
    for j in range(count):
        a[j] = np.exp(0.1 + 0.3 * normal(bulk.random_sample()))
        b[j] = normal(bulk.random_sample())
        if model == "3PL":
            c[j] = 0.1 + 0.2 * bulk.random_sample()
        if model == "GRM":
            b[j] += np.array([-1.5, -0.5, 0.5, 1.5]) + 0.4 * np.sort(bulk.random_sample(4)) - 0.2
    out = np.empty((people, count), dtype=np.int8)
    for start in range(0, people, 4096):
        u = bulk.random_sample((min(4096, people - start), count + 1))
        theta = np.array([normal(value) for value in u[:, 0]])[:, None]
        shown = [c + (1 - c) * logistic(a * theta - a * b[:, k]) for k in range(b.shape[1])]
        out[start : start + len(u)] = sum((u[:, 1:] < p).astype(np.int8) for p in shown)
    return out


def case_items(model: str, rows: list[dict[str, Any]]) -> Items:
    """Items from rows of a, b (one or several thresholds) and perhaps c."""
    b = [np.atleast_1d(np.asarray(row["b"], dtype=np.float64)).tolist() for row in rows]
    return Items.of(model.lower(), a=[row["a"] for row in rows], b=b, c=[row.get("c") or 0.0 for row in rows])


def _checks(case: dict[str, Any], fit: Calibration, data: Any, truth: Items) -> Iterator[Check]:
    tolerances, expected, theirs = case["tolerances"], case["fit"], case_items(case["model"], case["estimates"])
    yield compare("converged", float(fit.converged), 1.0, 0.5)
    best = expected["logLik"] + (expected.get("logPrior") or 0.0)
    missing = np.maximum(0.0, best - fit.log_likelihood - fit.log_prior)
    yield compare("log-posterior short of the reference", missing, 0.0, tolerances["logLik_abs"])
    recovery = case["recovery_of_truth"]
    for name in ("AIC", "BIC"):
        above = np.maximum(0.0, getattr(fit, name.lower()) - expected[name])
        yield compare(f"{name} above the reference", above, 0.0, 2 * tolerances["logLik_abs"])
    for name, value in agreement(fit.items, truth).items():
        if recovery.get(name) is not None:
            yield compare(name, value, recovery[name], 0.02 if case["model"] == "3PL" else 0.005)
    for name, value in distances(fit.items, truth).items():
        if recovery.get(name) is not None:
            excess = np.maximum(0.0, value / recovery[name] - 1)
            yield compare(f"{name} above the reference", excess, 0.0, tolerances["recovery_rmse_rel"])
    theta = irt.grid(-3, 3, 61)
    distance = np.abs(irt.expected_score(fit.items, theta) - irt.expected_score(theirs, theta)).max()
    yield compare("expected score", float(distance), 0.0, tolerances["expected_score_abs_max_over_grid_pm3"])
    errors = [row.get("se_a") for row in case["estimates"]]
    if errors[0] is not None:
        found = standard_errors(fit, data, priors=PRIOR)
        yield compare("SE a", found.a, errors, 0.02, relative=True)
        given = _flat([row["se_d"] for row in case["estimates"]])
        yield compare("SE d", found.intercepts[np.isfinite(fit.items.b)], given, 0.02, relative=True)
    if case["model"] != "3PL":
        yield compare("a", fit.items.a, theirs.a.tolist(), tolerances["a_abs"])
        ours = (-fit.items.a[:, None] * fit.items.b)[np.isfinite(fit.items.b)]
        yield compare("d", ours, _flat([row["d"] for row in case["estimates"]]), tolerances["d_abs"])


def _direct_checks(case: dict[str, Any], fit: Calibration, data: Any, missed: list[str]) -> Iterator[Check]:
    """The reference stopped early: maximise its criterion from its own estimates, and expect to arrive at ours."""
    begin = case_items(case["model"], case["estimates"])
    vector, value, start = directly(fit, begin, fit.mean, fit.sd, data, priors=PRIOR)
    label = f"direct maximum ({', '.join(missed)})"
    yield compare(f"{label}: gain on the reference", np.minimum(0.0, value - start), 0.0, 1e-6)
    short = np.maximum(0.0, value - fit.log_likelihood - fit.log_prior)
    yield compare(f"{label}: ours short of it", short, 0.0, case["tolerances"]["logLik_abs"])
    end, tolerances = fit.layout.items(vector, len(begin)), case["tolerances"]
    theta = irt.grid(-3, 3, 61)
    distance = np.abs(irt.expected_score(fit.items, theta) - irt.expected_score(end, theta)).max()
    yield compare(f"{label}: expected score", float(distance), 0.0, tolerances["expected_score_abs_max_over_grid_pm3"])
    yield compare(f"{label}: a", fit.items.a, end.a.tolist(), tolerances["a_abs"])
    ours, given = (-one.a[:, None] * one.b for one in (fit.items, end))
    yield compare(f"{label}: d", ours, given.tolist(), tolerances["d_abs"])
    yield compare(f"{label}: c", fit.items.c, end.c.tolist(), tolerances["c_abs"])


def distances(ours: Items, truth: Items) -> dict[str, float]:
    """Root mean squares of estimate less truth: a, b, c, intercepts, and N(0, 1)-weighted expected scores."""
    theta = irt.grid(-6, 6, 121)
    weight = irt.normal_weights(theta)
    score = irt.expected_score(ours, theta) - irt.expected_score(truth, theta)
    whole = _whole(ours)

    def root(difference: Floats) -> float:
        return float(np.sqrt(np.mean(difference**2)))

    return {
        "rmse_a": root(ours.a - truth.a),
        "rmse_b": root((ours.b - truth.b)[whole]),
        "rmse_c": root(ours.c - truth.c),
        "rmse_d": root((ours.a[:, None] * ours.b - truth.a[:, None] * truth.b)[whole]),
        "rmse_expected_score_N01_weighted": float(np.sqrt(np.mean(weight @ score**2))),
    }


def agreement(ours: Items, truth: Items) -> dict[str, float]:
    """Mean error and correlation with the truth of slopes and thresholds."""
    out, whole = {}, _whole(ours)
    for name, one, true in (("a", ours.a, truth.a), ("b", ours.b[whole].ravel(), truth.b[whole].ravel())):
        out[f"bias_{name}"] = float(np.mean(one - true))
        out[f"corr_{name}"] = float(np.corrcoef(one, true)[0, 1])
    return out


def _whole(items: Items) -> npt.NDArray[np.bool_]:
    """Items all of whose categories somebody used; the reference leaves the others out of b and d."""
    return np.asarray(np.isfinite(items.b).all(axis=1), dtype=np.bool_)


def _flat(rows: list[Any]) -> list[float]:
    """The known values of the rows, one after the other."""
    return [value for row in rows for value in (row if isinstance(row, list) else [row]) if value is not None]
