"""Bank folders: what is read, every error with its place, and writing that loses nothing."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.banks.bank_files import BankContent, as_yaml, file_of, read_bank, read_folder, text_of, write_bank
from examapp.banks.content import ItemContent
from examapp.banks.located_yaml import HIDDEN
from examapp.errors import InvalidInput, Refused
from tests.makers import make_bank_files, make_bank_folder, make_item_fields, make_numeric_fields

STIMULUS = {"id": "sheet", "version": 1, "text": {"zh": "厚度 {t} nm。", "en": "Thickness {t} nm."}, "variables": [
    {"name": "t", "unit": "nm", "min": 10, "max": 20, "step": 1}]}  # fmt: skip


def make_item(**overrides):
    return ItemContent.model_validate(make_item_fields(**overrides))


def messages(folder):
    return [str(finding).removeprefix(f"{folder}/") for finding in read_folder(folder).findings]


def put(folder, name, text):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def test_a_bank_that_was_written_reads_as_the_same_bank(tmp_path):
    linked = make_numeric_fields(id="ic-linked", stimulus="sheet", answer={"expr": "t*2", "unit": "nm", "abs_tol": 0.1},
                                 stem={"zh": "两倍?", "en": "Twice?"}, variables=[])  # fmt: skip
    files = make_bank_files(make_item_fields(), make_numeric_fields(), linked, stimuli=(STIMULUS,))
    write_bank(files, tmp_path)
    assert read_bank(tmp_path) == files
    assert read_folder(tmp_path).findings == []


def test_all_errors_of_all_files_are_named_at_once_with_place_and_remedy(tmp_path):
    folder = make_bank_folder(tmp_path, make_item_fields())
    good = (folder / "items/ic-one.yaml").read_text(encoding="utf-8")
    put(folder, "items/ic-anchor.yaml", good.replace("id: ic-one\nversion: 1", "id: ic-anchor\nversion: &v 1"))
    put(folder, "items/ic-key.yaml", good.replace("id: ic-one", "id: ic-key").replace("key: b", "key: z\ncolour: red"))
    put(folder, "items/ic-name.yaml", good)
    put(folder, "items/ic-text.yaml", good.replace("id: ic-one", "id: ic-text").replace("en: 'Because.'", "en:"))
    put(folder, "items/notes.txt", "x")
    found = messages(folder)
    assert "items/ic-anchor.yaml:2:10: error: &v is an anchor; write the value out where it is used" in found
    starts = [
        "items/ic-key.yaml:36:1: error: colour: is not a field here; remove it",
        "items/ic-name.yaml:1:5: error: id: `ic-one` is not the file's name",
        "items/ic-text.yaml:38:3: error: rationale.en: must be text",
        "items/notes.txt:1:1: error: is not a .yaml file; rename it",
    ]
    assert [start for start in starts if not any(text.startswith(start) for text in found)] == []


def test_a_bank_with_errors_is_refused_as_a_whole(tmp_path):
    folder = make_bank_folder(tmp_path, make_item_fields())
    put(folder, "items/broken.yaml", "a: b: c")
    with pytest.raises(InvalidInput) as caught:
        read_bank(folder)
    assert caught.value.problems[0][0].endswith("items/broken.yaml:1:5")


@pytest.mark.parametrize(
    ("fields", "place", "remedy"),
    [
        ({"key": "z"}, "35:6", "must be the id of one option"),
        ({"type": "essay"}, "3:7", "is not a type; use one of"),
        ({"expected_share": 1.5}, "6:17", "expected_share"),
        ({"version": "1"}, "2:10", "must be a whole number"),
        ({"options": [{"id": "a", "zh": "甲", "en": "x"}]}, "11:3", "this type needs 4"),
        ({"stimulus": "nowhere"}, "7:11", "there is no stimuli/nowhere.yaml; write it"),
    ],
    ids=["key", "type", "share", "version", "options", "stimulus"],
)
def test_what_is_wrong_in_an_item_is_named_where_it_stands(tmp_path, fields, place, remedy):
    folder = make_bank_folder(tmp_path, make_item_fields())
    order = list(ItemContent.model_fields)
    wrong = make_item_fields(**fields)
    put(folder, "items/ic-one.yaml", as_yaml({name: wrong[name] for name in order if name in wrong}))
    assert any(text.startswith(f"items/ic-one.yaml:{place}: error: ") and remedy in text for text in messages(folder))


def test_a_number_that_nothing_defines_is_named_in_item_and_stimulus(tmp_path):
    folder = make_bank_folder(tmp_path, make_numeric_fields(variables=[]), stimuli=({**STIMULUS, "variables": []},))
    found = " ".join(messages(folder))
    assert "items/ic-area.yaml" in found
    assert "stimuli/sheet.yaml:4:3: error: text: shows {t}" in found


def test_a_linked_item_may_use_only_what_its_stimulus_shows(tmp_path):
    answer = {"expr": "q0*2", "unit": "nm", "abs_tol": 0.1}
    fields = make_numeric_fields(stimulus="sheet", answer=answer, stem={"zh": "多少?", "en": "How much?"}, variables=[])
    folder = make_bank_folder(tmp_path, fields, stimuli=(STIMULUS,))
    assert any("uses `q0`, which is neither a variable nor a constant" in text for text in messages(folder))


def test_a_link_in_place_of_a_file_is_refused(tmp_path):
    folder = make_bank_folder(tmp_path / "bank", make_item_fields())
    (folder / "items/ic-two.yaml").symlink_to(folder / "items/ic-one.yaml")
    assert any("ic-two.yaml:1:1: error: is not a plain file" in text for text in messages(folder))


def test_a_missing_bank_file_or_folder_is_named(tmp_path):
    assert [text.split(";")[0] for text in messages(tmp_path)] == [
        "bank.yaml:1:1: error: cannot be read (No such file or directory)",
        "items:1:1: error: is missing",
    ]


def test_a_retired_code_that_is_no_item_is_an_error(tmp_path):
    folder = make_bank_folder(tmp_path, make_item_fields(), retired=["ic-gone"])
    assert any("`ic-gone` is not an item of this bank" in text for text in messages(folder))


def test_a_file_that_says_the_same_is_not_written_again(tmp_path):
    folder = make_bank_folder(tmp_path, make_item_fields())
    path = folder / "items/ic-one.yaml"
    path.write_text("# a reviewer's remark\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    changed = make_bank_files(make_item_fields(), make_item_fields(id="ic-two"))
    assert write_bank(changed, folder) == ["items/ic-two.yaml"]
    assert path.read_text(encoding="utf-8").startswith("# a reviewer's remark")


@pytest.mark.reference
def test_a_stem_that_looks_hostile_is_kept_to_the_letter(tmp_path, reference):
    sample = (reference / "attacks" / "16_legit_code.yaml").read_text(encoding="utf-8")
    stem = sample.split("stem: '")[1].split("'\n")[0]
    write_bank(make_bank_files(make_item_fields(stem={"zh": f"问:{stem}", "en": stem})), tmp_path)
    (item,) = read_bank(tmp_path).items
    assert item.stem.en == stem


LETTERS = st.characters(exclude_characters="\r", exclude_categories=("Cs", "Co", "Cn"))
TEXTS = st.text(LETTERS, min_size=1, max_size=60).filter(lambda text: text.strip() and not HIDDEN.search(text))
ONE_LINE = ["a: b", "#", "- x", "'", '"', "yes", "012", "{x}", " a", "a ", "\ta", "%", "@", "~", "null"]
AWKWARD = st.sampled_from([*ONE_LINE, "a\nb", "a\n\nb", "a\n", "a\n b", " \na", "a \nb"])


@settings(deadline=None)
@given(zh=TEXTS | AWKWARD, en=TEXTS | AWKWARD, source=AWKWARD)
def test_whatever_text_an_item_holds_survives_its_file(zh, en, source):
    item = make_item(stem={"zh": zh, "en": en}, source=source)
    fields = make_item_fields(stem={"zh": zh, "en": en}, source=source)
    assert text_of(item)
    assert ItemContent.model_validate(fields) == item


@given(st.decimals(min_value="0.01", max_value="0.99", places=3))
def test_a_number_keeps_its_digits_through_the_file(share):
    item = make_item(expected_share=str(share.normalize()))
    assert item.expected_share == Decimal(share)
    assert f"expected_share: {float(share)!r}\n" in text_of(item)


def test_a_number_that_a_file_cannot_hold_is_refused_instead_of_rounded():
    with pytest.raises(Refused) as caught:
        text_of(make_item(expected_share="0.12345678901234567890123"))
    assert caught.value.code == "bank.not_writable"


def test_a_bank_has_both_languages_and_a_scale():
    assert BankContent.model_validate(make_bank_files().bank.model_dump()).languages == ("zh", "en")
    assert file_of(make_item()) == "items/ic-one.yaml"
