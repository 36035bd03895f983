"""Abilities that are not normal: the latent distribution as a histogram on the nodes, estimated with the items."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from examapp.psychometrics.marginal_likelihood import Ascent, Problem, ascend
from examapp.psychometrics.response_models import Floats


def climb_with_histogram(problem: Problem, vector: Floats, tolerance: float, max_cycles: int) -> tuple[Problem, Ascent]:
    """Alternate items given the histogram and the histogram given the items (Mislevy 1984), to 1e-4 in log L.

    The climb begins at `vector` (P,) and ends on the scale where the first group has mean 0, and SD 1 if slopes are
    free.

    >>> from examapp.psychometrics.calibration import calibrate
    >>> right = (np.arange(32)[:, None] >> np.arange(5)) & 1
    >>> fit = calibrate(right, "rasch", latent="histogram")
    >>> round(abs(float(fit.weights[0] @ fit.nodes[0])), 6)
    0.0
    """
    fixed = replace(
        problem.layout,
        mean_index=np.full_like(problem.layout.mean_index, -1),
        sd_index=np.full_like(problem.layout.sd_index, -1),
    )
    before, cycles = -np.inf, 0
    first = ascend(problem, vector, 0.01, max_cycles)
    mean, sd = problem.layout.distribution(first.vector)
    problem, vector = replace(problem, layout=replace(problem.layout, mean=mean, sd=sd)), first.vector
    problem = replace(problem, layout=replace(fixed, mean=mean, sd=sd))
    ascent = first
    while cycles < max_cycles:
        for _ in range(3):
            sums = problem.expect(vector)
            total = np.maximum(sums.people.sum(axis=1, keepdims=True), 1e-300)
            problem = replace(problem, weights=sums.people / total)
        ascent = ascend(problem, vector, max(tolerance, 1e-3), 20)
        vector, cycles = ascent.vector, cycles + ascent.cycles + 3
        value = ascent.sums.log_likelihood + ascent.step.log_prior
        if value - before < 1e-4:
            return _standardised(problem, replace(ascent, cycles=cycles, converged=True))
        before = value
    return _standardised(problem, replace(ascent, cycles=cycles, converged=False))


def _standardised(problem: Problem, ascent: Ascent) -> tuple[Problem, Ascent]:
    """The same fit on the scale where the first group's histogram has mean 0, and SD 1 if all slopes are free."""
    plan = problem.layout
    if any((kind.index < 0).all() for kind in plan.kinds):
        return problem, ascent
    nodes, weight = problem.nodes(ascent.vector)[0], problem.weights[0]
    shift = float(weight @ nodes)
    rigid = any(kind.index[0, 0] < 0 for kind in plan.kinds)
    factor = 1.0 if rigid else float(np.sqrt(weight @ (nodes - shift) ** 2))
    vector = ascent.vector.copy()
    for kind in plan.kinds:
        free = kind.index >= 0
        vector[kind.index[free]] = kind.model.moved(kind.values(ascent.vector), shift, factor)[free]
    moved = replace(plan, mean=(plan.mean - shift) / factor, sd=plan.sd / factor)
    return replace(problem, layout=moved), replace(ascent, vector=vector)
