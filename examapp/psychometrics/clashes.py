"""Why no form exists: a smallest set of demands that already exclude each other.

Deletion filtering (Chinneck & Dravnieks 1991): leave out one demand after the other; whatever can be left out with the
rest still infeasible is not needed to explain it. What stays is minimal: without any one of them forms exist.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from examapp.psychometrics.form_program import Program, solve

NEEDED = 1e-9


def clashes(whole: Program, ends: float) -> tuple[str, ...]:
    """Names of a minimal set of clashing demands of an infeasible program, found before the instant `ends`.

    Where the linear relaxation is infeasible already, its dual solution points to few rows; the filter then runs
    on those, first on relaxations, which are quick, then on the program itself.

    >>> from examapp.psychometrics.constraints import Constraint, Demands
    >>> from examapp.psychometrics.form_program import Aim, program
    >>> rows = [Constraint("length", np.ones(3), 2, 2), Constraint("few", np.ones(3), 0, 1)]
    >>> clashes(program(Demands.of(3, rows), Aim("any", np.zeros((3, 0)))), np.inf)
    ('few', 'length')
    """
    names = tuple(dict.fromkeys(whole.owner))
    relaxed = _certificate(whole)
    if relaxed:
        names = _filtered(relaxed, lambda kept: bool(_certificate(whole.only(kept))))
    return _filtered(names, lambda kept: _is_infeasible(whole.only(kept), ends))


def _filtered(names: tuple[str, ...], is_infeasible: Callable[[set[str]], bool]) -> tuple[str, ...]:
    kept = list(names)
    for name in names:
        rest = set(kept) - {name}
        if rest and is_infeasible(rest):
            kept.remove(name)
    return tuple(kept)


def _is_infeasible(part: Program, ends: float) -> bool:
    left = ends - monotonic()
    if left <= 0:
        return False
    return solve(part, gap=np.inf, time_limit_seconds=left).is_infeasible


def _certificate(part: Program) -> tuple[str, ...]:
    """Demands whose rows carry a positive price in the least total violation of the relaxation; none if it is 0."""
    above, below = np.flatnonzero(np.isfinite(part.upper)), np.flatnonzero(np.isfinite(part.lower))
    rows = sparse.vstack([part.matrix[above], -part.matrix[below]]).tocsr()
    limits = np.concatenate([part.upper[above], -part.lower[below]])
    count, width = rows.shape
    cost = np.concatenate([np.zeros(width), np.ones(count)])
    most = np.concatenate([part.most, np.full(count, np.inf)])
    bounds = np.column_stack([np.zeros(width + count), most])
    result = linprog(cost, A_ub=sparse.hstack([rows, -sparse.eye_array(count)]), b_ub=limits, bounds=bounds)
    if result.fun is None or result.fun < 1e-7:
        return ()
    priced = np.concatenate([above, below])[np.abs(result.ineqlin.marginals) > NEEDED]
    return tuple(dict.fromkeys(part.owner[row] for row in priced))
