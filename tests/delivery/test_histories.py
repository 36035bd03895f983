"""A history is checked to the last byte, though most entries are recognised at a glance."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examapp.canonical import canonical_text, utc_string
from examapp.delivery import histories, journal
from examapp.delivery.histories import History, Stored
from examapp.delivery.state import Kind
from tests.delivery.test_state import AT, STARTED

PLAIN = '{"client_time":null,"seq":1,"slot":1,"value":"2"}'
OTHERWISE = [
    PLAIN.replace(":", ": ", 1), PLAIN + " ", PLAIN.replace('"seq":1,"slot":1', '"slot":1,"seq":1'),
    PLAIN.replace('"2"', '"\\u0032"'), PLAIN.replace('"seq":1', '"seq":1.0'), PLAIN.replace('"seq":1', '"seq":01'),
    PLAIN.replace('"seq":1', f'"seq":{2**60}'), PLAIN.replace('"seq":1', '"seq":1,"seq":1'), PLAIN[:-1],
    PLAIN.replace('"2"', "2.5"), PLAIN.replace('"2"', '["1", "2"]'),
]  # fmt: skip


def history(body, stored):
    """A running sitting with one response, whose chain holds whatever stands in it."""
    entries, previous = [], journal.FIRST
    for number, (kind, text) in enumerate([(Kind.STARTED, canonical_text(STARTED.body)), (Kind.RESPONDED, body)], 1):
        row = (7, number, kind.value, utc_string(AT), text, previous)
        previous = journal.digest_of(*row)
        entries.append(journal.EntryRow(*row, previous))
    row = SimpleNamespace(id=7, status="open", started_at=AT, closed_at=None, last_number=2, last_digest=previous)
    found = History(row, entries, {1: stored})
    row.ends_at = found.replayed.ends_at if body == PLAIN else None
    return found


def test_a_plain_response_holds():
    found = history(PLAIN, Stored(1, '"2"', 2))
    assert (found.findings, found.given) == ([], {1: '"2"'})


@pytest.mark.parametrize("body", OTHERWISE)
def test_a_body_that_is_not_canonical_is_found_though_its_digest_is_right(body):
    assert "entry 2 does not match its digest" in history(body, Stored(1, '"2"', 2)).findings


@pytest.mark.parametrize(
    "stored", [Stored(2, '"2"', 2), Stored(1, '"3"', 2), Stored(1, '"2"', 3), Stored(1, ' "2"', 2)]
)
def test_a_stored_response_that_differs_is_found(stored):
    assert history(PLAIN, stored).findings == ["the stored response of slot 1 differs from the journal"]


@given(st.from_regex(histories._PLAIN_RESPONSE, fullmatch=True))
def test_whatever_is_recognised_at_a_glance_is_canonical_and_read_as_json_is(body):
    value = json.loads(body)
    assert canonical_text(value) == body
    assert histories._read(body) == ({name: value[name] for name in ("seq", "slot", "value")}, True)
