import json

import pytest

from examapp.banks import preview
from examapp.banks.content import ItemContent, StimulusContent
from examapp.banks.item_types import ITEM_TYPES
from tests import makers

NUMERIC = ItemContent.model_validate(makers.make_numeric_fields())


@pytest.mark.feature("E21")
@pytest.mark.parametrize("kind", makers.FOUR_TYPES)
def test_what_trainees_see_holds_nothing_of_what_authors_see(kind):
    drawn = preview.preview(makers.make_content(kind), None, 1)
    assert "secret" not in json.dumps(drawn.item)
    assert drawn.author.rationale["en"] == "<p>secret rationale</p>"


def test_same_seed_draws_the_same_and_another_seed_something_else():
    draws = [preview.numbers(NUMERIC, None, seed) for seed in (1, 1, *range(2, 9))]
    assert draws[0] == draws[1]
    assert len({draw.key for draw in draws}) > 1


def test_key_lies_between_what_is_accepted_and_the_trap_outside():
    drawn = preview.numbers(NUMERIC, None, 1)
    low, key, high, trap = (float(each) for each in (drawn.low, drawn.key, drawn.high, drawn.trap))
    assert low < key < high
    assert not low <= trap <= high
    assert high / key == pytest.approx(1.01, abs=1e-4)


def test_options_stand_in_the_order_of_the_draw_with_their_reasons():
    content = makers.make_content("single_choice")
    drawn = preview.preview(content, None, 3)
    assert [reason[0] for reason in drawn.author.reasons] == ["A", "B", "C", "D"]
    assert [reason[1] for reason in drawn.author.reasons] == [option["text"] for option in drawn.item["options"]]
    assert [reason[2] for reason in drawn.author.reasons].count(True) == 1


def test_right_response_earns_the_highest_category():
    content = makers.make_content("multiple_choice")
    author = preview.preview(content, None, 1).author
    assert author.highest == ITEM_TYPES["multiple_choice"].highest(content) == 2
    assert len(author.right_response) == 2


def test_stimulus_is_drawn_with_the_numbers_of_its_item(app):
    stimulus = StimulusContent.from_json(makers.make_stimulus_version().content)
    item = makers.make_content("single_choice", stimulus=stimulus.id)
    drawn = preview.preview(item, stimulus, 1)
    assert drawn.stimulus == preview.stimulus_preview(stimulus, 1)
    assert drawn.stimulus["figure"]["zh"].startswith("<svg")
    assert not preview.is_parametric(item, stimulus)
