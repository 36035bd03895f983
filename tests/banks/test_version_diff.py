from examapp.banks.content import ItemContent
from examapp.banks.version_diff import field_changes, pieces
from tests import makers


def changes(**overrides):
    old = ItemContent.model_validate(makers.make_item_fields())
    new = ItemContent.model_validate(makers.make_item_fields(version=2, **overrides))
    return {change.path: change.pieces for change in field_changes(old, new)}


def test_version_alone_is_no_change():
    assert changes() == {}


def test_changed_word_is_named_in_its_field_and_language():
    found = changes(rationale={"zh": "因为如此。", "en": "Because it is so."})
    assert list(found) == ["rationale.en"]
    assert [(piece.kind, piece.text) for piece in found["rationale.en"]] == [
        ("removed", "Because."), ("added", "Because it is so."),
    ]  # fmt: skip


def test_changed_key_and_number_are_named():
    assert set(changes(key="c", expected_share=0.5)) == {"key", "expected_share"}


def test_options_are_compared_by_their_ids():
    options = makers.make_item_fields()["options"]
    options[1] = {**options[1], "en": "Another text"}
    assert list(changes(options=options)) == ["options.b.en"]


def test_chinese_is_compared_by_character():
    found = [(piece.kind, piece.text) for piece in pieces("室温下硅的禁带", "室温下锗的禁带")]
    assert found == [("same", "室温下"), ("removed", "硅"), ("added", "锗"), ("same", "的禁带")]
