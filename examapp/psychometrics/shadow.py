"""The shadow test: an adaptive test that meets a whole blueprint (van der Linden & Reese 1998; van der Linden 2005).

Before each item a whole form is assembled, the shadow: it holds what was given already, meets every demand, and has the
most information at the present theta. The next item is the best of it that was not given. As every shadow is a
complete form, the test ends with all demands met. The shadow is made anew from the state, so a test replays from its
items and scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from time import monotonic

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import adaptive
from examapp.psychometrics.adaptive import State
from examapp.psychometrics.adaptive_design import Design, Stopping
from examapp.psychometrics.adaptive_pool import AdaptivePool
from examapp.psychometrics.clashes import clashes
from examapp.psychometrics.constraints import Demands, Mask
from examapp.psychometrics.form_program import Aim, Program, Solution, program, solve
from examapp.psychometrics.irt import Indices
from examapp.psychometrics.response_models import Floats

SECONDS = 20.0


@dataclass(frozen=True)
class ShadowDesign:
    """A pool and the `demands` of one form; each shadow's information is within `gap` of the most there can be."""

    pool: AdaptivePool
    demands: Demands
    gap: float = 1e-3

    def __post_init__(self) -> None:
        if self.demands.forms != 1 or self.demands.items != len(self.pool):
            raise ValueError(
                f"ShadowDesign: {self.demands.forms} forms of {self.demands.items} items, the pool has {len(self.pool)}"
            )

    @cached_property
    def steps(self) -> Design:
        """The adaptive test underneath, which keeps the posterior."""
        return Design(self.pool, Stopping(most=len(self.pool)))

    @cached_property
    def program(self) -> Program:
        """The demands as a mixed-integer program, without an objective."""
        return program(self.demands, Aim("any", np.zeros((len(self.pool), 0))))

    @cached_property
    def testlet_of(self) -> Indices:
        """The testlet of each item, (J,), -1 for none."""
        at = np.full(len(self.pool), -1)
        for number, testlet in enumerate(self.demands.testlets):
            at[list(testlet.items)] = number
        return at


@dataclass(frozen=True)
class ShadowStep:
    """The next item, or None and why: "complete" or "infeasible", then with the `conflicts`.

    `shadow` (J,) is the form that stood behind the choice and `information` what it has at theta.
    """

    item: int | None
    shadow: Mask
    information: float
    stopped: str | None = None
    conflicts: tuple[str, ...] = field(default=())


def begin(design: ShadowDesign, seed: int = 0, eligible: npt.ArrayLike | None = None) -> State:
    """The state before the first item; items that are not `eligible` (J,) are used only if no form exists without.

    >>> from examapp.psychometrics.irt import Items
    >>> pool = AdaptivePool.of(Items.of("2pl", b=[0.0, 1.0]))
    >>> design = ShadowDesign(pool, Demands.of(2, []))
    >>> begin(design, eligible=[True, False]).open_items.tolist()
    [True, False]
    """
    return adaptive.begin(design.steps, seed, eligible)


def respond(design: ShadowDesign, state: State, item: int, score: int, seconds: float = 0.0) -> State:
    """The state after this item got this score in so many seconds.

    >>> from examapp.psychometrics.irt import Items
    >>> pool = AdaptivePool.of(Items.of("2pl", b=[0.0, 1.0]))
    >>> design = ShadowDesign(pool, Demands.of(2, []))
    >>> respond(design, begin(design), 0, 1).items
    (0,)
    """
    return adaptive.respond(design.steps, state, item, score, seconds)


def replay(
    design: ShadowDesign, items: Sequence[int], scores: Sequence[int], *, eligible: npt.ArrayLike | None = None
) -> State:
    """The state after these items got these scores.

    `eligible` (J,) is that of `begin`.

    >>> from examapp.psychometrics.irt import Items
    >>> pool = AdaptivePool.of(Items.of("2pl", b=[0.0, 1.0]))
    >>> design = ShadowDesign(pool, Demands.of(2, []))
    >>> replay(design, [1, 0], [0, 1]).scores
    (0, 1)
    """
    return adaptive.replay(design.steps, items, scores, eligible=eligible)


def next_step(design: ShadowDesign, state: State) -> ShadowStep:
    """The next item of the shadow test, with its shadow.

    >>> from examapp.psychometrics.constraints import Constraint
    >>> from examapp.psychometrics.irt import Items
    >>> pool = AdaptivePool.of(Items.of("2pl", a=[1.0, 2.0, 1.5], b=[0.0, 0.0, 0.0]))
    >>> design = ShadowDesign(pool, Demands.of(3, [Constraint("length", np.ones(3), 2, 2)], enemies=[(1, 2)]))
    >>> step = next_step(design, begin(design))
    >>> step.item, step.shadow.tolist()
    (1, [True, True, False])
    """
    value = design.pool.information(np.arange(len(design.pool)), state.theta)
    found = _shadow(design, state, value)
    if found.counts is None:
        nothing = np.zeros(len(design.pool), dtype=bool)
        names = clashes(design.program, monotonic() + SECONDS) if found.is_infeasible else ()
        return ShadowStep(None, nothing, 0.0, "infeasible", names)
    shadow = found.counts[0] > 0
    left = shadow.copy()
    left[list(state.items)] = False
    held = float(value @ shadow)
    if not left.any():
        return ShadowStep(None, shadow, held, "complete")
    return ShadowStep(_next_of(design, state, left, value), shadow, held)


def _shadow(design: ShadowDesign, state: State, value: Floats) -> Solution:
    """The form of most information that holds what was given, first of eligible items alone."""
    whole = design.program
    cost = np.zeros(whole.cost.size)
    cost[: value.size] = -value
    most = whole.most.copy()
    closed = ~state.open_items
    closed[list(state.items)] = False
    most[: value.size][closed] = 0.0
    found = _solved(replace(whole, cost=cost, most=most), design, state)
    if found.is_infeasible and closed.any():
        found = _solved(replace(whole, cost=cost), design, state)
    return found


def _solved(part: Program, design: ShadowDesign, state: State) -> Solution:
    return solve(part, gap=design.gap, time_limit_seconds=SECONDS, fixed=state.items)


def _next_of(design: ShadowDesign, state: State, left: Mask, value: Floats) -> int:
    """The most informative item left of the shadow; a testlet that has begun is finished first."""
    if state.items and design.demands.testlets:
        now = design.testlet_of[state.items[-1]]
        same = left & (design.testlet_of == now)
        if now >= 0 and same.any():
            left = same
    return int(np.where(left, value, -1.0).argmax())
