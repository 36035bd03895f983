"""Form assembly as a mixed-integer program for HiGHS (van der Linden 2005, ch. 4 and 6).

The variables are x (F, J), then one switch for each form and testlet, then one for each item that a pair of forms
may share, then y, the objective, and a constant 1 that makes relative gaps of a deviation meaningful.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from examapp.psychometrics.constraints import Demands
from examapp.psychometrics.irt import Indices
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
    """Indices (F, J), 0 or 1 but for pooled forms, or None; a bound of the objective; whether none can exist."""

    counts: Indices | None
    bound: float
    is_infeasible: bool


@dataclass
class _Rows:
    """Rows of a program, collected one by one."""

    columns: list[Indices] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)
    limits: list[tuple[float, float]] = field(default_factory=list)
    owner: list[str] = field(default_factory=list)

    def add(self, owner: str, columns: npt.ArrayLike, values: npt.ArrayLike, lower: float, upper: float) -> None:
        at = np.asarray(columns, dtype=np.intp)
        self.columns.append(at)
        self.values.append(np.broadcast_to(np.asarray(values, dtype=np.float64), at.shape))
        self.limits.append((lower, upper))
        self.owner.append(owner)

    def program(self, aim: Aim, costs: Floats | None, most: Floats, integers: int, shape: tuple[int, int]) -> Program:
        """The program whose first `integers` variables are whole numbers."""
        cost = np.zeros(most.size)
        if aim.kind == "any" and costs is not None:
            cost[: costs.size] = costs.ravel()
        cost[-2:] = {"minimax": (1.0, 1.0), "maximin": (-1.0, 0.0), "any": (0.0, 0.0)}[aim.kind]
        starts = np.concatenate([[0], np.cumsum([len(at) for at in self.columns])])
        columns = np.concatenate([*self.columns, np.zeros(0, dtype=np.intp)])
        values = np.concatenate([*self.values, np.zeros(0)])
        matrix = sparse.csr_array((values, columns, starts), shape=(len(self.columns), most.size))
        limits = np.array(self.limits, dtype=np.float64).reshape(-1, 2)
        integral = (np.arange(most.size) < integers).astype(np.int_)
        return Program(matrix, limits[:, 0], limits[:, 1], tuple(self.owner), cost, most, integral, shape)


def program(demands: Demands, aim: Aim) -> Program:
    """The mixed-integer program of these demands and this aim.

    >>> from examapp.psychometrics.constraints import Constraint
    >>> program(Demands.of(3, [Constraint("length", np.ones(3), 1, 1)]), Aim("maximin", np.ones((3, 1)))).owner
    ('length', 'target')
    """
    forms, items = demands.forms, demands.items
    x = np.arange(forms * items).reshape(forms, items)
    switches = x.size + np.arange(forms * len(demands.testlets)).reshape(forms, -1)
    pairs = list(combinations(range(forms), 2)) if demands.max_overlap else []
    shared = x.size + switches.size + np.arange(len(pairs) * items).reshape(-1, items)
    most = np.ones(x.size + switches.size + shared.size + 2)
    most[-2] = np.inf
    rows = _Rows()
    for form in range(forms):
        _within_a_form(rows, demands, x[form], switches[form])
        _toward_the_target(rows, aim, x[form], most.size - 2)
    _uses(rows, demands, x)
    for (first, second), both in zip(pairs, shared, strict=True):
        for one, other, switch in zip(x[first], x[second], both, strict=True):
            rows.add("overlap", [one, other, switch], [1.0, 1.0, -1.0], -np.inf, 1.0)
        rows.add("overlap", both, 1.0, -np.inf, float(demands.max_overlap or 0))
    return rows.program(aim, aim.costs, most, x.size + switches.size, x.shape)


def pooled_program(demands: Demands, aim: Aim, sizes: Floats) -> Program:
    """All forms added up: how often each item is used, X (J,), with F lower <= A X <= F upper.

    Every set of forms is a solution, so its bound holds for the forms; and its solution is a pool to deal out (the
    shadow form of van der Linden & Adema 1998, for all forms at once). `sizes` (J,) is how many items stand behind
    each position; one variable for each counts the pairs of forms that share it, X (X - 1) / 2.

    >>> from examapp.psychometrics.constraints import Constraint
    >>> demands = Demands.of(3, [Constraint("length", np.ones(3), 1, 1)], forms=4)
    >>> pooled_program(demands, Aim("any", np.zeros((3, 0))), np.ones(3)).lower.tolist()
    [4.0]
    """
    items, forms = demands.items, demands.forms
    uses = np.arange(items)
    switches = items + np.arange(len(demands.testlets))
    shared = items + switches.size + (uses if demands.max_overlap else uses[:0])
    most = np.full(items + switches.size + shared.size + 2, float(forms))
    most[shared], most[-2:] = np.inf, (np.inf, 1.0)
    rows = _Rows()
    _within_a_form(rows, demands, uses, switches, forms)
    _toward_the_target(rows, replace(aim, share=aim.share / forms), uses, most.size - 2)
    _uses(rows, demands, uses[None])
    for use in range(1, min(demands.max_use or forms, forms)) if shared.size else ():
        for item, pairs in zip(uses, shared, strict=True):
            rows.add("overlap", [item, pairs], [use, -1.0], -np.inf, use * (use + 1) / 2)
    if shared.size:
        rows.add("overlap", shared, sizes, -np.inf, forms * (forms - 1) / 2 * float(demands.max_overlap or 0))
    costs = None if aim.costs is None else aim.costs.mean(axis=0)
    return rows.program(aim, costs, most, items + switches.size, (1, items))


def solve(whole: Program, *, gap: float, time_limit_seconds: float, fixed: Sequence[int] = ()) -> Solution:
    """The best that HiGHS finds within the time, to this relative gap, with these variables fixed at 1.

    >>> from examapp.psychometrics.constraints import Constraint
    >>> demands = Demands.of(2, [Constraint("length", np.ones(2), 1, 1)])
    >>> whole = program(demands, Aim("maximin", np.array([[0.5], [2.0]])))
    >>> solve(whole, gap=1e-6, time_limit_seconds=1.0)
    Solution(counts=array([[0, 1]]), bound=2.0, is_infeasible=False)
    """
    least = np.zeros(whole.most.shape)
    least[[*fixed, -1]] = 1.0
    result = milp(
        whole.cost,
        integrality=whole.integral,
        bounds=Bounds(least, whole.most),
        constraints=LinearConstraint(whole.matrix, whole.lower, whole.upper) if len(whole.owner) else None,
        options={"mip_rel_gap": gap, "time_limit": max(time_limit_seconds, 1e-3)},
    )
    forms, items = whole.shape
    counts = None if result.x is None else np.rint(result.x[: forms * items]).astype(np.intp).reshape(forms, items)
    proved = getattr(result, "mip_dual_bound", None)
    if whole.cost[-1]:
        bound = 0.0 if proved is None else max(float(proved) - 1.0, 0.0)
    else:
        bound = (np.inf if proved is None else -float(proved)) if whole.cost[-2] else 0.0
    return Solution(counts, bound, result.status == INFEASIBLE)


def _within_a_form(rows: _Rows, demands: Demands, x: Indices, switches: Indices, forms: int = 1) -> None:
    """What one form must satisfy, or `forms` of them together."""
    for constraint in demands.constraints:
        used = np.flatnonzero(constraint.weights)
        low, high = forms * constraint.lower, forms * constraint.upper
        rows.add(constraint.name, x[used], constraint.weights[used], low, high)
    for group in demands.enemies:
        rows.add("enemies", x[list(group)], 1.0, -np.inf, float(forms))
    for testlet, switch in zip(demands.testlets, switches, strict=True):
        at, count = np.append(x[list(testlet.items)], switch), np.ones(len(testlet.items))
        rows.add("testlets", at, np.append(count, -testlet.fewest), 0.0, np.inf)
        rows.add("testlets", at, np.append(count, -testlet.most), -np.inf, 0.0)
    if demands.excluded:
        rows.add("excluded", x[list(demands.excluded)], 1.0, 0.0, 0.0)


def _toward_the_target(rows: _Rows, aim: Aim, x: Indices, y: int) -> None:
    at = np.append(x, y)
    for share in aim.share.T:
        if aim.kind == "minimax":
            rows.add("target", at, np.append(share, -1.0), -np.inf, 1.0)
            rows.add("target", at, np.append(share, 1.0), 1.0, np.inf)
        elif aim.kind == "maximin":
            rows.add("target", at, np.append(share, -1.0), 0.0, np.inf)
            if aim.band is not None:
                rows.add("target", at, np.append(share, -aim.band), -np.inf, 0.0)


def _uses(rows: _Rows, demands: Demands, x: Indices) -> None:
    """How many forms an item may stand in, for x (F, J) or pooled (1, J)."""
    owner, most = ("overlap", 1) if demands.max_overlap == 0 else ("use", demands.max_use)
    if most is not None and most < demands.forms:
        for column in x.T:
            rows.add(owner, column, 1.0, -np.inf, float(most))
