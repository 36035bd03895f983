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
from examapp.psychometrics.irt import Items, grid, normal_weights
from examapp.psychometrics.marginal_likelihood import Problem
from examapp.psychometrics.priors import Priors
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.stacks import in_blocks


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


def _in_turn(function: Callable[..., Any], blocks: Any) -> Any:
    return (function(block) for block in blocks)
