"""Place tickets, with which prepared sittings are started without a session: whose they are, and until when."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from examapp.db import db
from examapp.delivery import preparation, tickets
from examapp.delivery.models import Sitting
from examapp.delivery.tickets import PlaceTicket, PreparedPlace
from tests import makers
from tests.cast import Cast, Member, register
from tests.conftest import SECRET


@pytest.fixture
def prepared(cast: Cast) -> dict[str, PreparedPlace]:
    """The prepared sittings of both trainees, who signed in before."""
    places = {}
    for name in ("trainee", "other_trainee"):
        member: Member = getattr(cast, name)
        registration = register(member)
        preparation.of_registration(registration, 1)
        db.session.commit()
        member.renew()
        (places[name],) = preparation.of_trainee(member.user.id, at=makers.AT)
    return places


def start(app: Flask, text: str, csrf_token: str, registration_id: str) -> Any:
    """Start with nothing but a place ticket."""
    headers = {"Cookie": f"places={text}", "X-CSRF-Token": csrf_token}
    with app.app_context():
        return app.test_client(use_cookies=False).post(
            "/api/sittings", json={"registration": registration_id}, headers=headers
        )


def begun() -> int:
    """Return how many sittings there are now."""
    db.session.rollback()
    return db.session.query(Sitting).count()


def text_of(member: Member) -> str:
    """Return the place ticket in a member's browser."""
    return str(member.browser.get_cookie("places", path="/api").value)


def test_the_ticket_of_the_session_starts_its_own_place_once(app: Flask, cast: Cast, prepared):
    own = prepared["trainee"].registration_id
    answers = [start(app, text_of(cast.trainee), cast.trainee.token, own) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 200]
    assert len({each.json["sitting"] for each in answers}) == begun() == 1


def test_a_ticket_is_kept_from_scripts_and_other_sites(app: Flask, cast: Cast, prepared):
    answer = cast.trainee.get("/api/registrations")
    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith("places=")]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/api;", "Max-Age="))


def test_a_session_that_holds_a_ticket_is_not_given_another_each_time(cast: Cast, prepared):
    assert not [each for each in cast.trainee.get("/api/session").headers.getlist("Set-Cookie") if "places=" in each]
    cast.trainee.browser.delete_cookie("places", path="/api")
    assert [each for each in cast.trainee.get("/api/session").headers.getlist("Set-Cookie") if "places=" in each]


def test_nobody_starts_the_place_of_somebody_else(app: Flask, cast: Cast, prepared):
    other = prepared["other_trainee"].registration_id
    assert start(app, text_of(cast.trainee), cast.trainee.token, other).status_code in (401, 403, 404)
    assert start(app, text_of(cast.other_trainee), cast.trainee.token, other).status_code == 403
    assert begun() == 0


@pytest.mark.parametrize(
    ("change", "secret"),
    [
        ({"expires": 0}, SECRET),
        ({"csrf_digest": tickets.csrf_digest("x")}, SECRET),
        ({}, "a secret of somebody else's"),
    ],
    ids=["old", "of another session", "forged"],
)
def test_a_ticket_that_is_not_good_starts_nothing(
    app: Flask, cast: Cast, prepared, change: dict[str, Any], secret: str
):
    digest = tickets.csrf_digest_of(cast.trainee.token, SECRET)
    fields = {"places": (prepared["trainee"],), "csrf_digest": digest, "expires": 2**33, **change}
    text = tickets.sign_places(PlaceTicket(**fields), secret)
    assert start(app, text, cast.trainee.token, prepared["trainee"].registration_id).status_code in (401, 403)
    assert begun() == 0


def test_every_changed_character_of_a_ticket_starts_nothing(app: Flask, cast: Cast, prepared):
    text, own = text_of(cast.trainee), prepared["trainee"].registration_id
    for place in range(0, len(text), 7):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        assert start(app, changed, cast.trainee.token, own).status_code in (401, 403)
    assert begun() == 0


def test_signing_out_makes_the_ticket_worthless(app: Flask, cast: Cast, prepared):
    text, token = text_of(cast.trainee), cast.trainee.token
    cast.trainee.send("DELETE", "/api/session", headers={"X-CSRF-Token": token})
    assert start(app, text, token, prepared["trainee"].registration_id).status_code in (401, 403)
    assert begun() == 0


def test_a_sitting_ticket_is_no_place_ticket(app: Flask, cast: Cast, prepared):
    begun = start(app, text_of(cast.trainee), cast.trainee.token, prepared["trainee"].registration_id)
    ticket = begun.headers["Set-Cookie"].partition(";")[0].removeprefix("ticket=")
    assert start(app, ticket, cast.trainee.token, prepared["trainee"].registration_id).status_code in (401, 403)


def test_no_start_before_the_window(app: Flask, cast: Cast, at: datetime):
    registration = register(cast.trainee, administration=makers.make_administration(opens_at=at + timedelta(hours=1)))
    preparation.of_registration(registration, 1)
    db.session.commit()
    cast.trainee.renew()
    refused = start(app, text_of(cast.trainee), cast.trainee.token, registration.id)
    assert (refused.status_code, refused.json["code"]) == (403, "sitting.not_open")
    assert not {"paper", "slots", "sitting", "emergency_key"} & set(refused.json)
