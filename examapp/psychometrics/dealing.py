"""Many parallel forms at once: choose the pool of all forms, deal it out, balance the forms by exchanges.

The pool plays the part of the shadow form of van der Linden & Adema (1998), for all forms at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import monotonic

import numpy as np

from examapp.psychometrics.constraints import Demands, Mask, as_units, violations
from examapp.psychometrics.form_program import Aim, Solution, pooled_program, solve
from examapp.psychometrics.irt import Indices
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.swap_search import Goal, search

TIGHTENINGS = (0.75, 0.5, 0.25, 0.0)


@dataclass(frozen=True)
class Dealt:
    """Forms (F, J) that meet all demands, and the bound of their objective."""

    selected: Mask
    bound: float


def dealable(demands: Demands) -> bool:
    """Whether there are several forms, made of items and whole testlets.

    >>> dealable(Demands.of(3, [], forms=2)), dealable(Demands.of(3, []))
    (True, False)
    """
    return demands.forms > 1 and all(testlet.fewest == len(testlet.items) for testlet in demands.testlets)


def deal_out(demands: Demands, aim: Aim, gap: float, rng: np.random.Generator, ends: float) -> Dealt | None:
    """The best forms found, or None where the search finds none that meet all demands.

    Within `gap` of the bound, relative to the target, or the best at the instant `ends`, by the monotonic clock.

    >>> aim = Aim("maximin", np.array([[0.1], [0.2], [0.3], [0.4]]))
    >>> dealt = deal_out(Demands.of(4, [], forms=2, max_use=1), aim, 0.005, np.random.default_rng(1), np.inf)
    >>> (dealt.selected @ aim.share).round(6).ravel().tolist(), round(dealt.bound, 6)
    ([0.5, 0.5], 0.5)
    """
    units, holds = as_units(demands)
    sizes = holds.sum(axis=1).astype(np.float64)
    costs = None if aim.costs is None else aim.costs @ holds.T
    aim = replace(aim, share=holds @ aim.share, costs=costs)
    pool, bound = _pool(units, aim, sizes, gap / 3, ends)
    for narrower in _narrower(aim):
        if narrower is not aim:
            pool, _ = _pool(units, narrower, sizes, gap / 3, ends)
        if pool is None:
            return None
        goal = _goal(aim, pool @ aim.share / demands.forms, gap)
        chosen = search(units, sizes, aim.share, goal, deal(units, pool), rng, ends=ends)
        selected = chosen @ holds
        if _is_within_band(aim, chosen) and not violations(demands, selected):
            return Dealt(selected, bound)
    return None


def deal(demands: Demands, uses: Indices) -> Mask:
    """Forms (F, J) that share the uses (J,) out in turn, items alike to the constraints one after the other.

    >>> from examapp.psychometrics.constraints import Constraint
    >>> deal(Demands.of(4, [Constraint("area", np.array([1, 0, 1, 0]), 1, 1)], forms=2), np.ones(4, int)).astype(int)
    array([[1, 1, 0, 0],
           [0, 0, 1, 1]])
    """
    order = np.lexsort(-demands.matrix[::-1]) if demands.constraints else np.arange(demands.items)
    forms = np.zeros((demands.forms, demands.items), dtype=bool)
    turn = 0
    for copy in range(int(uses.max(initial=0))):
        for item in order[uses[order] > copy]:
            while forms[turn % demands.forms, item]:
                turn += 1
            forms[turn % demands.forms, item] = True
            turn += 1
    return forms


def achieved(aim: Aim, selected: Mask) -> float:
    """The objective of forms `selected` (F, J), relative to the target: a largest deviation, a least information, or 0.

    >>> achieved(Aim("minimax", np.array([[0.5], [0.75]])), np.array([[True, True]]))
    0.25
    """
    level = selected @ aim.share
    if aim.kind == "minimax":
        return float(np.abs(level - 1.0).max())
    return float(level.min()) if aim.kind == "maximin" else 0.0


def _narrower(aim: Aim) -> list[Aim]:
    """The aim, or with narrower and narrower bands for the pool, which leave its forms room to differ."""
    if aim.kind != "maximin" or aim.band is None:
        return [aim]
    return [replace(aim, band=1.0 + part * (aim.band - 1.0)) for part in TIGHTENINGS]


def _pool(units: Demands, aim: Aim, sizes: Floats, gap: float, ends: float) -> tuple[Indices | None, float]:
    """Uses (J,) and a bound; without repeated items where that comes as near to the target."""
    if aim.kind != "maximin" and units.max_overlap != 0:
        alone = _solved(replace(units, max_overlap=0), aim, sizes, gap, ends)
        if alone.counts is not None and _deviation(aim, alone.counts, units.forms) <= 2 * gap:
            return alone.counts[0], 0.0
    found = _solved(units, aim, sizes, gap, ends)
    return None if found.counts is None else found.counts[0], found.bound


def _solved(units: Demands, aim: Aim, sizes: Floats, gap: float, ends: float) -> Solution:
    return solve(pooled_program(units, aim, sizes), gap=gap, time_limit_seconds=ends - monotonic())


def _deviation(aim: Aim, counts: Indices, forms: int) -> float:
    return float(np.abs(counts @ aim.share / forms - 1.0).max(initial=0.0))


def _goal(aim: Aim, level: Floats, gap: float) -> Goal:
    """Where forms should lie that share out a pool of this mean level (Q,)."""
    if aim.kind == "minimax":
        off = float(np.abs(level - 1.0).max())
        if off <= gap / 2:
            return Goal(np.ones(level.size), np.ones(level.size), 0.95 * gap)
        return Goal(np.full(level.size, 1.0 - off), np.full(level.size, 1.0 + off), 0.8 * gap)
    low = float(level.min(initial=np.inf))
    close = 0.4 * gap * low
    high = np.inf if aim.band is None else aim.band * (low - close) - close
    return Goal(np.full(level.size, low), np.full(level.size, high), close)


def _is_within_band(aim: Aim, selected: Mask) -> bool:
    level = selected @ aim.share
    return aim.band is None or aim.kind != "maximin" or bool(level.max() <= aim.band * level.min() + 1e-9)
