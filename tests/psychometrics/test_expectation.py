from dataclasses import replace

import numpy as np
import pytest

from examapp.psychometrics import irt
from examapp.psychometrics.expectation import Block, Columns, Table, posterior
from examapp.psychometrics.free_parameters import layout
from examapp.psychometrics.irt import Items
from examapp.psychometrics.marginal_likelihood import Problem, in_turn
from examapp.psychometrics.priors import Priors

MIXED = Items.of(["2pl", "gpcm", "nrm", "rasch"], a=[1.3, 0.8, 1.0, 1.0], b=[[0.3], [-0.5, 0.4], [0.2, -0.1], [1.0]])


def plan_of(items):
    return layout(items, np.zeros(0, dtype=np.intp), np.zeros(1), np.ones(1), [False], [True])


def problem_of(scores, plan, items, straight, dtype):
    z = irt.grid(points=48)
    columns = Columns.of(items.categories, bool((scores < 0).any()), straight)
    block = Block(scores, weight=np.linspace(0.5, 2.0, len(scores)))
    return Problem([block], columns, plan, Priors(), z, irt.normal_weights(z)[None], dtype, in_turn)


@pytest.mark.parametrize("unseen", [0.0, 0.3], ids=["complete", "holes"])
@pytest.mark.parametrize(("dtype", "close"), [(np.float64, 1e-9), (np.float32, 2e-3)], ids=["double", "single"])
def test_straight_lines_give_the_same_step_as_all_columns(rng, unseen, dtype, close):
    scores = rng.integers(0, MIXED.categories, (3000, 4)).astype(np.int8)
    scores[rng.random(scores.shape) < unseen] = -1
    plan = plan_of(MIXED)
    lines, columns = (problem_of(scores, plan, MIXED, straight, dtype) for straight in (True, False))
    sums, others = lines.expect(plan.start()), columns.expect(plan.start())
    assert sums.log_likelihood == pytest.approx(others.log_likelihood, rel=1e-7)
    step, other = lines.step(plan.start(), sums), columns.step(plan.start(), others)
    assert step.gradient == pytest.approx(other.gradient, abs=close)
    assert step.step == pytest.approx(other.step, abs=close)


@pytest.mark.parametrize(("model", "straight"), [("1pl", True), ("pcm", True), ("3pl", False), ("grm", False)])
def test_log_odds_are_straight_unless_there_are_asymptotes_or_grades(model, straight):
    assert plan_of(Items.of(model, b=[0.0, 0.5])).straight is straight


def test_an_item_with_a_fixed_asymptote_is_not_straight():
    assert not plan_of(Items.of("2pl", b=[0.0], c=[0.2])).straight


def test_posteriors_much_narrower_than_the_nodes_are_weighed_right():
    table = Table.of(np.array([[0.0], [-300.0], [-900.0]]), np.zeros(3), np.float32)
    weights, log_likelihood = posterior(np.ones((1, 3), dtype=np.float32), table)
    assert weights.tolist() == [[1.0, 0.0, 0.0]]
    assert log_likelihood.tolist() == [0.0]


def test_no_mass_is_lost_to_rounding(rng):
    items = Items.of("2pl", a=np.ones(30), b=rng.normal(size=30))
    plan, scores = plan_of(items), rng.integers(0, 2, (20_000, 30)).astype(np.int8)
    problem = problem_of(scores, plan, items, True, np.float32)
    problem = replace(problem, blocks=[Block(scores)])
    assert problem.expect(plan.start()).people.sum() == pytest.approx(20_000, rel=1e-12)
