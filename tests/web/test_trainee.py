import re
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from werkzeug.test import TestResponse

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.accounts.models import User
from examapp.db import db
from examapp.delivery.models import Sitting
from examapp.exams.models import Registration
from examapp.scoring import marking, results
from examapp.scoring.models import Result
from examapp.scoring.rules import percent
from tests import makers


@pytest.fixture
def trainee(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, at: datetime) -> User:
    """A trainee who is signed in as `client` at the fixed instant, and reads English."""
    monkeypatch.setattr(clock, "now", lambda: at)
    user = makers.make_user(language="en")
    db.session.commit()
    sign_in(client, user)
    return user


def sign_in(client: FlaskClient, user: User) -> None:
    answer = client.post("/api/session", json={"username": user.username, "password": makers.PASSWORD})
    assert answer.status_code == 200


def register(trainee: User, **administration: object) -> Registration:
    registration = makers.make_registration(trainee, makers.make_administration(**administration))
    db.session.commit()
    return registration


def begin(client: FlaskClient, registration: Registration) -> TestResponse:
    page = client.get(f"/registrations/{registration.id}/check").text
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[-1]
    return client.post(f"/registrations/{registration.id}/begin", data={"csrf_token": token})


def unreleased_result(trainee: User, at: datetime) -> Result:
    sitting = makers.make_sitting(makers.make_registration(trainee))
    makers.answer(sitting, makers.RIGHT)
    marking.mark(OPERATOR, sitting, at=at)
    result = results.score(OPERATOR, sitting, at=at)
    db.session.commit()
    return result


def test_stranger_finds_the_way_in_and_the_way_to_verify(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "/sign-in" in page
    assert "/verify" in page


def test_stranger_is_sent_to_sign_in_and_back(client: FlaskClient) -> None:
    answer = client.get("/sittings/0000000000000000")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/sign-in?next=/sittings/0000000000000000"


def test_examiner_is_sent_to_the_banks(client: FlaskClient, trainee: User) -> None:
    examiner = makers.make_user("examiner")
    db.session.commit()
    sign_in(client, examiner)
    assert client.get("/").headers["Location"] == "/examiner/banks"


def test_open_exam_leads_to_the_check_and_on_to_the_sitting(client: FlaskClient, trainee: User) -> None:
    registration = register(trainee)
    assert f"/registrations/{registration.id}/check" in client.get("/").text
    answer = begin(client, registration)
    assert answer.headers["Location"] == f"/sittings/{db.session.query(Sitting).one().public_id}"
    assert "Go on with the exam" in client.get("/").text


def test_begin_without_the_pages_token_is_refused(client: FlaskClient, trainee: User) -> None:
    registration = register(trainee)
    assert client.post(f"/registrations/{registration.id}/begin").status_code == 400
    assert db.session.query(Sitting).count() == 0


@pytest.mark.feature("T5")
def test_late_start_is_told_how_little_time_is_left(client: FlaskClient, trainee: User, at: datetime) -> None:
    registration = register(trainee, closes_at=at + timedelta(minutes=25))
    page = client.get(f"/registrations/{registration.id}/check").text
    assert "you have 25 minutes instead of 90" in page


def test_extra_time_is_shown_apart(client: FlaskClient, trainee: User) -> None:
    registration = makers.make_registration(trainee, extra_minutes=30)
    db.session.commit()
    page = client.get(f"/registrations/{registration.id}/check").text
    assert "120 minutes, including 30 minutes of extra time" in page


def test_exam_that_is_not_open_cannot_be_begun(client: FlaskClient, trainee: User, at: datetime) -> None:
    registration = register(trainee, opens_at=at + timedelta(hours=1), closes_at=at + timedelta(hours=2))
    assert "data-once hidden>" in client.get(f"/registrations/{registration.id}/check").text
    assert begin(client, registration).status_code == 403


@pytest.mark.parametrize("address", ["/registrations/{}/check", "/sittings/{}", "/sittings/{}/receipt", "/results/{}"])
def test_what_belongs_to_somebody_else_is_not_there(client: FlaskClient, trainee: User, address: str) -> None:
    other = makers.make_sitting()
    name = other.registration_id if "registrations" in address else other.public_id
    assert client.get(address.format(name)).status_code == 404


@pytest.mark.feature("T20")
@pytest.mark.parametrize(("language", "tag"), [("en", "en"), ("zh", "zh-Hans")])
def test_exam_page_carries_its_words_in_both_languages(
    client: FlaskClient, trainee: User, language: str, tag: str
) -> None:
    with client.session_transaction() as session:
        session["language"] = language
    sitting = makers.make_sitting(makers.make_registration(trainee))
    page = client.get(f"/sittings/{sitting.public_id}").text
    assert f'<html lang="{tag}">' in page
    assert re.search(r'id="words">\{"en": \{.*"zh": \{', page)


def test_exam_page_tells_nothing_of_the_items(client: FlaskClient, trainee: User) -> None:
    sitting = makers.make_sitting(makers.make_registration(trainee))
    page = client.get(f"/sittings/{sitting.public_id}").text
    assert "secret" not in page
    assert "Stem" not in page


@pytest.mark.feature("T14")
def test_receipt_of_a_sitting_whose_time_is_over_closes_it(
    client: FlaskClient, trainee: User, monkeypatch: pytest.MonkeyPatch, at: datetime
) -> None:
    sitting = makers.make_sitting(makers.make_registration(trainee))
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(minutes=91))
    assert "Your time is over" in client.get(f"/sittings/{sitting.public_id}/receipt").text
    db.session.rollback()
    assert db.session.get_one(Sitting, sitting.id).status == "expired"


def test_receipt_within_the_grace_renews_itself(
    client: FlaskClient, trainee: User, monkeypatch: pytest.MonkeyPatch, at: datetime
) -> None:
    sitting = makers.make_sitting(makers.make_registration(trainee))
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(minutes=90, seconds=1))
    assert 'http-equiv="refresh"' in client.get(f"/sittings/{sitting.public_id}/receipt").text


@pytest.mark.feature("T7")
def test_receipts_name_the_journal_entries_of_the_answers(client: FlaskClient, trainee: User, at: datetime) -> None:
    result = makers.make_result(makers.make_registration(trainee), {1: "2"})
    text = client.get(f"/sittings/{result.sitting.public_id}/receipt.txt").text
    assert "Answered: 1/4" in text
    assert re.search(r"^\d\t1\t1\t\S+Z\t2:[0-9a-f]{64}$", text, re.MULTILINE)


def test_result_is_not_there_before_its_release(client: FlaskClient, trainee: User, at: datetime) -> None:
    result = unreleased_result(trainee, at)
    assert client.get(f"/results/{result.id}").status_code == 404
    assert f"/results/{result.id}" not in client.get("/").text


def test_released_result_shows_score_error_probability_and_profile(client: FlaskClient, trainee: User) -> None:
    result = makers.make_result(makers.make_registration(trainee))
    assert f"/results/{result.id}" in client.get("/").text
    page = client.get(f"/results/{result.id}").text
    assert result.scaled in page
    assert "±" in page
    assert escape(percent(result.probability)) in page
    assert "area.one" in page


def test_profile_calls_areas_by_their_titles(client: FlaskClient, trainee: User) -> None:
    result = makers.make_result(makers.make_registration(trainee))
    exam = result.sitting.exam_form.exam
    exam.plan = {**exam.plan, "areas": {"area.one": {"zh": "薄膜", "en": "Thin films"}}}
    db.session.commit()
    page = client.get(f"/results/{result.id}").text
    assert "Thin films" in page
    assert "area.one" not in page
