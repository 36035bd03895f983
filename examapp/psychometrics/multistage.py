"""Multistage tests: whole modules chosen between stages (Luecht & Nungester 1998; Yan, von Davier & Lewis 2014).

A panel has stages, a stage has modules from easy to hard, a module is a list of items given together. After each stage
the trainee is routed to one of the modules that may follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import ability, irt, undetermined
from examapp.psychometrics.assembly import Assembly, assemble
from examapp.psychometrics.constraints import Constraint
from examapp.psychometrics.irt import Indices, Items
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import codes

ROUTINGS = ("information", "theta", "score")
Module = tuple[int, ...]


@dataclass(frozen=True)
class Panel:
    """Stages of modules of items, and how a trainee is routed between them.

    `follows[s][m]` are the modules of stage s + 1 that may come after module m of stage s. The routing goes by
    "information" (the module with most at the EAP), by "theta" (`cuts[s]` on the EAP), or by "score" (`cuts[s]` on the
    sum score so far); with k cuts below the value the k-th of the modules that may follow comes, or the last.
    """

    items: Items
    stages: tuple[tuple[Module, ...], ...]
    follows: tuple[tuple[tuple[int, ...], ...], ...]
    routing: str = "information"
    cuts: tuple[tuple[float, ...], ...] = ()
    mean: float = 0.0
    sd: float = 1.0

    @classmethod
    def of(
        cls,
        items: Items,
        stages: Sequence[Sequence[Sequence[int]]],
        *,
        routing: str = "information",
        cuts: Sequence[Sequence[float]] = (),
        neighbours_only: bool = True,
        mean: float = 0.0,
        sd: float = 1.0,
    ) -> Panel:
        """A panel whose first stage has one module; later on only neighbouring modules may follow, or any.

        >>> panel = Panel.of(Items.of("2pl", b=[0.0, -1.0, 1.0]), [[[0]], [[1], [2]]])
        >>> panel.follows
        (((0, 1),),)
        """
        plan = tuple(tuple(tuple(int(i) for i in module) for module in stage) for stage in stages)
        follows = tuple(
            tuple(_following(m, len(now), len(later), neighbours_only) for m in range(len(now)))
            for now, later in pairwise(plan)
        )
        return cls(items, plan, follows, routing, tuple(tuple(map(float, row)) for row in cuts), mean, sd)

    def __post_init__(self) -> None:
        _check(self)

    @cached_property
    def nodes(self) -> Floats:
        """Abilities (Q,) that posteriors are kept on."""
        return irt.normal_grid(self.mean, self.sd)

    @cached_property
    def module_information(self) -> tuple[Floats, ...]:
        """For each stage the information of its modules at the nodes, (modules, Q)."""
        curves = irt.information(self.items, self.nodes)
        return tuple(np.array([curves[:, list(m)].sum(axis=1) for m in stage]) for stage in self.stages)


@dataclass(frozen=True)
class PanelRuns:
    """Multistage tests of N trainees: the `route` (N, S) of modules, `theta` and `error` (N, S) after each stage."""

    route: Indices
    theta: Floats
    error: Floats


def next_module(panel: Panel, route: Sequence[int], responses: npt.ArrayLike) -> int | None:
    """The module of the next stage for a trainee on this route, or None after the last stage.

    `responses` (J,) are the scores so far, NaN (or negative) where an item was not given; `route` the modules so far.

    >>> panel = Panel.of(Items.of("2pl", a=[2.0, 1.0, 1.0], b=[0.0, -1.0, 1.0]), [[[0]], [[1], [2]]])
    >>> next_module(panel, [0], [1.0, float("nan"), float("nan")])
    1
    """
    stage = len(route)
    if stage == len(panel.stages):
        return None
    if stage == 0:
        return 0
    if stage > len(panel.stages) or any(not 0 <= m < len(panel.stages[s]) for s, m in enumerate(route)):
        raise ValueError(f"next_module: route {list(route)} is not one of this panel")
    row = np.asarray(responses, dtype=np.float64)[None]
    found = _estimate(panel, row)
    return int(_routed(panel, stage, np.array([route[-1]]), found.theta, np.nansum(np.maximum(row, 0.0), axis=1))[0])


def run(panel: Panel, responses: npt.ArrayLike) -> PanelRuns:
    """The multistage tests of trainees who would score `responses` (N, J); theta and its error are EAP estimates.

    >>> panel = Panel.of(Items.of("2pl", a=[2.0, 1.0, 1.0], b=[0.0, -1.0, 1.0]), [[[0]], [[1], [2]]])
    >>> run(panel, [[1, 1, 1], [0, 0, 0]]).route.tolist()
    [[0, 1], [0, 0]]
    """
    scores = codes(responses, panel.items.categories)
    if (scores < 0).any():
        raise ValueError(f"run: trainee {int(np.argwhere(scores < 0)[0, 0])} lacks a response")
    seen = np.full(scores.shape, np.nan)
    shape = (len(scores), len(panel.stages))
    route, theta, error = np.zeros(shape, dtype=np.intp), np.zeros(shape), np.zeros(shape)
    for stage, modules in enumerate(panel.stages):
        if stage:
            total = np.nansum(seen, axis=1)
            route[:, stage] = _routed(panel, stage, route[:, stage - 1], theta[:, stage - 1], total)
        for number, module in enumerate(modules):
            cells = np.ix_(np.flatnonzero(route[:, stage] == number), np.array(module))
            seen[cells] = scores[cells]
        found = _estimate(panel, seen)
        theta[:, stage], error[:, stage] = found.theta, found.standard_error
    return PanelRuns(route, theta, error)


@undetermined.refused("cuts", "the harder module does not overtake the easier one")
def routing_cuts(panel: Panel, stage: int, module: int) -> Floats:
    """Abilities where the information of the modules that may follow is equal in turn, (modules - 1,), on theta.

    Between two of them the module that comes has most information: the approximate maximum information method (Luecht,
    Brumfield & Breithaupt 2006). Undetermined where the harder of two modules does not overtake the easier one.

    >>> panel = Panel.of(Items.of("2pl", b=[0.0, -1.0, 1.0]), [[[0]], [[1], [2]]])
    >>> routing_cuts(panel, 0, 0).round(6).tolist()
    [0.0]
    """
    if not 0 <= stage < len(panel.follows) or not 0 <= module < len(panel.follows[stage]):
        raise ValueError(f"routing_cuts: nothing follows module {module} of stage {stage}")
    curves = panel.module_information[stage + 1][list(panel.follows[stage][module])]
    found = []
    for easy, hard in pairwise(curves):
        gap = hard - easy
        rises = np.flatnonzero((gap[:-1] < 0) & (gap[1:] >= 0))
        at = int(rises[np.abs(panel.nodes[rises] - panel.mean).argmin()]) if rises.size else -1
        share = gap[at] / (gap[at] - gap[at + 1]) if at >= 0 else np.nan
        found.append(panel.nodes[at] + share * (panel.nodes[at + 1] - panel.nodes[at]) if at >= 0 else np.nan)
    return np.array(found)


@undetermined.refused("cuts", "the harder module does not overtake the easier one")
def score_cuts(panel: Panel, stage: int, route: Sequence[int]) -> Floats:
    """The routing cuts as expected sum scores on the modules of a route up to this stage, in score points.

    `route` (stage + 1,) are the modules taken (Luecht, Brumfield & Breithaupt 2006). Undetermined as `routing_cuts`.

    >>> panel = Panel.of(Items.of("2pl", b=[0.0, -1.0, 1.0]), [[[0]], [[1], [2]]])
    >>> score_cuts(panel, 0, [0]).round(6).tolist()
    [0.5]
    """
    if len(route) != stage + 1 or any(not 0 <= m < len(panel.stages[s]) for s, m in enumerate(route)):
        raise ValueError(f"score_cuts: route {list(route)} does not end at stage {stage}")
    at = routing_cuts(panel, stage, route[-1])
    given = [item for s, module in enumerate(route) for item in panel.stages[s][module]]
    expected = ability.test_characteristic(panel.items.take(given), np.nan_to_num(at))
    return np.where(np.isnan(at), np.nan, expected)


def assemble_module(
    information: npt.ArrayLike,
    target: npt.ArrayLike,
    constraints: Sequence[Constraint],
    used: Sequence[Module],
    *,
    panels: int = 1,
    time_limit_seconds: float = 20.0,
) -> Assembly:
    """One module for each of several parallel panels, to its own target (Q,), without items `used` in other modules.

    `information` (J, Q) is that of the pool's items at the target's points (Luecht & Nungester 1998). The modules of a
    panel are made one after the other, those for which the pool is poorest first.

    >>> length = Constraint("length", np.ones(3), 1, 1)
    >>> assemble_module([[0.1], [0.2], [0.3]], [0.3], [length], [(0,)]).selected.tolist()
    [[False, False, True]]
    """
    taken = sorted({item for module in used for item in module})
    return assemble(
        information,
        target,
        constraints,
        forms=panels,
        max_overlap=0,
        exclude=taken,
        time_limit_seconds=time_limit_seconds,
    )


def _routed(panel: Panel, stage: int, before: Indices, theta: Floats, total: Floats) -> Indices:
    """The next modules (N,) of people who come from modules `before` (N,)."""
    chosen = np.zeros(before.size, dtype=np.intp)
    for module, options in enumerate(panel.follows[stage - 1]):
        people = np.flatnonzero(before == module)
        allowed = np.array(options)
        if panel.routing == "information":
            curves = panel.module_information[stage][allowed]
            here = np.array([np.interp(theta[people], panel.nodes, curve) for curve in curves])
            chosen[people] = allowed[here.argmax(axis=0)]
            continue
        value = theta[people] if panel.routing == "theta" else total[people]
        passed = np.searchsorted(np.array(panel.cuts[stage - 1]), value, side="right")
        chosen[people] = np.clip(passed, allowed.min(), allowed.max())
    return chosen


def _estimate(panel: Panel, seen: Floats) -> ability.Ability:
    return ability.estimate(seen, panel.items, mean=panel.mean, sd=panel.sd, grid=panel.nodes)


def _following(module: int, now: int, later: int, neighbours_only: bool) -> tuple[int, ...]:
    """Modules of the next stage at most one step away on the way from easy to hard."""
    if not neighbours_only or now == 1:
        return tuple(range(later))
    place = module * (later - 1) / (now - 1)
    return tuple(k for k in range(later) if abs(k - place) <= 1)


def _check(panel: Panel) -> None:
    if panel.routing not in ROUTINGS:
        raise ValueError(f"Panel: unknown routing {panel.routing!r}, known are {', '.join(ROUTINGS)}")
    if not panel.stages or len(panel.stages[0]) != 1 or any(not stage for stage in panel.stages):
        raise ValueError("Panel: needs one module in the first stage and at least one in every stage")
    for number, stage in enumerate(panel.stages):
        for module in stage:
            known = all(0 <= item < len(panel.items) for item in module)
            if not module or not known or len(set(module)) < len(module):
                raise ValueError(
                    f"Panel: stage {number}: module {module} must hold different items of 0 to {len(panel.items) - 1}"
                )
        others = {i for s, other in enumerate(panel.stages) if s != number for m in other for i in m}
        if others & {item for module in stage for item in module}:
            raise ValueError(f"Panel: an item of stage {number} stands in another stage too")
    if panel.routing != "information":
        wanted = [len(stage) - 1 for stage in panel.stages[1:]]
        if [len(row) for row in panel.cuts] != wanted:
            raise ValueError(f"Panel: routing by {panel.routing} needs {wanted} cuts, got {panel.cuts}")
        if any(not (np.diff(row) >= 0).all() or not np.isfinite(row).all() for row in panel.cuts):
            raise ValueError(f"Panel: cuts must be finite and rise, got {panel.cuts}")
