import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics import irt, simulation
from examapp.psychometrics.constraints import Constraint
from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import rescale
from examapp.psychometrics.multistage import Panel, assemble_module, next_module, routing_cuts, run, score_cuts
from examapp.psychometrics.undetermined import as_nan

rng = np.random.default_rng(6)
ITEMS = Items.of("2pl", a=rng.lognormal(0.1, 0.2, 70), b=np.repeat([0.0, -1.0, 0.0, 1.0, -1.2, 0.0, 1.2], 10))
STAGES = [[range(10)], [range(10, 20), range(20, 30), range(30, 40)], [range(40, 50), range(50, 60), range(60, 70)]]
PANEL = Panel.of(ITEMS, STAGES)


def test_the_able_are_routed_to_hard_modules_and_the_weak_to_easy_ones() -> None:
    assert run(PANEL, [np.ones(70), np.zeros(70)]).route.tolist() == [[0, 2, 2], [0, 0, 0]]


@pytest.mark.parametrize("routing", ["information", "theta", "score"])
def test_one_trainee_takes_the_route_of_the_batch(routing: str) -> None:
    cuts = {"information": (), "theta": [(-0.5, 0.5)] * 2, "score": [(4, 7), (8, 13)]}[routing]
    panel = Panel.of(ITEMS, STAGES, routing=routing, cuts=cuts)
    marks = simulation.simulate_responses(np.random.default_rng(1), np.linspace(-2, 2, 12), ITEMS)
    for row, route in zip(marks, run(panel, marks).route.tolist(), strict=True):
        taken: list[int] = []
        seen = np.full(70, np.nan)
        while (module := next_module(panel, taken, seen)) is not None:
            taken.append(module)
            at = list(panel.stages[len(taken) - 1][module])
            seen[at] = row[at]
        assert taken == route


def test_only_neighbouring_modules_follow() -> None:
    assert PANEL.follows == (((0, 1, 2),), ((0, 1), (0, 1, 2), (1, 2)))
    assert Panel.of(ITEMS, STAGES, neighbours_only=False).follows[1][0] == (0, 1, 2)


def test_the_middle_of_a_module_s_range_gets_that_module() -> None:
    low, high = routing_cuts(PANEL, 0, 0)
    information = [curve.round(9) for curve in PANEL.module_information[1]]
    at = np.abs(PANEL.nodes - (low + high) / 2).argmin()
    assert low < high
    assert np.argmax([curve[at] for curve in information]) == 1


def test_score_cuts_are_the_expected_scores_at_the_theta_cuts() -> None:
    expected = irt.expected_score(ITEMS, routing_cuts(PANEL, 0, 0))[:, :10].sum(axis=1)
    assert score_cuts(PANEL, 0, [0]).tolist() == pytest.approx(expected.tolist())


def test_a_multistage_test_measures_better_than_its_middle_modules() -> None:
    theta = np.random.default_rng(2).normal(size=2000)
    marks = simulation.simulate_responses(np.random.default_rng(3), theta, ITEMS)
    middle = Panel.of(ITEMS, [STAGES[0], [STAGES[1][1]], [STAGES[2][1]]])
    error = [np.mean((run(panel, marks).theta[:, -1] - theta) ** 2) for panel in (PANEL, middle)]
    assert error[0] < 0.93 * error[1]


def test_modules_of_parallel_panels_meet_their_own_target() -> None:
    pool = Items.of("2pl", a=rng.lognormal(0.0, 0.3, 200), b=rng.normal(0.0, 1.0, 200))
    information = irt.information(pool, [-1.0, 1.0]).T
    length = Constraint("length", np.ones(200), 10, 10)
    hard = assemble_module(information, [1.2, 3.0], [length], [], panels=2)
    used = [tuple(np.flatnonzero(row)) for row in hard.selected]
    easy = assemble_module(information, [3.0, 1.2], [length], used, panels=2)
    assert max(hard.objective, easy.objective) < 0.02
    assert (hard.selected.sum(axis=0) + easy.selected.sum(axis=0)).max() == 1


FEW = settings(max_examples=8, deadline=None)
SMALL = Items.of("2pl", a=rng.lognormal(0.1, 0.2, 9), b=[0.0, 0.3, -0.2, -1.0, -0.8, -1.2, 1.0, 0.7, 1.3])
SMALL_STAGES = [[[0, 1, 2]], [[3, 4, 5], [6, 7, 8]]]
HALF = np.where(np.arange(9) < 3, [1, 0, 1, 0, 0, 0, 0, 0, 0], np.nan)


def first_turn(panel: Panel, seen: np.ndarray) -> tuple[int | None, list[float], list[float]]:
    """Where somebody goes after the first stage, and the cuts that send them there, on theta and in points."""
    return next_module(panel, [0], seen), routing_cuts(panel, 0, 0).tolist(), score_cuts(panel, 0, [0]).tolist()


@FEW
@given(st.permutations(range(9)), st.permutations(range(3)))
def test_neither_the_order_of_the_pool_nor_that_within_a_module_matters(order: list[int], within: list[int]) -> None:
    moved = [[[order.index(module[k]) for k in within] for module in stage] for stage in SMALL_STAGES]
    found = first_turn(Panel.of(SMALL.take(order), moved), HALF[order])
    expected = first_turn(Panel.of(SMALL, SMALL_STAGES), HALF)
    assert found[0] == expected[0]
    assert found[1] == pytest.approx(expected[1])
    assert found[2] == pytest.approx(expected[2])


@FEW
@given(st.floats(0.4, 2.5), st.floats(-2.0, 2.0))
def test_another_scale_moves_the_cuts_and_leaves_routes_and_points(A: float, B: float) -> None:
    module, cuts, points = first_turn(Panel.of(SMALL, SMALL_STAGES), HALF)
    moved = first_turn(Panel.of(rescale(SMALL, A, B), SMALL_STAGES, mean=B, sd=A), HALF)
    assert moved[0] == module
    assert moved[1] == pytest.approx([A * cut + B for cut in cuts])
    assert moved[2] == pytest.approx(points)


def test_an_item_that_no_module_holds_does_not_matter() -> None:
    wider = Panel.of(Items.concatenate([SMALL, SMALL.take([0])]), SMALL_STAGES)
    assert first_turn(wider, np.append(HALF, np.nan)) == first_turn(Panel.of(SMALL, SMALL_STAGES), HALF)


@FEW
@given(st.permutations(range(9)), st.floats(0.1, 10.0))
def test_neither_order_nor_unit_of_a_pool_matters_to_a_module(order: list[int], unit: float) -> None:
    information = irt.information(SMALL, [-0.5, 0.5]).T
    length, used = Constraint("length", np.ones(9), 3, 3), [(2, 5)]
    moved = [tuple(order.index(item) for item in used[0])]
    one = assemble_module(information, [0.4, 0.6], [length], used)
    other = assemble_module(unit * information[order], [0.4 * unit, 0.6 * unit], [length], moved)
    assert other.objective == pytest.approx(one.objective, abs=0.006)
    assert not other.selected[0, moved[0]].any()


@pytest.mark.parametrize("score", [0, 1])
def test_one_item_and_one_answer_make_a_panel(score: int) -> None:
    alone = Panel.of(SMALL.take([0]), [[[0]]])
    done = run(alone, [[score]])
    assert np.isfinite([done.theta, done.error]).all()
    assert next_module(alone, [0], [score]) is None
    assert next_module(alone, [], [np.nan]) == 0


def test_one_module_of_one_item_has_routes_and_cuts() -> None:
    three = Panel.of(SMALL.take([0, 3, 6]), [[[0]], [[1], [2]]])
    for score in (0.0, 1.0):
        module, cuts, points = first_turn(three, np.array([score, np.nan, np.nan]))
        assert module == score
        assert np.isfinite([*cuts, *points]).all()


@as_nan()
def test_modules_of_which_none_overtakes_the_other_have_no_cut() -> None:
    twins = Panel.of(SMALL.take([0, 3, 3]), [[[0]], [[1], [2]]])
    assert np.isnan(routing_cuts(twins, 0, 0)).all()
    assert np.isnan(score_cuts(twins, 0, [0])).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: next_module(PANEL, [0, 3], np.zeros(70)), "not one of this panel"),
        (lambda: run(PANEL, np.full((2, 70), np.nan)), "trainee 0 lacks a response"),
        (lambda: routing_cuts(PANEL, 2, 0), "nothing follows module 0 of stage 2"),
        (lambda: score_cuts(PANEL, 1, [0]), "does not end at stage 1"),
        (lambda: assemble_module(np.ones((3, 1)), [1.0], [], [(3,)]), "items 0 to 2"),
    ],
)
def test_misuse_says_what_and_where(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("stages", "rest", "message"),
    [
        ([], {}, "one module"),
        ([[[0], [1]]], {}, "one module"),
        ([[[0]], [[0]]], {}, "another stage"),
        ([[[0]], [[70]]], {}, "stage 1"),
        ([[[0]], [[1], [2]]], {"routing": "luck"}, "unknown routing"),
        ([[[0]], [[1], [2]]], {"routing": "score"}, "cuts"),
        ([[[0]], [[1], [2], [3]]], {"routing": "score", "cuts": [(2.0, 1.0)]}, "rise"),
        ([[[0, 0]]], {}, "different items"),
    ],
)
def test_an_impossible_panel_is_refused(stages: list[list[list[int]]], rest: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Panel.of(ITEMS, stages, **rest)  # type: ignore[arg-type]
