"""Choosing one, several, true or false, and finding faults."""

import pytest

from examapp.banks.content import Variant
from examapp.banks.item_types import ITEM_TYPES, check
from examapp.errors import InvalidInput
from tests.makers import make_content

MANY = make_content("multiple_choice", key=["a", "c", "d"])
FAULTS = make_content("fault_finding", key=["b", "d"])
TURNED = Variant({}, ("e", "d", "c", "b", "a"))


@pytest.mark.parametrize(
    ("chosen", "category"),
    [(["1", "3", "4"], 2), (["1", "3"], 1), (["4"], 1), (["1", "2"], 0), (["2"], 0), (list("12345"), 0), (None, 0)],
)
def test_some_right_options_earn_half_and_a_wrong_one_takes_all(chosen, category):
    assert ITEM_TYPES["multiple_choice"].mark(MANY, Variant(), chosen) == category


def test_presented_ids_follow_the_order_of_the_form():
    shown = ITEM_TYPES["multiple_choice"].present(MANY, TURNED)["options"]
    assert [(option["id"], option["text"]["en"]) for option in shown][:2] == [("1", "Option E"), ("2", "Option D")]
    assert ITEM_TYPES["multiple_choice"].mark(MANY, TURNED, ["2", "3", "5"]) == 2


@pytest.mark.parametrize(
    ("chosen", "category"),
    [(["2", "4"], 2), (["2"], 1), (["1", "2", "4"], 1), (["1", "2"], 0), (["1", "2", "3", "4"], 0)],
)
def test_faults_found_less_lines_wrongly_marked(chosen, category):
    assert ITEM_TYPES["fault_finding"].mark(FAULTS, Variant(), chosen) == category


def test_a_selection_is_stored_in_ascending_order():
    assert ITEM_TYPES["multiple_choice"].read_response(MANY, ["4", "1"]) == ["1", "4"]
    assert ITEM_TYPES["multiple_choice"].read_response(MANY, []) is None


@pytest.mark.parametrize("value", [["1", "1"], ["6"], ["a"], "1", [1], {"1": True}, [["1"]], True])
def test_a_selection_of_anything_else_is_refused(value):
    with pytest.raises(InvalidInput):
        ITEM_TYPES["multiple_choice"].read_response(MANY, value)


@pytest.mark.parametrize("value", ["5", "0", "b", 1, True, ["1"]])
def test_a_single_choice_takes_one_presented_id(value):
    with pytest.raises(InvalidInput):
        ITEM_TYPES["single_choice"].read_response(make_content(), value)


def test_a_judgement_takes_true_or_false_only():
    item, statement = ITEM_TYPES["true_false"], make_content("true_false", key=False)
    assert [item.mark(statement, Variant(), value) for value in (False, True, None)] == [1, 0, 0]
    with pytest.raises(InvalidInput):
        item.read_response(statement, 0)


@pytest.mark.parametrize(
    ("kind", "change", "where"),
    [
        ("single_choice", {"key": "e"}, ("key",)),
        ("single_choice", {"key": ("a",)}, ("key",)),
        ("single_choice", {"options": make_content().options[:3]}, ("options",)),
        ("multiple_choice", {"key": ("a",)}, ("key",)),
        ("multiple_choice", {"key": ("a", "a")}, ("key",)),
        ("multiple_choice", {"key": ("a", "b", "c", "d", "e")}, ("key",)),
        ("fault_finding", {"key": ("a", "b", "c")}, ("key",)),
        ("true_false", {"key": "true"}, ("key",)),
    ],
)
def test_a_key_or_option_list_that_does_not_fit_is_a_problem(kind, change, where):
    assert where in [problem.where for problem in check(make_content(kind).model_copy(update=change))]


def test_options_that_repeat_or_do_not_say_why_are_problems():
    first, second, third, last = make_content().options
    same = second.model_copy(update={"id": "a", "en": first.en, "why": None})
    found = {
        problem.where for problem in check(make_content().model_copy(update={"options": (first, same, third, last)}))
    }
    assert {("options", 1, "id"), ("options", 1, "en"), ("options", 1, "why")} <= found
