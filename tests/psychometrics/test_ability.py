import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics import ability, irt
from examapp.psychometrics.irt import Items
from examapp.psychometrics.responses import codes
from examapp.psychometrics.simulation import simulate_abilities, simulate_responses

BANK = Items.concatenate(
    [
        Items.of("2pl", a=[0.8, 1.1, 1.6], b=[-1.0, 0.0, 0.7]),
        Items.of("3pl", a=[1.3], b=[0.2], c=[0.2]),
        Items.of("grm", a=[1.2], b=[[-0.8, 0.4]]),
    ]
)
METHODS = ["EAP", "MAP", "ML", "WLE", "JEFFREYS"]


@pytest.mark.parametrize("method", METHODS)
def test_all_right_all_wrong_and_unseen_give_finite_estimates(method):
    patterns = [[1, 1, 1, 1, 2], [0, 0, 0, 0, 0], [np.nan] * 5]
    found = ability.estimate(patterns, BANK, method=method)
    assert np.isfinite(found.theta).all()
    assert found.theta[0] > found.theta[2] > found.theta[1]
    assert (found.standard_error > 0).all()


def test_maximum_likelihood_without_bounds_is_infinite_where_it_should_be():
    found = ability.estimate([[1, 1, 1], [0, 0, 0]], BANK.take([0, 1, 2]), method="ML", bounds=(-np.inf, np.inf))
    assert found.theta.tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize("method", ["MAP", "ML"])
def test_the_estimate_is_where_the_criterion_is_greatest(method):
    data = np.array([[1, 0, 1, 1, 1]])
    found = ability.estimate(data, BANK, method=method, mean=0.3, sd=1.2).theta[0]
    theta = irt.grid(-4, 4, 8001)
    height = ability.log_likelihood(ability.codes(data), BANK, theta)[0]
    height -= 0.5 * ((theta - 0.3) / 1.2) ** 2 if method == "MAP" else 0
    assert found == pytest.approx(theta[height.argmax()], abs=1e-3)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.floats(-1, 1), factor=st.floats(0.5, 2))
def test_a_moved_scale_moves_the_estimates(method, seed, shift, factor):
    rng = np.random.default_rng(seed)
    data = simulate_responses(rng, simulate_abilities(rng, 5), BANK)
    moved = Items(BANK.model, BANK.a / factor, BANK.b * factor + shift, BANK.c, BANK.d, BANK.slopes)
    here = ability.estimate(data, BANK, method=method, bounds=(-6, 6))
    there = ability.estimate(
        data, moved, method=method, mean=shift, sd=factor, bounds=(-6 * factor + shift, 6 * factor + shift)
    )
    inside = np.abs(here.theta) < 5.9
    assert there.theta[inside] == pytest.approx(here.theta[inside] * factor + shift, abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_order_of_items_and_unseen_items_do_not_matter(method, rng):
    data = simulate_responses(rng, simulate_abilities(rng, 20), BANK)
    wider = np.column_stack([data, np.full(20, np.nan)])[:, [5, 3, 0, 4, 2, 1]]
    bank = Items.concatenate([BANK, Items.of("2pl", b=[0.0])]).take([5, 3, 0, 4, 2, 1])
    here, there = (ability.estimate(*pair, method=method) for pair in ((data, BANK), (wider, bank)))
    assert there.theta == pytest.approx(here.theta, abs=1e-7)


def test_sum_scores_are_sufficient_under_the_rasch_model():
    items = Items.of("rasch", b=[-1.0, 0.0, 0.5, 1.0])
    by_sum, share = ability.sum_score_eap(items)
    by_pattern = ability.estimate([[1, 1, 0, 0], [0, 0, 1, 1]], items)
    assert by_pattern.theta == pytest.approx(np.repeat(by_sum.theta[2], 2), abs=1e-9)
    assert share.sum() == pytest.approx(1.0)


@pytest.mark.slow
def test_intervals_cover_as_often_as_they_say(rng):
    items = Items.of("2pl", a=rng.lognormal(0, 0.3, 40), b=rng.normal(size=40))
    theta = simulate_abilities(rng, 20_000)
    found = ability.estimate(simulate_responses(rng, theta, items), items)
    low, high = np.percentile(ability.plausible_values(rng, ability.Ability(*_head(found)), 2000), [2.5, 97.5], axis=1)
    assert np.mean((low < theta[:1000]) & (theta[:1000] < high)) == pytest.approx(0.95, abs=0.02)
    assert np.mean(np.abs(found.theta - theta) < 1.96 * found.standard_error) == pytest.approx(0.95, abs=0.01)


def _head(found):
    return found.theta[:1000], found.standard_error[:1000], found.grid, found.posterior[:1000]


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        ([[0, 1]], {}, "2 items, but parameters of 5"),
        ([[0, 1, 2, 0, 0]], {}, "item 2: score 2 but only 2"),
        ([[0, 1, 1, 0, 0]], {"method": "MLE"}, "unknown method"),
        ([[0, 1, 1, 0, 0]], {"sd": 0.0}, "sd > 0"),
        ([[0, 1, 1, 0, 0.5]], {}, "person 0, item 4"),
    ],
)
def test_misuse_is_named(data, settings, message):
    with pytest.raises(ValueError, match=message):
        ability.estimate(data, BANK, **settings)


@pytest.mark.parametrize("method", ["MAP", "ML"])
def test_the_maximum_on_the_step_of_a_very_steep_item_is_found(method):
    items = irt.Items.of("3pl", a=[400.0, 2.0, 2.0, 2.0], b=[0.7563, -1.0, 0.5, 1.0], c=[0.05, 0.0, 0.0, 0.0])
    scores = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [1, 1, 1, 0], [0, 1, 0, 1]], dtype=np.int8)

    def criterion(person, theta):
        prior = -0.5 * theta**2 if method == "MAP" else 0.0
        return ability.log_likelihood(scores[[person]], items, theta)[0] + prior

    dense = np.linspace(-6.0, 6.0, 120_001)
    for person, theta in enumerate(ability.estimate(scores, items, method=method).theta):
        assert criterion(person, np.array([theta]))[0] >= criterion(person, dense).max() - 1e-6


def test_a_prior_that_is_no_number_is_refused_by_person():
    prior = np.log(np.full((2, 3), 1 / 3))
    prior[1, 0] = np.nan
    with pytest.raises(ValueError, match="person 1: the prior is not a number"):
        ability.expected_a_posteriori(codes([[1], [0]]), Items.of("rasch"), np.array([-1.0, 0.0, 1.0]), prior)
