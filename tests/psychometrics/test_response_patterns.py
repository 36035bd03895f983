import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics.response_patterns import pattern_fit
from examapp.psychometrics.undetermined import as_nan
from tests.psychometrics.forensic_vectors import SCORES

RNG = np.random.default_rng(4)
RIGHT = (np.argsort(RNG.random((60, 9)), axis=0) < [54, 48, 43, 40, 33, 27, 21, 16, 10]).astype(float)
NAMES = ("guttman_errors", "guttman_normed", "u3", "zu3", "ht", "caution", "point_biserial")


def same(one, other):
    return all(np.allclose(getattr(one, name), getattr(other, name), equal_nan=True) for name in NAMES)


def test_published_vectors():
    fit = pattern_fit(SCORES)
    assert fit.guttman_errors.tolist() == [0, 0, 4, 21, 0, 6]
    zu3 = [-1.6289324626, -1.6289324626, 0.1441561078, 4.0612006973, -0.6404785166, -0.3070133632]
    ht = [0.375, 0.375, 0.0789473684, -0.6666666667, 0.4444444444, 0.1111111111]
    assert np.allclose(fit.zu3, zu3, atol=1e-9)
    assert np.allclose(fit.ht, ht, atol=1e-9)


@given(st.permutations(range(9)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_items_does_not_matter(order):
    assert np.unique(RIGHT.mean(axis=0)).size == 9
    assert same(pattern_fit(RIGHT[:, order]), pattern_fit(RIGHT))


@as_nan()
def test_unseen_items_and_people_change_nothing():
    wider = np.pad(RIGHT, ((0, 1), (0, 1)), constant_values=np.nan)
    fit = pattern_fit(wider)
    assert all(np.allclose(getattr(fit, n)[:-1], getattr(pattern_fit(RIGHT), n), equal_nan=True) for n in NAMES)
    assert fit.guttman_errors[-1] == 0
    assert all(np.isnan(getattr(fit, name)[-1]) for name in NAMES[1:])


def test_the_regular_and_the_reversed_pattern_are_the_ends():
    p_order = np.argsort(-RIGHT.mean(axis=0), kind="stable")
    ends = np.zeros((2, 9))
    ends[0, p_order[:4]] = ends[1, p_order[-4:]] = 1
    fit = pattern_fit(np.vstack([np.repeat(RIGHT, 50, axis=0), ends]))
    assert np.allclose(fit.guttman_normed[-2:], [0, 1])
    assert np.allclose(fit.u3[-2:], [0, 1])
    assert np.isclose(fit.caution[-2], 0)


@pytest.mark.parametrize(
    "right", [np.ones((4, 3)), np.zeros((4, 3)), np.eye(3)[:1], np.eye(3)[:, :1], np.full((2, 2), np.nan)]
)
@as_nan()
def test_patterns_that_tell_nothing_have_no_warning(right):
    pattern_fit(right)


def test_more_than_two_categories_are_refused():
    with pytest.raises(ValueError, match="item 1 is not just right or wrong"):
        pattern_fit([[0, 2]])
