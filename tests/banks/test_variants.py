"""Drawing items, and stimuli with their items, into variants."""

import numpy as np
import pytest

from examapp.banks import variants
from examapp.banks.content import ItemContent, StimulusContent
from examapp.banks.item_types import ITEM_TYPES
from tests.makers import make_content, make_numeric_fields, text

SHEET = {
    "id": "sheet", "version": 1, "text": text("Length {w} cm"),
    "variables": [{"name": "w", "unit": "cm", "min": 1, "max": 9, "step": 1}],
}  # fmt: skip


def make_linked(expr="w*2", **changes) -> ItemContent:
    answer = {"expr": expr, "unit": "cm", "rel_tol": 0.01}
    return ItemContent.model_validate(
        make_numeric_fields(stem=text("Twice?"), stimulus="sheet", variables=[], answer=answer, **changes)
    )


@pytest.mark.parametrize("kind", ITEM_TYPES)
def test_a_variant_follows_its_seed(kind):
    content = make_content(kind)
    assert variants.draw_variant(content, np.random.default_rng(5)) == variants.draw_variant(
        content, np.random.default_rng(5)
    )


@pytest.mark.parametrize("kind", ITEM_TYPES)
def test_options_are_shuffled_unless_the_type_keeps_their_order(kind):
    content = make_content(kind)
    orders = {variants.draw_variant(content, np.random.default_rng(seed)).option_order for seed in range(20)}
    moves = ITEM_TYPES[kind].is_shuffled and bool(ITEM_TYPES[kind].arranged(content))
    assert (len(orders) > 1) is moves
    assert all(sorted(order) == sorted(ITEM_TYPES[kind].arranged(content)) for order in orders)


def test_the_items_of_a_stimulus_share_its_numbers():
    stimulus = StimulusContent.model_validate(SHEET)
    values, drawn = variants.draw_testlet(
        stimulus, [make_linked(id="a"), make_linked("w*3", id="b")], np.random.default_rng(1)
    )
    assert drawn["a"].values == drawn["b"].values == values


def test_a_number_that_nothing_shows_is_a_problem():
    stimulus = StimulusContent.model_validate({**SHEET, "text": text("No number")})
    assert "shows" in variants.problems(make_linked(), stimulus)[0].message


def test_a_name_that_nothing_defines_is_a_problem():
    stimulus = StimulusContent.model_validate(SHEET)
    assert "neither a variable" in variants.problems(make_linked("w*y"), stimulus)[0].message
    assert variants.problems(make_linked(), stimulus) == []


@pytest.mark.parametrize(("expr", "remedy"), [("w/(t-t)", "narrow"), ("w*(t-t)", "abs_tol")])
def test_a_draw_without_a_usable_key_is_a_problem(expr, remedy):
    content = ItemContent.model_validate(make_numeric_fields(answer={"expr": expr, "unit": "1", "rel_tol": 0.01}))
    assert remedy in variants.problems(content)[0].message


def test_a_stimulus_may_show_only_its_own_numbers_in_both_languages():
    stimulus = StimulusContent.model_validate({**SHEET, "text": {"zh": "长 {x}", "en": "Length {w}"}})
    assert {problem.where for problem in variants.stimulus_problems(stimulus)} == {("text",)}
    assert len(variants.stimulus_problems(stimulus)) == 2


def test_a_stimulus_whose_numbers_have_no_value_is_a_problem():
    unlucky = {"name": "x", "unit": "1", "derived": "1/(w-w)"}
    stimulus = StimulusContent.model_validate({**SHEET, "variables": [*SHEET["variables"], unlucky]})
    assert [problem.where for problem in variants.stimulus_problems(stimulus)] == [("variables",)]
