"""The paper before the bell: fetched encrypted while waiting, opened with the key that the start gives."""

import base64
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from examapp import clock
from examapp.db import WRITES, db
from examapp.delivery import paper
from examapp.exams.models import ExamForm
from tests import makers
from tests.cast import Cast, register


def waiting(cast: Cast, at: datetime):
    """Return a registration of the trainee whose window opens in ten minutes, its paper published."""
    administration = makers.make_administration(opens_at=at + timedelta(minutes=10))
    registration = register(cast.trainee, at, administration=administration)
    paper.publish(registration.exam_form)
    db.session.commit()
    return registration


def test_a_paper_fetched_while_waiting_opens_with_the_key_of_the_start(cast: Cast, at: datetime, monkeypatch):
    registration = waiting(cast, at)
    (row,) = cast.trainee.get("/api/registrations").json["registrations"]
    fetched = cast.stranger.get(f"/api/papers/{row['paper']}")
    assert (fetched.headers["Cache-Control"], fetched.headers.get("Vary")) == (
        "public, max-age=31536000, immutable", None,
    )  # fmt: skip
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(minutes=10))
    headers = {"X-CSRF-Token": cast.trainee.token}
    begun = cast.trainee.send("POST", "/api/sittings", json={"registration": registration.id}, headers=headers).json
    key = base64.urlsafe_b64decode(begun["paper"]["key"] + "=")
    opened = AESGCM(key).decrypt(fetched.data[:12], fetched.data[12:], None)
    assert begun["paper"]["name"] == row["paper"]
    assert opened == cast.trainee.get(f"/api/sittings/{begun['sitting']}/paper").data
    assert cast.trainee.get(f"/api/sittings/{begun['sitting']}").json["paper"] == begun["paper"]


def test_before_the_window_neither_key_nor_paper_is_given(cast: Cast, at: datetime):
    registration = waiting(cast, at)
    headers = {"X-CSRF-Token": cast.trainee.token}
    refused = cast.trainee.send("POST", "/api/sittings", json={"registration": registration.id}, headers=headers)
    assert (refused.status_code, refused.json["code"], "paper" in refused.json) == (403, "sitting.not_open", False)


def test_after_the_end_the_key_is_given_no_more(cast: Cast, at: datetime, monkeypatch):
    public_id = makers.make_sitting(register(cast.trainee)).public_id
    assert cast.trainee.get(f"/api/sittings/{public_id}").json["paper"]["key"]
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(minutes=91))
    assert cast.trainee.get(f"/api/sittings/{public_id}").json["paper"] is None


def test_a_paper_of_another_name_is_unknown_and_not_kept(cast: Cast):
    answer = cast.stranger.get("/api/papers/none")
    assert (answer.status_code, answer.json["code"]) == (404, "paper.unknown")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_registration_whose_paper_is_not_published_names_none(cast: Cast, at: datetime):
    register(cast.trainee, at)
    assert cast.trainee.get("/api/registrations").json["registrations"][0]["paper"] is None


def test_a_paper_that_nobody_published_is_built_before_the_write_that_begins_the_sitting(cast: Cast, at, monkeypatch):
    registration, build, writing = register(cast.trainee, at), paper.build, []

    def watched(exam_form: ExamForm) -> bytes:
        writing.append(db.session.connection().get_execution_options().get(WRITES, False))
        return build(exam_form)

    monkeypatch.setattr(paper, "build", watched)
    headers = {"X-CSRF-Token": cast.trainee.token}
    begun = cast.trainee.send("POST", "/api/sittings", json={"registration": registration.id}, headers=headers)
    assert (begun.status_code, writing) == (201, [False])
