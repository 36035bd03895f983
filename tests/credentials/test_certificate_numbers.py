from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examapp.credentials.certificate_numbers import (
    ALPHABET,
    certificate_number,
    check_character,
    is_number,
    number_series,
)

SERIES = number_series("ic-materials", "primary", date(2026, 5, 16))


@pytest.mark.parametrize(("text", "check"), [("A12425GABC1234002", "M"), ("A1-2425G-ABC1234002", "M")])
def test_check_character_is_that_of_the_published_grid_example(text, check):
    """ISO 7064 MOD 37,36, as in the example of the Global Release Identifier standard."""
    assert check_character(text) == check


def test_number_reads_as_the_certificate_shows_it():
    number = certificate_number(SERIES, 42)
    assert number.startswith("CMRS-IC1-2026-000042-")
    assert is_number(number)


@given(st.integers(1, 999999), st.data())
def test_single_wrong_character_is_always_found(serial, data):
    number = certificate_number(SERIES, serial)
    place = data.draw(st.sampled_from([at for at, character in enumerate(number) if character in ALPHABET]))
    wrong = data.draw(st.sampled_from(ALPHABET.replace(number[place], "")))
    assert not is_number(number[:place] + wrong + number[place + 1 :])


@pytest.mark.parametrize("text", ["", "-", "CMRS", "ABCD-IC1-2026-000001-X", "证书"])
def test_text_that_is_no_number_is_told_apart(text):
    assert not is_number(text)
