from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.oracle import cat as oracle
from benchmarks.oracle.compare import missed
from examapp.psychometrics import ability, irt, selection
from examapp.psychometrics.adaptive import State, begin, next_step, replay, respond
from examapp.psychometrics.adaptive_design import ESTIMATORS, Design, Stopping
from examapp.psychometrics.adaptive_pool import AdaptivePool, cubic
from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import rescale


@cache
def make_pool(count: int = 120, model: str = "3pl") -> AdaptivePool:
    rng = np.random.default_rng(5)
    c = rng.uniform(0.0, 0.25, count) if model == "3pl" else 0.0
    return AdaptivePool.of(Items.of(model, a=rng.lognormal(0.0, 0.3, count), b=rng.normal(0.0, 1.0, count), c=c))


def take(design: Design, right: float = 0.6, seed: int = 0, eligible: np.ndarray | None = None) -> State:
    rng = np.random.default_rng(seed)
    state = begin(design, seed, eligible)
    while (item := next_step(design, state).item) is not None:
        state = respond(design, state, item, int(rng.random() < right), seconds=30.0)
    return state


@pytest.mark.reference
def test_scores_choices_and_whole_tests_match_the_reference(reference) -> None:
    assert missed(reference, "cat", oracle.checks, least=2000) == []


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(-7.0, 7.0), st.integers(1, 5))
def test_the_best_items_are_those_of_most_information(seed: int, theta: float, count: int) -> None:
    pool, open_items = make_pool(), np.random.default_rng(seed).random(120) < 0.3
    value = np.where(open_items, irt.information(pool.items, [theta])[0], -1.0)
    best = pool.best(theta, open_items, count)
    assert value[best].tolist() == pytest.approx(np.sort(value)[::-1][:count].tolist(), abs=2e-6)


@pytest.mark.parametrize("criterion", selection.CRITERIA)
def test_each_criterion_gives_a_whole_test_and_replays_exactly(criterion: str) -> None:
    design = Design(make_pool(40), Stopping(most=8), criterion=criterion, best=2)
    state = take(design, seed=9)
    again = replay(design, state.items, state.scores, seed=9, seconds=240.0)
    assert len(set(state.items)) == 8
    assert (again.theta, again.error, again.seconds) == (state.theta, state.error, state.seconds)
    assert (again.posterior == state.posterior).all()
    assert next_step(design, again) == next_step(design, state)


def test_the_estimate_is_the_eap_of_the_responses() -> None:
    design = Design(make_pool(), Stopping(most=20))
    state = take(design)
    whole = np.full((1, 120), -1)
    whole[0, list(state.items)] = state.scores
    same = ability.estimate(whole, design.pool.items)
    assert state.theta == pytest.approx(same.theta[0], abs=1e-12)
    assert state.error == pytest.approx(same.standard_error[0], abs=1e-12)


@pytest.mark.parametrize("estimator", ["MAP", "ML", "WLE"])
def test_other_estimators_lead_the_choice(estimator: str) -> None:
    design = Design(make_pool(), Stopping(most=10), estimator=estimator)
    state = take(design, seed=3)
    expected = ability.estimate([state.scores], design.pool.items.take(list(state.items)), method=estimator)
    assert state.theta == pytest.approx(expected.theta[0], abs=1e-6)


@pytest.mark.parametrize(
    ("stopping", "reason"),
    [
        (Stopping(most=5), "length"),
        (Stopping(most=100, error=0.4), "precision"),
        (Stopping(most=100, seconds=100.0), "time"),
        (Stopping(most=200), "empty"),
    ],
)
def test_a_test_ends_for_the_reason_that_comes_first(stopping: Stopping, reason: str) -> None:
    design = Design(make_pool(60), stopping)
    state = take(design)
    step = next_step(design, state)
    assert (step.item, step.stopped) == (None, reason)
    assert stopping.error is None or state.error <= stopping.error


def test_areas_get_their_shares_and_enemies_never_meet() -> None:
    pool = make_pool()
    areas = tuple(int(j) % 3 for j in range(120))
    pairs = tuple((j, j + 3) for j in range(0, 60, 6))
    design = Design(pool, Stopping(most=20), areas=areas, shares=(0.5, 0.3, 0.2), enemies=pairs)
    state = take(design)
    assert np.bincount([areas[item] for item in state.items]).tolist() == [10, 6, 4]
    assert not any(one in state.items and other in state.items for one, other in pairs)


def test_an_exhausted_area_lends_its_turn() -> None:
    design = Design(make_pool(6), Stopping(most=6), areas=(0, 1, 1, 1, 1, 1), shares=(0.9, 0.1))
    assert len(take(design).items) == 6


def test_strata_go_from_low_to_high_slopes() -> None:
    design = Design(make_pool(), Stopping(most=12), strata=3, criterion="b")
    items = take(design).items
    assert design.stratum[list(items)].tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_randomesque_tests_differ_by_seed_alone() -> None:
    design = Design(make_pool(), Stopping(most=10), best=5)
    assert take(design, 1.0, seed=1).items != take(design, 1.0, seed=2).items
    assert next_step(design, begin(design, 4)) == next_step(design, begin(design, 4))


def test_only_eligible_items_are_given() -> None:
    design = Design(make_pool(), Stopping(most=10))
    eligible = np.arange(120) % 4 == 0
    assert all(item % 4 == 0 for item in take(design, eligible=eligible).items)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 1), min_size=120, max_size=120))
def test_any_responses_leave_finite_estimates(scores: list[int]) -> None:
    design = Design(make_pool(), Stopping(most=120))
    state = replay(design, range(120), scores)
    assert np.isfinite([state.theta, state.error]).all()
    assert next_step(design, state).stopped == "length"


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(30)))
def test_the_order_of_the_pool_does_not_matter(order: list[int]) -> None:
    pool = make_pool(30)
    other = AdaptivePool.of(pool.items.take(order))
    design, shuffled = Design(pool, Stopping(most=30)), Design(other, Stopping(most=30))
    state, same = replay(design, [0, 1], [1, 0]), replay(shuffled, [order.index(0), order.index(1)], [1, 0])
    assert same.theta == state.theta
    assert order[next_step(shuffled, same).item or 0] == next_step(design, state).item


@pytest.mark.parametrize("criterion", [*selection.BY_LIKELIHOOD, *selection.BY_POSTERIOR])
def test_a_criterion_knows_neither_the_order_nor_the_scale_of_the_pool(criterion: str) -> None:
    pool, order = make_pool(30), np.random.default_rng(4).permutation(30)
    wide = Items.of("3pl", a=pool.items.a / 2, b=2 * pool.items.b[:, 0] + 10, c=pool.items.c).take(order)
    other = AdaptivePool.of(wide, mean=10.0, sd=2.0, nodes=2 * pool.nodes + 10)
    given, scores = [0, 1, 2], [1, 0, 1]
    state = replay(Design(pool, Stopping(most=30), criterion=criterion), given, scores)
    at = order.argsort()
    design = Design(other, Stopping(most=30), criterion=criterion)
    same = replay(design, at[given].tolist(), scores)
    assert (same.theta - 10) / 2 == pytest.approx(state.theta, abs=1e-9)
    step = next_step(Design(pool, Stopping(most=30), criterion=criterion), state)
    assert order[next_step(design, same).item or 0] == step.item


def test_an_item_that_is_never_given_changes_nothing() -> None:
    pool = make_pool(30)
    larger = AdaptivePool.of(Items.concatenate([pool.items, Items.of("2pl", a=[0.01], b=[3.0])]))
    assert take(Design(larger, Stopping(most=15))).items == take(Design(pool, Stopping(most=15))).items


@pytest.mark.parametrize("criterion", ["mfi", "mei", "mepv", "klp"])
def test_a_pool_of_one_item_gives_a_test_of_one_item(criterion: str) -> None:
    design = Design(AdaptivePool.of(Items.of("2pl", b=[0.0])), Stopping(most=5), criterion=criterion)
    state = take(design, right=1.0)
    assert state.items == (0,)
    assert next_step(design, state).stopped == "empty"


def test_mixed_models_in_one_test() -> None:
    items = Items.concatenate([make_pool(20).items, Items.of("gpcm", a=[1.5, 1.2], b=[[-1.0, 0.5], [0.0, 1.0, 2.0]])])
    design = Design(AdaptivePool.of(items), Stopping(most=22))
    assert replay(design, [20, 21, 0], [2, 3, 1]).theta > 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"criterion": "best"}, "unknown criterion"),
        ({"estimator": "mode"}, "unknown estimator"),
        ({"best": 0}, "best >= 1"),
        ({"areas": (0,), "shares": (1.0,)}, "1 areas for 10 items"),
        ({"areas": (0,) * 10}, "go together"),
        ({"areas": (2,) * 10, "shares": (1.0,)}, "areas must be"),
        ({"enemies": ((1, 10),)}, "enemies"),
    ],
)
def test_an_impossible_design_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Design(make_pool(10), Stopping(most=5), **change)  # type: ignore[arg-type]


FEW = settings(max_examples=3, deadline=None)
SCORES = np.random.default_rng(12).integers(0, 2, 41).tolist()


def by_scores(design: Design, scores: Sequence[int], eligible: np.ndarray | None = None) -> State:
    """The test of a trainee who would score so."""
    state = begin(design, 1, eligible)
    while (item := next_step(design, state).item) is not None:
        state = respond(design, state, item, scores[item])
    assert replay(design, state.items, state.scores, seed=1, eligible=eligible).theta == state.theta
    return state


@pytest.mark.parametrize("criterion", selection.CRITERIA)
@FEW
@given(st.floats(0.4, 2.5), st.floats(-2.0, 2.0))
def test_another_scale_gives_the_same_test(criterion: str, A: float, B: float) -> None:
    items = make_pool(40).items
    pool = AdaptivePool.of(rescale(items, A, B), mean=B, sd=A)
    here, there = (
        by_scores(Design(one, Stopping(most=7, error=0.5 * unit), criterion=criterion), SCORES)
        for one, unit in ((make_pool(40), 1.0), (pool, A))
    )
    assert there.items == here.items
    assert (there.theta, there.error) == pytest.approx((A * here.theta + B, A * here.error), abs=1e-7)


@pytest.mark.parametrize("criterion", selection.CRITERIA)
@FEW
@given(st.permutations(range(40)))
def test_the_pool_in_any_order_gives_the_same_test(criterion: str, order: list[int]) -> None:
    other = AdaptivePool.of(make_pool(40).items.take(order))
    here = by_scores(Design(make_pool(40), Stopping(most=6), criterion=criterion), SCORES)
    there = by_scores(Design(other, Stopping(most=6), criterion=criterion), [SCORES[item] for item in order])
    assert tuple(order[item] for item in there.items) == here.items
    assert there.theta == pytest.approx(here.theta)


@FEW
@given(st.permutations(range(3)))
def test_areas_by_other_names_give_the_same_test(names: list[int]) -> None:
    areas, shares = [int(j) % 3 for j in range(40)], [0.5, 0.3, 0.2]
    here, there = (
        by_scores(Design(make_pool(40), Stopping(most=9), areas=tuple(a), shares=tuple(s)), SCORES)
        for a, s in ((areas, shares), ([names[a] for a in areas], [shares[names.index(k)] for k in range(3)]))
    )
    assert there.items == here.items


def test_an_item_that_may_not_be_given_does_not_matter() -> None:
    wider = AdaptivePool.of(Items.concatenate([make_pool(40).items, Items.of("2pl", a=[9.0], b=[0.0])]))
    here = by_scores(Design(make_pool(40), Stopping(most=8)), SCORES)
    there = by_scores(Design(wider, Stopping(most=8)), SCORES, np.arange(41) < 40)
    assert (there.items, there.theta) == (here.items, here.theta)
    assert by_scores(Design(wider, Stopping(most=8), enemies=(tuple(range(41)),)), SCORES).items == (40,)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("score", [0, 1])
@pytest.mark.parametrize("count", [1, 12])
def test_all_right_and_all_wrong_stay_finite(estimator: str, score: int, count: int) -> None:
    state = by_scores(Design(make_pool(count), Stopping(most=20), estimator=estimator), [score] * count)
    assert len(state.items) == count
    assert np.isfinite([state.theta, state.error]).all()
    assert (state.theta > 0) == bool(score)


@given(st.lists(st.floats(-3, 3), min_size=4, max_size=4), st.floats(0, 1))
def test_interpolation_is_exact_for_cubics(powers: list[float], at: float) -> None:
    curve = np.polynomial.Polynomial(powers)
    assert cubic(at) @ curve(np.array([-1.0, 0.0, 1.0, 2.0])) == pytest.approx(curve(at), abs=1e-9)


@pytest.mark.parametrize(("item", "score"), [(10, 0), (0, 2), (-1, 0), (1, 0)])
def test_an_impossible_response_is_refused(item: int, score: int) -> None:
    design = Design(make_pool(10), Stopping(most=5))
    with pytest.raises(ValueError, match="respond"):
        respond(design, replay(design, [1], [1]), item, score)


def test_b_matching_is_refused_for_graded_items() -> None:
    design = Design(AdaptivePool.of(Items.of("grm", b=[[-1.0, 1.0]])), Stopping(most=1), criterion="b")
    with pytest.raises(ValueError, match="item 0 is grm"):
        next_step(design, begin(design))
