"""Whatever the data: numbers, `converged=False`, or a ValueError that says what and where; never a warning.

NaN (and infinity) may stand only where the docstring of the function, or of what it returns, says when.
"""

import inspect
import re
import sys
from dataclasses import replace

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
from tests.psychometrics.law_table import LAWS
from tests.psychometrics.laws import Law, Study, only, parsed

SOME = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8)
PRIORS = Priors(a=LogNormal(0.0, 0.5), b=Normal(0.0, 2.0))
WHERE = re.compile(r"^[^:]+: \S")


def answered(study: Study, scores: np.ndarray) -> Study:
    """The same people with these scores; who is right chose the key, and everything took equally long."""
    choices = np.where(scores > 0, study.key, study.key % 3 + 1.0)
    times = np.where(np.isfinite(scores), 30.0, np.nan)
    return replace(study, responses=scores, choices=np.where(np.isfinite(scores), choices, np.nan), times=times)


def one_item(study: Study) -> Study:
    """The first item alone."""

    def taken(what: str, value: object) -> object:
        if isinstance(value, Items):
            return value.take([0])
        axes = parsed(what)[1]
        return np.take(value, [0], axes.index("items")) if "items" in axes else value

    return study.each(taken)


def with_a_gap(study: Study) -> Study:
    """Nobody in the highest category of any item."""
    top = study.items.categories - 1
    return answered(study, np.where(study.responses == top, 0.0, study.responses))


CASES = {
    "all right": lambda s: answered(s, np.tile(s.items.categories - 1.0, (60, 1))),
    "all wrong": lambda s: answered(s, np.zeros(s.responses.shape)),
    "one category empty": with_a_gap,
    "one right, all others wrong": lambda s: answered(s, np.eye(*s.responses.shape)),
    "one person": lambda s: only(s, np.array([0])),
    "two people": lambda s: only(s, np.array([0, 1])),
    "nobody": lambda s: only(s, np.zeros(0, dtype=np.intp)),
    "one item": one_item,
    "nobody saw anything": lambda s: answered(s, np.full(s.responses.shape, np.nan)),
    "one saw nothing": lambda s: answered(s, np.where(np.arange(60)[:, None] == 0, np.nan, s.responses)),
}


def promised(law: Law) -> str:
    """What the docstrings of the function and of the dataclass it returns say."""
    returned = sys.modules[law.function.__module__].__dict__.get(str(inspect.signature(law.function).return_annotation))
    return f"{inspect.getdoc(law.function)} {inspect.getdoc(returned) if inspect.isclass(returned) else ''}"


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("law", LAWS, ids=lambda one: one.name)
def test_data_that_tell_little_give_numbers_or_say_what_is_wrong_where(law, case) -> None:
    found, problem = numbers_or_problem(law, CASES[case](law.on))
    assert not problem or WHERE.match(problem), problem
    assert not np.isnan(found).any() or "NaN" in promised(law), f"{law.name}: NaN without a word"
    assert not np.isinf(found).any() or "inf" in promised(law), f"{law.name}: infinite without a word"


def numbers_or_problem(law: Law, study: Study) -> tuple[np.ndarray, str]:
    """All numbers that the function gives, or what it says is wrong."""
    try:
        parts = [np.asarray(value) for value in law.values(study).values()]
    except ValueError as problem:
        return np.zeros(0), str(problem)
    return np.concatenate([np.zeros(0), *(part.ravel() for part in parts if part.dtype.kind == "f")]), ""


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
