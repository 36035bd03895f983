import base64
import json
import os
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from examapp.delivery import emergency, histories, journal
from examapp.delivery.sittings import stored_responses
from examapp.errors import InvalidInput, NotAllowed
from tests import makers
from tests.conftest import SECRET
from tests.makers import AT, make_registration, make_sitting, make_user

LATER = AT + timedelta(hours=3)


@pytest.fixture
def sitting(app):
    return make_sitting(make_registration(center_id=makers.make_center().id))


@pytest.fixture
def staff(sitting):
    return make_user("center", center_id=sitting.registration.center_id)


def response(slot, seq, value):
    return {"slot": slot, "seq": seq, "value": value, "client_time": "2026-05-16T02:00:00.000Z"}


def sealed(of, *responses, key=None, content=None, **overrides):
    """A file as the page of the sitting makes it."""
    key, nonce = key or emergency.key_of(SECRET, of.public_id), os.urandom(12)
    content = content or {"responses": responses, "receipts": [], "saved_at": "2026-05-16T02:30:00.000Z"}
    file = {
        "schema": 1, "sitting": of.public_id, "key_id": emergency.key_id(key), "nonce": emergency.as_text(nonce),
        "ciphertext": emergency.as_text(AESGCM(key).encrypt(nonce, json.dumps(content).encode(), None)),
    }  # fmt: skip
    return json.dumps({**file, **overrides}).encode()


def keep(staff, sitting, data):
    return emergency.keep(staff, sitting, emergency.open_file(data, sitting, SECRET), at=LATER)


def late(sitting):
    return [journal.event_of(row) for row in journal.entries(sitting.id) if row.kind == "late"]


@pytest.mark.feature("T10")
def test_what_a_file_holds_is_kept_as_evidence_and_counts_for_nothing(sitting, staff):
    makers.answer(sitting, {1: "1"})
    data = sealed(sitting, response(1, 2, "3"), response(3, 1, True))
    assert keep(staff, sitting, data) == emergency.Kept(new=2, known=0, unreadable=0)
    bodies = [
        (event.body["slot"], event.body["value"], event.body["source"], event.body["actor"]) for event in late(sitting)
    ]
    assert bodies == [(1, "3", "emergency file", staff.id), (3, True, "emergency file", staff.id)]
    assert {each.slot: each.value for each in stored_responses(sitting)} == {1: "1"}
    assert histories.broken(sitting.id) == []


@pytest.mark.feature("T10")
def test_a_file_given_twice_and_answers_that_arrived_are_not_kept_again(sitting, staff):
    makers.answer(sitting, {1: "1"})
    data = sealed(sitting, response(1, 1, "1"), response(3, 1, True))
    assert keep(staff, sitting, data) == emergency.Kept(new=1, known=1, unreadable=0)
    assert keep(staff, sitting, data) == emergency.Kept(new=0, known=2, unreadable=0)
    assert len(late(sitting)) == 1


def test_the_page_and_the_service_hold_the_same_key(sitting):
    shown = emergency.key_text(SECRET, sitting.public_id)
    assert base64.urlsafe_b64decode(shown + "=") == emergency.key_of(SECRET, sitting.public_id)
    assert emergency.key_of(SECRET, "0" * 16) != emergency.key_of(SECRET + "x", "0" * 16)


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"schema": 2}, "emergency.sitting"),
        ({"sitting": "0" * 16}, "emergency.sitting"),
        ({"key_id": "0" * 16}, "emergency.key"),
        ({"nonce": emergency.as_text(b"0" * 12)}, "emergency.changed"),
        ({"nonce": ""}, "emergency.changed"),
        ({"nonce": "!"}, "emergency.malformed"),
        ({"nonce": 5}, "emergency.malformed"),
        ({"ciphertext": emergency.as_text(b"0" * 40)}, "emergency.changed"),
        ({"content": {"responses": [], "saved_at": 1, "x": 1}, "key": b"k" * 32, "key_id": None}, "emergency.changed"),
    ],
)
def test_a_file_that_was_changed_or_is_not_of_this_sitting_is_refused(sitting, overrides, code):
    with pytest.raises(InvalidInput) as refusal:
        emergency.open_file(sealed(sitting, response(1, 1, "1"), **overrides), sitting, SECRET)
    assert refusal.value.code == code


def test_every_flipped_bit_of_a_file_is_refused_or_says_the_same(sitting):
    data = sealed(sitting, response(1, 1, "1"))
    whole = emergency.open_file(data, sitting, SECRET)
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1
        try:
            assert emergency.open_file(bytes(changed), sitting, SECRET).responses == whole.responses
        except InvalidInput:
            continue


@pytest.mark.parametrize(
    "wrong",
    [
        response(9, 1, "1"), response(1, 0, "1"), response(1, True, "1"), response("1", 1, "1"), response(1, 1, "9"),
        {**response(1, 1, "1"), "client_time": 5}, {**response(1, 1, "1"), "more": 1}, {"slot": 1}, 5, None,
    ],
    ids=["slot", "seq", "bool", "text", "value", "time", "more", "less", "number", "null"],
)  # fmt: skip
def test_a_response_that_fits_no_item_does_not_cost_the_others(sitting, staff, wrong):
    data = sealed(sitting, response(3, 1, True), wrong)
    assert keep(staff, sitting, data) == emergency.Kept(new=1, known=0, unreadable=1)
    assert [event.body["slot"] for event in late(sitting)] == [3]


@pytest.mark.parametrize("content", [{"responses": 5}, {"saved_at": ""}, ["x"], {"responses": [None] * 1001}])
def test_a_file_without_responses_is_refused(sitting, content):
    with pytest.raises(InvalidInput):
        emergency.open_file(sealed(sitting, content=content), sitting, SECRET)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b"\xff", b"x" * 900_001])
def test_what_is_no_emergency_file_is_refused(sitting, data):
    with pytest.raises(InvalidInput):
        emergency.open_file(data, sitting, SECRET)


def test_staff_of_another_center_keep_nothing(sitting):
    stranger = make_user("center", center_id=makers.make_center().id)
    with pytest.raises(NotAllowed):
        keep(stranger, sitting, sealed(sitting, response(1, 1, "1")))
    assert late(sitting) == []
