"""Exposure control: what is drawn, learnt and counted does not depend on order, names or units of counting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics.exposure import (
    draw_eligible,
    eligibility,
    exposure_rates,
    shared_items,
    sympson_hetter,
    uniform,
)
from examapp.psychometrics.undetermined import as_nan

SOME = settings(max_examples=30, deadline=None)
counts = st.lists(st.integers(0, 50), min_size=2, max_size=8).map(np.array)
orders = st.permutations(range(6))
TESTS = np.array([[0, 3, 5], [3, 1, -1], [2, 5, 0], [5, -1, -1], [4, 3, 2]])
THETA = np.array([-1.2, -0.3, 0.1, 0.8, 1.9])


@SOME
@given(st.integers(0, 2**62), st.lists(st.integers(0, 2**31), min_size=2, max_size=9))
def test_a_uniform_number_belongs_to_seed_and_place_alone(seed, places):
    together = uniform(seed, places)
    assert ((together >= 0) & (together < 1)).all()
    assert [float(uniform(seed, place)) for place in places] == together.tolist()


@SOME
@given(st.integers(0, 2**31), st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0, 1))
def test_an_item_more_and_a_higher_chance_take_nothing_away(seed, chances, more):
    drawn = draw_eligible(seed, chances)
    assert draw_eligible(seed, [*chances, more])[:-1].tolist() == drawn.tolist()
    assert (draw_eligible(seed, np.minimum(np.array(chances) + 0.1, 1)) >= drawn).all()
    assert draw_eligible(seed, np.ones(len(chances))).all()
    assert not draw_eligible(seed, np.zeros(len(chances))).any()


@SOME
@given(counts, st.integers(1, 20), st.floats(0.05, 1.0))
def test_exposure_parameters_do_not_depend_on_order_or_number_of_trainees(selected, times, most):
    k = sympson_hetter(selected, 50, most)
    assert sympson_hetter(selected[::-1], 50, most)[::-1].tolist() == k.tolist()
    assert sympson_hetter(times * selected, times * 50, most) == pytest.approx(k)
    assert sympson_hetter(np.append(selected, 0), 50, most)[-1] == 1.0
    assert (k * selected / 50 <= most + 1e-12).all()


@SOME
@given(counts, counts, st.floats(0.001, 100.0), st.floats(0.05, 1.0))
def test_eligibility_does_not_depend_on_order_or_on_how_counts_fade(given_to, allowed, fading, most):
    size = min(given_to.size, allowed.size)
    given_to, allowed = given_to[:size], allowed[:size]
    p = eligibility(given_to, allowed, most)
    assert eligibility(given_to[::-1], allowed[::-1], most)[::-1].tolist() == p.tolist()
    assert eligibility(fading * given_to, fading * allowed, most) == pytest.approx(p)
    assert eligibility(np.append(given_to, 0), np.append(allowed, 0), most)[-1] == 1.0
    assert np.stack([p, p]) == pytest.approx(eligibility([given_to] * 2, [allowed] * 2, most))


@SOME
@given(orders)
def test_items_by_other_names_are_exposed_and_shared_alike(names):
    renamed = np.append(names, -1)[TESTS]
    rates = exposure_rates(TESTS, THETA, 6, [0.0])
    assert exposure_rates(renamed, THETA, 6, [0.0])[:, names] == pytest.approx(rates)
    assert shared_items(renamed) == pytest.approx(shared_items(TESTS))


def test_tests_without_items_share_nothing():
    longer = np.vstack([TESTS, np.full((2, 3), -1)])
    pairs = [len(set(a[a >= 0]) & set(b[b >= 0])) for at, a in enumerate(longer) for b in longer[:at]]
    assert shared_items(longer) == pytest.approx(np.mean(pairs))
    assert exposure_rates(longer, [*THETA, 5.0, 6.0], 6, [0.0, 4.0])[:2] == pytest.approx(
        exposure_rates(TESTS, THETA, 6, [0.0])
    )
    assert (exposure_rates(longer, [*THETA, 5.0, 6.0], 6, [0.0, 4.0])[2] == 0).all()
    assert exposure_rates(TESTS, THETA, 7, [0.0])[:, 6].tolist() == [0.0, 0.0]


@SOME
@given(st.integers(1, 4))
def test_rates_of_blocks_of_trainees_add_up(cut):
    people = np.array([cut, 5 - cut])
    parts = np.array(
        [exposure_rates(part, theta, 6)[0] for part, theta in ((TESTS[:cut], THETA[:cut]), (TESTS[cut:], THETA[cut:]))]
    )
    assert people @ parts / 5 == pytest.approx(exposure_rates(TESTS, THETA, 6)[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: draw_eligible(1, [0.5, np.nan]), r"one probability in \[0, 1\]"),
        (lambda: draw_eligible(1, 0.5), r"one probability in \[0, 1\]"),
        (lambda: sympson_hetter([1, np.nan], 10, 0.2), "item 1 cannot have been selected for nan"),
        (lambda: sympson_hetter([11], 10, 0.2), "item 0 cannot have been selected for 1.1"),
        (lambda: sympson_hetter([0], 0, 0.2), "trainees >= 1"),
        (lambda: eligibility([1.0], [np.nan], 0.2), "all 0 or more"),
        (lambda: eligibility([1.0], [1.0], 0.0), r"a rate in \(0, 1\]"),
        (lambda: exposure_rates([[0]], [np.nan], 1), "finite abilities"),
        (lambda: exposure_rates([[0]], [0.0], 1, [1.0, 0.0]), "rising edges"),
        (lambda: exposure_rates([[2]], [0.0], 2), "2 items"),
        (lambda: shared_items([[0, 1]]), "at least two tests"),
    ],
)
def test_counts_that_cannot_be_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@as_nan()
def test_one_item_and_nobody_are_no_trouble():
    assert sympson_hetter([0], 1, 0.2).tolist() == [1.0]
    assert eligibility([], [], 0.2).shape == (0,)
    assert np.isnan(exposure_rates(np.zeros((0, 1)), [], 2)).all()
    assert shared_items(np.full((2, 1), -1)) == 0.0
