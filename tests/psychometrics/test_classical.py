import numpy as np
import pytest

from examapp.psychometrics import classical


def test_alpha_is_the_mean_of_parallel_halves():
    data = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1]], dtype=float)
    covariance = np.cov(data, rowvar=False)
    assert classical.classical_statistics(data).alpha == pytest.approx(classical.cronbach_alpha(covariance))


def test_a_constant_item_has_no_correlation_and_no_warning():
    found = classical.classical_statistics([[1, 0, 1], [1, 1, 0], [1, 1, 1]])
    assert np.isnan(found.total_correlation[0])
    assert found.mean[0] == 1.0


def test_missing_responses_are_left_out():
    found = classical.classical_statistics([[1, np.nan], [0, 1], [1, 1], [0, 0]])
    assert found.mean.tolist() == [0.5, pytest.approx(2 / 3)]
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


@pytest.mark.parametrize("data", [[[1, 0]], [1, 0], np.zeros((3, 0))])
def test_too_little_data_is_refused(data):
    with pytest.raises(ValueError):
        classical.classical_statistics(data)
