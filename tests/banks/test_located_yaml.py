"""Strict YAML: what is refused, where, and what a text means."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examapp.banks.located_yaml import HIDDEN, MAXIMUM_BYTES, Place, hidden_character, read_located


def codes(text):
    return [flaw.code for flaw in read_located(text.encode()).flaws]


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: &x b", "yaml.anchor", Place(1, 4)),
        ("a: &x b\nc: *x", "yaml.alias", Place(2, 4)),
        ("a: !!str b", "yaml.tag", Place(1, 4)),
        ("a: !python/object:os.system b", "yaml.tag", Place(1, 4)),
        ("a: 1\nb: 2\na: 3", "yaml.repeated_key", Place(3, 1)),
        ("%YAML 1.1\n---\na: b", "yaml.directive", Place(2, 1)),
        ("a: 1\n---\nb: 2", "yaml.documents", Place(2, 1)),
        ("[a]: b", "yaml.key", Place(1, 1)),
        ("*a : b", "yaml.key", Place(1, 1)),
        ("a: \u202eb", "yaml.hidden_character", Place(1, 4)),
        ('a: "\\u200b"', "yaml.hidden_character", Place(1, 4)),
        ('a: "\\ud800"', "yaml.hidden_character", Place(1, 4)),
        ("a: 012", "yaml.number", Place(1, 4)),
        ("a: .nan", "yaml.number", Place(1, 4)),
        ("a: 1e999", "yaml.number", Place(1, 4)),
        ("a: b: c", "yaml.syntax", Place(1, 5)),
        ('a: "\\UFFFFFFFF"', "yaml.syntax", Place(1, 1)),
        ("a:\n\t- b", "yaml.syntax", Place(2, 1)),
        ("", "yaml.empty", Place(1, 1)),
    ],
)
def test_what_bank_files_do_not_need_is_refused_where_it_stands(text, code, place):
    flaws = read_located(text.encode("utf-8", "surrogatepass")).flaws
    assert (code, place) in [(flaw.code, flaw.place) for flaw in flaws]
    assert all(flaw.message % flaw.parameters for flaw in flaws)


def test_bytes_that_are_not_utf8_are_named_with_their_place():
    (flaw,) = read_located(b"a: b\nc: \xff").flaws
    assert (flaw.code, flaw.place, flaw.parameters) == ("yaml.not_utf8", Place(2, 4), {"byte": 255})


def test_all_flaws_of_a_text_are_found_in_one_reading():
    assert codes("a: &x 1\na: 2\nb: !t 3\nc: *x") == ["yaml.anchor", "yaml.repeated_key", "yaml.tag", "yaml.alias"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 100_000, "yaml.too_deep"),
        ("{a: " * 50_000, "yaml.too_deep"),
        ("[" + "a," * 100_000, "yaml.too_many_values"),
        ("[" + "*a," * 80_000, "yaml.too_many"),
        ("\u202e" * 80_000, "yaml.too_many"),
        ("a" * (MAXIMUM_BYTES + 1), "yaml.too_large"),
    ],
    ids=["deep list", "deep map", "wide", "aliases", "hidden", "large"],
)
def test_a_huge_text_ends_in_one_clean_refusal(text, code):
    assert codes(text)[-1] == code


def test_plain_words_and_numbers_mean_what_yaml_1_2_says():
    text = "{a: no, b: 12:30, c: 1e-6, d: -3, e: true, f: ~, g: '012', h: 2026-01-02, i: 8.314462618, j: <<}"
    assert read_located(text.encode()).value == {
        "a": "no", "b": "12:30", "c": 1e-6, "d": -3, "e": True, "f": None,
        "g": "012", "h": "2026-01-02", "i": 8.314462618, "j": "<<",
    }  # fmt: skip


def test_places_of_values_keys_and_missing_parts_are_known():
    located = read_located(b"stem:\n  zh: a\noptions:\n  - id: a\n  - id: b\n")
    assert located.place(("options", 1, "id")) == Place(5, 9)
    assert located.place(("options", 1, "id"), at_key=True) == Place(5, 5)
    assert located.place(("stem", "en")) == Place(2, 3)
    assert located.place(("options", "list[Option]", 0, "id")) == Place(4, 9)


SYNTAX = st.text(alphabet="a:-[]{},&*!|>'\"\\%@`#? \n\t0.1e\u202e", max_size=80).map(str.encode)
VALUES = st.text(max_size=8) | st.booleans() | st.none() | st.integers(-999, 999)


@given(st.binary(max_size=200) | SYNTAX)
def test_no_bytes_whatever_raise(data):
    located = read_located(data)
    assert located.flaws or not HIDDEN.search(str(located.value))


@given(st.recursive(VALUES, st.lists))
def test_json_without_hidden_characters_reads_as_itself(value):
    text = json.dumps(value, ensure_ascii=True)
    located = read_located(text.encode())
    assert hidden_character(str(value)) or located.flaws or located.value == value


@pytest.mark.reference
@pytest.mark.parametrize("name", ["01_alias_bomb", "02_python_tag", "03_key_twice", "15_hidden_text"])
def test_the_attack_samples_are_refused_with_a_place(reference, name):
    flaws = read_located((reference / "attacks" / f"{name}.yaml").read_bytes()).flaws
    assert flaws
    assert flaws[0].place.line >= 1


@pytest.mark.reference
def test_a_correct_text_that_looks_hostile_is_read_to_the_letter(reference):
    located = read_located((reference / "attacks" / "16_legit_code.yaml").read_bytes())
    stem = "In HTML, is `<b>` the same as `&lt;b&gt;`?  Which of `a<b`, `{{x}}` and `=A1` is an expression?"
    assert not located.flaws
    assert located.value["items"][0]["stem"] == stem
