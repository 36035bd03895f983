import pytest

from examapp.banks.content import Variant
from examapp.banks.item_types import ITEM_TYPES
from examapp.scoring.item_options import chosen, options_of
from tests.makers import make_content

VARIANT = Variant(values={"Eg": "1.5"})
REVERSED = Variant(option_order=("d", "c", "b", "a"))


@pytest.mark.feature("P2")
def test_choices_count_by_the_author_s_option_whatever_the_form_s_order():
    content = make_content()
    assert chosen(content, REVERSED, "1", 0) == {"d"}
    assert chosen(content, REVERSED, "3", 1) == {"b"}
    assert options_of(content) == {"a": False, "b": True, "c": False, "d": False, "none": None}


@pytest.mark.parametrize(
    ("value", "category", "what"), [("826.6", 1, "key"), ("8266", 0, "trap"), ("5", 0, "other"), ("much", 0, "other")]
)
def test_number_is_the_key_the_usual_mistake_or_another(value, category, what):
    assert chosen(make_content("numeric"), VARIANT, value, category) == {what}


def test_true_and_false_are_the_options_of_a_statement():
    content = make_content("true_false")
    assert options_of(content) == {"true": True, "false": False, "none": None}
    assert chosen(content, VARIANT, False, 0) == {"false"}


@pytest.mark.parametrize("kind", ITEM_TYPES)
def test_every_response_is_among_the_options_of_its_item(kind):
    content = make_content(kind)
    for category in range(ITEM_TYPES[kind].highest(content) + 1):
        value = ITEM_TYPES[kind].response_for(content, VARIANT, category)
        earned = ITEM_TYPES[kind].mark(content, VARIANT, value)
        assert chosen(content, VARIANT, value, earned) <= set(options_of(content))
    assert chosen(content, VARIANT, None, 0) == {"none"}
    assert list(options_of(content))[-1] == "none"
