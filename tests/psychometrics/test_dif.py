import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.oracle import dif as oracle
from benchmarks.oracle.compare import missed
from examapp.psychometrics.dif import breslow_day, ets_classes, mantel_haenszel, sibtest, standardisation
from examapp.psychometrics.irt import Items
from examapp.psychometrics.logistic_dif import logistic_dif
from examapp.psychometrics.simulation import simulate_responses
from examapp.psychometrics.undetermined import as_nan

RNG = np.random.default_rng(7)
EASY = Items.of("2pl", a=[1.0, 1.2, 0.8, 1.5, 1.0, 0.9], b=[-1.0, -0.5, 0.0, 0.3, 0.6, 1.0])
HARD = Items.of("2pl", a=[1.0, 1.2, 0.8, 1.5, 1.0, 0.9], b=[-1.0, -0.5, 1.4, 0.3, 0.6, 1.0])
FOCAL = np.arange(800) >= 400
RIGHT = np.vstack([simulate_responses(RNG, RNG.normal(size=400), items) for items in (EASY, HARD)])

METHODS = {
    "Mantel-Haenszel": (mantel_haenszel, "odds_ratio"),
    "purified": (lambda *a, **k: mantel_haenszel(*a, purify=True, **k), "statistic"),
    "standardisation": (standardisation, "difference"),
    "Breslow-Day": (breslow_day, "statistic"),
    "SIBTEST": (sibtest, "beta"),
    "logistic": (logistic_dif, "statistic"),
    "logistic, Wald": (lambda *a, **k: logistic_dif(*a, criterion="wald", **k), "statistic"),
}
each_method = pytest.mark.parametrize("method", METHODS)


def result(method, *args, **kwargs):
    function, name = METHODS[method]
    return getattr(function(*args, **kwargs), name)


@pytest.mark.reference
def test_every_method_matches_the_reference(reference):
    assert missed(reference, "dif", oracle.checks, least=500) == []


def test_the_planted_item_is_found_and_classed():
    found = mantel_haenszel(RIGHT, FOCAL, purify=True)
    assert np.flatnonzero(found.flagged).tolist() == [2]
    assert found.effect_class.tolist() == ["A", "A", "C", "A", "A", "A"]
    assert found.delta[2] < -1.5
    assert not found.purification.anchors[2]


def test_no_group_difference_is_flagged_as_often_as_alpha_says():
    rng, flagged = np.random.default_rng(3), 0
    for _ in range(20):
        right = simulate_responses(rng, rng.normal(size=400), EASY)
        flagged += mantel_haenszel(right, np.arange(400) % 2 == 0, continuity=False).flagged.sum()
    assert 0 < flagged / 120 < 0.12


@each_method
@given(st.permutations(range(6)))
@settings(max_examples=5, deadline=None)
def test_the_order_of_items_does_not_matter(method, order):
    assert np.allclose(result(method, RIGHT[:, order], FOCAL), result(method, RIGHT, FOCAL)[order], equal_nan=True)


@each_method
@given(st.randoms(use_true_random=False))
@settings(max_examples=5, deadline=None)
def test_the_order_of_people_does_not_matter(method, random):
    order = random.sample(range(800), 800)
    assert np.allclose(result(method, RIGHT[order], FOCAL[order]), result(method, RIGHT, FOCAL), equal_nan=True)


@each_method
@as_nan()
def test_people_and_items_without_responses_change_nothing(method):
    wider = np.pad(RIGHT, ((0, 1), (0, 1)), constant_values=np.nan)
    found = result(method, wider, np.append(FOCAL, True))
    assert np.allclose(found[:6], result(method, RIGHT, FOCAL), equal_nan=True)
    assert np.isnan(found[6])


def test_exchanging_the_groups_turns_the_effect_round():
    one, other = mantel_haenszel(RIGHT, FOCAL), mantel_haenszel(RIGHT, ~FOCAL)
    assert np.allclose(one.odds_ratio * other.odds_ratio, 1.0)
    assert np.allclose(one.statistic, other.statistic)
    assert np.allclose(sibtest(RIGHT, FOCAL).beta, -sibtest(RIGHT, ~FOCAL).beta)


def test_a_matching_score_from_outside_equals_the_total_it_repeats():
    given_total = mantel_haenszel(RIGHT, FOCAL, matching=RIGHT.sum(axis=1))
    assert np.allclose(given_total.statistic, mantel_haenszel(RIGHT, FOCAL).statistic)
    shifted = logistic_dif(RIGHT, FOCAL, matching=5 + 2 * RIGHT.sum(axis=1))
    assert np.allclose(shifted.statistic, logistic_dif(RIGHT, FOCAL).statistic, atol=1e-6)


def test_responses_missing_by_design_need_a_score_from_outside():
    holes = np.where(np.arange(800)[:, None] % 6 == np.arange(6), np.nan, RIGHT)
    with pytest.raises(ValueError, match="person 0 did not see every item"):
        mantel_haenszel(holes, FOCAL)
    assert mantel_haenszel(holes, FOCAL, matching=np.nanmean(holes, axis=1).round(1)).flagged[2]


@pytest.mark.parametrize(
    "right",
    [np.ones((10, 3)), np.zeros((10, 3)), np.eye(10)[:, :1], np.vstack([np.ones((5, 3)), np.zeros((5, 3))])],
    ids=["all right", "all wrong", "one item", "groups apart"],
)
@each_method
@as_nan()
def test_data_that_tell_nothing_give_no_warning_and_no_flag(method, right):
    result(method, right, np.arange(10) >= 5)
    assert not mantel_haenszel(right, np.arange(10) >= 5).flagged.any()


def test_perfect_separation_does_not_crash_the_regression():
    right = np.column_stack([np.arange(40) % 2, (np.arange(40) >= 20).astype(int)])
    found = logistic_dif(right, np.arange(40) >= 20)
    assert np.isfinite(found.statistic).all()


def test_a_group_that_is_never_wrong_where_the_other_is_has_an_endless_effect():
    total, focal = np.tile([1.0, 2.0], 20), np.arange(40) >= 20
    right = np.where(focal, np.arange(40) % 4 == 0, 1.0)[:, None]
    found = mantel_haenszel(right, focal, matching=total)
    assert found.odds_ratio.tolist() == [np.inf]
    assert (found.delta[0], found.log_variance[0], found.effect_class[0]) == (-np.inf, np.inf, "")
    assert found.flagged.all()


def test_a_test_without_the_product_has_none():
    assert (logistic_dif(RIGHT, FOCAL, kind="uniform").coefficients[:, 3] == 0).all()


def test_an_item_that_only_one_group_saw_says_so_by_converged():
    holes = np.where((np.arange(6) == 2) & FOCAL[:, None], np.nan, RIGHT)
    found = logistic_dif(holes, FOCAL, matching=RIGHT.sum(axis=1))
    assert found.converged.tolist() == [True, True, False, True, True, True]
    assert np.isnan(found.statistic).tolist() == (~found.converged).tolist()


def test_the_regression_is_at_its_maximum():
    found = logistic_dif(RIGHT, FOCAL)
    total = RIGHT.sum(axis=1)
    x = np.column_stack([np.ones(800), total, FOCAL, total * FOCAL])
    residual = RIGHT - 1 / (1 + np.exp(-x @ found.coefficients.T))
    assert np.abs(x.T @ residual).max() < 1e-4
    assert found.converged.all()


def test_effect_classes_need_size_and_significance():
    assert ets_classes([1.6, 1.6, np.nan], [0.1, 0.6, 0.1]).tolist() == ["C", "B", ""]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mantel_haenszel(RIGHT, FOCAL[:5]), "needs 800 booleans"),
        (lambda: mantel_haenszel(RIGHT, FOCAL.astype(int)), "booleans"),
        (lambda: mantel_haenszel(RIGHT, np.ones(800, dtype=bool)), "both groups"),
        (lambda: mantel_haenszel(RIGHT + 1, FOCAL), "more than two categories"),
        (lambda: standardisation(RIGHT, FOCAL, matching=np.full(800, np.nan)), "finite"),
        (lambda: logistic_dif(RIGHT, FOCAL, kind="any"), "kind is one of"),
    ],
)
def test_misuse_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
