from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from examapp.canonical import canonical_bytes, canonical_text, decimal_string, digest, loads, parse_utc, utc_string

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


@given(JSON)
def test_bytes_are_those_of_rfc_8785(value):
    assert canonical_bytes(value) == canonical_text(value).encode() == rfc8785.dumps(value)


@given(JSON)
def test_reading_back_gives_the_value(value):
    assert loads(canonical_bytes(value)) == value


@pytest.mark.parametrize("value", [0.5, {"a": [1, {"b": 2.0}]}, [float("nan")], {"é": 1.5}])
def test_a_fraction_is_refused_wherever_it_stands(value):
    with pytest.raises(ValueError, match="decimal string"):
        canonical_bytes(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), {"a": 10**30}, "\ud800"])
def test_what_other_readers_would_change_is_refused(value):
    with pytest.raises(ValueError):
        canonical_bytes(value)


def test_keys_sort_by_utf16_units():
    assert canonical_bytes({"\ufb33": 1, "\U0001f600": 2}).decode() == '{"\U0001f600":2,"\ufb33":1}'


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}', "NaN", "[Infinity]", "1e400", "[" * 100_000, "9" * 5000, '"\\ud800"',
        '{"\\udfff":1}', '"\ud800"',
        b'"\xed\xa0\x80"', "1".encode("utf-16"), b"\xef\xbb\xbf1",
    ],
)  # fmt: skip
def test_json_that_can_be_read_in_two_ways_or_not_be_stored_is_refused(text):
    with pytest.raises(ValueError):
        loads(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_decimal_strings_read_back_exactly(number):
    assert float(decimal_string(number)) == number


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_have_one_text_whatever_their_zone(at):
    text = utc_string(at)
    assert parse_utc(text) == at
    assert text == at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert utc_string(at.astimezone(timezone(timedelta(hours=8)))) == text


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        utc_string(datetime(2026, 5, 16))  # noqa: DTZ001 - the mistake under test


def test_a_digest_names_its_algorithm():
    assert digest({}).startswith("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
