"""The marginal likelihood of a calibration and the climb to its maximum, over blocks of people wherever they are.

The likelihood is that of Bock & Aitkin (1981), the acceleration Anderson's (1965).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.expectation import Block, Columns, Sums, add_up, block_sums, category_counts, tables
from examapp.psychometrics.free_parameters import Layout
from examapp.psychometrics.irt import Indices
from examapp.psychometrics.maximization import Anderson, Step, is_possible, newton_step
from examapp.psychometrics.priors import Priors
from examapp.psychometrics.response_models import Floats

Map = Callable[[Callable[[Block], Sums], Sequence[Block]], Iterable[Sums]]
SMALL = 300_000
FAR = 0.05


@dataclass(frozen=True)
class Problem:
    """Everything an E-step needs besides the parameters."""

    blocks: Sequence[Block]
    columns: Columns
    layout: Layout
    priors: Priors
    z: Floats
    weights: Floats
    dtype: npt.DTypeLike
    map: Map

    def nodes(self, vector: Floats) -> Floats:
        """Each group's nodes on the ability scale, (G, Q)."""
        mean, sd = self.layout.distribution(vector)
        return mean[:, None] + sd[:, None] * self.z

    def expect(self, vector: Floats) -> Sums:
        """The E-step at these parameters over all blocks."""
        theta = self.nodes(vector)
        logs = [log_probabilities(self.layout, vector, row, self.columns.categories) for row in theta]
        by_group = tables(self.columns, logs, self.weights, self.dtype, theta)
        return add_up(self.map(partial(block_sums, columns=self.columns, by_group=by_group), self.blocks))

    def step(self, vector: Floats, sums: Sums) -> Step:
        """The M-step from these sums."""
        counts = category_counts(sums, self.columns)
        return newton_step(self.layout, vector, self.nodes(vector), counts, sums.people, self.priors)


@dataclass(frozen=True)
class Ascent:
    """Where the iteration ended: the vector, its E-step and M-step, and how it went."""

    vector: Floats
    sums: Sums
    step: Step
    cycles: int
    converged: bool
    change: float


def log_probabilities(plan: Layout, vector: Floats, theta: Floats, categories: Indices) -> Floats:
    """log P (Q, J, K) of the items a vector stands for, without a detour by their natural parameters.

    `vector` (P,) is read as `plan` says, `theta` (Q,) are nodes, `categories` (J,) how many each item has.

    >>> from examapp.psychometrics.free_parameters import layout
    >>> from examapp.psychometrics.irt import Items
    >>> plan = layout(Items.of("2pl", b=[0.0]), np.zeros(0, dtype=np.intp), np.zeros(1), np.ones(1), [False], [False])
    >>> np.exp(log_probabilities(plan, plan.start(), np.zeros(1), np.array([2]))).round(6).tolist()
    [[[0.5, 0.5]]]
    """
    out = np.zeros((theta.size, categories.size, int(categories.max(initial=2))))
    for kind in plan.kinds:
        logs = kind.model.log_probabilities(kind.values(vector), theta)
        out[:, kind.at, : kind.categories] = np.moveaxis(logs, 2, 0)
    return out


def ascend(
    problem: Problem, vector: Floats, tolerance: float, max_cycles: int, coarse: Problem | None = None
) -> Ascent:
    """Accelerated Newton steps from a start `vector` (P,) until the next is within tolerance, in standard errors.

    While the steps are long, the sums are those of the `coarse` problem, the same on fewer nodes, if it is given.

    A step that lowers the log-posterior is taken back: first the acceleration goes, then the Newton step, for good,
    in favour of the EM step, and then its length. In single precision, where a last look would show only noise, the
    end is foreseen from the last two steps: the one after would be shorter in the same ratio.

    >>> from examapp.psychometrics.free_parameters import layout
    >>> from examapp.psychometrics.irt import Items, grid, normal_weights
    >>> items, nothing = Items.of("rasch", b=[1.0, 1.0]), np.zeros(0, dtype=np.intp)
    >>> plan = layout(items, nothing, np.zeros(1), np.ones(1), [False], [False])
    >>> blocks, weights = [Block(np.array([[0, 1], [1, 0]], dtype=np.int8))], normal_weights(grid())[None]
    >>> columns = Columns.of(items.categories, False)
    >>> problem = Problem(blocks, columns, plan, Priors(), grid(), weights, np.float64, in_turn)
    >>> ascend(problem, plan.start(), 1e-4, 50).vector.round(3).tolist()
    [0.0, 0.0]
    """
    anderson, best = Anderson(), -np.inf
    held = plain = safe = vector
    slack = 1e-10 if problem.dtype == np.float64 else 1e-7
    cautious, change, fine = False, np.inf, problem
    problem = coarse or fine
    for cycle in range(1, max_cycles + 1):
        if change < FAR and problem is not fine:
            problem, best, change = fine, -np.inf, np.inf
            anderson.turn()
        sums = problem.expect(vector)
        step = problem.step(vector, sums)
        value = sums.log_likelihood + step.log_prior
        if value < best - slack * abs(best):
            anderson.clear()
            change = np.inf
            if not np.array_equal(vector, plain):
                vector = plain
            elif not cautious:
                vector, plain, cautious = safe, safe, True
            else:
                vector = plain = 0.5 * (held + plain)
            continue
        move = step.safe if cautious else step.step
        best, held, plain, safe = value, vector, vector + move, vector + step.safe
        following = anderson.next(vector, move, step.scale)
        before, change = change, float(np.max(np.abs(following - vector) * step.scale, initial=0.0))
        if change < tolerance and problem is fine:
            return Ascent(vector, sums, step, cycle, True, change)
        if not is_possible(problem.layout, following):
            anderson.clear()
            following = plain
        elif problem is fine and problem.dtype == np.float32 and _left(before, change) < tolerance:
            return Ascent(following, sums, step, cycle, True, _left(before, change))
        vector = following
    return Ascent(vector, sums, step, max_cycles, False, change)


def _left(before: float, change: float) -> float:
    """The way left after this step if every further one is shorter in the ratio of the last two."""
    return change**2 / (before - change) if change < 0.5 * before < np.inf else np.inf


def sharpened(problem: Problem, ascent: Ascent) -> tuple[Problem, Ascent]:
    """The last E-step once more in double precision, and the short step that it still asks for.

    >>> from examapp.psychometrics.free_parameters import layout
    >>> from examapp.psychometrics.irt import Items, grid, normal_weights
    >>> items, nothing = Items.of("rasch", b=[1.0, 1.0]), np.zeros(0, dtype=np.intp)
    >>> plan = layout(items, nothing, np.zeros(1), np.ones(1), [False], [False])
    >>> blocks, weights = [Block(np.array([[0, 1], [1, 0]], dtype=np.int8))], normal_weights(grid())[None]
    >>> columns = Columns.of(items.categories, False)
    >>> problem = Problem(blocks, columns, plan, Priors(), grid(), weights, np.float32, in_turn)
    >>> bool(np.abs(sharpened(problem, ascend(problem, plan.start(), 1e-2, 50))[1].vector).max() < 1e-3)
    True
    """
    problem = replace(problem, dtype=np.float64)
    sums = problem.expect(ascent.vector)
    step = problem.step(ascent.vector, sums)
    vector = ascent.vector + step.step
    if not (ascent.converged and is_possible(problem.layout, vector)):
        vector = ascent.vector
    return problem, replace(ascent, vector=vector, sums=sums, step=step, cycles=ascent.cycles + 1)


def in_turn(function: Callable[[Block], Sums], blocks: Sequence[Block]) -> Iterable[Sums]:
    """The map of one process: the sums of the blocks, one after the other.

    >>> list(in_turn(lambda block: block.size, [Block(np.zeros((2, 1), dtype=np.int8))]))
    [2.0]
    """
    return (function(block) for block in blocks)


@contextmanager
def mapper(given: Map | None, size: float) -> Iterator[Map]:
    """The caller's map, or two threads if there is enough to do, or none.

    >>> with mapper(None, 1e6) as threads:
    ...     list(threads(lambda block: block.size, [Block(np.zeros((2, 1), dtype=np.int8))] * 5))
    [2.0, 2.0, 2.0, 2.0, 2.0]
    """
    if given is not None:
        yield given
    elif size <= SMALL:
        yield in_turn
    else:
        with ThreadPoolExecutor(2) as pool:
            yield lambda function, blocks: _windowed(pool, function, blocks)


def _windowed(pool: ThreadPoolExecutor, function: Callable[[Block], Sums], blocks: Sequence[Block]) -> Iterator[Sums]:
    """Results in order, never more than a few blocks ahead, so that a long stream is not held in memory."""
    waiting: list[Future[Sums]] = []
    for block in blocks:
        waiting.append(pool.submit(function, block))
        if len(waiting) > 3:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()
