import numpy as np
import pytest

from examapp.psychometrics import ability, irt
from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.expectation import Block
from examapp.psychometrics.irt import Items
from examapp.psychometrics.priors import LogNormal, Normal, Priors
from examapp.psychometrics.simulation import random_design, simulate_abilities, simulate_responses

BANK = Items.of("2pl", a=[0.8, 1.1, 1.4, 1.0, 0.7, 1.2], b=[-1.0, -0.4, 0.0, 0.3, 0.8, 1.2])
MODELS = ("rasch", "3pl", "2pl", "grm", "gpcm", "nrm")


@pytest.fixture
def responses(rng):
    return simulate_responses(rng, simulate_abilities(rng, 800), BANK, random_design(rng, 800, 6, 5))


def log_likelihood(responses, items, mean=0.0, sd=1.0):
    nodes = mean + sd * irt.grid(-8, 8, 401)
    joint = ability.log_likelihood(ability.codes(responses), items, nodes) + np.log(irt.normal_weights(nodes, mean, sd))
    top = joint.max(axis=1)
    return float((top + np.log(np.exp(joint - top[:, None]).sum(axis=1))).sum())


def test_log_likelihood_is_that_of_a_brute_force_integral(responses):
    fit = calibrate(responses, "2pl")
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(log_likelihood(responses, fit.items), abs=1e-6)


def test_no_nearby_parameters_are_more_likely(responses, rng):
    fit = calibrate(responses, "2pl")
    for _ in range(10):
        moved = Items.of("2pl", fit.items.a + rng.normal(0, 0.02, 6), fit.items.b[:, 0] + rng.normal(0, 0.02, 6))
        assert log_likelihood(responses, moved) < fit.log_likelihood


def test_rasch_and_one_parameter_models_are_the_same_model(responses):
    rasch, common = calibrate(responses, "rasch", tolerance=1e-6), calibrate(responses, "1pl", tolerance=1e-6)
    assert rasch.log_likelihood == pytest.approx(common.log_likelihood, abs=1e-6)
    assert common.items.a == pytest.approx(np.full(6, rasch.sd[0]), abs=1e-5)


def test_models_can_be_mixed_in_one_test(rng):
    bank = Items.concatenate(
        [
            Items.of("rasch", b=[0.2, -0.3]),
            Items.of("3pl", a=[1.3], b=[0.1], c=[0.2]),
            Items.of("2pl", a=[1.2], b=[0.4]),
            Items.of("grm", a=[1.1], b=[[-1.0, 0.0, 1.0]]),
            Items.of("gpcm", a=[0.9], b=[[-0.5, 0.5]]),
            Items.of("nrm", b=[[0.5, -0.4]], slopes=[[0.6, 1.3]]),
        ]
    )
    data = simulate_responses(rng, simulate_abilities(rng, 3000), bank)
    fit = calibrate(data, bank.model)
    assert fit.converged
    theta = irt.grid(-2, 2, 9)
    assert irt.probabilities(fit.items, theta) == pytest.approx(irt.probabilities(bank, theta), abs=0.08)


def test_groups_recover_their_own_distributions(rng):
    theta = np.concatenate([simulate_abilities(rng, 3000), simulate_abilities(rng, 3000, 0.8, 1.4)])
    fit = calibrate(simulate_responses(rng, theta, BANK), "2pl", groups=np.repeat(["a", "b"], 3000))
    assert (fit.mean[0], fit.sd[0]) == (0.0, 1.0)
    assert (fit.mean[1], fit.sd[1]) == pytest.approx((0.8, 1.4), abs=0.15)


def test_anchored_items_keep_their_parameters_and_carry_the_scale(rng):
    data = simulate_responses(rng, simulate_abilities(rng, 4000, 0.5, 1.2), BANK)
    fit = calibrate(data, "2pl", anchors=BANK, anchored=[0, 1, 2, 3])
    assert fit.items.a[:4].tolist() == BANK.a[:4].tolist()
    assert (fit.mean[0], fit.sd[0]) == pytest.approx((0.5, 1.2), abs=0.1)
    assert fit.items.b[4:, 0] == pytest.approx(BANK.b[4:, 0], abs=0.2)


def test_weights_stand_for_people(responses):
    counted = calibrate(responses, "2pl", weights=np.full(800, 2.0))
    assert counted.vector == pytest.approx(calibrate(np.repeat(responses, 2, axis=0), "2pl").vector, abs=1e-6)


def test_order_of_people_and_items_does_not_matter(responses, rng):
    people, items = rng.permutation(800), rng.permutation(6)
    fit, moved = (
        calibrate(responses, "2pl", tolerance=1e-7),
        calibrate(responses[people][:, items], "2pl", tolerance=1e-7),
    )
    assert moved.items.a == pytest.approx(fit.items.a[items], abs=1e-6)


def test_a_person_and_an_item_without_responses_change_nothing(responses):
    wider = np.full((801, 7), np.nan)
    wider[:800, :6] = responses
    fit, again = calibrate(responses, "2pl", tolerance=1e-7), calibrate(wider, "2pl", tolerance=1e-7)
    assert again.items.a[:6] == pytest.approx(fit.items.a, abs=1e-6)
    assert again.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-6)


@pytest.mark.parametrize("pieces", [1, 3, 7])
def test_blocks_in_any_number_give_the_same_numbers(responses, pieces):
    whole = calibrate(responses, "2pl", tolerance=1e-9)
    blocks = [Block(ability.codes(part)) for part in np.array_split(responses, pieces)]
    fit = calibrate(blocks, "2pl", tolerance=1e-9, map=lambda function, parts: list(map(function, parts)))
    assert fit.vector == pytest.approx(whole.vector, abs=1e-9)


def test_priors_pull_and_are_counted(responses):
    priors = Priors(a=LogNormal(0.0, 0.01), b=Normal(0.0, 0.01))
    fit = calibrate(responses, "2pl", priors=priors)
    assert fit.converged
    assert np.abs(fit.items.a - 1).max() < 0.05
    assert np.abs(fit.items.b).max() < 0.1


def test_an_empirical_histogram_fits_a_skewed_population_better(rng):
    theta = rng.exponential(1.0, 2000) - 1.0
    bank = Items.of("2pl", a=np.full(25, 1.5), b=np.linspace(-1.5, 2.5, 25))
    data = simulate_responses(rng, theta, bank)
    normal, free = calibrate(data, "2pl"), calibrate(data, "2pl", latent="histogram")
    assert free.log_likelihood > normal.log_likelihood + 20
    assert float(free.weights[0] @ free.nodes[0]) == pytest.approx(0.0, abs=1e-9)
    assert float(free.weights[0] @ free.nodes[0] ** 2) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("data", "model", "message"),
    [
        (np.zeros((0, 3)), "2pl", "nobody"),
        (np.ones((9, 2)), "2pl", "item 0: nobody is in category 0"),
        ([[0, 3], [1, 0]], "grm", "item 1: nobody is in category 1"),
        ([[0, 2], [1, 1], [0, 0]], "2pl", "item 1: model 2pl has two categories"),
        ([[0.5, 1.0]], "2pl", "person 0, item 0"),
        ([[0, 1], [1, 0]], "5pl", "unknown"),
    ],
)
def test_data_that_cannot_be_fitted_is_refused_by_name(data, model, message):
    with pytest.raises(ValueError, match=message):
        calibrate(data, model)


@pytest.mark.parametrize("model", ["rasch", "2pl", "3pl"])
def test_unrelated_items_end_without_a_crash(model, rng):
    fit = calibrate(rng.integers(0, 2, (60, 4)), model, max_cycles=50)
    assert np.isfinite(fit.vector).all()


def test_one_item_and_two_people_end_without_a_crash():
    assert np.isfinite(calibrate([[0], [1]], "2pl", max_cycles=20).vector).all()
