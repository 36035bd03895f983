"""An adaptive test as one step on a frozen state: what was given and marked in, the next item or a reason to stop out.

    state = begin(design, seed)
    while (step := next_step(design, state)).item is not None:
        state = respond(design, state, step.item, score)

Nothing else is remembered and nothing is drawn outside the seed, so `replay` of the items and scores gives the same
state bit for bit, on any worker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import ability, decisions, selection
from examapp.psychometrics.adaptive_design import Design, Stopping
from examapp.psychometrics.constraints import Mask
from examapp.psychometrics.exposure import uniform
from examapp.psychometrics.irt import Indices
from examapp.psychometrics.response_models import TINY, Floats


@dataclass(frozen=True)
class State:
    """A test so far: items and scores in order, the posterior (Q,) on the pool's nodes, the estimate with its error.

    `open_items` (J,) are those that may still come; `seconds` were spent; `seed` is where all chance comes from.
    """

    items: tuple[int, ...]
    scores: tuple[int, ...]
    posterior: Floats
    theta: float
    error: float
    open_items: Mask
    seconds: float
    seed: int


@dataclass(frozen=True)
class Step:
    """The next item, or None and why: "length", "time", "precision", "decision" or "empty".

    `decisions` (C,) are those of the stopping rule, if it has cuts, and `level` the number of cuts passed; a test
    that ends undecided is decided by its theta.
    """

    item: int | None
    stopped: str | None = None
    decisions: tuple[int, ...] = ()
    level: int | None = None


def begin(design: Design, seed: int = 0, eligible: npt.ArrayLike | None = None) -> State:
    """The state before the first item; `eligible` (J,) masks what this trainee may get (exposure.draw_eligible).

    The posterior is the pool's prior (Bock & Mislevy 1982).

    >>> from examapp.psychometrics.adaptive_pool import AdaptivePool
    >>> from examapp.psychometrics.irt import Items
    >>> design = Design(AdaptivePool.of(Items.of("2pl", b=[-1.0, 0.0, 1.0])), Stopping(most=2))
    >>> next_step(design, begin(design)).item
    1
    """
    if not 0 <= seed < 2**63:
        raise ValueError(f"begin: seed must be in 0 .. 2**63 - 1, got {seed}")
    open_items = np.ones(len(design.pool), dtype=bool)
    if eligible is not None:
        mask = np.asarray(eligible, dtype=bool)
        if mask.shape != open_items.shape:
            raise ValueError(f"begin: eligible has shape {mask.shape}, the pool {open_items.size} items")
        open_items = mask if mask.any() else open_items
    prior = design.pool.prior
    theta, error = _moments(design.pool.moments @ prior)
    return State((), (), prior, theta, error, open_items, 0.0, seed)


def respond(design: Design, state: State, item: int, score: int, seconds: float = 0.0) -> State:
    """The state after this item got this score (0..K-1) in so many seconds.

    posterior(theta) ~ posterior(theta) P(X = score | theta); its mean and sd are the EAP and its error (Bock & Mislevy
    1982).

    >>> from examapp.psychometrics.adaptive_pool import AdaptivePool
    >>> from examapp.psychometrics.irt import Items
    >>> design = Design(AdaptivePool.of(Items.of("2pl", b=[-1.0, 0.0, 1.0])), Stopping(most=2))
    >>> state = respond(design, begin(design), 1, 1)
    >>> round(state.theta, 3), round(state.error, 3)
    (0.413, 0.911)
    """
    pool = design.pool
    if not 0 <= item < len(pool.categories) or not 0 <= score < pool.categories[item]:
        raise ValueError(f"respond: item {item} with score {score} is not in the pool of {len(pool)}")
    if item in state.items:
        raise ValueError(f"respond: item {item} was given already")
    posterior = state.posterior * pool.likelihood[item, score]
    sums = pool.moments @ posterior
    theta, error = _moments(sums)
    posterior /= max(float(sums[0]), TINY)
    open_items = state.open_items.copy()
    open_items[item] = False
    if item in design.foes:
        open_items[design.foes[item]] = False
    items, scores = (*state.items, item), (*state.scores, score)
    if design.estimator != "EAP":
        theta, error = _estimate(design, items, scores, theta, error)
    return State(items, scores, posterior, theta, error, open_items, state.seconds + seconds, state.seed)


def next_step(design: Design, state: State) -> Step:
    """The next item of this test, or the reason why it ends.

    Chosen, balanced and ended as `Design` and `Stopping` say, with their sources.

    >>> from examapp.psychometrics.adaptive_pool import AdaptivePool
    >>> from examapp.psychometrics.irt import Items
    >>> design = Design(AdaptivePool.of(Items.of("2pl", b=[-1.0, 0.0, 1.0])), Stopping(most=2))
    >>> next_step(design, replay(design, [1, 2], [1, 0])).stopped
    'length'
    """
    reason, signs = _stopped(design.stopping, state)
    item = None if reason else _choose(design, state)
    if item is not None:
        return Step(item, None, signs)
    cuts = () if design.stopping.decision is None else design.stopping.decision.cuts
    level = int(decisions.level([signs])[0]) if cuts else -1
    if cuts and level < 0:
        level = sum(state.theta >= cut for cut in cuts)
    return Step(None, reason or "empty", signs, level if cuts else None)


def replay(
    design: Design,
    items: Sequence[int],
    scores: Sequence[int],
    *,
    seed: int = 0,
    eligible: npt.ArrayLike | None = None,
    seconds: float = 0.0,
) -> State:
    """The state after these items got these scores, in `seconds` altogether.

    `items` and `scores` are in the order given, `eligible` (J,) is that of `begin`; steps are those of `respond`.

    >>> from examapp.psychometrics.adaptive_pool import AdaptivePool
    >>> from examapp.psychometrics.irt import Items
    >>> design = Design(AdaptivePool.of(Items.of("2pl", b=[-1.0, 0.0, 1.0])), Stopping(most=2))
    >>> replay(design, [1], [1]).theta == respond(design, begin(design), 1, 1).theta
    True
    """
    state = begin(design, seed, eligible)
    for item, score in zip(items, scores, strict=True):
        state = respond(design, state, item, score)
    return replace(state, seconds=seconds)


def _choose(design: Design, state: State) -> int | None:
    """The best open item in this step's stratum and area, or at random one of the best."""
    open_items = state.open_items
    if design.strata > 1:
        stage = min(len(state.items) * design.strata // design.stopping.most, design.strata - 1)
        now = open_items & (design.stratum == stage)
        open_items = now if now.any() else open_items
    for wanted in _wanted(design, state):
        best = _best(design, state, open_items, wanted)
        if best.size:
            at = int(uniform(state.seed, len(state.items)) * best.size) if best.size > 1 else 0
            return int(best[at])
    return None


def _best(design: Design, state: State, open_items: Mask, wanted: Mask | None) -> Indices:
    """The best open items of the wanted areas (A,)."""
    if design.criterion == "mfi":
        return design.pool.best(state.theta, open_items, design.best, design.area_of, wanted)
    items = np.flatnonzero(open_items)
    items = items if wanted is None else items[wanted[design.area_of[items]]]
    value = _values(design, state, items)
    return items[np.argsort(-value, kind="stable")[: design.best]]


def _values(design: Design, state: State, items: Indices) -> Floats:
    """How good each of the items (n,) is by the design's criterion."""
    pool, name = design.pool, design.criterion
    if name == "mei":
        given, scores = np.array(state.items, dtype=np.intp), np.array(state.scores, dtype=np.intp)
        return selection.expected_information(pool, items, state.theta, given, scores)
    if name in selection.BY_POSTERIOR:
        return selection.BY_POSTERIOR[name](pool, items, state.theta, state.posterior)
    likelihood = state.posterior / np.maximum(pool.prior, TINY)
    return selection.BY_LIKELIHOOD[name](pool, items, state.theta, likelihood)


def _wanted(design: Design, state: State) -> Iterator[Mask | None]:
    """Masks (A,) of the areas furthest behind their share, then of those next furthest, and so on."""
    if not design.shares:
        yield None
        return
    given = [0] * len(design.shares)
    for item in state.items:
        given[design.area_at[item]] += 1
    total = max(len(state.items), 1)
    behind = [share - count / total for share, count in zip(design.shares, given, strict=True)]
    while (most := max(behind)) > -np.inf:
        near = [lag > most - 1e-9 for lag in behind]
        yield np.array(near)
        behind = [-np.inf if is_near else lag for lag, is_near in zip(behind, near, strict=True)]


def _stopped(rule: Stopping, state: State) -> tuple[str | None, tuple[int, ...]]:
    count = len(state.items)
    signs: tuple[int, ...] = ()
    if rule.decision is not None and count:
        at = rule.decision.log_likelihood(state.items, state.scores) if rule.decision.points.size else np.zeros(0)
        signs = tuple(rule.decision.decide(at[None], np.array([state.theta]), np.array([state.error]))[0].tolist())
    elif rule.decision is not None:
        signs = (0,) * len(rule.decision.cuts)
    if count >= rule.fewest:
        if rule.error is not None and count and state.error <= rule.error:
            return "precision", signs
        if rule.decision is not None and int(decisions.level([signs])[0]) >= 0:
            return "decision", signs
    if rule.seconds is not None and state.seconds >= rule.seconds:
        return "time", signs
    return ("length" if count >= rule.most else None), signs


def _moments(sums: Floats) -> tuple[float, float]:
    """Mean and standard deviation from the sums of a weight, times theta, times its square."""
    total, first, second = sums.tolist()
    mean = first / max(total, TINY)
    return mean, max(second / max(total, TINY) - mean * mean, 0.0) ** 0.5


def _estimate(
    design: Design, items: tuple[int, ...], scores: tuple[int, ...], theta: float, error: float
) -> tuple[float, float]:
    pool = design.pool
    top = [pool.categories[item] - 1 for item in items]
    if design.estimator == "ML" and (not any(scores) or list(scores) == top):
        return theta, error
    part = pool.items.take(list(items))
    found = ability.estimate(
        [scores], part, method=design.estimator, mean=pool.mean, sd=pool.sd, information="expected"
    )
    return float(found.theta[0]), float(found.standard_error[0])
