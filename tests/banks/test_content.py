"""The form of items and stimuli: what is refused, with its place, and one digest for one content."""

import pytest
from pydantic import ValidationError

from examapp.banks.content import Answer, ItemContent, Joint, Stepped, StimulusContent, problems_of
from examapp.canonical import canonical_bytes
from tests.makers import make_content, make_item_fields, make_numeric_fields, text


def problems(fields, model=ItemContent):
    with pytest.raises(ValidationError) as caught:
        model.model_validate(fields)
    return {problem.where: problem.message for problem in problems_of(caught.value)}


def test_a_content_goes_through_json_unchanged():
    content = ItemContent.model_validate(make_numeric_fields())
    again = ItemContent.from_json(content.as_json())
    assert (again, again.digest) == (content, content.digest)
    assert canonical_bytes(content.as_json())


def test_authored_fields_come_back_as_they_were_written():
    fields = make_numeric_fields()
    assert ItemContent.model_validate(fields).authored() == fields


def test_every_word_of_a_content_is_in_its_digest():
    assert make_content(id="one", rationale=text("a")).digest != make_content(id="one", rationale=text("b")).digest


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


@pytest.mark.parametrize("tolerances", [{}, {"rel_tol": 0.01, "abs_tol": 1}])
def test_an_answer_has_exactly_one_tolerance(tolerances):
    with pytest.raises(ValidationError, match="either rel_tol or abs_tol"):
        Answer(expr="1", unit="1", **tolerances)


def test_the_edge_of_a_tolerance_belongs_to_it():
    assert Answer(expr="0.3", unit="1", rel_tol="0.1").accepts(0.33, {})
    assert not Answer(expr="0.3", unit="1", rel_tol="0.1").accepts(0.3301, {})
    assert Answer(expr="0.3", unit="1", abs_tol="0.1").accepts(0.2, {})


def test_a_stimulus_is_read_with_its_figure():
    figure = {"kind": "sims_profile", "values": {"peak": "x*1e18"}, "alt": text("A profile")}
    fields = {"id": "one", "version": 1, "text": text("See"), "variables": [], "figure": figure}
    assert StimulusContent.from_json(StimulusContent.model_validate(fields).as_json()).figure.values == figure["values"]
    assert ("figure", "values", "peak") in problems(
        {**fields, "figure": {**figure, "values": {"peak": "x["}}}, StimulusContent
    )


def test_contents_do_not_change():
    with pytest.raises(ValidationError):
        make_content().version = 2
    assert isinstance(Joint(names=["a"], units=["1"], rows=[[1]]).names(), tuple)
    assert Stepped(name="a", unit="1", min=0, max=1, step=0.5).names() == ("a",)
