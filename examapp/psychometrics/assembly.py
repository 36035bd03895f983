"""Choosing parallel forms from a pool under a blueprint's constraints, to a target information function.

The information of a form at theta is the sum over its items, so a form is a linear choice: least largest deviation
from the target (minimax), or most information where it is least (maximin) (van der Linden 2005, ch. 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.clashes import clashes
from examapp.psychometrics.constraints import Constraint, Demands, Mask, StimulusItems
from examapp.psychometrics.form_program import Aim, program, solve

OBJECTIVES = ("minimax", "maximin", "any")


@dataclass(frozen=True)
class Assembly:
    """Forms as `selected` (F, J), true where an item is chosen; all false where none were found.

    `objective` is the largest relative deviation from the target (minimax), the least information relative to it
    (maximin), or 0; no forms can be better than `bound`. `conflicts` names demands that cannot hold together, such
    that leaving out any one of them would do; it is empty when forms were found or the time ran out.
    """

    selected: Mask
    objective: float
    bound: float
    is_feasible: bool
    conflicts: tuple[str, ...] = ()


def assemble(
    information: npt.ArrayLike | None,
    targets: npt.ArrayLike | None,
    constraints: Sequence[Constraint],
    *,
    objective: str | None = None,
    forms: int = 1,
    max_overlap: int | None = None,
    max_use: int | None = None,
    enemies: Sequence[Sequence[int]] = (),
    testlets: Sequence[StimulusItems | Sequence[int]] = (),
    exclude: npt.ArrayLike | Sequence[int] = (),
    band: float | None = None,
    rng: np.random.Generator | None = None,
    gap: float = 0.005,
    time_limit_seconds: float = 20.0,
) -> Assembly:
    """Parallel forms from items whose `information` is (J, Q) at the points of the `targets` (Q,).

    Without an `objective` it is minimax, or maximin where targets are missing, or any form where information is
    missing too. Any two forms share at most `max_overlap` items, an item stands in at most `max_use` forms; a form
    holds at most one item of each group of `enemies`, `testlets` whole or not at all (or within their own limits),
    and nothing that `exclude` (positions, or a mask) names. With a `band` no form of a maximin assembly has more than
    `band` times the least information. The search ends at this `gap` to the bound or at the time limit; `rng` decides
    between equal forms of an assembly without information.

    >>> length = Constraint("length", np.ones(4), 2, 2)
    >>> assemble([[0.1], [0.2], [0.3], [0.4]], [0.5], [length], forms=2, max_overlap=0).objective
    0.0
    """
    aim = _aim(information, targets, objective, band)
    demands = Demands.of(
        _pool_size(aim, constraints),
        constraints,
        forms=forms,
        max_overlap=max_overlap,
        max_use=max_use,
        enemies=enemies,
        testlets=testlets,
        excluded=exclude,
    )
    if aim.kind == "any":
        costs = None if rng is None else rng.random((forms, demands.items))
        aim = Aim("any", np.zeros((demands.items, 0)), costs=costs)
    return _assembly(demands, aim, gap, time_limit_seconds)


def _assembly(demands: Demands, aim: Aim, gap: float, time_limit_seconds: float) -> Assembly:
    ends = monotonic() + time_limit_seconds
    whole = program(demands, aim)
    found = solve(whole, gap=gap, time_limit_seconds=time_limit_seconds)
    if found.selected is None:
        names = clashes(whole, ends) if found.is_infeasible else ()
        nothing = np.zeros((demands.forms, demands.items), dtype=bool)
        return Assembly(nothing, np.nan, np.nan, False, names)
    bound = -found.bound if aim.kind == "maximin" else max(found.bound, 0.0)
    return Assembly(found.selected, achieved(aim, found.selected), bound if aim.kind != "any" else 0.0, True)


def achieved(aim: Aim, selected: Mask) -> float:
    """The objective of forms `selected` (F, J): a largest deviation or a least information, relative to the target."""
    relative = selected @ aim.share
    if aim.kind == "minimax":
        return float(np.abs(relative - 1.0).max())
    return float(relative.min()) if aim.kind == "maximin" else 0.0


def _aim(
    information: npt.ArrayLike | None, targets: npt.ArrayLike | None, objective: str | None, band: float | None
) -> Aim:
    """The aim, with information divided by the target (or by 1 where there is none)."""
    kind = objective or ("any" if information is None else "maximin" if targets is None else "minimax")
    if kind not in OBJECTIVES:
        raise ValueError(f"assemble: unknown objective {objective!r}, known are {', '.join(OBJECTIVES)}")
    if kind == "any" or information is None:
        if kind != "any":
            raise ValueError(f"assemble: {kind} needs the information of the items")
        return Aim("any", np.zeros((0, 0)))
    held = np.asarray(information, dtype=np.float64)
    if held.ndim != 2 or not held.shape[1] or not np.isfinite(held).all() or (held < 0).any():
        raise ValueError(f"assemble: information must be items by points, finite, not negative; got {held.shape}")
    if targets is None and kind == "minimax":
        raise ValueError("assemble: minimax needs targets")
    target = np.ones(held.shape[1]) if targets is None else np.asarray(targets, dtype=np.float64)
    if target.shape != held.shape[1:] or not (target > 0).all() or not np.isfinite(target).all():
        raise ValueError(f"assemble: needs a positive target for each of {held.shape[1]} points, got {target.tolist()}")
    if band is not None and not band >= 1:
        raise ValueError(f"assemble: band must be 1 or more, got {band}")
    return Aim(kind, held / target, band)


def _pool_size(aim: Aim, constraints: Sequence[Constraint]) -> int:
    if len(aim.share):
        return len(aim.share)
    if not constraints:
        raise ValueError("assemble: without information at least one constraint must tell the size of the pool")
    return len(constraints[0].weights)
