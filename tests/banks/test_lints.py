"""Lints: what they remark, how gravely, and what they leave alone."""

import pytest

from examapp.banks.bank_files import read_folder
from examapp.banks.lints import lint, normalised
from tests.makers import make_bank_folder, make_item_fields, make_numeric_fields


def remarks(folder, *items):
    reading = read_folder(make_bank_folder(folder, *items))
    lint(reading)
    return [(finding.severity, finding.code) for finding in reading.findings]


def options(**texts):
    why = {"zh": "原因。", "en": "A reason."}
    by_id = {id: texts.get(id, f"选项 {id} option") for id in "abcd"}
    return [{"id": id, "zh": text, "en": text, "why": why} for id, text in by_id.items()]


def test_a_sound_bank_has_no_remarks(tmp_path):
    assert remarks(tmp_path, make_item_fields(), make_numeric_fields()) == []


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.62, []), (0.2, [("warning", "lint.expected_share")]), (0.98, [("error", "lint.expected_share")])],
    ids=["usual", "hard", "given away"],
)
def test_an_unlikely_expected_share_is_remarked(tmp_path, share, expected):
    assert remarks(tmp_path, make_item_fields(expected_share=share)) == expected


def test_a_key_that_is_by_far_the_longest_option_is_a_warning_in_each_language(tmp_path):
    fields = make_item_fields(options=options(b="一个比其他选项都长得多的正确选项 that is long in English too"))
    assert remarks(tmp_path, fields) == [("warning", "lint.longest_key")] * 2


def test_a_long_distractor_is_no_remark(tmp_path):
    fields = make_item_fields(options=options(c="一个比其他选项都长得多的错误选项 that is long in English too"))
    assert remarks(tmp_path, fields) == []


def test_a_text_in_the_wrong_language_is_an_error(tmp_path):
    english = {"zh": "Which one of these is right?", "en": "Which one of these is right?"}
    chinese = {"zh": "因为如此。", "en": "因为如此。"}
    found = remarks(tmp_path, make_item_fields(stem=english, rationale=chinese))
    assert found == [("error", "lint.language")] * 2


def test_a_rationale_of_formulas_alone_is_of_every_language(tmp_path):
    formula = {"zh": r"$R = \rho L / (w t)$, {w} nm", "en": r"$R = \rho L / (w t)$, {w} nm"}
    assert remarks(tmp_path, make_item_fields(rationale=formula)) == []


def test_the_same_stem_but_for_punctuation_is_an_error_in_the_later_item(tmp_path):
    stem = {"zh": "硅的晶体结构是什么?", "en": "What is the crystal structure of silicon?"}
    again = {"zh": "硅的晶体结构是什么？", "en": "What is the crystal structure of *silicon* ?"}
    found = remarks(tmp_path, make_item_fields(id="ic-a", stem=stem), make_item_fields(id="ic-b", stem=again))
    assert found == [("error", "lint.repeated_stem")] * 2


def test_nearly_the_same_stem_is_a_warning(tmp_path):
    one = {"zh": "甲", "en": "Which crystal structure does silicon have at room temperature and pressure?"}
    other = {"zh": "乙", "en": "Which crystal structure does silicon have at room temperature?"}
    found = remarks(tmp_path, make_item_fields(id="ic-a", stem=one), make_item_fields(id="ic-b", stem=other))
    assert found == [("warning", "lint.similar_stem")]


def different(number):
    return {"zh": chr(0x4E00 + number) * 3, "en": f"{number} " + chr(97 + number) * 9}


@pytest.mark.parametrize(("keys", "expected"), [("abcd" * 6, 0), ("b" * 24, 1)], ids=["spread", "always b"])
def test_keys_that_favour_a_position_are_remarked_once_for_the_bank(tmp_path, keys, expected):
    items = [make_item_fields(id=f"ic-{n}", key=key, stem=different(n)) for n, key in enumerate(keys)]
    assert remarks(tmp_path, *items) == [("warning", "lint.key_balance")] * expected


def test_a_trap_that_often_lies_within_the_tolerance_is_a_warning(tmp_path):
    variables = [{"name": "w", "unit": "cm", "values": [5, 6, 7, 8]}, {"name": "t", "unit": "cm", "values": [4.5]}]
    trap = {"expr": "w*t*(1 + (w - 5)*0.004)", "zh": "加错了。", "en": "Added wrongly."}
    answer = {"expr": "w*t", "unit": "cm²", "rel_tol": 0.01, "trap": trap}
    assert remarks(tmp_path, make_numeric_fields(variables=variables, answer=answer)) == [("warning", "lint.trap")]


def test_a_trap_that_always_equals_the_key_is_an_error(tmp_path):
    trap = {"expr": "t*w", "zh": "同样。", "en": "The same."}
    answer = {"expr": "w*t", "unit": "cm²", "rel_tol": 0.01, "trap": trap}
    assert remarks(tmp_path, make_numeric_fields(answer=answer)) == [("error", "item.numbers")]


def test_a_variable_without_unit_is_an_error(tmp_path):
    fields = make_numeric_fields()
    fields["variables"][0]["unit"] = ""
    assert ("error", "lint.unit") in remarks(tmp_path, fields)


@pytest.mark.parametrize("name", ["rationale", "stem", "source", "expected_share", "area", "cognitive"])
def test_a_missing_field_is_an_error_at_the_first_line_of_the_item(tmp_path, name):
    folder = make_bank_folder(tmp_path, make_item_fields())
    path = folder / "items/ic-one.yaml"
    lines = path.read_text(encoding="utf-8").split("\n")
    start = next(number for number, line in enumerate(lines) if line.startswith(name))
    end = next(number for number, line in enumerate(lines) if number > start and not line.startswith(" "))
    path.write_text("\n".join(lines[:start] + lines[end:]), encoding="utf-8")
    (finding,) = read_folder(folder).findings
    assert (finding.place.line, finding.message) == (1, f"{name}: is missing; add it")


def test_normalising_folds_width_case_and_punctuation():
    assert normalised("ＧａＮ 的带隙是多少？") == normalised("gan的带隙是多少")
