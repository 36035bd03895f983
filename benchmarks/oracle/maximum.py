"""Who is right when a reference fit had not converged: its own criterion maximised directly from its own estimates.

The optimiser is SciPy's L-BFGS in double precision, which shares nothing with the engine's iteration.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize

from examapp.psychometrics.calibration import Calibration
from examapp.psychometrics.expectation import Columns
from examapp.psychometrics.free_parameters import layout
from examapp.psychometrics.irt import Items, grid, normal_weights, probabilities
from examapp.psychometrics.marginal_likelihood import Problem
from examapp.psychometrics.priors import Priors
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.stacks import in_blocks

from .compare import Check, calibrated, compare


def directly(
    fit: Calibration,
    begin: Items,
    mean: Floats,
    sd: Floats,
    data: Any,
    *,
    groups: Any = None,
    weights: Any = None,
    priors: Priors | None = None,
) -> tuple[Floats, float, float]:
    """The vector that maximises the criterion of `fit`, starting at `begin`: vector, value there, value at start."""
    blocks = in_blocks(data, groups, weights)
    free_mean, free_sd = fit.layout.mean_index >= 0, fit.layout.sd_index >= 0
    plan = layout(begin, np.zeros(0, dtype=np.intp), mean, sd, free_mean.tolist(), free_sd.tolist())
    missing = any((block.scores < 0).any() for block in blocks)
    z = grid(points=96)
    weight = np.tile(normal_weights(z), (mean.size, 1))
    columns = Columns.of(begin.categories, missing)
    problem = Problem(blocks, columns, plan, priors or Priors(), z, weight, np.float64, _in_turn)
    start = plan.start()
    scale = problem.step(start, problem.expect(start)).scale

    def falling(scaled: Floats) -> tuple[float, Floats]:
        sums = problem.expect(start + scaled / scale)
        step = problem.step(start + scaled / scale, sums)
        return -sums.log_likelihood - step.log_prior, -step.gradient / scale

    options = {"maxiter": 150, "gtol": 1e-3, "ftol": 1e-13, "maxcor": 30}
    found = minimize(falling, np.zeros_like(start), jac=True, method="L-BFGS-B", options=options)
    return start + found.x / scale, -float(found.fun), -falling(np.zeros_like(start))[0]


def stopped_early(
    case: dict[str, Any], fit: Calibration, data: Any, weights: Any, priors: Priors, missed: list[str]
) -> list[Check] | None:
    """Nothing if a calibration case stands at the maximum; else where that is, beside ours.

    Where a maximum is flat or lies at infinity (a prior on guessing alone leaves some slopes without one) a reference
    stops on the way. It has if ours is above it and a direct maximisation from its own estimates climbs as well. Then
    ours must be no lower than that one, and its curves the same, over people from N(0, 1).
    """
    begin, tolerances = calibrated(case), case["tolerances"]
    sd = np.array([case["latent"]["variance"] ** 0.5])
    vector, best, start = directly(fit, begin, fit.mean, sd, data, weights=weights, priors=priors)
    ours = fit.log_likelihood + fit.log_prior
    if min(best, ours) <= start + 1e-4:
        return None
    theta = grid()
    ends = [probabilities(items, theta) for items in (fit.items, fit.layout.items(vector, len(begin)))]
    distance = float((normal_weights(theta) @ np.abs(ends[0] - ends[1]).max(axis=2)).max())
    label = f"direct maximum ({', '.join(missed)})"
    return [
        compare(f"{label}: ours short of it", np.maximum(0.0, best - ours), 0.0, tolerances["logLik_abs"]),
        compare(f"{label}: curve", distance, 0.0, tolerances["probability_abs_max_over_grid"]),
    ]


def _in_turn(function: Callable[..., Any], blocks: Any) -> Any:
    return (function(block) for block in blocks)
