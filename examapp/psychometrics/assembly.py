"""Choosing parallel forms from a pool under a blueprint's constraints, to a target information function.

The information of a form at theta is the sum over its items, so a form is a linear choice: least largest deviation
from the target (minimax), or most information where it is least (maximin) (van der Linden 2005, ch. 5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.clashes import clashes
from examapp.psychometrics.constraints import Constraint, Demands, Mask, StimulusItems
from examapp.psychometrics.dealing import achieved, deal_out, dealable
from examapp.psychometrics.form_program import Aim, pooled_program, program, solve

OBJECTIVES = ("minimax", "maximin", "any")
METHODS = ("auto", "exact")


@dataclass(frozen=True)
class Assembly:
    """Forms as `selected` (F, J), true where an item is chosen; all false where none were found.

    `objective` is the largest relative deviation from the target (minimax), the least information relative to it
    (maximin), or 0; no forms can be better than `bound`. `conflicts` names demands that cannot hold together, as few
    as possible: without any one of them the others can. It is empty when forms were found or the time ran out. Where
    `is_feasible` is false there is no form to state an objective of: it and the bound are NaN.
    """

    selected: Mask
    objective: float
    bound: float
    is_feasible: bool
    conflicts: tuple[str, ...] = ()

    @property
    def blank(self) -> Mapping[str, Mask]:
        """What belongs to forms, where none were found."""
        return dict.fromkeys(("objective", "bound"), np.array(not self.is_feasible))


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
    method: str = "auto",
    gap: float = 0.005,
    time_limit_seconds: float = 20.0,
) -> Assembly:
    """Parallel forms from items whose `information` is (J, Q) at the points of the `targets` (Q,).

    Without an `objective` it is minimax, or maximin where targets are missing, or any form where information is
    missing too. Any two forms share at most `max_overlap` items, an item stands in at most `max_use` forms; a form
    holds at most one item of each group of `enemies`, `testlets` whole or not at all (or within their own limits),
    and nothing that `exclude` (positions, or a mask) names. With a `band` no form of a maximin assembly has more than
    `band` times the least information. Several forms are dealt out and balanced by a search whose distance to the bound
    is proved by the program of the pooled forms; one form, or what the search cannot do, and everything with method
    "exact", goes to the mixed-integer program of all forms. Both end within this `gap` of the bound, relative to the
    target, or at the time limit. Chance in the search, and between equal forms where there is no information, comes
    from `rng`; without it the same input gives the same forms.

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
    if not gap > 0 or method not in METHODS:
        raise ValueError(f"assemble: needs a gap above 0 and one of {METHODS}, got {gap} and {method!r}")
    ends = monotonic() + time_limit_seconds
    if clash := _clash(demands, ends):
        return _nothing(demands, clash)
    if method == "exact" or not dealable(demands):
        return _exact(demands, aim, gap, ends)
    found = deal_out(demands, aim, gap, rng or np.random.default_rng(0), ends)
    if found is None:
        return _exact(demands, aim, gap, ends)
    return Assembly(found.selected, achieved(aim, found.selected), found.bound, True)


def _exact(demands: Demands, aim: Aim, gap: float, ends: float) -> Assembly:
    """What HiGHS makes of the whole program."""
    whole = program(demands, aim)
    found = solve(whole, gap=gap, time_limit_seconds=ends - monotonic())
    if found.counts is None:
        return _nothing(demands, clashes(whole, ends) if found.is_infeasible else ())
    selected = found.counts > 0
    return Assembly(selected, achieved(aim, selected), found.bound, True)


def _clash(demands: Demands, ends: float) -> tuple[str, ...]:
    """What makes already a single form, or the pooled forms, impossible."""
    nothing = Aim("any", np.zeros((demands.items, 0)))
    parts = [program(demands.single(), nothing)]
    if demands.forms > 1:
        parts.append(pooled_program(demands, nothing, np.ones(demands.items)))
    for part in parts:
        if solve(part, gap=np.inf, time_limit_seconds=ends - monotonic()).is_infeasible:
            return clashes(part, ends)
    return ()


def _nothing(demands: Demands, conflicts: tuple[str, ...]) -> Assembly:
    nothing = np.zeros((demands.forms, demands.items), dtype=bool)
    return Assembly(nothing, np.nan, np.nan, False, conflicts)


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
