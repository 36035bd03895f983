import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import rescale
from examapp.psychometrics.similarity import adjusted, copying, joint_similarity, similarity, similarity_matrix
from examapp.psychometrics.simulation import simulate_responses
from examapp.psychometrics.undetermined import as_nan
from tests.psychometrics.forensic_vectors import ITEMS, SCORES, THETA

OPTIONS_RNG = np.random.default_rng(1)
OPTIONS = Items.of(
    "nrm", b=OPTIONS_RNG.normal(0, 0.7, (40, 3)), slopes=np.sort(OPTIONS_RNG.normal(0.3, 0.8, (40, 3)), axis=1)
)
ALL_PAIRS = np.array(list(itertools.combinations(range(6), 2)))


def nominal_cohort(rng, people):
    theta = rng.normal(size=people)
    return simulate_responses(rng, theta, OPTIONS), theta


def test_published_vectors_of_copying():
    found = copying(SCORES, ITEMS, THETA, [[1, 0], [0, 1], [3, 0]])
    assert np.allclose(found.omega, [2.1523250717, 2.1316620729, -3.9043563658], atol=1e-9)
    assert np.isclose(found.omega_p[0], 0.0156858803, atol=1e-9)
    assert np.allclose(found.gbt_p[:2], [0.0249234291, 0.0265166237], atol=1e-9)


def test_published_vectors_of_similarity():
    found = similarity(SCORES, ITEMS, THETA, [[0, 1], [4, 5]])
    assert np.isclose(found.omega[0], 2.4312739840, atol=1e-9)
    assert np.allclose(found.gbt_p, [0.0100656300, 0.8162037410], atol=1e-9)
    joint = joint_similarity(SCORES, ITEMS, THETA, [[0, 1], [4, 5]])
    assert np.allclose(joint, [0.0133403957, 0.8216734651], atol=1e-9)


def test_exact_p_values_are_sums_over_all_outcomes():
    items, theta = ITEMS.take([0, 4, 9]), np.array([0.2, -0.5])
    m = (similarity_probabilities(items, theta[0]) * similarity_probabilities(items, theta[1])).sum(axis=1)
    outcomes = np.array(list(itertools.product([0, 1], repeat=3)))
    chance = np.where(outcomes, m, 1 - m).prod(axis=1)
    found = similarity([[1, 1, 0], [1, 0, 0]], items, theta, [[0, 1]])
    assert np.isclose(found.gbt_p[0], chance[outcomes.sum(axis=1) >= 2].sum())


def similarity_probabilities(items, theta):
    right = 1 / (1 + np.exp(-items.a * (theta - items.b[:, 0])))
    return np.column_stack([1 - right, right])


@pytest.mark.slow
def test_false_alarms_stay_below_their_rate_and_above_a_third_of_it():
    rng, p_values = np.random.default_rng(9), []
    for _ in range(12):
        answers, theta = nominal_cohort(rng, 60)
        p_values.append(copying(answers, OPTIONS, theta, np.array(list(itertools.permutations(range(60), 2)))).gbt_p)
    rates = [(np.concatenate(p_values) <= level).mean() / level for level in (0.05, 0.01, 0.001)]
    assert all(0.3 < rate < 1.2 for rate in rates)


@pytest.mark.slow
def test_copying_most_of_an_exam_is_found():
    rng, found = np.random.default_rng(9), []
    for _ in range(6):
        answers, theta = nominal_cohort(rng, 60)
        pairs = np.arange(60).reshape(30, 2)
        copied = rng.random((30, 40)) < 0.6
        answers[pairs[:, 0]] = np.where(copied, answers[pairs[:, 1]], answers[pairs[:, 0]])
        found.append(copying(answers, OPTIONS, theta, pairs).gbt_p < 0.01)
    assert np.mean(found) > 0.83


def test_the_matrix_of_all_pairs_agrees_with_the_pairs():
    answers, theta = nominal_cohort(np.random.default_rng(3), 6)
    answers[0, :5] = np.nan
    matrix = similarity_matrix(answers, OPTIONS, theta)
    assert np.allclose(matrix[tuple(ALL_PAIRS.T)], similarity(answers, OPTIONS, theta, ALL_PAIRS).omega)
    assert np.allclose(matrix, matrix.T, equal_nan=True)


@pytest.mark.parametrize("judge", [similarity, copying])
@given(st.permutations(range(10)), st.floats(0.4, 2.5), st.floats(-2.0, 2.0))
@settings(max_examples=8, deadline=None)
def test_neither_order_nor_scale_matters(judge, order, A, B):
    moved = judge(SCORES[:, order], rescale(ITEMS.take(order), A, B), A * THETA + B, ALL_PAIRS)
    whole = judge(SCORES, ITEMS, THETA, ALL_PAIRS)
    assert np.allclose(moved.omega, whole.omega)
    assert np.allclose(moved.gbt_p, whole.gbt_p)


@pytest.mark.parametrize("judge", [similarity, copying])
def test_items_that_one_of_them_did_not_see_do_not_count(judge):
    wider = np.column_stack([SCORES.astype(float), [np.nan, 1, 1, 0, 0, 0]])
    more = Items.concatenate([ITEMS, Items.of("rasch", b=[0.0])])
    with_unseen = judge(wider, more, THETA, ALL_PAIRS[:5])
    assert np.allclose(with_unseen.gbt_p, judge(SCORES, ITEMS, THETA, ALL_PAIRS[:5]).gbt_p)


@as_nan()
def test_a_pair_that_shares_nothing_has_no_value():
    apart = [[1, np.nan], [np.nan, 1]]
    found = similarity(apart, ITEMS.take([0, 1]), [0.0, 0.0], [[0, 1]])
    assert np.isnan([found.omega[0], found.gbt_p[0]]).all()
    assert np.isnan(joint_similarity(apart, ITEMS.take([0, 1]), [0.0, 0.0], [[0, 1]])).all()


def test_no_pairs_are_no_trouble():
    assert similarity(SCORES, ITEMS, THETA, []).omega.shape == (0,)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjusted_values_keep_the_order_and_are_no_smaller(values):
    for method in ("holm", "benjamini-hochberg"):
        corrected = adjusted(values, method)
        assert (corrected >= np.array(values) - 1e-15).all()
        assert (np.diff(corrected[np.argsort(values, kind="stable")]) >= 0).all()


@as_nan()
def test_unknown_p_values_are_not_counted():
    assert np.allclose(adjusted([0.01, np.nan, 0.02], "holm"), [0.02, np.nan, 0.02], equal_nan=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: similarity(SCORES, ITEMS, THETA[:2], ALL_PAIRS), "one ability for each of 6"),
        (lambda: similarity(SCORES, ITEMS, THETA, [[0, 0]]), "two different people"),
        (lambda: copying(SCORES, ITEMS, THETA, [[0, 6]]), "from 0 to 5"),
        (lambda: joint_similarity(SCORES, ITEMS, THETA, [[0, 1]], right=[1]), "right needs one category"),
        (lambda: adjusted([0.1], "none"), "benjamini-hochberg or holm"),
    ],
)
def test_misuse_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
