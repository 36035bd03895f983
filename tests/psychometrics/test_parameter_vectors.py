import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examapp.psychometrics import irt
from examapp.psychometrics.irt import Items
from examapp.psychometrics.parameter_vectors import (
    category_gradient,
    covariance_of,
    free_parameters,
    numerical_jacobian,
    owners,
    propagated,
    with_free_parameters,
)

MIXED = Items.concatenate(
    [
        Items.of("rasch", b=[0.3]),
        Items.of("3pl", a=[1.4], b=[-0.2], c=[0.2]),
        Items.of("grm", a=[1.2], b=[[-1.0, 0.2, 1.1]]),
        Items.of("gpcm", a=[0.7], b=[[0.5, -0.4]]),
        Items.of("nrm", b=[[0.5, -0.4]], slopes=[[-0.6, 1.3]]),
    ]
)


@given(st.permutations(range(5)))
def test_vectors_lead_back_to_the_items_in_any_order(order):
    items = MIXED.take(order)
    back = with_free_parameters(items, free_parameters(items))
    assert np.allclose(irt.probabilities(back, [-1.0, 0.7]), irt.probabilities(items, [-1.0, 0.7]))
    assert (np.diff(owners(items)) >= 0).all()


def test_gradients_are_difference_quotients():
    theta, owner = np.array([-1.1, 0.4]), owners(MIXED)

    def flat(vector):
        return irt.probabilities(with_free_parameters(MIXED, vector), theta).ravel()

    slopes = numerical_jacobian(flat, free_parameters(MIXED)).T.reshape(owner.size, 2, 5, -1)
    ours = category_gradient(MIXED, theta)
    for p, item in enumerate(owner):
        assert np.allclose(ours[p].T, slopes[p, :, item], atol=1e-8)


def test_a_calibration_s_covariance_is_put_in_order():
    items = Items.of(["1pl", "1pl", "rasch"], b=[0.0, 0.0, 0.0])
    names = [("slope", -1), ("intercept", 0), ("intercept", 1), ("mean", 0), ("intercept", 2)]
    ordered = covariance_of(items, np.diag(np.arange(1.0, 6.0)), names)
    assert np.diagonal(ordered).tolist() == [1, 2, 1, 3, 5]
    assert ordered[0, 2] == 1
    fixed = covariance_of(items, np.diag([5.0]), [("intercept", 2)])
    assert np.diagonal(fixed).tolist() == [0, 0, 0, 0, 5]


def test_unknown_variances_of_idle_parameters_do_not_spoil_the_rest():
    covariance = np.array([[0.04, np.nan], [np.nan, np.nan]])
    assert propagated(np.array([[2.0, 0.0]]), covariance).tolist() == [[0.16]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: with_free_parameters(MIXED, [1.0]), "15 free parameters"),
        (lambda: covariance_of(MIXED, np.eye(2), [("slope", 0)]), "1 names"),
    ],
)
def test_misuse_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
