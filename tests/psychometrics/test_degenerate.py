"""Whatever the data: numbers, `converged=False`, or a ValueError that says what and where; never a warning."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from examapp.psychometrics import ability, classical
from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.irt import MODELS, Items
from examapp.psychometrics.priors import LogNormal, Normal, Priors
from examapp.psychometrics.standard_errors import standard_errors

SOME = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8)
PRIORS = Priors(a=LogNormal(0.0, 0.5), b=Normal(0.0, 2.0))


def matrices(top: int):
    return arrays(np.float64, SHAPES, elements=st.sampled_from([np.nan, *range(top + 1)]))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("priors", [None, PRIORS], ids=["likelihood", "priors"])
@SOME
@given(data=st.data())
def test_calibration_of_anything_ends_in_numbers_or_says_where(model, priors, data):
    responses = data.draw(matrices(1 if model[1:] == "pl" or model == "rasch" else 2))
    fit, problem = _fitted(responses, model, priors)
    if fit is None:
        assert re.search(r"item \d+|nobody", problem)
        return
    assert np.isfinite(fit.vector).all()
    assert np.isfinite(fit.log_likelihood)
    assert np.isfinite(ability.estimate(responses, fit.items).theta).all()
    standard_errors(fit, responses, priors=priors)


def _fitted(responses, model, priors):
    try:
        return calibrate(responses, model, priors=priors, max_cycles=40), ""
    except ValueError as problem:
        return None, str(problem)


@pytest.mark.parametrize("method", ability.METHODS)
@SOME
@given(responses=matrices(1), seed=st.integers(0, 1000))
def test_ability_from_anything_is_finite(method, responses, seed):
    rng = np.random.default_rng(seed)
    count = responses.shape[1]
    items = Items.of("4pl", rng.uniform(0.2, 4, count), rng.normal(0, 2, count), rng.uniform(0, 0.3, count), 0.97)
    found = ability.estimate(responses, items, method=method)
    assert np.isfinite(found.theta).all()
    assert (found.standard_error >= 0).all()


@SOME
@given(responses=matrices(2))
def test_classical_statistics_of_anything_are_numbers_or_missing(responses):
    if len(responses) < 2:
        return
    found = classical.classical_statistics(responses)
    assert ((found.mean >= 0) | np.isnan(found.mean)).all()


@settings(SOME, max_examples=6)
@given(seed=st.integers(0, 1000))
def test_groups_named_otherwise_and_people_in_another_order_are_the_same(seed):
    rng = np.random.default_rng(seed)
    responses = (rng.random((200, 5)) < 0.3 + 0.4 * rng.random((200, 1))).astype(float)
    group, order = np.repeat(["a", "b"], 100), rng.permutation(200)
    here = calibrate(responses, "rasch", groups=group, tolerance=1e-8)
    there = calibrate(responses[order], "rasch", groups=np.where(group == "a", 10, 20)[order], tolerance=1e-8)
    assert there.vector == pytest.approx(here.vector, abs=1e-6)
