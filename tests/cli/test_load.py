import importlib
import json
from pathlib import Path

import pytest
from flask import Flask, request_started

from examapp.accounts.models import User
from examapp.cli.demo_service import Prepared
from examapp.db import db
from examapp.delivery.models import PreparedSitting
from examapp.exams.models import Administration
from tests import makers
from tests.cast import Member

# by name: `examapp.cli.load` is also what the package calls the command
load = importlib.import_module("examapp.cli.load")


@pytest.fixture(params=[(), ("--signed-in",)], ids=["", "signed in"])
def seeded(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest):
    """What is written for seven trainees, in batches of three, on an exam with one form."""
    exam_form = makers.make_exam_form()
    db.session.commit()
    monkeypatch.setattr(load, "prepare_exam", lambda folder, at: Prepared(exam_form.exam, {"theory": [exam_form]}))
    monkeypatch.setattr(load, "BATCH", 3)
    options = ["--trainees", "7", "--opens-in", "0", "--minutes", "20", "--out", str(tmp_path / "seed.json")]
    outcome = app.test_cli_runner().invoke(load.load, ["seed", *options, *request.param])
    assert outcome.exit_code == 0, outcome.output
    assert "shared password" in outcome.stderr
    return json.loads((tmp_path / "seed.json").read_text(encoding="utf-8"))


def test_file_names_the_service_the_exam_and_every_trainee(app: Flask, seeded) -> None:
    administration = db.session.query(Administration).one()
    assert (seeded["target"], seeded["exam"]) == ("http://127.0.0.1:8000", administration.exam.code)
    assert len({each["username"] for each in seeded["trainees"]}) == 7
    assert administration.minutes == 20


def test_seeded_trainee_signs_in_and_begins(app: Flask, seeded) -> None:
    last = seeded["trainees"][-1]
    member = Member(app, None)
    signed_in = member.send(
        "POST", "/api/session", json={"username": last["username"], "password": last["password"]}
    ).json
    headers = {"X-CSRF-Token": signed_in["csrf_token"]}
    begun = member.send("POST", "/api/sittings", json={"registration": last["registration"]}, headers=headers)
    assert (begun.status_code, len(begun.json["slots"])) == (201, 4)


def test_one_hash_serves_them_all(app: Flask, seeded) -> None:
    assert len({user.password_hash for user in db.session.query(User).filter(User.username.like("load-%"))}) == 1


def test_every_sitting_is_prepared(app: Flask, seeded) -> None:
    assert db.session.query(PreparedSitting).count() == 7


@pytest.mark.parametrize("seeded", [("--signed-in",)], indirect=True)
def test_a_seeded_session_starts_at_the_gate_and_saves(app: Flask, seeded) -> None:
    last, flask = seeded["trainees"][-1], []
    request_started.connect(lambda app, **_: flask.append(app), app, weak=False)
    headers = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in last["cookies"].items()),
        "X-CSRF-Token": last["csrf_token"],
    }
    browser = app.test_client(use_cookies=False)
    begun = browser.post("/api/sittings", json={"registration": last["registration"]}, headers=headers)
    assert (begun.status_code, flask) == (201, [])
    headers["Cookie"] += "; " + begun.headers["Set-Cookie"].partition(";")[0]
    path = f"/api/sittings/{begun.json['sitting']}"
    saved = browser.put(f"{path}/responses/1", json={"seq": 1, "value": "1"}, headers=headers)
    assert (saved.status_code, flask) == (200, [])
    with app.app_context():
        assert browser.get(path, headers=headers).json["stored"]["1"]["value"] == "1"
        assert browser.get("/api/session", headers=headers).json["role"] == "trainee"
