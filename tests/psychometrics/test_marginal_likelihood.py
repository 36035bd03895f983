import numpy as np
import pytest

from examapp.psychometrics import irt
from examapp.psychometrics.expectation import Block, Columns
from examapp.psychometrics.free_parameters import layout
from examapp.psychometrics.irt import Items
from examapp.psychometrics.marginal_likelihood import Problem, ascend, in_turn
from examapp.psychometrics.maximization import Anderson
from examapp.psychometrics.priors import Priors
from examapp.psychometrics.simulation import simulate_abilities, simulate_responses


def problem_on(points, scores):
    start = Items.of("2pl", a=np.ones(scores.shape[1]), b=np.zeros(scores.shape[1]))
    plan = layout(start, np.zeros(0, dtype=np.intp), np.zeros(1), np.ones(1), [False], [False])
    columns, z = Columns.of(start.categories, False, plan.straight), irt.grid(points=points)
    return Problem([Block(scores)], columns, plan, Priors(), z, irt.normal_weights(z)[None], np.float64, in_turn)


@pytest.fixture
def scores(rng):
    items = Items.of("2pl", a=rng.lognormal(0.5, 0.2, 30), b=rng.normal(size=30))
    return simulate_responses(rng, simulate_abilities(rng, 3000), items).astype(np.int8)


def test_a_climb_that_begins_at_the_maximum_on_few_nodes_ends_at_that_on_many(scores):
    few, many = problem_on(14, scores), problem_on(64, scores)
    there = ascend(many, many.layout.start(), 1e-7, 100).vector
    begin = ascend(few, many.layout.start(), 1e-7, 100).vector
    assert np.abs(begin - there).max() > 1e-3
    assert np.abs(ascend(many, begin, 1e-4, 100, few).vector - there).max() < 1e-4


def test_another_iteration_s_step_is_not_taken_for_a_change_of_this_one_s():
    iteration, one = Anderson(), np.ones(1)
    there = iteration.next(np.array([0.0]), np.array([0.5]), one)
    there = iteration.next(there, np.array([0.25]), one)
    iteration.turn()
    assert iteration.next(there, np.array([0.1]), one) == pytest.approx(there + 0.2)
