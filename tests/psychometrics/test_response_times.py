import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics.response_times import fit_times, rapid_guessing, time_fit, time_preknowledge
from examapp.psychometrics.undetermined import as_nan
from tests.psychometrics.forensic_vectors import ALPHA, BETA, EXPOSED, LOG_TIMES

RNG = np.random.default_rng(6)
TIMES = np.exp(LOG_TIMES)
SPEED = RNG.normal(0, 0.4, 3000)
MANY = np.exp(BETA - SPEED[:, None] + RNG.normal(size=(3000, 10)) / ALPHA)


def test_published_vectors():
    found = time_fit(TIMES, ALPHA, BETA)
    tau = [0.0855310753, -0.0266688589, -0.2874383427, 2.9979283131, 1.3381124630, -0.0084182835]
    misfit = [1.8030336730, 1.7078715550, 2.4946014470, 3.2941694840, 67.8333276550, 3.3146449190]
    assert np.allclose(found.speed, tau, atol=1e-9)
    assert np.allclose(found.statistic, misfit, atol=1e-9)
    assert np.allclose(found.p_value, [0.9942, 0.9953, 0.9810, 0.9515, 4.04e-11, 0.9505], atol=5e-5)
    assert found.degrees_of_freedom.tolist() == [9] * 6
    statistic, p_value = time_preknowledge(TIMES, ALPHA, BETA, EXPOSED)
    assert np.allclose(statistic[[0, 3, 4]], [0.0206718813, 1.4817821962, 8.1990080736], atol=1e-9)
    assert np.allclose(p_value[[3, 4]], [0.0692, 1.2e-16], atol=5e-5)


def test_racing_through_everything_is_not_misfit_but_rapid_guessing():
    racer = 3
    assert time_fit(TIMES, ALPHA, BETA).p_value[racer] > 0.9
    assert rapid_guessing(TIMES, np.full(10, 5.0)).flagged[racer]


def test_the_model_is_recovered_from_times_with_holes(rng):
    holes = np.where(rng.random(MANY.shape) < 0.2, np.nan, MANY)
    model = fit_times(holes)
    assert model.converged
    assert np.abs(model.beta - BETA).max() < 0.05
    assert np.abs(model.alpha / ALPHA - 1).max() < 0.06
    assert abs(model.sd - 0.4) < 0.02


def test_misfit_and_sudden_speed_keep_their_level():
    assert abs((time_fit(MANY, ALPHA, BETA).p_value < 0.05).mean() - 0.05) < 0.015
    assert abs((time_preknowledge(MANY, ALPHA, BETA, EXPOSED)[1] < 0.05).mean() - 0.05) < 0.015


@given(st.permutations(range(10)), st.floats(0.1, 10.0))
@settings(max_examples=8, deadline=None)
def test_neither_the_order_of_items_nor_the_unit_of_time_matters(order, unit):
    moved = time_fit(unit * TIMES[:, order], ALPHA[order], BETA[order] + np.log(unit))
    assert np.allclose(moved.statistic, time_fit(TIMES, ALPHA, BETA).statistic)
    assert np.allclose(moved.speed, time_fit(TIMES, ALPHA, BETA).speed)


def test_another_unit_of_time_moves_the_intensities():
    one, other = fit_times(MANY[:300]), fit_times(60 * MANY[:300])
    assert np.allclose(other.beta - one.beta, np.log(60), atol=1e-6)
    assert np.allclose(other.alpha, one.alpha, rtol=1e-5)


@as_nan()
def test_unknown_times_and_people_change_nothing():
    wider = np.pad(TIMES, ((0, 1), (0, 1)), constant_values=np.nan)
    found = time_fit(wider, np.append(ALPHA, 1.0), np.append(BETA, 1.0))
    assert np.allclose(found.statistic[:-1], time_fit(TIMES, ALPHA, BETA).statistic)
    assert np.isnan([found.speed[-1], found.statistic[-1], found.p_value[-1]]).all()
    assert np.isnan(rapid_guessing(wider).effort[-1])
    assert np.isnan(time_preknowledge(wider, np.append(ALPHA, 1), np.append(BETA, 1), EXPOSED)[0][-1])


def test_the_normative_threshold_is_capped():
    assert rapid_guessing([[30.0, 400.0], [50.0, 400.0]]).thresholds.tolist() == [4.0, 10.0]


def test_equal_times_do_not_break_the_fit():
    model = fit_times(np.full((5, 3), 20.0))
    assert np.isfinite(model.alpha).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_times([[1.0, np.nan], [2.0, 3.0]]), "item 1 has fewer than two"),
        (lambda: fit_times([1.0, 2.0]), "people by items"),
        (lambda: fit_times([[np.inf], [1.0]]), "finite seconds"),
        (lambda: time_fit(TIMES, ALPHA[:3], BETA), "as many alpha"),
        (lambda: time_fit(TIMES, -ALPHA, BETA), "alpha > 0"),
        (lambda: time_preknowledge(TIMES, ALPHA, BETA, [10]), "positions in 0..9"),
        (lambda: rapid_guessing(TIMES, [-1.0] * 10), "none negative"),
    ],
)
def test_misuse_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
