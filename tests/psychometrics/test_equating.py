from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics.equating import equate_observed_scores, equate_true_scores
from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import Link, link, rescale
from examapp.psychometrics.parameter_vectors import free_parameters, numerical_jacobian, with_free_parameters

FORM = Items.of(["3pl", "2pl", "grm"], a=[1.1, 0.9, 1.4], b=[[-0.5], [0.4], [-1.0, 1.0]], c=[0.2, 0.0, 0.0])
OTHER = Items.of("2pl", a=[1.0, 1.3, 0.8, 1.1, 0.7], b=[-1.0, -0.3, 0.2, 0.8, 1.5])
SAME = Link(1.0, 0.0, None, True, (), ())
GUESSED = Items.of("3pl", a=[1.0, 1.2, 0.8, 1.5], b=[-1.0, 0.0, 0.5, 1.0], c=0.2)
ELSEWHERE = link(OTHER, OTHER, [(0, 0)], covariances=(np.eye(10), np.eye(10)))
equaters = pytest.mark.parametrize("equate", [equate_true_scores, equate_observed_scores])


@equaters
def test_a_form_equated_to_itself_changes_nothing(equate):
    result = equate(FORM, FORM, SAME)
    assert np.allclose(result.equivalent, result.score)


@given(st.floats(0.5, 2.0), st.floats(-1.0, 1.0))
@settings(max_examples=10, deadline=None)
def test_true_scores_do_not_depend_on_the_scale(A, B):
    moved = equate_true_scores(FORM, rescale(OTHER, A, B), Link(A, B, None, True, (), ()))
    assert np.allclose(moved.equivalent, equate_true_scores(FORM, OTHER, SAME).equivalent)


@given(st.floats(0.5, 2.0), st.floats(-1.0, 1.0))
@settings(max_examples=10, deadline=None)
def test_observed_scores_do_not_depend_on_the_scale_of_the_other_form(A, B):
    moved = equate_observed_scores(FORM, rescale(OTHER, A, B), Link(A, B, None, True, (), ()), weight=1.0)
    assert np.allclose(moved.equivalent, equate_observed_scores(FORM, OTHER, SAME, weight=1.0).equivalent, atol=1e-6)


@equaters
@given(st.permutations(range(5)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_items_does_not_matter(equate, order):
    assert np.allclose(equate(FORM, OTHER.take(order), SAME).equivalent, equate(FORM, OTHER, SAME).equivalent)


@equaters
def test_more_points_are_worth_more(equate):
    assert (np.diff(equate(FORM, OTHER, SAME).equivalent) > 0).all()


def test_true_scores_there_and_back_return():
    there = equate_true_scores(FORM, OTHER, SAME, [1.0, 2.0, 3.0])
    assert np.allclose(equate_true_scores(OTHER, FORM, SAME, there.equivalent).equivalent, [1.0, 2.0, 3.0])


def test_scores_below_chance_are_interpolated_and_full_marks_stay_full():
    result = equate_true_scores(FORM, OTHER, SAME, [0.0, 0.1, 0.2, 4.0])
    assert result.equivalent.tolist() == [0.0, 0.0, 0.0, 5.0]
    assert result.theta.tolist() == [-np.inf, -np.inf, -np.inf, np.inf]
    assert result.standard_error is None


def test_errors_of_true_scores_grow_with_the_errors_of_the_items():
    def errors(size):
        known = (size * np.eye(10), size * np.eye(10))
        found = link(OTHER, rescale(OTHER, 1.2, 0.1), [(j, j) for j in range(5)], covariances=known)
        return equate_true_scores(OTHER, rescale(OTHER, 1.2, 0.1), found).standard_error[1:]

    assert np.allclose(errors(0.04), 2 * errors(0.01))


def test_errors_below_chance_are_those_of_the_guessing_parameters():
    known, scores = np.linspace(0.01, 0.1, 24), [0.0, 0.3, 0.7, 4.0]
    found = link(GUESSED, GUESSED, [(0, 0), (3, 3)], covariances=(np.diag(known[:12]), np.diag(known[12:])))

    def worth(both):
        form, other = (with_free_parameters(GUESSED, part) for part in np.split(both, 2))
        return equate_true_scores(form, other, SAME, scores).equivalent

    slopes = numerical_jacobian(worth, np.tile(free_parameters(GUESSED), 2))
    direct = np.sqrt(slopes**2 @ known)
    errors = equate_true_scores(GUESSED, GUESSED, found, scores).standard_error
    assert errors == pytest.approx(direct, rel=1e-4)
    assert (errors[1:3] > 0).all()


def test_equating_one_item_works():
    one = Items.of("rasch", b=[0.0])
    assert np.allclose(equate_observed_scores(one, one, SAME).equivalent, [0.0, 1.0])
    assert np.allclose(equate_true_scores(one, one, SAME).equivalent, [0.0, 1.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: equate_true_scores(FORM, OTHER, SAME, [5.0]), "in 0..4"),
        (lambda: equate_true_scores(FORM, OTHER, SAME, [np.nan]), "in 0..4"),
        (lambda: equate_observed_scores(FORM, OTHER, SAME, weight=2.0), "weight"),
        (lambda: equate_true_scores(FORM, OTHER, ELSEWHERE), "does not begin at this form"),
        (lambda: equate_true_scores(FORM.take([]), OTHER, SAME), "form: the expected score must rise"),
        (lambda: equate_observed_scores(FORM, replace(OTHER, a=-OTHER.a), SAME), "other: the expected score must rise"),
        (
            lambda: equate_true_scores(FORM, OTHER, Link(np.nan, 0.0, np.eye(2), False, (), ())),
            "link: needs a finite A",
        ),
    ],
)
def test_misuse_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
