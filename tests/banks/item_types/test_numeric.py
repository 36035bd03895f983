"""Numbers with a key computed from what is shown."""

import pytest

from examapp.banks.content import ItemContent, Variant
from examapp.banks.item_types import ITEM_TYPES, check
from examapp.errors import InvalidInput
from tests.makers import make_content, make_numeric_fields, text

NUMERIC = ITEM_TYPES["numeric"]
AREA = ItemContent.model_validate(make_numeric_fields())
SHOWN = Variant({"w": "6", "t": "3.5"})


@pytest.mark.parametrize("typed", ["21", "21.2", "20.8", "2.1e1", "2.1×10^1", "２１", "21。0", "+21"])
@pytest.mark.feature("E20")
def test_a_number_within_the_tolerance_is_right_however_it_is_typed(typed):
    assert NUMERIC.mark(AREA, SHOWN, NUMERIC.read_response(AREA, typed)) == 1


@pytest.mark.parametrize("typed", ["19", "20.7", "21.3", "-21", "21 cm", "twenty", "2,1", "19,0"])
def test_another_or_unreadable_number_is_kept_and_earns_nothing(typed):
    assert NUMERIC.read_response(AREA, typed) == typed
    assert NUMERIC.mark(AREA, SHOWN, typed) == 0


@pytest.mark.parametrize("typed", [None, "", "  "])
def test_an_empty_field_is_no_response(typed):
    assert NUMERIC.read_response(AREA, typed) is None


@pytest.mark.parametrize("value", [21, 21.0, True, ["21"], "1" * 65, "2\x001", "\ud800"], ids=ascii)
def test_anything_but_a_short_text_is_refused(value):
    with pytest.raises(InvalidInput):
        NUMERIC.read_response(AREA, value)


def test_the_usual_mistake_is_wrong():
    assert NUMERIC.mark(AREA, SHOWN, "19.0") == 0
    assert not AREA.answer.is_confusable(SHOWN.values)


def test_unit_and_hint_are_shown_and_the_hint_is_the_same_for_all():
    shown = NUMERIC.present(AREA, SHOWN)
    assert shown["unit"] == "cm²"
    assert shown["hint"] == NUMERIC.present(make_content("numeric"), Variant({"Eg": "1"}))["hint"]
    assert shown["stem"]["en"] == "<p>What is the area of 6 cm by 3.5 cm?</p>"


def test_a_pure_number_has_no_unit_beside_the_field():
    content = ItemContent.model_validate(make_numeric_fields(answer={"expr": "w*t", "unit": "1", "rel_tol": 0.01}))
    assert NUMERIC.present(content, SHOWN)["unit"] == ""


@pytest.mark.parametrize(
    ("change", "where", "remedy"),
    [
        ({"stem": {"zh": "{w} {t}", "en": "{w}"}}, ("stem",), "one language only"),
        ({"stem": text("{w} {t} {z}")}, ("stem",), "no variable defines"),
        ({"stem": text("{w}")}, ("answer", "expr"), "does not show"),
        ({"answer": {"expr": "w*t*z", "unit": "1", "rel_tol": 0.01}}, ("answer", "expr"), "neither a variable"),
        ({"variables": [{"name": "w", "unit": "1", "values": [1]}] * 2}, ("variables", 1), "a second time"),
        ({"stem": text("{_w} {w} {t}")}, ("stem",), "hidden"),
    ],
)
def test_numbers_that_do_not_hold_together_are_problems(change, where, remedy):
    found = check(ItemContent.model_validate(make_numeric_fields(**change)))
    assert any(problem.where == where and remedy in problem.message for problem in found)


def test_an_item_without_an_answer_is_a_problem():
    fields = {name: value for name, value in make_numeric_fields().items() if name != "answer"}
    assert [problem.where for problem in check(ItemContent.model_validate(fields))] == [("answer",)]
