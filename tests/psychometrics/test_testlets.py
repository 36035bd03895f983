import numpy as np
import pytest

from examapp.psychometrics import irt
from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.irt import Items
from examapp.psychometrics.simulation import simulate_abilities, simulate_responses
from examapp.psychometrics.testlets import calibrate_testlets, estimate

TESTLET = np.repeat([0, 1, -1], [5, 5, 4])
SD = np.array([0.9, 0.5])


@pytest.fixture
def bank(rng):
    return Items.of("2pl", a=rng.uniform(0.9, 1.6, 14), b=np.linspace(-1.5, 1.5, 14))


@pytest.fixture
def responses(rng, bank):
    theta = simulate_abilities(rng, 1500)
    shared = rng.normal(size=(1500, 2)) * SD
    parts = [
        simulate_responses(rng, theta + (shared[:, t] if t >= 0 else 0), bank.take(t == TESTLET)) for t in (0, 1, -1)
    ]
    return np.concatenate(parts, axis=1)


@pytest.mark.slow
def test_testlet_spreads_and_slopes_are_recovered(responses, bank):
    fit = calibrate_testlets(responses, TESTLET, points=(31, 15), tolerance=0.01)
    assert fit.converged
    assert fit.sd == pytest.approx(SD, abs=0.2)
    assert fit.items.a == pytest.approx(bank.a, abs=0.45)
    plain = calibrate(responses, "2pl")
    assert fit.log_likelihood > plain.log_likelihood + 30
    assert estimate(responses[:20], fit).standard_error.mean() > 0.3


def test_without_testlets_it_is_the_ordinary_model(responses):
    alone = responses[:400]
    fit = calibrate_testlets(alone, np.full(14, -1), points=(64, 3), tolerance=1e-4)
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(calibrate(alone, "2pl").log_likelihood, abs=1e-4)


def test_dimension_reduction_equals_the_integral_over_every_dimension(responses, bank):
    items, data = bank.take([0, 1, 5, 6]), responses[:30][:, [0, 1, 5, 6]]
    fit = calibrate_testlets(data, [0, 0, 1, 1], points=(41, 31), max_cycles=2)
    nodes = irt.grid(-6, 6, 41)
    w = irt.normal_weights(nodes)
    total = 0.0
    for row in data.astype(int):
        inner = []
        for t, pair in enumerate(([0, 1], [2, 3])):
            eta = nodes[:, None] + fit.sd[t] * nodes
            p = irt.probabilities(fit.items.take(pair), eta.ravel())
            chance = p[:, 0, row[pair[0]]] * p[:, 1, row[pair[1]]]
            inner.append(chance.reshape(41, 41) @ w)
        total += np.log(w @ (inner[0] * inner[1]))
    assert len(items) == 4
    assert fit.log_likelihood == pytest.approx(total, abs=1e-4)


def test_wrong_shapes_are_refused(responses):
    with pytest.raises(ValueError, match="14 items, 2 testlets"):
        calibrate_testlets(responses, [0, 1])
