"""Whatever the data: numbers, `converged=False`, or a ValueError that says what and where; never a warning.

NaN comes out of nothing unasked, save what is layout or stands beside `converged=False` and says so. Infinity may stand
only where the docstring of the function, or of what it returns, says when.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import CodeType, FrameType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from examapp.psychometrics import ability, classical
from examapp.psychometrics.ability import Ability
from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.irt import MODELS, Items
from examapp.psychometrics.priors import LogNormal, Normal, Priors
from examapp.psychometrics.standard_errors import standard_errors
from examapp.psychometrics.undetermined import Gap, as_nan, gaps
from tests.psychometrics.conftest import code_of
from tests.psychometrics.degenerate_table import CALLS, INNER, OF_ITEMS, OUTSIDE
from tests.psychometrics.law_table import LAWS, WHOLE
from tests.psychometrics.laws import Law, Study, only, parsed
from tests.psychometrics.test_every_function import functions

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
    "flat items": lambda s: replace(s, items=replace(s.items, a=0.0 * s.items.a)),
    "items out of reach": lambda s: replace(s, items=replace(s.items, b=s.items.b + 1e4)),
    "items like steps": lambda s: replace(s, items=replace(s.items, a=1e4 * s.items.a)),
    "endless abilities": lambda s: replace(s, theta=np.where(np.arange(60) % 3, s.theta, np.inf)),
    "one saw nothing": lambda s: answered(s, np.where(np.arange(60)[:, None] == 0, np.nan, s.responses)),
}


def promised(law: Law) -> str:
    """What the docstrings of the function and of the dataclass it returns say."""
    returned = sys.modules[law.function.__module__].__dict__.get(str(inspect.signature(law.function).return_annotation))
    return f"{inspect.getdoc(law.function)} {inspect.getdoc(returned) if inspect.isclass(returned) else ''}"


ITEM_CASES = ("all right", *(case for case in CASES if "item" in case))
LAYOUT = {  # bare arrays, in which NaN is the layout that the docstring says
    "classical.score_by_key": lambda s: np.isnan(s.choices),
    "similarity.similarity_matrix": lambda s: np.eye(len(s.theta), dtype=bool),
}
LOOKED_AT = {code_of(name): name for name in functions() - set(LAYOUT)}


@contextmanager
def looking(functions: dict[CodeType, str]) -> Iterator[tuple[set[str], dict[str, list[Gap]]]]:
    """Which of these functions return in the block, and the gaps of each that is not `refused`, which may keep them."""
    seen, found = set(), {}

    def look(frame: FrameType, event: str, value: object) -> None:
        if before:
            before(frame, event, value)
        if event == "return" and (name := functions.get(frame.f_code)):
            seen.add(name)
            if (frame.f_back is None or frame.f_back.f_code.co_name != "marked") and (holes := gaps(value)):
                found[name] = holes

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield seen, found
    finally:
        sys.setprofile(before)


def examined(call: Callable[[Study], object], study: Study, layout: np.ndarray | None = None) -> object:
    """What a call gives, None where it refuses: no gap outside the layout, on the way neither, or a place."""
    with looking(LOOKED_AT) as (_, inside):
        found, problem = _tried(call, study)
    assert not problem or WHERE.match(problem), problem
    assert inside == {}
    if layout is not None and found is not None:
        assert np.array_equal(np.isnan(found), layout)
    else:
        assert gaps(found) == []
    return found


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("law", LAWS, ids=lambda one: one.name)
def test_data_that_tell_little_give_numbers_or_say_what_is_wrong_where(law: Law, case: str) -> None:
    study = CASES[case](law.on)
    layout = LAYOUT.get(law.name)
    found = examined(law.call, study, None if layout is None else layout(study))
    if found is not None:
        parts = [np.asarray(value) for value in law.named(found).values()]
        endless = any(np.isinf(part).any() for part in parts if part.dtype.kind == "f")
        assert not endless or "inf" in promised(law), f"{law.name}: infinite without a word"


@pytest.mark.parametrize(
    ("name", "case"), [(name, case) for name in CALLS for case in (ITEM_CASES if name in OF_ITEMS else CASES)]
)
def test_functions_without_a_law_and_other_options_give_numbers_or_say_where(name: str, case: str) -> None:
    study, call = CALLS[name]
    examined(call, CASES[case](study))


def test_no_function_of_the_engine_is_left_out() -> None:
    laws, called = {one.name for one in LAWS}, {name.partition(" ")[0] for name in CALLS}
    assert laws | called | INNER | set(OUTSIDE) == functions()
    assert (laws | called | INNER).isdisjoint(OUTSIDE)
    case, seen = CASES["one category empty"], set()
    for study, call in [*((one.on, one.call) for one in LAWS), *CALLS.values()]:
        with looking(LOOKED_AT) as (returned, _), as_nan():
            _tried(call, case(study))
        seen |= returned
    assert (called | INNER) - seen == set()


def hollow(study: Study) -> np.ndarray:
    return np.full(len(study.theta), np.nan)


@pytest.mark.parametrize(
    "call",
    [hollow, lambda s: (hollow(s), 1.0), lambda s: [Ability(s.theta, hollow(s), s.nodes)], lambda s: float("nan")],
    ids=["an array", "a part", "a field", "a number"],
)
def test_a_function_that_gives_nan_unasked_is_noticed(call) -> None:
    with pytest.raises(AssertionError):
        examined(call, WHOLE)


def test_nan_on_the_way_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LOOKED_AT, hollow.__code__, "hollow")
    with pytest.raises(AssertionError, match="hollow"):
        examined(lambda s: np.nan_to_num(hollow(s)), WHOLE)


def test_nan_outside_the_layout_and_a_place_unsaid_and_a_warning_are_noticed() -> None:
    def refuse(s: Study) -> None:
        raise ValueError("no")

    with pytest.raises(AssertionError):
        examined(hollow, WHOLE, np.arange(60) > 0)
    with pytest.raises(AssertionError, match="no"):
        examined(refuse, WHOLE)
    with pytest.raises(RuntimeWarning):
        examined(lambda s: np.log(0.0 * s.weight), WHOLE)


def matrices(top: int):
    return arrays(np.float64, SHAPES, elements=st.sampled_from([np.nan, *range(top + 1)]))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("priors", [None, PRIORS], ids=["likelihood", "priors"])
@SOME
@given(data=st.data())
def test_calibration_of_anything_ends_in_numbers_or_says_where(model, priors, data):
    responses = data.draw(matrices(1 if model[1:] == "pl" or model == "rasch" else 2))
    fit, problem = _tried(calibrate, responses, model, priors=priors, max_cycles=40)
    if fit is None:
        assert re.search(r"item \d+|nobody", problem)
        return
    assert np.isfinite(fit.vector).all()
    assert np.isfinite(fit.log_likelihood)
    assert np.isfinite(ability.estimate(responses, fit.items).theta).all()
    errors, problem = _tried(standard_errors, fit, responses, priors=priors)
    assert gaps(errors) == []
    assert errors or re.search(r"items \d+|items \(\d+|parameters \(\d+|groups \d+", problem)


def _tried(function, *args, **options):
    try:
        return function(*args, **options), ""
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
    with as_nan():
        missing = gaps(classical.classical_statistics(responses))
    problem = _tried(classical.classical_statistics, responses)[1]
    assert bool(missing) == bool(problem)
    assert all(gap.quantity in problem for gap in missing)


@settings(SOME, max_examples=6)
@given(seed=st.integers(0, 1000))
def test_groups_named_otherwise_and_people_in_another_order_are_the_same(seed):
    rng = np.random.default_rng(seed)
    responses = (rng.random((200, 5)) < 0.3 + 0.4 * rng.random((200, 1))).astype(float)
    group, order = np.repeat(["a", "b"], 100), rng.permutation(200)
    here = calibrate(responses, "rasch", groups=group, tolerance=1e-8)
    there = calibrate(responses[order], "rasch", groups=np.where(group == "a", 10, 20)[order], tolerance=1e-8)
    assert there.vector == pytest.approx(here.vector, abs=1e-6)
