"""Whole adaptive tests of many trainees in lock step: the same steps as `adaptive`, one array operation for all.

The trainees' complete response vectors are given (simulation.simulate_responses makes them), so a run has no chance but
that of the seeds, and two designs can be compared on the same people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import decisions
from examapp.psychometrics.adaptive import begin, next_step, respond
from examapp.psychometrics.adaptive_design import Design
from examapp.psychometrics.constraints import Mask
from examapp.psychometrics.decisions import DecisionRule
from examapp.psychometrics.exposure import uniform
from examapp.psychometrics.irt import Indices
from examapp.psychometrics.response_models import TINY, Floats
from examapp.psychometrics.responses import Codes, codes, person_blocks

PEOPLE = 1024
REASONS = ("length", "precision", "decision", "empty")


@dataclass(frozen=True)
class Runs:
    """Adaptive tests of N trainees, at most L items long.

    `items` and `scores` (N, L) in order, -1 behind the end; `length` (N,); `theta` and `error` (N, L) after each item,
    NaN (and `blank`) behind the end; `stopped` (N,) the reasons; `level` (N,) the number of cuts passed, -1 without
    cuts. `selected` (J,) counts trainees for whom an item was selected, whether given or, by exposure control, passed
    over.
    """

    items: Indices
    scores: Indices
    length: Indices
    theta: Floats
    error: Floats
    stopped: tuple[str, ...]
    level: Indices
    selected: Indices

    @property
    def blank(self) -> Mapping[str, Mask]:
        """What lies behind the end of a test."""
        return dict.fromkeys(("theta", "error"), self.items < 0)

    @property
    def final_theta(self) -> Floats:
        """The estimates at the end, (N,)."""
        return np.asarray(self.theta[np.arange(len(self.length)), self.length - 1], dtype=np.float64)

    def exposure(self, items: int) -> Floats:
        """Share of the trainees who got each of the J items, (J,)."""
        return np.bincount(self.items[self.items >= 0], minlength=items) / max(len(self.items), 1)


def run(
    design: Design,
    responses: npt.ArrayLike,
    *,
    seeds: npt.ArrayLike | None = None,
    eligible: npt.ArrayLike | None = None,
) -> Runs:
    """The adaptive tests of trainees who would score `responses` (N, J), with `seeds` (N,) and masks `eligible` (N, J).

    Criteria other than maximum information, and estimators other than EAP, are taken step by step.

    Steps are those of `begin`, `respond` and `next_step`, ends those of `Stopping`.

    >>> from examapp.psychometrics.adaptive_design import Stopping
    >>> from examapp.psychometrics.adaptive_pool import AdaptivePool
    >>> from examapp.psychometrics.irt import Items
    >>> pool = AdaptivePool.of(Items.of("2pl", b=[-1.0, 0.0, 1.0]))
    >>> run(Design(pool, Stopping(most=2)), [[1, 1, 0], [0, 0, 0]]).items.tolist()
    [[1, 2], [1, 0]]
    """
    scores = codes(responses, design.pool.items.categories)
    if not len(scores):
        raise ValueError("run: no trainees")
    if (scores < 0).any():
        raise ValueError(f"run: trainee {int(np.argwhere(scores < 0)[0, 0])} lacks a response")
    seed = np.zeros(len(scores), dtype=np.int64) if seeds is None else np.asarray(seeds, dtype=np.int64)
    may = None if eligible is None else np.asarray(eligible, dtype=bool)
    if seed.shape != (len(scores),) or (may is not None and may.shape != scores.shape):
        raise ValueError(f"run: {scores.shape} responses need as many seeds and masks of their shape")
    together = _lock_step if design.criterion == "mfi" and design.estimator == "EAP" else _step_by_step
    parts = []
    for people in person_blocks(len(scores), PEOPLE):
        parts.append(together(design, scores[people], seed[people], None if may is None else may[people]))
    return _joined(parts)


def _step_by_step(design: Design, responses: Codes, seeds: Indices, eligible: Mask | None) -> Runs:
    out = _empty(design, len(responses))
    for person, row in enumerate(responses):
        state = begin(design, int(seeds[person]), None if eligible is None else eligible[person])
        step = next_step(design, state)
        while step.item is not None:
            state = respond(design, state, step.item, int(row[step.item]))
            at = len(state.items) - 1
            out.items[person, at], out.scores[person, at] = state.items[at], state.scores[at]
            out.theta[person, at], out.error[person, at] = state.theta, state.error
            step = next_step(design, state)
        out.length[person] = len(state.items)
        out.level[person] = -1 if step.level is None else step.level
        out.stopped[person] = step.stopped or ""
    return out.runs(len(design.pool))


def _lock_step(design: Design, responses: Codes, seeds: Indices, eligible: Mask | None) -> Runs:
    group = _Group(design, responses, seeds, eligible)
    for position in range(design.stopping.most):
        if not group.active.size:
            break
        items = group.choose(position)
        group.respond(position, items)
        group.stop(position + 1)
    return group.out.runs(len(design.pool), group.passed)


@dataclass
class _Out:
    """The arrays of Runs while they are filled."""

    items: Indices
    scores: Indices
    length: Indices
    theta: Floats
    error: Floats
    stopped: list[str]
    level: Indices

    def runs(self, pool: int, passed: Indices | int = 0) -> Runs:
        given = np.bincount(self.items[self.items >= 0], minlength=pool)
        return Runs(
            self.items,
            self.scores,
            self.length,
            self.theta,
            self.error,
            tuple(self.stopped),
            self.level,
            np.asarray(given + passed, dtype=np.intp),
        )


class _Group:
    """Trainees under way; rows of the arrays are people, `active` those who still go on."""

    def __init__(self, design: Design, responses: Codes, seeds: Indices, eligible: Mask | None) -> None:
        self.design, self.responses, self.seeds = design, responses, seeds
        count = len(responses)
        self.active = np.arange(count)
        self.open = np.ones(responses.shape, dtype=bool)
        self.hidden: Mask = np.zeros((0, 0), dtype=bool)
        if eligible is not None:
            self.open = eligible | ~eligible.any(axis=1, keepdims=True)
            self.hidden = ~self.open
        self.posterior = np.tile(design.pool.prior, (count, 1))
        start = begin(design)
        self.theta, self.error = np.full(count, start.theta), np.full(count, start.error)
        self.given = np.zeros((count, len(design.shares)))
        rule = design.stopping.decision
        self.log_likelihood = np.zeros((count, 0 if rule is None else rule.points.size))
        self.passed = np.zeros(len(design.pool), dtype=np.intp)
        self.out = _empty(design, count)

    def choose(self, position: int) -> Indices:
        """The next item of each active trainee, -1 where none is open."""
        design, people = self.design, self.active
        stage = None
        if design.strata > 1:
            now = min(position * design.strata // design.stopping.most, design.strata - 1)
            stage = np.asarray(design.stratum == now)
        found = np.full((people.size, design.best), -1)
        value = np.full(people.size, -1.0)
        for area in self._wanted(people, position):
            for mask in (stage, None) if stage is not None else (None,):
                left = np.flatnonzero(found[:, 0] < 0)
                if left.size:
                    found[left], value[left] = self._best(people[left], None if area is None else area[left], mask)
        if self.hidden.size:
            self._pass_over(people, value)
        if design.best == 1:
            return found[:, 0]
        many = (found >= 0).sum(axis=1)
        pick = (uniform(self.seeds[people], position) * np.maximum(many, 1)).astype(np.intp)
        return found[np.arange(people.size), np.where(many > 1, pick, 0)]

    def _best(self, people: Indices, area: Mask | None, stage: Mask | None) -> tuple[Indices, Floats]:
        """The best items of these people, in their wanted areas (n, A) and in this stratum (J,)."""
        open_items = self.open if people.size == len(self.open) else self.open[people]
        if stage is not None:
            open_items = open_items & stage
        if area is not None:
            open_items = open_items & area[:, self.design.area_of]
        return self.design.pool.best_each(self.theta[people], open_items, self.design.best)

    def respond(self, position: int, items: Indices) -> None:
        """Mark the items and move the posteriors on; who got none stops."""
        design, out = self.design, self.out
        people, items, without = self.active[items >= 0], items[items >= 0], self.active[items < 0]
        self._end(without, position, "empty")
        scores = self.responses[people, items].astype(np.intp)
        posterior = self.posterior[people] * design.pool.likelihood[items, scores]
        sums = posterior @ design.pool.moments.T
        total = np.maximum(sums[:, 0], TINY)
        self.posterior[people] = posterior / total[:, None]
        mean = sums[:, 1] / total
        self.theta[people] = mean
        self.error[people] = np.sqrt(np.maximum(sums[:, 2] / total - mean * mean, 0.0))
        self.open[people, items] = False
        for row, item in enumerate(items.tolist()) if design.foes else ():
            if item in design.foes:
                self.open[people[row], design.foes[item]] = False
        if design.shares:
            self.given[people, design.area_of[items]] += 1
        if design.stopping.decision is not None and self.log_likelihood.shape[1]:
            self.log_likelihood[people] += design.stopping.decision.log_p[items, scores]
        out.items[people, position], out.scores[people, position] = items, scores
        out.theta[people, position], out.error[people, position] = self.theta[people], self.error[people]

    def stop(self, count: int) -> None:
        """End the tests that have reached a reason to end after `count` items."""
        rule, people = self.design.stopping, self.active
        if count >= rule.fewest and rule.error is not None:
            self._end(people[self.error[people] <= rule.error], count, "precision")
        if count >= rule.fewest and rule.decision is not None:
            people = self.active
            self._end(people[decisions.level(self._decisions(rule.decision, people)) >= 0], count, "decision")
        if count >= rule.most:
            self._end(self.active, count, "length")

    def _decisions(self, rule: DecisionRule, people: Indices) -> decisions.Signs:
        return rule.decide(self.log_likelihood[people], self.theta[people], self.error[people])

    def _end(self, people: Indices, count: int, reason: str) -> None:
        if not people.size:
            return
        self.out.length[people] = count
        for person in people.tolist():
            self.out.stopped[person] = reason
        rule = self.design.stopping.decision
        if rule is not None:
            level = decisions.level(self._decisions(rule, people))
            by_theta = (self.theta[people, None] >= np.array(rule.cuts)).sum(axis=1)
            self.out.level[people] = np.where(level >= 0, level, by_theta)
        self.active = self.active[~np.isin(self.active, people)]

    def _wanted(self, people: Indices, position: int) -> Iterator[Mask | None]:
        """Masks (n, A) of the areas furthest behind, then of those next furthest."""
        if not self.design.shares:
            yield None
            return
        behind = np.array(self.design.shares) - self.given[people] / max(position, 1)
        for _ in self.design.shares:
            near = behind > behind.max(axis=1, keepdims=True) - 1e-9
            yield near
            behind = np.where(near, -np.inf, behind)

    def _pass_over(self, people: Indices, value: Floats) -> None:
        """Count the hidden items that would have come before the chosen ones; each once for a trainee."""
        while people.size:
            item, most = self.design.pool.best_each(self.theta[people], self.hidden[people])
            hit = (item[:, 0] >= 0) & (most > value)
            people, value = people[hit], value[hit]
            self.hidden[people, item[hit, 0]] = False
            self.passed += np.bincount(item[hit, 0], minlength=self.passed.size)


def _empty(design: Design, count: int) -> _Out:
    shape = (count, design.stopping.most)
    return _Out(
        np.full(shape, -1),
        np.full(shape, -1),
        np.zeros(count, dtype=np.intp),
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        [""] * count,
        np.full(count, -1),
    )


def _joined(parts: list[Runs]) -> Runs:
    return Runs(
        np.concatenate([part.items for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.length for part in parts]),
        np.concatenate([part.theta for part in parts]),
        np.concatenate([part.error for part in parts]),
        tuple(reason for part in parts for reason in part.stopped),
        np.concatenate([part.level for part in parts]),
        np.sum([part.selected for part in parts], axis=0),
    )
