import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics import classical
from examapp.psychometrics.undetermined import as_nan


def test_alpha_is_the_mean_of_parallel_halves():
    data = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1]], dtype=float)
    covariance = np.cov(data, rowvar=False)
    assert classical.classical_statistics(data).alpha == pytest.approx(classical.cronbach_alpha(covariance))


@as_nan()
def test_a_constant_item_has_no_correlation_and_no_warning():
    found = classical.classical_statistics([[1, 0, 1], [1, 1, 0], [1, 1, 1]])
    assert np.isnan(found.total_correlation[0])
    assert found.mean[0] == 1.0


def test_missing_responses_are_left_out():
    found = classical.classical_statistics([[1, np.nan, 1], [0, 1, 0], [1, 1, 1], [0, 0, 0]])
    assert found.mean.tolist() == [0.5, pytest.approx(2 / 3), 0.5]
    assert found.people == 3


def test_the_key_stands_out_among_the_options(rng):
    skill = rng.normal(size=500)
    choices = np.stack([np.where(skill + rng.normal(size=500) > 0, 2, rng.integers(1, 5, 500)) for _ in range(5)], 1)
    options = classical.distractors(choices, [2] * 5, 0)
    best = max(options, key=lambda option: option.rest_correlation)
    assert best.is_key
    assert sum(option.count for option in options) == 500
    _, shares = classical.choice_curves(choices, 0, skill, bins=4)
    assert shares.sum(axis=1) == pytest.approx(1.0)
    assert (np.diff(shares[:, 1]) > 0).all()


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(6)), st.permutations(range(5)))
def test_people_of_different_totals_may_stand_in_any_order(people, items):
    staircase = np.array([[5, 0, 0, 0, 0], [0, 4, 0, 0, 0], [3, 0, 0, 0, 0], [1, 0, 1, 0, 0], [1, 0, 0, 0, 0], [0] * 5])
    moved = classical.upper_lower_difference(staircase[people][:, items], 0.34)
    assert moved.tolist() == classical.upper_lower_difference(staircase, 0.34)[items].tolist()


def test_who_chose_nothing_on_an_item_is_not_in_its_curves():
    choices = np.array([[1.0], [np.nan], [2.0], [1.0], [2.0]])
    middle, shares = classical.choice_curves(choices, 0, np.arange(5.0), bins=2)
    assert middle.tolist() == [1.0, 3.5]
    assert shares.sum(axis=1).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: classical.cronbach_alpha(np.ones(3)), "square matrix"),
        (lambda: classical.cronbach_alpha(np.full((2, 2), np.nan)), "finite"),
        (lambda: classical.score_by_key([[1, 2]], [1]), "do not belong together"),
        (lambda: classical.distractors([[1, 2]], [1, 2], 2), "item 2 is not one of 0..1"),
        (lambda: classical.upper_lower_difference([[1, 0]], 0.6), "share"),
        (lambda: classical.upper_lower_difference(np.zeros((0, 2))), "people by items"),
        (lambda: classical.choice_curves([[1], [2]], 0, [1.0]), "strength of shape"),
        (lambda: classical.choice_curves([[np.nan], [2]], 0, [1.0, 2.0], bins=2), "2 groups of 1 people"),
    ],
)
def test_misuse_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("data", [[[1, 0]], [1, 0], np.zeros((3, 0))])
def test_too_little_data_is_refused(data):
    with pytest.raises(ValueError):
        classical.classical_statistics(data)
