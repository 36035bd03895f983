"""Form assembly as a mixed-integer program for HiGHS (van der Linden 2005, ch. 4 and 6).

The variables are x (F, J), then one switch for each form and testlet, then one for each item that a pair of forms
may share, then y, the objective, and a constant 1 that makes relative gaps of a deviation meaningful.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from examapp.psychometrics.constraints import Demands, Mask
from examapp.psychometrics.response_models import Floats

INFEASIBLE = 2


@dataclass(frozen=True)
class Aim:
    """What is optimised, with `share` (J, Q), the information of each item relative to the target.

    minimax: least y with |sum_j share_jq x_j - 1| <= y for each form and point; maximin: greatest y with
    sum_j share_jq x_j >= y, and <= band * y where a band is given; any: least sum of `costs` (F, J) x.
    """

    kind: str
    share: Floats
    band: float | None = None
    costs: Floats | None = None


@dataclass(frozen=True)
class Program:
    """min cost @ v with lower <= matrix @ v <= upper, 0 <= v <= most; `owner` is the demand behind each row."""

    matrix: sparse.csr_array
    lower: Floats
    upper: Floats
    owner: tuple[str, ...]
    cost: Floats
    most: Floats
    integral: npt.NDArray[np.int_]
    shape: tuple[int, int]

    def only(self, owners: Container[str]) -> Program:
        """The same program with the rows of these demands alone."""
        rows = np.flatnonzero([name in owners for name in self.owner])
        return replace(
            self,
            matrix=self.matrix[rows],
            lower=self.lower[rows],
            upper=self.upper[rows],
            owner=tuple(self.owner[row] for row in rows),
        )


@dataclass(frozen=True)
class Solution:
    """Forms (F, J) or None, the proved `bound` of the cost, and whether infeasibility was proved."""

    selected: Mask | None
    bound: float
    is_infeasible: bool


@dataclass
class _Rows:
    """Rows of the program, collected one by one."""

    columns: list[npt.NDArray[np.intp]] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)
    limits: list[tuple[float, float]] = field(default_factory=list)
    owner: list[str] = field(default_factory=list)

    def add(self, owner: str, columns: npt.ArrayLike, values: npt.ArrayLike, lower: float, upper: float) -> None:
        at = np.asarray(columns, dtype=np.intp)
        self.columns.append(at)
        self.values.append(np.broadcast_to(np.asarray(values, dtype=np.float64), at.shape))
        self.limits.append((lower, upper))
        self.owner.append(owner)

    def matrix(self, width: int) -> sparse.csr_array:
        starts = np.concatenate([[0], np.cumsum([len(at) for at in self.columns])])
        columns = np.concatenate([*self.columns, np.zeros(0, dtype=np.intp)])
        values = np.concatenate([*self.values, np.zeros(0)])
        return sparse.csr_array((values, columns, starts), shape=(len(self.columns), width))


def program(demands: Demands, aim: Aim) -> Program:
    """The mixed-integer program of these demands and this aim."""
    forms, items = demands.forms, demands.items
    x = np.arange(forms * items).reshape(forms, items)
    switches = x.size + np.arange(forms * len(demands.testlets)).reshape(forms, -1)
    pairs = list(combinations(range(forms), 2)) if demands.max_overlap else []
    shared = x.size + switches.size + np.arange(len(pairs) * items).reshape(-1, items)
    width = x.size + switches.size + shared.size + 2
    rows = _Rows()
    for form in range(forms):
        _within_a_form(rows, demands, x[form], switches[form])
        _toward_the_target(rows, aim, x[form], width - 2)
    _between_forms(rows, demands, x, shared, pairs)
    cost, most = np.zeros(width), np.ones(width)
    most[-2] = np.inf
    if aim.kind == "any":
        cost[: x.size] = 0.0 if aim.costs is None else aim.costs.ravel()
    else:
        cost[-2] = 1.0 if aim.kind == "minimax" else -1.0
    cost[-1] = 1.0 if aim.kind == "minimax" else 0.0
    integral = np.zeros(width, dtype=np.int_)
    integral[: x.size + switches.size] = 1
    limits = np.array(rows.limits).reshape(-1, 2)
    return Program(
        rows.matrix(width), limits[:, 0], limits[:, 1], tuple(rows.owner), cost, most, integral, (forms, items)
    )


def solve(whole: Program, *, gap: float, time_limit_seconds: float) -> Solution:
    """The best forms that HiGHS finds within the time, to this relative gap."""
    least = np.zeros(whole.most.shape)
    least[-1] = 1.0
    result = milp(
        whole.cost,
        integrality=whole.integral,
        bounds=Bounds(least, whole.most),
        constraints=LinearConstraint(whole.matrix, whole.lower, whole.upper) if len(whole.owner) else None,
        options={"mip_rel_gap": gap, "time_limit": max(time_limit_seconds, 1e-3)},
    )
    forms, items = whole.shape
    chosen = None if result.x is None else result.x[: forms * items].reshape(forms, items) > 0.5
    bound = getattr(result, "mip_dual_bound", None)
    return Solution(chosen, -np.inf if bound is None else float(bound) - whole.cost[-1], result.status == INFEASIBLE)


def _within_a_form(rows: _Rows, demands: Demands, x: npt.NDArray[np.intp], switches: npt.NDArray[np.intp]) -> None:
    for constraint in demands.constraints:
        used = np.flatnonzero(constraint.weights)
        rows.add(constraint.name, x[used], constraint.weights[used], constraint.lower, constraint.upper)
    for group in demands.enemies:
        rows.add("enemies", x[list(group)], 1.0, -np.inf, 1.0)
    for testlet, switch in zip(demands.testlets, switches, strict=True):
        at = np.append(x[list(testlet.items)], switch)
        count = np.ones(len(testlet.items))
        rows.add("testlets", at, np.append(count, -testlet.fewest), 0.0, np.inf)
        rows.add("testlets", at, np.append(count, -testlet.most), -np.inf, 0.0)
    if demands.excluded:
        rows.add("excluded", x[list(demands.excluded)], 1.0, 0.0, 0.0)


def _toward_the_target(rows: _Rows, aim: Aim, x: npt.NDArray[np.intp], y: int) -> None:
    at = np.append(x, y)
    for share in aim.share.T:
        if aim.kind == "minimax":
            rows.add("target", at, np.append(share, -1.0), -np.inf, 1.0)
            rows.add("target", at, np.append(share, 1.0), 1.0, np.inf)
        elif aim.kind == "maximin":
            rows.add("target", at, np.append(share, -1.0), 0.0, np.inf)
            if aim.band is not None:
                rows.add("target", at, np.append(share, -aim.band), -np.inf, 0.0)


def _between_forms(
    rows: _Rows,
    demands: Demands,
    x: npt.NDArray[np.intp],
    shared: npt.NDArray[np.intp],
    pairs: list[tuple[int, int]],
) -> None:
    most = 1 if demands.max_overlap == 0 else demands.max_use
    owner = "overlap" if demands.max_overlap == 0 else "use"
    if most is not None and most < demands.forms:
        for column in x.T:
            rows.add(owner, column, 1.0, -np.inf, float(most))
    for (first, second), both in zip(pairs, shared, strict=True):
        for one, other, switch in zip(x[first], x[second], both, strict=True):
            rows.add("overlap", [one, other, switch], [1.0, 1.0, -1.0], -np.inf, 1.0)
        rows.add("overlap", both, 1.0, -np.inf, float(demands.max_overlap or 0))
