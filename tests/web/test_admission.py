"""Who is turned away when a lane is full, how, and who is not."""

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from examapp.web.admission import Admission, Lane, Readers, Saturated
from tests import makers
from tests.cast import Cast, register

LANES = ("starts", "_sign_ins", "_saves", "_others")


@pytest.fixture
def saturated(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cast]:
    """Everybody at a service whose lanes are all full."""
    admission: Admission = app.wsgi_app._app._admission  # type: ignore[attr-defined]
    with ExitStack() as turns:
        for name in LANES:
            full = Lane(running=1, waiting=0)
            turns.enter_context(full.turn())
            monkeypatch.setattr(admission, name, full)
        yield cast


def test_so_many_run_so_many_wait_and_the_next_is_told_at_once():
    lane, runs, ended = Lane(running=1, waiting=1), threading.Event(), threading.Event()

    def take_a_turn() -> None:
        with lane.turn():
            runs.set()
            ended.wait(10)

    threads = [threading.Thread(target=take_a_turn) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert runs.wait(10)
    while lane._inside._value:
        pass
    with pytest.raises(Saturated), lane.turn():
        pass
    ended.set()
    for thread in threads:
        thread.join()
    with lane.turn():
        assert ended.is_set()


def test_a_turn_that_fails_is_given_back():
    lane = Lane(running=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ValueError, match="x"), lane.turn():
            raise ValueError("x")


def test_the_lanes_together_leave_a_quarter_of_the_threads_to_saves(app: Flask, config):
    admission: Admission = app.wsgi_app._app._admission  # type: ignore[attr-defined]
    held = sum(getattr(admission, name)._inside._value for name in LANES if name != "_saves")
    assert held <= 0.75 * config.threads


@pytest.mark.parametrize(("language", "title"), [("en", "Please wait"), ("zh", "请稍候")])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/registrations"), ("POST", "/api/session"), ("POST", "/api/sittings")]
)
def test_a_program_is_told_when_to_come_again(saturated: Cast, language: str, title: str, method: str, path: str):
    answers = [saturated.trainee.send(method, path, headers={"Accept-Language": language}) for _ in range(30)]
    assert {(each.status_code, each.mimetype) for each in answers} == {(503, "application/problem+json")}
    assert {(each.json["code"], each.json["title"]) for each in answers} == {("service.busy", title)}
    seconds = {int(each.headers["Retry-After"]) for each in answers}
    assert seconds <= {1, 2, 3, 4, 5}
    assert len(seconds) > 1


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_a_person_gets_a_page_that_reloads_itself(saturated: Cast, language: str):
    answer = saturated.trainee.get("/", headers={"Accept-Language": language[:2]})
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert f'lang="{language}"' in answer.text
    refreshed = re.findall(r'http-equiv="refresh" content="(\d)"', answer.text)
    assert refreshed == [answer.headers["Retry-After"]]
    assert "refresh" not in saturated.trainee.send("POST", "/sign-in").text


def test_saves_clock_paper_and_hand_in_pass_by_all_lanes(saturated: Cast, app: Flask, cast: Cast):
    admission = app.wsgi_app._app._admission  # type: ignore[attr-defined]
    busy, admission._others = admission.starts, Lane(1, 0)
    admission.starts = Lane(1, 0)
    sitting = f"/api/sittings/{makers.make_sitting(register(cast.trainee)).public_id}"
    headers = {"X-CSRF-Token": cast.trainee.token}
    assert cast.trainee.get(sitting, headers=headers).status_code == 200
    admission.starts = admission._others = busy
    body = {"seq": 1, "value": "1"}
    assert cast.trainee.send("PUT", f"{sitting}/responses/1", json=body, headers=headers).status_code == 200
    for path in ("/clock", "/paper"):
        assert cast.trainee.get(sitting + path).status_code == 200
    assert cast.trainee.send("POST", f"{sitting}/submission", headers=headers).status_code == 200
    # a refusal found by the gate is shown whatever the lanes hold
    refused = cast.trainee.send("PUT", f"{sitting}/responses/1", json={"seq": 2, "value": "2"}, headers=headers)
    assert refused.json["code"] == "sitting.closed"


def test_a_sitting_receives_a_few_bodies_at_a_time():
    readers = Readers(each=2)
    for sitting in (1, 1, 2):
        readers.begin(sitting)
    with pytest.raises(Saturated):
        readers.begin(1)
    for sitting in (1, 2):
        readers.end(sitting)
    assert readers._reading == {1: 1}
    readers.begin(1)


class Slow:
    """A body whose first byte is asked for while the lanes are looked at."""

    def __init__(self, lane: Lane) -> None:
        self.lane, self.seen = lane, -1

    def read(self, size: int = -1) -> bytes:
        self.seen = self.lane._inside._value
        return b'{"username":"a","password":"b"}'


def test_a_body_is_received_before_a_turn_is_taken(app: Flask, cast: Cast):
    lane = app.wsgi_app._app._admission._sign_ins  # type: ignore[attr-defined]
    free, body = lane._inside._value, Slow(lane)
    environ = EnvironBuilder("/api/session", method="POST", content_type="application/json").get_environ()
    environ |= {"wsgi.input": body, "CONTENT_LENGTH": "31"}
    with app.app_context():
        _, status, _ = run_wsgi_app(app.wsgi_app, environ)
    assert (status, body.seen) == ("403 FORBIDDEN", free)


def test_who_watches_the_service_is_answered(saturated: Cast):
    assert saturated.stranger.get("/healthz").status_code == 200
