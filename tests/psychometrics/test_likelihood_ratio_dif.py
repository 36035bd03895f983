import numpy as np
import pytest

from examapp.psychometrics.irt import Items
from examapp.psychometrics.likelihood_ratio_dif import likelihood_ratio_dif
from examapp.psychometrics.simulation import random_design, simulate_responses

RNG = np.random.default_rng(17)
A, B = np.linspace(0.8, 1.5, 6), np.linspace(-1.0, 1.0, 6)
EASY, HARD = Items.of("2pl", a=A, b=B), Items.of("2pl", a=A, b=B + 0.9 * (np.arange(6) == 2))
FOCAL = np.arange(1000) >= 500
RIGHT = np.vstack([simulate_responses(RNG, RNG.normal(m, 1, 500), one) for m, one in ((0.0, EASY), (-0.5, HARD))])


@pytest.mark.slow
def test_the_planted_item_is_found_by_purified_tests():
    found = likelihood_ratio_dif(RIGHT, FOCAL, purify=True)
    assert np.flatnonzero(found.flagged).tolist() == [2]
    assert found.effect_class.tolist() == ["A", "A", "C", "A", "A", "A"]
    assert found.purification.converged
    assert not found.purification.anchors[2]
    assert abs(found.mean + 0.5) < 0.2
    assert found.converged.all()


def test_neither_the_order_of_items_nor_of_people_matters(rng):
    order, people = [3, 5, 2, 0, 4, 1], rng.permutation(1000)
    whole = likelihood_ratio_dif(RIGHT, FOCAL, tested=[2, 3])
    moved = likelihood_ratio_dif(RIGHT[np.ix_(people, order)], FOCAL[people], tested=[2, 0])
    assert np.allclose(moved.statistic[[2, 0]], whole.statistic[[2, 3]], atol=1e-4)


def test_responses_missing_by_design_are_no_obstacle(rng):
    seen = random_design(rng, 1000, 6, 5)
    found = likelihood_ratio_dif(np.where(seen, RIGHT, np.nan), FOCAL, tested=[2])
    assert found.flagged[2]


def test_an_item_that_one_group_never_saw_is_left_alone():
    wider = np.column_stack([RIGHT, np.where(FOCAL, np.nan, 1.0)])
    wider[::3, 6] = np.where(FOCAL[::3], np.nan, 0.0)
    found = likelihood_ratio_dif(wider, FOCAL, tested=[0, 6])
    assert np.isnan(found.statistic[6])
    assert not found.flagged[6]


def test_a_rasch_item_has_one_degree_of_freedom_and_a_graded_one_all_of_its_parameters():
    graded = RIGHT[:, :3] + RIGHT[:, 3:]
    assert likelihood_ratio_dif(RIGHT, FOCAL, "rasch", tested=[1]).degrees_of_freedom[1] == 1
    assert likelihood_ratio_dif(graded, FOCAL, "grm", tested=[1]).degrees_of_freedom[1] == 3


def test_a_person_and_an_item_without_responses_change_nothing():
    wider = np.pad(RIGHT[300:700], ((0, 1), (0, 1)), constant_values=np.nan)
    one = likelihood_ratio_dif(RIGHT[300:700], FOCAL[300:700], "rasch", tested=[2])
    other = likelihood_ratio_dif(wider, np.append(FOCAL[300:700], True), "rasch", tested=[2, 6])
    assert other.statistic[2] == pytest.approx(one.statistic[2], abs=1e-4)
    assert np.isnan(other.statistic[6])


@pytest.mark.parametrize("right", [np.ones((40, 3)), np.zeros((40, 3)), RIGHT[[0, 999]]])
def test_data_that_cannot_be_calibrated_are_refused_by_item(right):
    with pytest.raises(ValueError, match=r"item \d+: nobody is in category"):
        likelihood_ratio_dif(right, np.arange(len(right)) % 2 == 0, "rasch")


def test_a_single_item_ends_without_a_crash():
    found = likelihood_ratio_dif(RIGHT[:, :1], FOCAL, "rasch")
    assert np.isfinite(found.statistic).all()
    assert not found.flagged.any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: likelihood_ratio_dif(np.where(FOCAL[:, None], RIGHT, np.nan), FOCAL), "people who saw something"),
        (lambda: likelihood_ratio_dif(RIGHT, FOCAL.astype(int)), "a boolean for each person"),
        (lambda: likelihood_ratio_dif(RIGHT, np.ones(1000, dtype=bool)), "both groups"),
        (lambda: likelihood_ratio_dif(RIGHT, FOCAL, tested=[6]), "positions must lie in 0..5"),
    ],
)
def test_misuse_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
