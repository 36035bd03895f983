"""The log of a whole sitting, with a failure in it, says what happened and nothing about anybody."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from examapp import clock, logs
from examapp.db import db
from tests import makers

NAME, ANSWER = "欧阳娜娜", "7.3e-9"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged from now on."""
    handlers, level = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure("debug")
    yield stream
    logging.captureWarnings(False)
    logging.root.handlers[:], logging.root.level = handlers, level


def lines(told: io.StringIO) -> list[dict[str, str]]:
    """Return what was logged, each line read."""
    return [json.loads(line) for line in told.getvalue().splitlines()]


def sit(client: FlaskClient, registration: str, username: str) -> dict[str, str]:
    """Sign in, start, answer, hand in; return what a browser held."""
    signed_in = client.post("/api/session", json={"username": username, "password": makers.PASSWORD}).json
    headers = {"X-CSRF-Token": signed_in["csrf_token"]}
    started = client.post("/api/sittings", json={"registration": registration}, headers=headers)
    address = f"/api/sittings/{started.json['sitting']}"
    saved = client.put(f"{address}/responses/1", json={"seq": 1, "value": ANSWER}, headers=headers)
    assert saved.status_code == 200
    stale = client.put(f"{address}/responses/1", json={"seq": 1, "value": "8"}, headers=headers)
    assert stale.status_code == 409
    assert client.post(f"{address}/submission", headers=headers).status_code == 200
    ticket = client.get_cookie("ticket", path=address)
    assert ticket is not None
    return {"csrf": signed_in["csrf_token"], "ticket": ticket.value}


def test_log_of_a_sitting_names_nobody(app: Flask, client: FlaskClient, told: io.StringIO) -> None:
    trainee = makers.make_user(username="ouyang.nana", name=NAME)
    exam_form = makers.make_exam_form(contents=[makers.make_content("numeric")])
    window = {"opens_at": clock.now() - timedelta(minutes=1), "closes_at": clock.now() + timedelta(hours=3)}
    registration = makers.make_registration(trainee, makers.make_administration(exam_form, **window))
    db.session.commit()
    held = sit(client, registration.id, trainee.username)
    app.view_functions["sitting_api.show"] = _fail
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert client.get("/api/sittings/0123456789abcdef").status_code == 500
    text = told.getvalue()
    assert [each["event"] for each in lines(told) if each["level"] == "error"] != [], "or nothing was looked at"
    for private in (NAME, "ouyang", ANSWER, makers.PASSWORD, "127.0.0.1", *held.values()):
        assert private not in text


def _fail(public_id: str) -> None:
    raise ValueError(f"{NAME} gave {ANSWER} and said {makers.PASSWORD}")


def test_error_is_told_by_its_kind_and_places(told: io.StringIO) -> None:
    try:
        _fail("")
    except ValueError:
        logging.getLogger("examapp.due").exception("a pass failed")
    [line] = lines(told)
    assert (line["event"], line["error"], line["logger"]) == ("a pass failed", "builtins.ValueError", "examapp.due")
    assert "test_logs.py" in line["places"][-1]


def test_action_of_staff_is_one_line_with_ids(app: Flask, told: io.StringIO) -> None:
    center = makers.make_user("center", center=makers.make_center())
    db.session.commit()
    client = app.test_client()
    token = client.post("/api/session", json={"username": center.username, "password": makers.PASSWORD}).json
    form = {"csrf_token": token["csrf_token"], "name": "A program"}
    client.post("/center/clients/new", data=form, headers={"X-Request-Id": "from-our-proxy"})
    found = [each for each in lines(told) if each["event"] == "staff action"]
    assert [(each["actor"], each["request"]) for each in found] == [(center.id, "from-our-proxy")]


def test_level_keeps_the_quieter_lines_out(told: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", told)
    logs.configure("warning")
    logging.getLogger("examapp").info("quiet")
    logging.getLogger("examapp").warning("loud")
    assert [each["event"] for each in lines(told)] == ["loud"]
