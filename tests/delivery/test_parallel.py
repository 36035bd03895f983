"""Many requests of one trainee at the same moment, over HTTP: one sitting, one end."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.canonical import loads
from examapp.db import db, transaction
from examapp.delivery import histories, journal, preparation, sittings
from examapp.delivery.models import Sitting
from tests import makers

THREADS = 16
COOKIES = ("session", "places", "ticket")
Answer = tuple[int, dict[str, Any]]


class Browser:
    """A trainee's browser, from which any number of threads send at once; cookies stay as they are now."""

    def __init__(self, app, user):
        self.app, self.jar = app, app.test_client()
        fields = {"username": user.username, "password": makers.PASSWORD}
        self.token = self.jar.post("/api/session", json=fields).json["csrf_token"]
        self.keep("/api/sittings")

    def open(self, sitting):
        """Take the ticket of a sitting."""
        path = f"/api/sittings/{sitting.public_id}"
        assert self.jar.get(path, headers={"X-CSRF-Token": self.token}).status_code == 200
        self.keep("/api/sittings", path)

    def keep(self, *paths):
        """Note what the browser sends to these paths."""
        found = [self.jar.get_cookie(name, path=path) for name in COOKIES for path in ("/", *paths)]
        cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in found if cookie)
        self.headers = {"X-CSRF-Token": self.token, "Cookie": cookies}

    def send(self, method: str, path: str, body: Any = None) -> Answer:
        answer = FlaskClient(self.app, use_cookies=False).open(path, method=method, json=body, headers=self.headers)
        return answer.status_code, answer.json


def at_once(send: Callable[[int], Answer], times: int) -> list[Answer]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(send, range(times)))


@pytest.fixture
def registration(app, at, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: at)
    registration = makers.make_registration()
    db.session.commit()
    return registration


@pytest.fixture
def browser(app, registration):
    return Browser(app, registration.trainee)


def starts(browser, registration, times):
    return at_once(lambda number: browser.send("POST", "/api/sittings", {"registration": registration.id}), times)


def rows(registration):
    db.session.rollback()
    return db.session.scalars(select(Sitting).where(Sitting.registration_id == registration.id)).all()


@pytest.mark.feature("O6", "T16")
@pytest.mark.parametrize("is_prepared", [False, True], ids=["unprepared", "prepared"])
def test_two_hundred_starts_at_once_begin_one_sitting(app, registration, is_prepared):
    if is_prepared:
        with transaction():
            preparation.prepare(OPERATOR, registration.administration)
    answers = starts(Browser(app, registration.trainee), registration, 200)
    (sitting,) = rows(registration)
    assert Counter(status for status, _ in answers) == {201: 1, 200: 199}
    assert {body["sitting"] for _, body in answers} == {sitting.public_id}
    assert len({(body["ends_at"], str(body["slots"])) for _, body in answers}) == 1
    assert [row.kind for row in journal.entries(sitting.id)] == ["started"]


@pytest.mark.feature("O6")
def test_a_hundred_starts_after_the_only_attempt_begin_no_other(browser, registration):
    first = makers.make_sitting(registration)
    makers.answer(first, makers.RIGHT)
    answers = starts(browser, registration, 100)
    assert {body["sitting"] for status, body in answers if status == 200} == {first.public_id}
    assert len(answers) == 100
    assert [sitting.id for sitting in rows(registration)] == [first.id]


@pytest.mark.feature("O5", "T13")
def test_fifty_hand_ins_and_fifty_saves_at_once_end_once_and_keep_what_was_acknowledged(browser, registration, at):
    sitting = makers.make_sitting(registration, at=at)
    browser.open(sitting)
    path = f"/api/sittings/{sitting.public_id}"

    def act(number):
        if number % 2:
            return browser.send("POST", f"{path}/submission")
        return browser.send("PUT", f"{path}/responses/{1 + number % 3 * 2 % 3}", {"seq": number + 1, "value": None})

    answers = at_once(act, 100)
    ends, saves = answers[1::2], answers[::2]
    db.session.rollback()
    entries = {f"{row.number}:{row.digest.removeprefix('sha256:')}": row for row in journal.entries(sitting.id)}
    assert {(status, body["receipt"]) for status, body in ends} == {(200, list(entries)[len(kept(entries)) + 1])}
    assert {status for status, _ in saves} <= {200, 409}
    acknowledged = {body["receipt"]: body["seq"] for status, body in saves if status == 200}
    assert acknowledged == {receipt: loads(row.body)["seq"] for receipt, row in kept(entries).items()}
    assert histories.broken(sitting.id) == []


def kept(entries):
    return {receipt: row for receipt, row in entries.items() if row.kind == "responded"}


@pytest.mark.feature("T12")
def test_saves_of_one_number_at_once_store_one_value(browser, registration, at):
    sitting = makers.make_sitting(registration, at=at)
    browser.open(sitting)
    path = f"/api/sittings/{sitting.public_id}/responses/1"
    answers = at_once(lambda number: browser.send("PUT", path, {"seq": 1, "value": str(1 + number % 4)}), 60)
    stored = [body for status, body in answers if status == 200]
    assert len({body["receipt"] for body in stored}) == 1
    assert {body["code"] for status, body in answers if status != 200} == {"response.stale"}
    db.session.rollback()
    assert [row.kind for row in journal.entries(sitting.id)] == ["started", "responded"]
    assert len(stored) == 15
    assert sittings.stored_responses(sitting)[0].seq == 1
