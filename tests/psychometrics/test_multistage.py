import numpy as np
import pytest

from examapp.psychometrics import irt, simulation
from examapp.psychometrics.constraints import Constraint
from examapp.psychometrics.irt import Items
from examapp.psychometrics.multistage import Panel, assemble_module, next_module, routing_cuts, run, score_cuts

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


@pytest.mark.parametrize(
    ("stages", "rest", "message"),
    [
        ([], {}, "one module"),
        ([[[0], [1]]], {}, "one module"),
        ([[[0]], [[0]]], {}, "another stage"),
        ([[[0]], [[70]]], {}, "stage 1"),
        ([[[0]], [[1], [2]]], {"routing": "luck"}, "unknown routing"),
        ([[[0]], [[1], [2]]], {"routing": "score"}, "cuts"),
    ],
)
def test_an_impossible_panel_is_refused(stages: list[list[list[int]]], rest: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Panel.of(ITEMS, stages, **rest)  # type: ignore[arg-type]
