from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics import irt
from examapp.psychometrics.adaptive import State
from examapp.psychometrics.adaptive_pool import AdaptivePool
from examapp.psychometrics.assembly import assemble
from examapp.psychometrics.constraints import Constraint, Demands, violations
from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import rescale
from examapp.psychometrics.shadow import ShadowDesign, ShadowStep, begin, next_step, replay, respond

rng = np.random.default_rng(8)
COUNT = 150
POOL = AdaptivePool.of(Items.of("2pl", a=rng.lognormal(0.0, 0.3, COUNT), b=rng.normal(0.0, 1.0, COUNT)))
AREA, WORDS = rng.integers(4, size=COUNT), rng.normal(60, 15, COUNT)
ROWS = [
    Constraint("length", np.ones(COUNT), 12, 12),
    Constraint("words", WORDS, 650, 750),
    *(Constraint(f"area {k}", np.equal(AREA, k).astype(float), 2, 4) for k in range(4)),
]
REST = {"enemies": [(j, j + 1) for j in range(0, 40, 2)], "testlets": [[50, 51, 52], [60, 61, 62], [70, 71, 72]]}
DESIGN = ShadowDesign(POOL, Demands.of(COUNT, ROWS, **REST))  # type: ignore[arg-type]


def take(
    design: ShadowDesign, right: float = 0.5, seed: int = 1, eligible: np.ndarray | None = None
) -> tuple[State, ShadowStep]:
    chance = np.random.default_rng(seed)
    state = begin(design, seed, eligible)
    step = next_step(design, state)
    while step.item is not None:
        state = respond(design, state, step.item, int(chance.random() < right))
        step = next_step(design, state)
    return state, step


@pytest.mark.parametrize("right", [0.0, 0.5, 1.0])
def test_the_finished_test_meets_the_whole_blueprint(right: float) -> None:
    state, step = take(DESIGN, right)
    given = np.zeros((1, COUNT), dtype=bool)
    given[0, list(state.items)] = True
    assert step.stopped == "complete"
    assert (step.shadow == given[0]).all()
    assert violations(DESIGN.demands, given) == ()


def test_each_shadow_is_the_best_form_that_holds_what_was_given() -> None:
    state, _ = take(DESIGN)
    half = replay(DESIGN, state.items[:6], state.scores[:6])
    held = [Constraint("given", np.isin(np.arange(COUNT), half.items).astype(float), 6, 6)]
    information = irt.information(POOL.items, [half.theta]).T
    best = assemble(information, None, [*ROWS, *held], gap=1e-6, **REST)  # type: ignore[arg-type]
    step = next_step(DESIGN, half)
    assert step.item == state.items[6]
    assert step.information == pytest.approx(best.objective, rel=2e-3)


def test_a_testlet_is_given_in_one_piece() -> None:
    must = Constraint("a testlet", np.isin(np.arange(COUNT), [60, 61, 62]).astype(float), 3, 3)
    design = ShadowDesign(POOL, Demands.of(COUNT, [*ROWS, must], **REST))  # type: ignore[arg-type]
    items = take(design)[0].items
    places = sorted(items.index(item) for item in (60, 61, 62))
    assert places == list(range(places[0], places[0] + 3))


def test_items_that_are_not_eligible_stay_out_while_a_form_exists() -> None:
    eligible = np.random.default_rng(2).random(COUNT) < 0.6
    assert eligible[list(take(DESIGN, eligible=eligible)[0].items)].all()
    few = np.arange(COUNT) < 5
    assert take(DESIGN, eligible=few)[1].stopped == "complete"


def test_the_order_of_the_pool_does_not_matter() -> None:
    order = np.random.default_rng(3).permutation(COUNT)
    at = order.argsort()
    rows = [Constraint(c.name, c.weights[order], c.lower, c.upper) for c in ROWS]
    pairs = [at[list(pair)].tolist() for pair in REST["enemies"]]
    sets = [at[group].tolist() for group in REST["testlets"]]
    other = ShadowDesign(
        AdaptivePool.of(POOL.items.take(order)), Demands.of(COUNT, rows, enemies=pairs, testlets=sets), 1e-6
    )
    mine = ShadowDesign(POOL, DESIGN.demands, 1e-6)
    state, same = replay(mine, [5, 6 + 50], [1, 0]), replay(other, at[[5, 6 + 50]].tolist(), [1, 0])
    assert next_step(other, same).information == pytest.approx(next_step(mine, state).information, rel=1e-5)


def test_a_shadow_test_replays_from_its_items_and_scores() -> None:
    state, _ = take(DESIGN)
    again = replay(DESIGN, state.items[:5], state.scores[:5])
    assert [next_step(DESIGN, again).item for _ in range(2)] == [state.items[5]] * 2


def test_a_blueprint_that_nothing_meets_names_its_clash() -> None:
    clash = Constraint("too many", (AREA == 0).astype(float), 6, 12)
    step = next_step(design := ShadowDesign(POOL, Demands.of(COUNT, [*ROWS, clash])), begin(design))
    assert (step.item, step.stopped) == (None, "infeasible")
    assert set(step.conflicts) == {"area 0", "too many"}


FEW = settings(max_examples=6, deadline=None)
TINY_POOL = POOL.items.take(range(14))
TINY_ROWS = [Constraint("length", np.ones(14), 5, 5), Constraint("area", (np.arange(14) % 3 == 0).astype(float), 2, 2)]
TINY_REST = {"enemies": [(1, 2)], "testlets": [[4, 5]]}


def whole_test(design: ShadowDesign, scores: Mapping[int, int], eligible: np.ndarray | None = None) -> State:
    """The test of a trainee who would score so."""
    state = begin(design, 0, eligible)
    while (item := next_step(design, state).item) is not None:
        state = respond(design, state, item, scores[item])
    assert replay(design, state.items, state.scores, eligible=eligible).theta == state.theta
    return state


def tiny(items: Items = TINY_POOL, mean: float = 0.0, sd: float = 1.0, **rest: object) -> ShadowDesign:
    demands = Demands.of(len(items), **({"constraints": TINY_ROWS} | TINY_REST | rest))  # type: ignore[arg-type]
    return ShadowDesign(AdaptivePool.of(items, mean=mean, sd=sd), demands, 1e-9)


MARKS = dict(enumerate(np.random.default_rng(4).integers(0, 2, 14).tolist()))
TAKEN = whole_test(tiny(), MARKS)


@FEW
@given(st.permutations(range(14)))
def test_the_pool_in_any_order_gives_the_same_test(order: list[int]) -> None:
    at = {item: place for place, item in enumerate(order)}
    rows = [Constraint(row.name, row.weights[order], row.lower, row.upper) for row in TINY_ROWS]
    moved = {key: [[at[item] for item in group] for group in groups] for key, groups in TINY_REST.items()}
    design = tiny(TINY_POOL.take(order), constraints=rows[::-1], **moved)
    state = whole_test(design, {at[item]: mark for item, mark in MARKS.items()})
    assert tuple(order[item] for item in state.items) == TAKEN.items
    assert replay(design, state.items, state.scores).theta == state.theta == pytest.approx(TAKEN.theta)


@FEW
@given(st.floats(0.4, 2.5), st.floats(-2.0, 2.0))
def test_another_scale_gives_the_same_test(A: float, B: float) -> None:
    state = whole_test(tiny(rescale(TINY_POOL, A, B), B, A), MARKS)
    assert state.items == TAKEN.items
    assert (state.theta, state.error) == pytest.approx((A * TAKEN.theta + B, A * TAKEN.error))


@FEW
@given(st.floats(0.1, 10.0))
def test_names_and_units_of_the_blueprint_do_not_matter(unit: float) -> None:
    rows = [Constraint(f"row {n}", unit * c.weights, unit * c.lower, unit * c.upper) for n, c in enumerate(TINY_ROWS)]
    assert whole_test(tiny(constraints=rows), MARKS).items == TAKEN.items


def test_an_item_that_may_not_be_given_does_not_matter() -> None:
    more = Items.concatenate([TINY_POOL, Items.of("2pl", a=[9.0], b=[0.0])])
    rows = [Constraint(c.name, np.append(c.weights, 1.0), c.lower, c.upper) for c in TINY_ROWS]
    assert whole_test(tiny(more, constraints=rows, excluded=[14]), MARKS).items == TAKEN.items
    closed = np.arange(15) < 14
    assert whole_test(tiny(more, constraints=rows), MARKS, closed).items == TAKEN.items


@pytest.mark.parametrize("score", [0, 1])
def test_a_pool_of_one_item_is_a_test(score: int) -> None:
    one = tiny(TINY_POOL.take([0]), constraints=[Constraint("length", np.ones(1), 1, 1)], enemies=(), testlets=())
    state = whole_test(one, {0: score})
    assert state.items == (0,)
    assert np.isfinite([state.theta, state.error]).all()
    assert next_step(one, state).stopped == "complete"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: respond(DESIGN, begin(DESIGN), 0, 2), "item 0 with score 2"),
        (lambda: replay(DESIGN, [0, 0], [1, 1]), "item 0 was given already"),
        (lambda: begin(DESIGN, -1), "seed must be"),
        (lambda: begin(DESIGN, 0, [True]), "eligible has shape"),
    ],
)
def test_misuse_says_what_and_where(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_demands_of_another_pool_are_refused() -> None:
    with pytest.raises(ValueError, match="the pool has 150"):
        ShadowDesign(POOL, Demands.of(3, []))
