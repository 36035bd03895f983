import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.oracle import fit as oracle
from benchmarks.oracle.compare import missed
from examapp.psychometrics import ability
from examapp.psychometrics.irt import Items
from examapp.psychometrics.item_fit import mean_squares, q3
from examapp.psychometrics.linking import rescale
from examapp.psychometrics.simulation import simulate_responses
from examapp.psychometrics.undetermined import as_nan

RNG = np.random.default_rng(2)
ITEMS = Items.concatenate(
    [
        Items.of("2pl", a=[1.0, 1.4, 0.8, 1.2, 0.9], b=[-1.0, -0.3, 0.2, 0.7, 1.2]),
        Items.of("3pl", a=[1.3], b=[0.4], c=[0.2]),
        Items.of("gpcm", a=[0.9], b=[[-0.5, 0.6]]),
    ]
)
THETA = RNG.normal(size=600)
RESPONSES = simulate_responses(RNG, THETA, ITEMS, RNG.random((600, 7)) < 0.9)
NAMES = ("outfit", "outfit_z", "infit", "infit_z")


def values(*args, **kwargs):
    fit = mean_squares(*args, **kwargs)
    return np.stack([getattr(fit, name) for name in NAMES])


@pytest.mark.reference
def test_fit_of_items_people_and_models_matches_the_reference(reference):
    assert missed(reference, "calibration", oracle.checks, least=4000) == []


def test_mean_squares_are_near_one_at_the_true_abilities():
    items, people = values(RESPONSES, ITEMS, THETA), values(RESPONSES, ITEMS, THETA, of="people")
    assert np.abs(items[[0, 2]] - 1).max() < 0.15
    assert np.abs(items[[1, 3]]).max() < 3.5
    assert np.abs(np.nanmean(people[[0, 2]], axis=1) - 1).max() < 0.05


@pytest.mark.parametrize("of", ["items", "people"])
@given(st.permutations(range(7)))
@settings(max_examples=5, deadline=None)
def test_the_order_of_items_does_not_matter(of, order):
    found = values(RESPONSES[:, order], ITEMS.take(order), THETA, of=of)
    whole = values(RESPONSES, ITEMS, THETA, of=of)
    assert np.allclose(found, whole[:, order] if of == "items" else whole, equal_nan=True)
    assert np.allclose(
        q3(RESPONSES[:, order], ITEMS.take(order), THETA), q3(RESPONSES, ITEMS, THETA)[np.ix_(order, order)]
    )


@given(st.floats(0.4, 2.5), st.floats(-2.0, 2.0))
@settings(max_examples=5, deadline=None)
def test_the_scale_does_not_matter(A, B):
    moved = rescale(ITEMS, A, B)
    assert np.allclose(values(RESPONSES, moved, A * THETA + B), values(RESPONSES, ITEMS, THETA))
    assert np.allclose(q3(RESPONSES, moved, A * THETA + B), q3(RESPONSES, ITEMS, THETA))


@as_nan()
def test_unseen_people_and_items_change_nothing():
    wider = np.pad(RESPONSES, ((0, 1), (0, 1)), constant_values=np.nan)
    more, theta = Items.concatenate([ITEMS, Items.of("rasch", b=[0.0])]), np.append(THETA, np.nan)
    assert np.allclose(values(wider, more, theta)[:, :-1], values(RESPONSES, ITEMS, THETA))
    assert np.isnan(values(wider, more, theta)[:, -1]).all()
    assert np.allclose(q3(wider, more, theta)[:-1, :-1], q3(RESPONSES, ITEMS, THETA))


def test_two_items_that_share_more_than_ability_stand_out():
    copied = RESPONSES.copy()
    copied[:, 1] = copied[:, 0]
    theta = ability.estimate(copied, ITEMS).theta
    assert q3(copied, ITEMS, theta)[0, 1] > 0.3 > q3(RESPONSES, ITEMS, theta)[0, 1]


@pytest.mark.parametrize("responses", [np.ones((3, 7)), np.zeros((3, 7)), np.ones((1, 7)), np.full((2, 7), np.nan)])
@as_nan()
def test_data_that_tell_nothing_give_no_warning(responses):
    theta = np.zeros(len(responses))
    values(responses, ITEMS, theta)
    q3(responses, ITEMS, theta)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_squares(RESPONSES, ITEMS, [0.0]), "600 people, but theta"),
        (lambda: mean_squares(RESPONSES, ITEMS, THETA, of="forms"), "items or people"),
        (lambda: q3(RESPONSES, ITEMS, THETA[:3]), "600 people, but theta"),
    ],
)
def test_misuse_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
