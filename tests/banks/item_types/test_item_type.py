"""What holds for every type of item: the registry is walked, entry by entry."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.banks.content import ItemContent, Variant
from examapp.banks.item_types import ITEM_TYPES, check
from examapp.banks.variants import draw_variant
from examapp.canonical import canonical_bytes
from examapp.errors import InvalidInput
from tests.makers import make_content

KINDS = pytest.mark.parametrize("kind", ITEM_TYPES)
# Nothing of these names may be told to a trainee, whatever the type
SECRETS = (
    "key",
    "rationale",
    "why",
    "trap",
    "rel_tol",
    "abs_tol",
    "expected_share",
    "expr",
    "secret",
    "source",
    "points",
)
OTHER_KEYS = {
    "single_choice": "d", "multiple_choice": ("b", "d", "e"), "true_false": False, "ordering": ("a", "b", "c", "d"),
    "matching": {"r1": "a", "r2": "b"}, "fault_finding": ("a", "d"),
}  # fmt: skip
SHORT = st.sampled_from([str(number) for number in range(-1, 8)] + [f"b{number}" for number in range(6)] + ["", "a"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | SHORT | st.text(max_size=70),
    lambda inner: st.lists(inner | SHORT, max_size=6) | st.dictionaries(SHORT | st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)


def drawn(kind: str, seed: int = 4) -> tuple[ItemContent, Variant]:
    content = make_content(kind)
    return content, draw_variant(content, np.random.default_rng(seed))


@KINDS
@pytest.mark.feature("E20")
def test_the_smallest_item_has_no_problems(kind):
    assert check(make_content(kind)) == []


@KINDS
@pytest.mark.feature("E20")
def test_each_category_is_earned_by_its_response(kind):
    content, variant = drawn(kind)
    item_type = ITEM_TYPES[kind]
    for category in range(item_type.highest(content) + 1):
        given_value = item_type.response_for(content, variant, category)
        assert item_type.read_response(content, given_value) == given_value
        assert item_type.mark(content, variant, given_value) == category


@KINDS
def test_the_right_response_earns_the_highest_category_and_none_earns_nothing(kind):
    content, variant = drawn(kind)
    item_type = ITEM_TYPES[kind]
    right = item_type.right_response(content, variant)
    assert item_type.mark(content, variant, right) == item_type.highest(content) > 0
    assert item_type.mark(content, variant, item_type.read_response(content, None)) == 0


@KINDS
@pytest.mark.feature("E16")
def test_what_is_presented_holds_no_secret(kind):
    content, variant = drawn(kind)
    shown = json.dumps(ITEM_TYPES[kind].present(content, variant))
    assert [secret for secret in SECRETS if secret in shown] == []


@pytest.mark.parametrize("kind", OTHER_KEYS)
@pytest.mark.feature("E16")
def test_what_is_presented_is_byte_identical_when_the_key_is_another(kind):
    content, variant = drawn(kind)
    other = content.model_copy(update={"key": OTHER_KEYS[kind]})
    item_type = ITEM_TYPES[kind]
    assert check(other) == []
    assert item_type.right_response(content, variant) != item_type.right_response(other, variant)
    assert canonical_bytes(item_type.present(content, variant)) == canonical_bytes(item_type.present(other, variant))


@pytest.mark.feature("E16")
def test_a_numeric_item_is_presented_alike_with_another_formula_and_tolerance():
    content, variant = drawn("numeric")
    answer = content.answer.model_copy(update={"expr": "Eg", "trap": None, "rel_tol": None, "abs_tol": 3})
    other = content.model_copy(update={"answer": answer})
    present = ITEM_TYPES["numeric"].present
    assert canonical_bytes(present(content, variant)) == canonical_bytes(present(other, variant))


@KINDS
def test_what_is_presented_is_canonical_and_in_both_languages(kind):
    shown = ITEM_TYPES[kind].present(*drawn(kind))
    assert canonical_bytes(shown)
    assert shown["item_type"] == kind
    assert set(shown["stem"]) == {"zh", "en"}


@KINDS
@settings(max_examples=150, deadline=None)
@given(value=JSON)
def test_any_value_is_marked_within_bounds_or_refused_cleanly(kind, value):
    content, variant = drawn(kind)
    item_type = ITEM_TYPES[kind]
    try:
        stored = item_type.read_response(content, value)
    except InvalidInput:
        return
    assert canonical_bytes(stored)
    assert item_type.read_response(content, stored) == stored
    assert 0 <= item_type.mark(content, variant, stored) <= item_type.highest(content)


@KINDS
def test_a_field_of_another_type_is_a_problem(kind):
    foreign = {"rows": make_content("matching").rows} if kind != "matching" else {"options": make_content().options}
    problems = check(make_content(kind).model_copy(update=foreign))
    assert [problem.where for problem in problems] == [tuple(foreign)]


def test_an_unknown_type_is_a_problem():
    assert check(make_content().model_copy(update={"type": "riddle"}))[0].where == ("type",)


def test_a_form_that_lists_other_options_is_a_mistake():
    with pytest.raises(ValueError, match="the form lists"):
        ITEM_TYPES["single_choice"].present(make_content(), Variant({}, ("a", "b")))
