"""Giving each row its choice."""

import pytest

from examapp.banks.content import Variant
from examapp.banks.item_types import ITEM_TYPES, check
from examapp.errors import InvalidInput
from tests.makers import make_content

PAIRS = make_content("matching", key={"r1": "c", "r2": "a"})
MATCHING = ITEM_TYPES["matching"]


@pytest.mark.parametrize(
    ("pairs", "category"),
    [({"1": "b3", "2": "b1"}, 2), ({"1": "b3"}, 1), ({"1": "b3", "2": "b3"}, 1), ({"2": "b2"}, 0)],
)
def test_each_right_row_earns_a_category(pairs, category):
    assert MATCHING.mark(PAIRS, Variant(), pairs) == category


def test_choices_are_named_by_their_place_in_the_form():
    variant = Variant({}, ("c", "b", "a"))
    shown = MATCHING.present(PAIRS, variant)
    assert [choice["id"] for choice in shown["choices"]] == ["b1", "b2", "b3"]
    assert shown["choices"][0]["text"]["en"] == "Option C"
    assert MATCHING.mark(PAIRS, variant, {"1": "b1", "2": "b3"}) == 2


def test_pairs_are_stored_in_the_order_of_the_rows():
    assert list(MATCHING.read_response(PAIRS, {"2": "b1", "1": "b2"})) == ["1", "2"]
    assert MATCHING.read_response(PAIRS, {}) is None


@pytest.mark.parametrize(
    "value", [{"3": "b1"}, {"1": "b4"}, {"1": "a"}, {"r1": "b1"}, {"1": None}, {"1": ["b1"]}, [], "b1"]
)
def test_pairs_of_anything_else_are_refused(value):
    with pytest.raises(InvalidInput):
        MATCHING.read_response(PAIRS, value)


@pytest.mark.parametrize("key", [{"r1": "c"}, {"r1": "c", "r2": "z"}, "a"])
def test_a_key_that_does_not_give_every_row_a_choice_is_a_problem(key):
    assert [problem.where for problem in check(PAIRS.model_copy(update={"key": key}))] == [("key",)]
