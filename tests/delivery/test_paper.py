import pytest

from examapp.banks.models import ItemVersion
from examapp.canonical import digest, digest_of_bytes, loads
from examapp.db import db
from examapp.delivery import paper
from examapp.errors import InvalidInput, NotFound
from tests.makers import AT, FOUR_TYPES, make_content, make_exam_form, make_sitting


@pytest.fixture
def exam_form(app):
    return make_exam_form(contents=[make_content(kind) for kind in FOUR_TYPES])


def test_a_paper_is_built_once_and_named_by_its_digest(exam_form):
    published = paper.publish(exam_form)
    db.session.flush()
    assert published.digest == digest_of_bytes(published.content)
    assert paper.publish(exam_form) is published


@pytest.mark.feature("E2", "E1")
def test_editing_an_item_during_a_sitting_changes_neither_paper_nor_key(app):
    sitting = make_sitting()
    before = paper.of_form(sitting.exam_form_id).content
    slot = sitting.exam_form.slots[0]
    edited = make_content(id=slot.item_version.content["id"], version=2, key="d", stem={"zh": "新", "en": "New"})
    db.session.add(
        ItemVersion(
            item_id=slot.item_version.item_id, version=2, type=edited.type, area=edited.area, content=edited.as_json(),
            digest=digest(edited.as_json()), published_at=AT,
        )
    )  # fmt: skip
    db.session.commit()
    paper.seats.forget()
    assert paper.build(sitting.exam_form) == before
    assert paper.seats(sitting.exam_form_id)[1].content.key == "b"


@pytest.mark.feature("T21")
def test_every_text_of_a_paper_is_there_in_both_languages(exam_form):
    shown = loads(paper.build(exam_form))
    for slot in shown["slots"]:
        texts = [slot["stem"], *(option["text"] for option in slot.get("options", ()))]
        assert all(text["zh"] and text["en"] for text in texts)


def test_options_come_in_the_forms_order_under_neutral_ids(exam_form):
    slot = loads(paper.build(exam_form))["slots"][0]
    assert [option["id"] for option in slot["options"]] == ["1", "2", "3", "4"]
    assert "Option D" in slot["options"][0]["text"]["en"]


def test_a_response_to_an_item_that_is_not_there_is_refused(exam_form):
    paper.publish(exam_form)
    db.session.flush()
    with pytest.raises(InvalidInput, match="no item 9"):
        paper.read_response(exam_form.id, 9, "1")


def test_a_form_without_a_paper_is_unknown(app):
    with pytest.raises(NotFound):
        paper.of_form("nothing")
