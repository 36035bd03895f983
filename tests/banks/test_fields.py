"""Fields that are refused, each with its place and remedy."""

import pytest
from pydantic import ValidationError

from examapp.banks.content import ItemContent, StimulusContent
from examapp.banks.fields import problems_of
from tests.makers import make_item_fields, make_numeric_fields, text


def problems(fields, model=ItemContent):
    with pytest.raises(ValidationError) as caught:
        model.model_validate(fields)
    return {problem.where: problem.message for problem in problems_of(caught.value)}


def test_all_problems_are_found_at_once_with_their_places():
    fields = make_item_fields(cognitive="guess", colour="red", stem={"zh": "问"})
    assert set(problems(fields)) == {("cognitive",), ("colour",), ("stem", "en")}


@pytest.mark.parametrize(
    ("change", "where", "remedy"),
    [
        ({"version": "1"}, ("version",), "whole number"),
        ({"expected_share": 1.2}, ("expected_share",), "less than 1"),
        ({"expected_share": "much"}, ("expected_share",), "write it like"),
        ({"id": "Item 1"}, ("id",), "lower-case"),
        ({"points": 0}, ("points",), "greater than 0"),
        ({"key": 3}, ("key",), "option's id"),
        ({"stem": {"zh": "问", "en": " "}}, ("stem", "en"), "this language"),
        ({"stem": {"zh": "问", "en": 0.66}}, ("stem", "en"), "quotes"),
        ({"stem": {"zh": "问", "en": "a\u202eb"}}, ("stem", "en"), "U+202E"),
        ({"stem": {"zh": "问", "en": r"$\href{x}{y}$"}}, ("stem", "en"), "TeX"),
        ({"options": [{"id": "a", "zh": "甲"}]}, ("options", 0, "en"), "missing"),
    ],
    ids=lambda part: str(part)[:40],
)
def test_a_wrong_field_is_named_with_its_remedy(change, where, remedy):
    assert remedy in problems(make_item_fields(**change))[where]


@pytest.mark.parametrize(
    ("variable", "remedy"),
    [
        ({"name": "x", "unit": "1", "min": 1, "max": 2, "step": 0.3}, "whole number of steps"),
        ({"name": "x", "unit": "1", "min": 2, "max": 1, "step": 1}, "whole number of steps"),
        ({"names": ["x", "y"], "units": ["1", "1"], "rows": [[1]]}, "as many entries"),
        ({"name": "x", "unit": "1", "values": []}, "at least 1"),
        ({"name": "x", "unit": "1", "derived": "import os"}, "not a formula"),
    ],
)
def test_a_wrong_variable_is_named_without_the_tags_of_its_kind(variable, remedy):
    found = problems(make_numeric_fields(variables=[variable]))
    where, message = next(iter(found.items()))
    assert where[:2] == ("variables", 0)
    assert not any(str(part).startswith("<") for part in where)
    assert remedy in message


def test_a_figure_with_a_broken_formula_is_refused_at_its_place():
    figure = {"kind": "sims_profile", "values": {"peak": "x["}, "alt": text("A profile")}
    fields = {"id": "one", "version": 1, "text": text("See"), "figure": figure}
    assert ("figure", "values", "peak") in problems(fields, StimulusContent)
