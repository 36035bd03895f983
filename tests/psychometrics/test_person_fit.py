import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.oracle import personfit as oracle
from benchmarks.oracle.compare import missed
from examapp.psychometrics import ability
from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import rescale
from examapp.psychometrics.person_fit import lz, lz_star
from examapp.psychometrics.simulation import simulate_responses
from examapp.psychometrics.undetermined import as_nan
from tests.psychometrics.forensic_vectors import ITEMS, ML_THETA, SCORES, THETA

RNG = np.random.default_rng(11)
MIXED = Items.concatenate(
    [ITEMS, Items.of("3pl", a=[1.4], b=[0.2], c=[0.2]), Items.of("grm", a=[1.2], b=[[-1.0, 0.2, 1.1]])]
)
ABILITIES = RNG.normal(size=40)
RESPONSES = simulate_responses(RNG, ABILITIES, MIXED, RNG.random((40, 12)) < 0.8)
each_index = pytest.mark.parametrize("index", [lz, lz_star], ids=["lz", "lz*"])


@pytest.mark.reference
def test_every_index_matches_the_reference(reference):
    assert missed(reference, "personfit", oracle.checks, least=1000) == []


def test_published_vectors_at_fixed_and_estimated_ability():
    fixed = [1.1435751595, 1.1356445936, 0.8128988623, -5.0005621603, 1.1683396387, -2.1250519256]
    starred = [1.1633317236, 1.1470694880, 0.8585699208, -5.1317190501, 1.4159456167, -2.1277202705]
    at_ml = [1.0828925218, 1.0828925218, 0.8621068331, -4.9534223175, 1.0536541618, -2.0118871883]
    starred_at_ml = [1.1273913683, 1.1273913683, 0.8954934782, -5.2890673889, 1.3367132154, -2.0234070853]
    assert np.allclose(lz(SCORES, ITEMS, THETA), fixed, atol=1e-9)
    assert np.allclose(lz_star(SCORES, ITEMS, THETA, estimator="given"), starred, atol=1e-9)
    assert np.allclose(lz(SCORES, ITEMS, ML_THETA), at_ml, atol=1e-9)
    assert np.allclose(lz_star(SCORES, ITEMS, ML_THETA), starred_at_ml, atol=1e-9)


@pytest.mark.parametrize("estimator", ["ML", "WLE", "MAP"])
def test_the_corrected_index_is_standard_normal_at_estimated_abilities(estimator):
    rng = np.random.default_rng(5)
    items = Items.of("2pl", a=rng.uniform(0.8, 2.0, 60), b=rng.uniform(-2.5, 2.5, 60))
    responses = simulate_responses(rng, rng.normal(size=1500), items)
    theta = ability.estimate(responses, items, method=estimator).theta
    values = lz_star(responses, items, theta, estimator=estimator)
    assert abs(np.nanmean(values)) < 0.15
    assert abs(np.nanstd(values) - 1) < 0.06


@each_index
@given(st.permutations(range(12)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_items_does_not_matter(index, order):
    assert np.allclose(index(RESPONSES[:, order], MIXED.take(order), ABILITIES), index(RESPONSES, MIXED, ABILITIES))


@each_index
@given(st.floats(0.4, 2.5), st.floats(-2.0, 2.0))
@settings(max_examples=10, deadline=None)
def test_the_scale_does_not_matter(index, A, B):
    moved = index(RESPONSES, rescale(MIXED, A, B), A * ABILITIES + B)
    assert np.allclose(moved, index(RESPONSES, MIXED, ABILITIES))


@each_index
@as_nan()
def test_an_unseen_item_changes_nothing_and_an_unseen_person_has_no_value(index):
    wider = np.pad(RESPONSES, ((0, 1), (0, 1)), constant_values=np.nan)
    more = Items.concatenate([MIXED, Items.of("rasch", b=[0.0])])
    values = index(wider, more, np.append(ABILITIES, 0.0))
    assert np.allclose(values[:-1], index(RESPONSES, MIXED, ABILITIES))
    assert np.isnan(values[-1])


@each_index
@as_nan()
def test_all_right_at_infinite_ability_has_no_value(index):
    assert np.isnan(index(np.ones((2, 10)), ITEMS, [np.inf, np.nan])).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lz(SCORES, ITEMS, [0.0]), "one ability for each of 6"),
        (lambda: lz_star(SCORES, ITEMS, THETA, estimator="EAP"), "estimator is one of"),
        (lambda: lz(SCORES + 1, ITEMS, THETA), "only 2 categories"),
    ],
)
def test_misuse_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
