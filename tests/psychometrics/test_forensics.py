import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics.forensics import answer_changes, preknowledge
from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import rescale
from examapp.psychometrics.simulation import simulate_responses
from examapp.psychometrics.undetermined import as_nan
from tests.psychometrics.forensic_vectors import EXPOSED, ITEMS, SCORES

RNG = np.random.default_rng(21)
LONG = Items.of("2pl", a=RNG.uniform(0.8, 1.6, 60), b=RNG.uniform(-1.5, 1.5, 60))


def test_published_vectors_of_preknowledge():
    published = [-0.3308482592, -0.3308482592, -1.2218687514, 3.6498198325, -1.2157465969, 2.1167872948]
    found = preknowledge(SCORES, ITEMS, EXPOSED)
    at_the_bounds = [2, 3, 4]
    assert np.allclose(np.delete(found.statistic, at_the_bounds), np.delete(published, at_the_bounds), atol=1e-7)
    assert np.allclose(found.p_value, [0.6296, 0.6296, 0.8891, 0.000131, 0.8880, 0.0171], atol=5e-5)


def test_where_the_published_search_stops_short_of_the_bounds_ours_reaches_them():
    found = preknowledge(SCORES, ITEMS, EXPOSED)
    published = np.array([-1.2218687514, 3.6498198325, -1.2157465969])
    assert found.exposed_theta[2:5].tolist() == [-4.0, 4.0, found.exposed_theta[4]]
    assert found.other_theta[4] == 4.0
    gain = np.abs(found.statistic[2:5]) - np.abs(published)
    assert (gain > 0).all()
    assert (gain < 1e-5).all()


def test_preknowledge_is_standard_normal_without_it_and_large_with_it(rng):
    responses = simulate_responses(rng, rng.normal(size=700), LONG)
    clean = preknowledge(responses, LONG, np.arange(30)).statistic
    assert abs(clean.mean()) < 0.15
    assert abs(clean.std() - 1) < 0.1
    responses[:, :30] = np.where(rng.random((700, 30)) < 0.7, 1, responses[:, :30])
    assert np.mean(preknowledge(responses, LONG, np.arange(30)).p_value < 0.01) > 0.5


@given(st.permutations(range(10)))
@settings(max_examples=8, deadline=None)
def test_the_order_of_items_does_not_matter(order):
    moved = preknowledge(SCORES[:, order], ITEMS.take(order), [order.index(j) for j in EXPOSED])
    assert np.allclose(moved.statistic, preknowledge(SCORES, ITEMS, EXPOSED).statistic, atol=1e-6)


@given(st.floats(0.5, 2.0), st.floats(-1.0, 1.0))
@settings(max_examples=8, deadline=None)
def test_the_scale_does_not_matter(A, B):
    moved = preknowledge(SCORES, rescale(ITEMS, A, B), EXPOSED, bounds=(B - 4 * A, B + 4 * A))
    assert np.allclose(moved.statistic, preknowledge(SCORES, ITEMS, EXPOSED).statistic, atol=1e-6)


@as_nan()
def test_people_who_saw_one_kind_of_item_have_no_value():
    only = np.where(np.isin(np.arange(10), EXPOSED), SCORES, np.nan)
    assert np.isnan(preknowledge(only, ITEMS, EXPOSED).statistic).all()


def test_changes_at_random_are_no_news_and_planted_ones_are(rng):
    theta = rng.normal(size=300)
    responses = simulate_responses(rng, theta, LONG)
    changed = rng.random(responses.shape) < 0.15
    # of who changed nothing nothing is known
    changed[:, 0] |= ~changed.any(axis=1)
    clean = answer_changes(responses, LONG, changed, continuity=0.0)
    assert abs(clean.index.mean()) < 0.2
    assert abs(clean.index.std() - 1) < 0.15
    assert np.mean(answer_changes(np.where(changed, 1, responses), LONG, changed).p_value < 0.01) > 0.45


def test_a_group_adds_its_people_up():
    responses, changed = SCORES, np.tile([True, False] * 5, (6, 1))
    people = answer_changes(responses, ITEMS, changed)
    whole = answer_changes(responses, ITEMS, changed, groups=["a"] * 6)
    assert whole.to_right.tolist() == [people.to_right.sum()]
    assert np.isclose(whole.expected[0], people.expected.sum())


@as_nan()
def test_nobody_changed_anything_is_no_value():
    found = answer_changes(SCORES, ITEMS, np.zeros((6, 10)))
    assert np.isnan(found.index).all()
    assert np.isfinite(answer_changes(SCORES, ITEMS, np.ones((6, 10))).index).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: preknowledge(SCORES, ITEMS, []), "some, but not all"),
        (lambda: preknowledge(SCORES, ITEMS, range(10)), "some, but not all"),
        (lambda: preknowledge(SCORES, ITEMS, [10]), "positions 0..9"),
        (lambda: answer_changes(SCORES, ITEMS, [[True]]), "changes of shape"),
    ],
)
def test_misuse_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
