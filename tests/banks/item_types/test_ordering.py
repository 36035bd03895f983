"""Putting steps in order."""

from itertools import permutations

import pytest

from examapp.banks.content import Variant
from examapp.banks.item_types import ITEM_TYPES, check
from examapp.errors import InvalidInput
from tests.makers import make_content

STEPS = make_content("ordering", key=["a", "b", "c", "d"])
ORDERING = ITEM_TYPES["ordering"]


@pytest.mark.parametrize(
    ("order", "category"), [("1234", 3), ("2341", 2), ("3412", 2), ("1243", 1), ("2143", 0), ("4321", 0), ("1324", 0)]
)
def test_each_right_neighbour_earns_a_category(order, category):
    assert ORDERING.mark(STEPS, Variant(), list(order)) == category


def test_only_the_right_order_earns_the_highest_category():
    marks = [ORDERING.mark(STEPS, Variant(), list(order)) for order in permutations("1234")]
    assert marks.count(3) == 1


def test_the_form_may_list_the_steps_in_any_order():
    assert ORDERING.mark(STEPS, Variant({}, ("d", "c", "b", "a")), ["4", "3", "2", "1"]) == 3


@pytest.mark.parametrize("value", [["1", "2", "3"], ["1", "1", "2", "3"], ["1", "2", "3", "5"], "1234", [1, 2, 3, 4]])
def test_an_order_that_is_not_one_of_all_steps_is_refused(value):
    with pytest.raises(InvalidInput):
        ORDERING.read_response(STEPS, value)


def test_a_key_that_forgets_a_step_is_a_problem():
    assert [problem.where for problem in check(STEPS.model_copy(update={"key": ("a", "b", "c")}))] == [("key",)]
