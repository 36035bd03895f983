import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, kstest

from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import rescale
from examapp.psychometrics.margins import Moments, margins_of, observed_margins
from examapp.psychometrics.model_fit import model_fit, quadratic_form
from examapp.psychometrics.parameter_vectors import free_parameters, numerical_jacobian, with_free_parameters
from examapp.psychometrics.responses import codes
from examapp.psychometrics.simulation import simulate_responses
from examapp.psychometrics.undetermined import as_nan

RNG = np.random.default_rng(8)
BINARY = Items.of("2pl", a=[1.0, 1.4, 0.8, 1.2, 0.9, 1.1], b=[-1.0, -0.5, 0.0, 0.2, 0.6, 1.0])
GUESSING = Items.of("3pl", a=[1.0, 1.4, 0.8, 1.2], b=[-1.0, -0.5, 0.0, 0.2], c=[0.1, 0.2, 0.3, 0.15])
GRADED = Items.of("grm", a=[1.0, 1.4, 0.8, 1.2], b=[[-1.0, 0.5], [-0.5, 0.7], [0.0, 1.0], [-1.2, 0.2]])
CREDIT = Items.of("gpcm", a=[1.0, 1.4, 0.8, 1.2], b=[[-1.0, 0.5], [-0.5, 0.7], [0.0, 1.0], [0.2, -0.2]])
STEPS = [[-0.8, 0.5], [-0.5, 0.7], [0.0, 0.6], [0.2, -0.2], [-0.6, 0.1], [-0.2, 0.9]]
RESPONSES = simulate_responses(RNG, RNG.normal(size=800), BINARY)


@pytest.mark.parametrize("statistic", ["M2", "C2"])
@pytest.mark.parametrize("items", [BINARY, GUESSING, GRADED, CREDIT], ids=["2PL", "3PL", "graded", "partial credit"])
def test_derivatives_of_the_margins_are_difference_quotients(items, statistic):
    margins = margins_of(items, statistic)

    def expected(vector):
        return Moments(with_free_parameters(items, vector), margins, 0.2, 1.1).expected()

    ours = Moments(items, margins, 0.2, 1.1).derivatives(free_variance=False, common_slope=False)
    assert np.allclose(ours, numerical_jacobian(expected, free_parameters(items)), atol=1e-8)


@pytest.mark.parametrize("statistic", ["M2", "C2"])
def test_the_covariance_of_the_margins_is_that_of_simulated_people(statistic, rng):
    margins = margins_of(GRADED, statistic)
    x = simulate_responses(rng, rng.normal(size=40_000), GRADED)
    single = np.where(margins.category == 0, x[:, margins.item], x[:, margins.item] == margins.category)
    rows = np.column_stack([single, x[:, margins.first] * x[:, margins.second]])
    assert np.allclose(np.cov(rows.T), Moments(GRADED, margins, 0.0, 1.0).covariance(), atol=0.06)


def test_the_statistic_has_its_degrees_of_freedom_as_mean_over_samples(rng):
    known = Items.of("rasch", b=BINARY.b[:, 0])
    drawn = []
    for _ in range(60):
        x = simulate_responses(rng, rng.normal(size=400), known)
        shift = np.log((1 - x.mean(axis=0)) / x.mean(axis=0)) * 1.17
        drawn.append(model_fit(x, Items.of("rasch", b=shift), free_variance=False).statistic)
    assert abs(np.mean(drawn) - 15) < 3.0


@pytest.mark.slow
def test_partial_credit_statistics_are_chi_square_in_samples_from_the_model(rng):
    known = Items.of("gpcm", a=[1.0, 1.4, 0.8, 1.2, 0.9, 1.1], b=STEPS)
    drawn = {"M2": [], "C2": []}
    for _ in range(500):
        x = simulate_responses(rng, rng.normal(size=500), known)
        items = calibrate(x, "gpcm", start=known, tolerance=0.05, points=24).items
        for name, values in drawn.items():
            margins = margins_of(items, name)
            moments = Moments(items, margins, 0.0, 1.0, points=41)
            residual = observed_margins(codes(x), margins) - moments.expected()
            columns = moments.derivatives(free_variance=False, common_slope=False)
            values.append(quadratic_form(residual, columns, moments.covariance(), len(x))[0])
    for name, df in (("M2", 3), ("C2", 9)):
        assert np.mean(drawn[name]) == pytest.approx(df, abs=3 * np.sqrt(2 * df / 500))
        assert np.mean(chi2.sf(drawn[name], df) < 0.05) == pytest.approx(0.05, abs=0.03)
        assert kstest(drawn[name], chi2(df).cdf).pvalue > 0.01


def test_a_second_dimension_is_found(rng):
    second = rng.normal(size=800)
    half = simulate_responses(rng, second, BINARY.take([0, 1, 2]))
    fit = model_fit(np.column_stack([half, RESPONSES[:, 3:]]), BINARY)
    assert fit.p_value < 1e-6
    assert 0.03 < fit.rmsea_interval[0] < fit.rmsea < fit.rmsea_interval[1]
    assert fit.cfi < 0.9


@given(st.permutations(range(6)))
@settings(max_examples=5, deadline=None)
def test_the_order_of_items_does_not_matter(order):
    one, other = model_fit(RESPONSES[:, order], BINARY.take(order)), model_fit(RESPONSES, BINARY)
    assert np.allclose([one.statistic, one.srmsr, one.cfi], [other.statistic, other.srmsr, other.cfi])


@given(st.floats(0.4, 2.5), st.floats(-2.0, 2.0))
@settings(max_examples=5, deadline=None)
def test_the_scale_does_not_matter(A, B):
    moved = model_fit(RESPONSES, rescale(BINARY, A, B), mean=B, sd=A)
    assert np.isclose(moved.statistic, model_fit(RESPONSES, BINARY).statistic)


def test_people_who_missed_an_item_are_left_out():
    holes = np.vstack([RESPONSES, np.full((1, 6), np.nan)])
    assert model_fit(holes, BINARY) == model_fit(RESPONSES, BINARY)


@as_nan()
def test_no_degrees_of_freedom_give_no_verdict():
    fit = model_fit(RESPONSES[:, :3], BINARY.take([0, 1, 2]))
    assert fit.degrees_of_freedom == 0
    assert np.isnan([fit.statistic, fit.p_value, fit.rmsea]).all()


@pytest.mark.parametrize("responses", [np.ones((5, 6)), np.zeros((5, 6)), RESPONSES[:2]])
@as_nan()
def test_items_that_do_not_vary_give_no_warning(responses):
    model_fit(responses, BINARY)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: model_fit(RESPONSES, BINARY, statistic="M3"), "M2 or C2"),
        (lambda: model_fit(RESPONSES[:, :2], BINARY.take([0, 1])), "three items"),
        (lambda: model_fit(np.full((3, 6), np.nan), BINARY), "two people"),
    ],
)
def test_misuse_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
