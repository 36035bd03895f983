from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from examapp.psychometrics import irt
from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.irt import Items
from examapp.psychometrics.item_comparison import compare_calibrations
from examapp.psychometrics.linking import Link, link, rescale
from examapp.psychometrics.parameter_vectors import (
    covariance_of,
    free_parameters,
    numerical_jacobian,
    propagated,
    with_free_parameters,
)
from examapp.psychometrics.simulation import simulate_responses
from examapp.psychometrics.standard_errors import standard_errors
from examapp.psychometrics.undetermined import as_nan, gaps

SAME = Link(1.0, 0.0, None, True, (), ())
A, B = np.linspace(0.8, 1.6, 8), np.linspace(-1.5, 1.5, 8)
MOVES = np.array([0.02, -0.03, 0.01, 0.8, 0.0, -0.02, 0.03, -0.01])
ITEMS = Items.of("2pl", a=A, b=B)
DRIFTED = Items.of("2pl", a=A * np.linspace(1.1, 0.9, 8), b=B + MOVES)
COVARIANCES = (0.01 * np.eye(16), 0.02 * np.eye(16))
NAMES = ("shift", "robust_z", "statistic", "score_difference", "area", "unsigned_area", "area_z")


def test_a_drifted_anchor_stands_out():
    found = compare_calibrations(ITEMS, DRIFTED, SAME, COVARIANCES)
    assert np.argmax(np.abs(found.robust_z)) == 3
    assert np.flatnonzero(found.effect_class == "C").tolist() == [3]
    assert found.degrees_of_freedom.tolist() == [2] * 8


def test_areas_are_the_integrals_between_the_curves():
    found = compare_calibrations(ITEMS, DRIFTED, SAME)
    for item in (0, 3, 7):
        one, two = ITEMS.take([item]), DRIFTED.take([item])

        def gap(theta, one=one, two=two):
            return float((irt.expected_score(one, [theta]) - irt.expected_score(two, [theta]))[0, 0])

        assert np.isclose(found.area[item], quad(gap, -30, 30, limit=200)[0], atol=1e-6)
        unsigned = quad(lambda x, gap=gap: abs(gap(x)), -30, 30, limit=500)[0]
        assert np.isclose(found.unsigned_area[item], unsigned, atol=1e-4)


@given(st.floats(0.5, 2.0), st.floats(-1.0, 1.0))
@settings(max_examples=8, deadline=None)
def test_the_scale_of_the_second_calibration_does_not_matter(stretch, shift):
    moved = rescale(DRIFTED, stretch, shift)
    back = Link(1 / stretch, -shift / stretch, None, True, (), ())
    by_old = numerical_jacobian(
        lambda x: free_parameters(rescale(with_free_parameters(DRIFTED, x), stretch, shift)), free_parameters(DRIFTED)
    )
    covariances = (COVARIANCES[0], propagated(by_old, COVARIANCES[1]))
    found = compare_calibrations(ITEMS, moved, back, covariances)
    whole = compare_calibrations(ITEMS, DRIFTED, SAME, COVARIANCES)
    assert all(np.allclose(getattr(found, name), getattr(whole, name), rtol=1e-4, atol=1e-7) for name in NAMES)


@given(st.permutations(range(8)))
@settings(max_examples=8, deadline=None)
def test_the_order_of_items_does_not_matter(order):
    found = compare_calibrations(ITEMS.take(order), DRIFTED.take(order), SAME, COVARIANCES)
    whole = compare_calibrations(ITEMS, DRIFTED, SAME, COVARIANCES)
    assert all(np.allclose(getattr(found, name), getattr(whole, name)[order]) for name in NAMES)


@as_nan()
def test_one_item_and_one_calibration_twice_tell_nothing():
    found = compare_calibrations(ITEMS.take([0]), ITEMS.take([0]), SAME)
    assert (found.shift[0], found.area[0], found.effect_class[0]) == (0.0, 0.0, "A")
    assert np.isnan(found.robust_z[0])
    assert (found.statistic, found.area_z) == (None, None)
    assert compare_calibrations(ITEMS, ITEMS, SAME, COVARIANCES).p_value == pytest.approx(1.0)


def test_equal_slopes_have_the_shift_as_their_area():
    found = compare_calibrations(ITEMS, replace(DRIFTED, a=ITEMS.a), SAME, COVARIANCES)
    assert np.allclose(found.unsigned_area, np.abs(found.shift))
    assert np.isfinite(found.area_z).all()


def test_polytomous_items_are_compared_but_have_no_area():
    one = Items.of("grm", a=[1.0], b=[[-1.0, 1.0]])
    two = Items.of("grm", a=[1.0], b=[[0.0, 2.0]])
    with as_nan():  # the shift of a single item has no spread
        found = compare_calibrations(one, two, SAME, (np.eye(3), np.eye(3)))
    assert found.shift.tolist() == [1.0]
    assert found.degrees_of_freedom.tolist() == [3]
    assert np.isnan(found.area).all()
    assert [gap.quantity for gap in gaps(found)] == ["robust_z"]


def test_curves_that_do_not_meet_at_an_end_have_an_endless_area():
    one = Items.of("4pl", b=[0.0] * 3, c=[0.1, 0.2, 0.1], d=[1.0, 1.0, 0.9])
    two = Items.of("4pl", b=[0.3] * 3, c=0.2, d=0.9)
    with as_nan():
        found = compare_calibrations(one, two, SAME)
    assert np.array_equal(found.area, [np.nan, np.inf, -np.inf], equal_nan=True)
    assert found.unsigned_area.tolist() == [np.inf] * 3


@pytest.mark.slow
def test_two_samples_of_one_population_differ_as_chance_says():
    rng, sides = np.random.default_rng(12), []
    for _ in range(2):
        responses = simulate_responses(rng, rng.normal(size=2000), ITEMS)
        fit = calibrate(responses, "2pl")
        errors = standard_errors(fit, responses)
        sides.append((fit.items, covariance_of(fit.items, errors.covariance, fit.layout.names())))
    (first, known), (second, other) = sides
    back = link(second, first, [(j, j) for j in range(8)])
    found = compare_calibrations(first, second, back, (known, other))
    assert 4 < found.statistic.sum() < 32
    assert (found.effect_class != "C").all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compare_calibrations(ITEMS, ITEMS.take([0]), SAME), "same items"),
        (lambda: compare_calibrations(*[Items.of("nrm", b=[[0.0, 1.0]])] * 2, SAME), "nominal"),
        (lambda: compare_calibrations(ITEMS, DRIFTED, SAME, (np.eye(2), np.eye(16))), "16 free parameters"),
    ],
)
def test_misuse_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
