"""Bank files that attack: the reference's own bytes, and each of its kinds inside an otherwise right item."""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest

from examapp.banks.bank_files import Reading, read_bank, read_folder, write_bank
from tests.makers import make_bank_folder, make_item_fields

FILES = {
    "01_alias_bomb.yaml": "yaml.alias", "02_python_tag.yaml": "yaml.tag", "03_key_twice.yaml": "yaml.repeated_key",
    "04_not_a_number.json": "", "05_deep.json": "yaml.too_deep", "15_hidden_text.yaml": "yaml.hidden_character",
}  # fmt: skip
LEGITIMATE = "16_legit_code.yaml"
SEEN = (
    "In HTML, is `<b>` the same as `&lt;b&gt;`?  Which of `a<b`, `{{x}}` and `=A1` is an expression?",
    "' OR 'a'='a", '";alert(7)//', "{{7*'7'}}", "=1+7", "%0d%0aX: y", "../../x", "<img src=q onerror=alert(7)>",
)  # fmt: skip


def checked(folder: Path, name: str, data: bytes) -> Reading:
    """Check a bank to which a file was added; at most two seconds of work."""
    (folder / "items" / Path(name).with_suffix(".yaml").name).write_bytes(data)
    started = time.process_time()
    reading = read_folder(folder)
    assert time.process_time() - started < 2
    return reading


@pytest.mark.reference
def test_each_yaml_and_json_file_of_the_attacks_is_treated_as_its_manifest_says(reference: Path, tmp_path: Path):
    cases = json.loads((reference / "attacks" / "manifest.json").read_text())["files"]
    ours = {case["file"]: case for case in cases if case["format"] in ("yaml", "json")}
    assert set(ours) == {*FILES, LEGITIMATE}
    for name, code in FILES.items():
        data = (reference / "attacks" / name).read_bytes()
        assert (ours[name]["must"], ours[name]["sha256"]) == ("reject", hashlib.sha256(data).hexdigest())
        errors = checked(make_bank_folder(tmp_path / name), name, data).errors
        found = [error for error in errors if "ic-one" not in error.file]
        assert code in {each.code for each in found} or (not code and found)
        assert all(each.place.line >= 1 and Path(name).stem in each.file for each in found)
    assert ours[LEGITIMATE]["must"] == "accept_exact"


ATTACKS = {
    "alias": ("stem:", "anchored: &a [1]\nstem:", "yaml.anchor"),
    "tag": ("area:", "area: !!python/name:os.system", "yaml.tag"),
    "key twice": ("key:", "key: a\nkey:", "yaml.repeated_key"),
    "not a number": ("expected_share: 0.62", "expected_share: .nan", "yaml.number"),
    "wide number": ("version: 1", "version: １", "content.field"),
    "number of many digits": ("version: 1", "version: " + "9" * 5000, "yaml.number"),
    "deep": ("area:", "area: " + "[" * 6000 + "]" * 6000 + "\nx:", "yaml.too_deep"),
    "direction": ("Because", "Be\u202ecause", "yaml.hidden_character"),
    "escaped direction": ("source: 'A book, 2nd ed.'", 'source: "A \\u202e book"', "yaml.hidden_character"),
    "formula that loads": ("Because.", "Because $\\\\href{javascript:alert(1)}{x}$.", "content.field"),
    "unknown field": ("key:", "is_correct: true\nkey:", "content.field"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_inside_a_right_item_is_named_with_its_place(tmp_path: Path, name: str):
    old, new, code = ATTACKS[name]
    folder = make_bank_folder(tmp_path)
    text = (folder / "items" / "ic-one.yaml").read_text()
    assert old in text
    reading = checked(folder, "ic-one.yaml", text.replace(old, new, 1).encode())
    assert code in {error.code for error in reading.errors}, [str(error) for error in reading.errors]


@pytest.mark.parametrize("text", SEEN)
def test_text_that_only_looks_hostile_is_kept_to_the_byte(tmp_path: Path, text: str):
    fields: dict[str, Any] = make_item_fields(stem={"zh": f"问:{text}", "en": f"Which? {text}"})
    folder = make_bank_folder(tmp_path / "one", fields)
    before = (folder / "items" / "ic-one.yaml").read_bytes()
    files = read_bank(folder)
    assert files.items[0].stem.en == f"Which? {text}"
    write_bank(files, tmp_path / "two")
    assert (tmp_path / "two" / "items" / "ic-one.yaml").read_bytes() == before
