import io
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from examapp import clock
from examapp.db import db
from examapp.delivery import emergency, interventions, journal
from examapp.delivery.models import Sitting
from tests import makers
from tests.cast import Cast, Member, register
from tests.conftest import SECRET


@pytest.fixture
def sitting(cast: Cast) -> Sitting:
    return makers.make_sitting(register(cast.trainee, seat="B07"))


@pytest.fixture
def colleague(cast: Cast) -> Member:
    """Another person at the same center."""
    user = makers.make_user("center", center_id=cast.center.user.center_id, name="孙丽", language="en")
    db.session.commit()
    return Member(cast.center.app, user)


def page(sitting: Sitting, name: str = "") -> str:
    return f"/center/sittings/{sitting.public_id}{name}"


def kinds(sitting: Sitting) -> list[str]:
    return [row.kind for row in journal.entries(sitting.id)]


def clock_of(cast: Cast, sitting: Sitting) -> dict[str, str]:
    found: dict[str, str] = cast.trainee.get(f"/api/sittings/{sitting.public_id}/clock").json
    return found


@pytest.mark.feature("A3")
def test_a_pause_reaches_the_exam_page_and_is_given_back(
    cast: Cast, sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cast.center.post(page(sitting, "/pause"), reason="Taken ill").status_code == 302
    monkeypatch.setattr(clock, "now", lambda: makers.AT + timedelta(minutes=7))
    told = clock_of(cast, sitting)
    assert (told["paused_since"], told["ends_at"]) == ("2026-05-16T01:00:00.000Z", "2026-05-16T02:37:00.000Z")
    assert cast.center.post(page(sitting, "/resume")).status_code == 302
    told = clock_of(cast, sitting)
    assert (told["paused_since"], told["ends_at"]) == (None, "2026-05-16T02:37:00.000Z")
    shown = cast.center.get(page(sitting)).text
    assert all(words in shown for words in ("Paused", "Resumed", "Taken ill", "赵磊"))


@pytest.mark.feature("T3")
def test_added_time_stands_in_the_next_answer_to_the_exam_page(cast: Cast, sitting: Sitting) -> None:
    assert clock_of(cast, sitting)["ends_at"] == "2026-05-16T02:30:00.000Z"
    cast.center.post(page(sitting, "/time"), minutes="15", reason="A fire alarm")
    assert clock_of(cast, sitting)["ends_at"] == "2026-05-16T02:45:00.000Z"
    shown = cast.trainee.get(f"/api/sittings/{sitting.public_id}").json
    assert shown["ends_at"] == "2026-05-16T02:45:00.000Z"


def test_the_board_offers_a_pause_or_its_end(cast: Cast, sitting: Sitting) -> None:
    board = f"/center/administrations/{sitting.registration.administration_id}/live"
    assert f"pause-{sitting.public_id}" in cast.center.get(board).text
    interventions.pause(cast.center.user, sitting, "Taken ill", at=makers.AT)
    shown = cast.center.get(board).text
    assert f"resume-{sitting.public_id}" in shown
    assert f"pause-{sitting.public_id}" not in shown


@pytest.mark.feature("T4")
def test_much_time_waits_for_a_second_person_and_both_are_named(
    cast: Cast, sitting: Sitting, colleague: Member
) -> None:
    cast.center.post(page(sitting, "/time"), minutes="90", reason="A fire alarm")
    assert kinds(sitting) == ["started", "time_asked"]
    assert page(sitting, "/time/2") in cast.center.get(page(sitting)).text
    assert "Somebody else must confirm" in cast.center.post(page(sitting, "/time/2")).text
    assert colleague.post(page(sitting, "/time/2")).status_code == 302
    assert kinds(sitting) == ["started", "time_asked", "time_added"]
    shown = cast.center.get(page(sitting)).text
    assert "confirmed by 孙丽" in shown
    assert page(sitting, "/time/2") not in shown


def file_of(sitting: Sitting, *responses: dict[str, object]) -> bytes:
    """A file as the page of the sitting makes it."""
    key, nonce = emergency.key_of(SECRET, sitting.public_id), bytes(12)
    content = {"responses": responses, "receipts": [], "saved_at": "2026-05-16T02:30:00.000Z"}
    sealed = AESGCM(key).encrypt(nonce, json.dumps(content).encode(), None)
    return json.dumps(
        {"schema": 1, "sitting": sitting.public_id, "key_id": emergency.key_id(key),
         "nonce": emergency.as_text(nonce), "ciphertext": emergency.as_text(sealed)}
    ).encode()  # fmt: skip


@pytest.mark.feature("T10")
def test_an_emergency_file_is_taken_in_as_evidence_that_shows_no_answer(cast: Cast, sitting: Sitting) -> None:
    data = file_of(sitting, {"slot": 4, "seq": 1, "value": "826.6", "client_time": None})
    assert cast.center.post(page(sitting, "/emergency"), file=(io.BytesIO(data), "emergency.json")).status_code == 302
    shown = cast.center.get(page(sitting)).text
    assert all(words in shown for words in ("1 answers are kept", "from an emergency answer file", "Item 4"))
    assert "826.6" not in shown
    assert kinds(sitting) == ["started", "late"]


def test_answers_that_fit_no_item_are_counted_to_whoever_takes_the_file_in(cast: Cast, sitting: Sitting) -> None:
    data = file_of(sitting, {"slot": 99, "seq": 1, "value": "x", "client_time": None})
    cast.center.post(page(sitting, "/emergency"), file=(io.BytesIO(data), "emergency.json"))
    assert "0 answers are kept" in (shown := cast.center.get(page(sitting)).text)
    assert "1 answers fit no item" in shown


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\x00"])
def test_a_file_that_is_none_is_refused_with_words(cast: Cast, sitting: Sitting, data: bytes) -> None:
    answer = cast.center.post(page(sitting, "/emergency"), file=(io.BytesIO(data), "emergency.json" if data else ""))
    assert (answer.status_code, "There is a problem" in answer.text) == (200, True)
    assert kinds(sitting) == ["started"]


@pytest.mark.feature("A6")
@pytest.mark.parametrize("name", ["/pause", "/resume", "/emergency", "/time/2"])
def test_staff_of_another_center_reach_none_of_it(cast: Cast, sitting: Sitting, name: str) -> None:
    assert cast.other_center.get(page(sitting, name)).status_code == 404
    assert cast.other_center.post(page(sitting, name), reason="Taken ill").status_code == 404
    assert kinds(sitting) == ["started"]
