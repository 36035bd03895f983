import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import rescale
from examapp.psychometrics.score_group_fit import score_group_fit
from examapp.psychometrics.simulation import simulate_responses
from examapp.psychometrics.undetermined import as_nan

RNG = np.random.default_rng(2)
ITEMS = Items.of(
    ["2pl"] * 8 + ["gpcm"],
    a=[1.0, 1.4, 0.8, 1.2, 0.9, 1.1, 1.0, 1.3, 0.8],
    b=[[-1.5], [-1.0], [-0.5], [0.0], [0.2], [0.6], [1.0], [1.5], [-0.5, 0.5]],
)
RESPONSES = simulate_responses(RNG, RNG.normal(size=1000), ITEMS)


def test_fitting_items_keep_their_level_and_a_wrong_curve_is_found():
    fit = score_group_fit(RESPONSES, ITEMS, parameters=np.zeros(9))
    assert (fit.p_value > 0.001).all()
    flat = Items.of("2pl", a=[0.3, *ITEMS.a[1:8]], b=ITEMS.b[:8, 0])
    assert score_group_fit(RESPONSES[:, :8], flat).p_value[0] < 1e-4


@pytest.mark.slow
def test_items_of_many_categories_keep_their_level(rng):
    b = [[-2.5, -1.0, 0.3, 1.5]] * 4 + [[-2.6, -1.8, -1.0, 0.0, 1.0, 2.0]] * 4
    known, p_values = Items.of("grm", a=[1.0, 1.6, 1.2, 2.0, 1.4, 1.1, 1.8, 0.9], b=b), []
    for _ in range(40):
        people = simulate_responses(rng, rng.normal(size=1400), known)
        p_values.append(score_group_fit(people, known, parameters=np.zeros(8)).p_value)
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_every_person_is_in_one_score_group():
    fit = score_group_fit(RESPONSES, ITEMS)
    total = RESPONSES.sum(axis=1)
    inside = ((total > 0) & (total < 10)).sum()
    assert np.isclose(fit.observed[8].sum(), inside)
    assert np.allclose([table.sum() for table in fit.expected], [table.sum() for table in fit.observed])
    assert min(table[table > 0].min() for table in fit.expected) >= 1.0


@given(st.permutations(range(9)))
@settings(max_examples=5, deadline=None)
def test_the_order_of_items_does_not_matter(order):
    found = score_group_fit(RESPONSES[:, order], ITEMS.take(order))
    assert np.allclose(found.statistic, score_group_fit(RESPONSES, ITEMS).statistic[order])


@given(st.floats(0.4, 2.5), st.floats(-2.0, 2.0))
@settings(max_examples=5, deadline=None)
def test_the_scale_does_not_matter(A, B):
    moved = score_group_fit(RESPONSES, rescale(ITEMS, A, B), mean=B, sd=A)
    assert np.allclose(moved.statistic, score_group_fit(RESPONSES, ITEMS).statistic)


def test_people_who_missed_an_item_are_left_out():
    holes = np.vstack([RESPONSES, np.full((2, 9), np.nan)])
    holes[-1, :4] = 1
    assert np.allclose(score_group_fit(holes, ITEMS).statistic, score_group_fit(RESPONSES, ITEMS).statistic)


@pytest.mark.parametrize("responses", [np.ones((3, 9)), np.zeros((3, 9)), np.full((3, 9), np.nan), RESPONSES[:1]])
@as_nan()
def test_too_little_to_judge_is_no_value(responses):
    assert np.isnan(score_group_fit(responses, ITEMS).statistic).all()


def test_one_item_is_refused():
    with pytest.raises(ValueError, match="at least two items"):
        score_group_fit([[1]], Items.of("rasch", b=[0.0]))
