"""The text of bank files: one form for each value, which reads back as itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examapp.banks.located_yaml import HIDDEN, read_located
from examapp.banks.yaml_text import as_yaml

LETTERS = st.characters(exclude_characters="\r", exclude_categories=("Cs", "Co", "Cn"))
TEXTS = st.text(LETTERS, max_size=20).filter(lambda text: not HIDDEN.search(text))
SCALARS = TEXTS | st.booleans() | st.integers(-(10**14), 10**14) | st.sampled_from([0.62, 1e-6, -2.5, 1e16])
NAMES = st.sampled_from(["id", "zh", "en", "key", "stem", "b", "yes", "a b"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_whatever_is_written_reads_back_as_itself(fields):
    located = read_located(as_yaml(fields).encode())
    assert located.flaws == []
    assert located.value == fields


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("remember", "remember"),
        ("no", "'no'"),
        ("0.66", "'0.66'"),
        ("it's: so", "'it''s: so'"),
        (["a", "c"], "[a, c]"),
        (True, "true"),
        (1e-06, "1e-06"),
    ],
)
def test_values_have_one_form(value, text):
    assert as_yaml({"key": value}) == f"key: {text}\n"


def test_a_text_of_several_lines_is_a_block():
    stem = {"zh": "一\n\n二", "en": "one: 1"}
    assert as_yaml({"stem": stem}) == "stem:\n  zh: |-\n    一\n\n    二\n  en: 'one: 1'\n"


def test_what_a_thing_is_called_comes_first():
    assert as_yaml({"options": [{"zh": "甲", "id": "a"}]}) == "options:\n  - id: a\n    zh: '甲'\n"
