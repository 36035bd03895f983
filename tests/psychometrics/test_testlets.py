import numpy as np
import pytest

from examapp.psychometrics import irt, testlet_errors
from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.irt import Items
from examapp.psychometrics.parameter_vectors import numerical_jacobian
from examapp.psychometrics.priors import Priors
from examapp.psychometrics.simulation import simulate_abilities, simulate_responses
from examapp.psychometrics.standard_errors import standard_errors
from examapp.psychometrics.testlet_expectation import Frame, expect
from examapp.psychometrics.testlets import calibrate_testlets, estimate, gradient_and_step, models_and_testlets

TESTLET = np.repeat([0, 1, -1], [5, 5, 4])
SD = np.array([0.9, 0.5])
SLOPES = [[1.0], [1.0, 1.0], [1.0], [1.0, 1.0], [1.0], [1.0], [0.6, 1.3]]


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


MIXED = ["2pl@text", "gpcm@text", "3pl@text", "grm@figure", "2pl@figure", "rasch", "nrm"]


@pytest.fixture
def mixed(rng):
    b = [[-0.5], [-0.4, 0.6], [0.2], [-0.8, 0.5], [0.3], [0.0], [-0.3, 0.4]]
    names, testlet, _ = models_and_testlets(MIXED)
    items = Items.of(names, a=[1.3, 1.0, 1.2, 1.4, 0.9, 1.0, 1.0], b=b, c=[0, 0, 0.2, 0, 0, 0, 0], slopes=SLOPES)
    theta, shared = rng.normal(size=500), rng.normal(size=(500, 2)) * [0.8, 0.6]
    parts = [theta + (shared[:, t] if t >= 0 else 0.0) for t in testlet.tolist()]
    return np.column_stack([simulate_responses(rng, own, items.take([j])) for j, own in enumerate(parts)])


def test_a_mixed_test_names_its_testlets_with_its_models(mixed):
    fit = calibrate_testlets(mixed, model=MIXED, points=(21, 11), max_cycles=3)
    assert fit.labels == ("text", "figure")
    assert fit.testlet.tolist() == [0, 0, 0, 1, 1, -1, -1]
    assert fit.items.model == ("2pl", "gpcm", "3pl", "grm", "2pl", "rasch", "nrm")
    assert fit.items.a[5] == 1.0


def test_the_gradient_is_the_derivative_of_the_log_posterior(mixed):
    fit = calibrate_testlets(mixed, model=MIXED, points=(31, 21), max_cycles=3)
    frame, priors, plan = Frame.of((31, 21), fit.testlet), Priors(), fit.layout

    def value(vector):
        sums = expect(mixed.astype(np.int8), plan.items(vector, 7), np.exp(vector[plan.size :]), frame)
        terms = gradient_and_step(plan, vector, frame, sums, len(mixed), priors)
        return np.array([sums.log_likelihood + terms[3]]), terms[0]

    slopes = numerical_jacobian(lambda v: value(v)[0], fit.vector)[0]
    assert value(fit.vector)[1] == pytest.approx(slopes, abs=2e-3)


def test_without_testlets_the_errors_are_the_ordinary_ones(responses):
    alone = responses[:400, :6]
    fit = calibrate_testlets(alone, np.full(6, -1), points=(64, 1), tolerance=1e-4)
    plain = calibrate(alone, "2pl", precision="double")
    direct, ours = standard_errors(plain, alone), testlet_errors.standard_errors(fit, alone, points=(64, 1))
    assert ours.positive
    assert ours.items.a == pytest.approx(direct.a, rel=1e-3)
    assert ours.items.b == pytest.approx(direct.b, rel=1e-3)


def test_both_kinds_of_errors_agree(responses):
    fit = calibrate_testlets(responses, TESTLET, points=(21, 11), tolerance=0.05)
    oakes, cross = (
        testlet_errors.standard_errors(fit, responses, kind=kind, points=(21, 11))
        for kind in ("oakes", "cross-product")
    )
    assert cross.items.a == pytest.approx(oakes.items.a, rel=0.15)
    assert cross.sd == pytest.approx(oakes.sd, rel=0.15)
    assert (oakes.sd > 0.03).all()


def test_models_that_leave_the_scale_open_are_refused(responses):
    with pytest.raises(ValueError, match="free slope"):
        calibrate_testlets(responses, model=["rasch@text"] * 14)
    with pytest.raises(ValueError, match="not 1pl"):
        calibrate_testlets(responses, model=["1pl@text"] * 14)


def test_wrong_shapes_are_refused(responses):
    with pytest.raises(ValueError, match="14 items, 2 testlets"):
        calibrate_testlets(responses, [0, 1])
    with pytest.raises(ValueError, match="item 3: testlet -2 is below -1"):
        calibrate_testlets(responses, np.where(np.arange(14) == 3, -2, 0))
