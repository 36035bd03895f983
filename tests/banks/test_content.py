"""Items and stimuli as their files hold them: one form, one digest."""

import pytest
from pydantic import ValidationError

from examapp.banks.content import ItemContent, StimulusContent
from examapp.canonical import canonical_bytes
from tests.makers import make_content, make_numeric_fields, text


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


def test_a_stimulus_is_read_with_its_figure():
    figure = {"kind": "sims_profile", "values": {"peak": "x*1e18"}, "alt": text("A profile")}
    fields = {"id": "one", "version": 1, "text": text("See"), "figure": figure}
    assert StimulusContent.from_json(StimulusContent.model_validate(fields).as_json()).figure.values == figure["values"]


def test_contents_do_not_change():
    with pytest.raises(ValidationError):
        make_content().version = 2
