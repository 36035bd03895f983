"""The gate and the views side by side: two services with equal databases get the same requests."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request_started
from flask.sessions import SecureCookieSessionInterface
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.test import EnvironBuilder, run_wsgi_app

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.accounts.models import User
from examapp.app import create_app
from examapp.db import db, transaction
from examapp.delivery import devices, interventions, preparation, sittings, tickets
from examapp.errors import Refused, Tampered, Throttled, Unavailable
from examapp.web import problems
from tests import makers
from tests.cast import Member
from tests.conftest import SECRET, make_config

JSON = "application/json"


@dataclass
class Twins:
    """A service with the gate and one without, and a trainee's browser session that both know."""

    gate: Flask
    view: Flask
    sitting: str
    other: str
    waiting: str
    headers: dict[str, str]
    to_flask: list[str] = field(default_factory=list)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str | None) -> tuple[Any, ...]:
        """Send one request to both; the answer, which must be the same, and whether the gate gave it."""
        self.to_flask.clear()
        sent = {name: value for name, value in {**self.headers, **headers}.items() if value is not None}
        answers = [_answer(app, method, path, body, sent) for app in (self.gate, self.view)]
        assert answers[0] == answers[1]
        status, _, content = answers[0]
        return status, content, "gate" if len(self.to_flask) == 1 else "view"


def _answer(app: Flask, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[Any, ...]:
    environ = EnvironBuilder(path, method=method, headers=headers, data=body).get_environ()
    parts, status, sent = run_wsgi_app(app.wsgi_app, environ, buffered=True)
    return status, sorted(sent), b"".join(parts)


@pytest.fixture
def twins(tmp_path: Path, empty_database: Path, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Twins]:
    """Two trainees with a running sitting each, in two services that differ in the gate alone."""
    monkeypatch.setattr(clock, "now", lambda: at)
    folders = [tmp_path / "gate", tmp_path / "view"]
    for folder in folders:
        folder.mkdir()
    shutil.copyfile(empty_database, folders[0] / "examapp.db")
    gate, view = (create_app(make_config(folder, gate=folder.name == "gate")) for folder in folders)
    with gate.app_context():
        made = _begun(gate)
    with sqlite3.connect(folders[0] / "examapp.db") as source, sqlite3.connect(folders[1] / "examapp.db") as target:
        source.backup(target)
    twins = Twins(gate, view, *made)
    for app in (gate, view):
        request_started.connect(lambda app, **_: twins.to_flask.append(app.name), app, weak=False)
    yield twins
    for app in (gate, view):
        with app.app_context():
            db.engine.dispose()


def _begun(app: Flask) -> tuple[str, str, str, dict[str, str]]:
    """Sign a trainee in; return the addresses of their sitting and of another's, and what their browser sends.

    Between them stands a registration whose sitting is prepared.
    """
    administration = makers.make_administration()
    trainee = makers.make_user(language="en")
    places = (makers.make_registration(each, administration) for each in (trainee, None))
    own, other = (makers.make_sitting(each, device="a" * 12) for each in places)
    waiting = makers.make_registration(trainee, makers.make_administration())
    preparation.of_registration(waiting, 1)
    member = Member(app, trainee)
    answer = member.get(f"/api/sittings/{own.public_id}", headers={"X-CSRF-Token": member.token})
    cookies = [answer.headers["Set-Cookie"].partition(";")[0]]
    for name, path in (("session", "/"), ("places", "/api")):
        cookies.append(f"{name}={member.browser.get_cookie(name, path=path).value}")
    headers = {"Cookie": "; ".join(cookies), "X-CSRF-Token": member.token, "Content-Type": JSON}
    return f"/api/sittings/{own.public_id}", f"/api/sittings/{other.public_id}", waiting.id, headers


def saving(seq: object, value: object = "1") -> bytes:
    """Return the body of a save."""
    return json.dumps({"seq": seq, "value": value}).encode()


def test_what_a_sitting_sends_all_the_time_is_answered_by_the_gate_with_the_same_bytes(twins: Twins):
    sitting = twins.sitting
    for method, path, body in [
        ("PUT", f"{sitting}/responses/1", saving(1)), ("PUT", f"{sitting}/responses/1", saving(1)),
        ("PUT", f"{sitting}/responses/2", saving(2, ["1", "3"])), ("PUT", f"{sitting}/responses/4", saving(3, "é")),
        ("PUT", f"{sitting}/flags/3", b'{"flagged":true}'), ("GET", f"{sitting}/clock", None),
        ("GET", f"{sitting}/paper", None), ("POST", f"{sitting}/submission", b""),
        ("POST", f"{sitting}/submission", b""), ("GET", f"{sitting}/clock", None),
    ]:  # fmt: skip
        assert twins.send(method, path, body)[::2] == ("200 OK", "gate"), (method, path)


def paused(twins: Twins, at: datetime) -> None:
    """Let staff pause the sitting in both services."""
    for app in (twins.gate, twins.view):
        with app.app_context(), transaction():
            sitting = sittings.by_public_id(twins.sitting.rpartition("/")[2])
            interventions.pause(OPERATOR, sitting, "A fire alarm", at=at)


@pytest.mark.feature("T3")
def test_a_paused_sitting_has_no_end_and_its_clock_is_answered_by_the_gate(twins: Twins, at: datetime):
    paused(twins, at)
    _, clock_says, by = twins.send("GET", f"{twins.sitting}/clock")
    assert (json.loads(clock_says)["paused_since"], by) == ("2026-05-16T01:00:00.000Z", "gate")
    for method, path, body in [
        ("PUT", "/responses/1", saving(1)), ("PUT", "/flags/3", b'{"flagged":true}'), ("POST", "/submission", b""),
    ]:  # fmt: skip
        status, content, by = twins.send(method, twins.sitting + path, body)
        assert (status, by, json.loads(content)["ends_at"]) == ("200 OK", "gate", None)


@pytest.mark.feature("T3")
def test_looking_at_the_clock_keeps_a_ticket_good_for_as_long_as_a_pause_lasts(
    twins: Twins, at: datetime, monkeypatch: pytest.MonkeyPatch
):
    paused(twins, at)
    old = twins.headers["Cookie"]
    for days in (1, 2, 3, 4):
        monkeypatch.setattr(clock, "now", lambda days=days: at + timedelta(days=days))
        environ = EnvironBuilder(f"{twins.sitting}/clock", headers=twins.headers).get_environ()
        _, _, sent = run_wsgi_app(twins.gate.wsgi_app, environ, buffered=True)
        assert twins.send("GET", f"{twins.sitting}/clock")[2] == "gate"
        ticket = sent["Set-Cookie"].partition(";")[0]
        twins.headers["Cookie"] = f"{ticket}; {old.partition('; ')[2]}"
    assert twins.send("PUT", f"{twins.sitting}/responses/1", saving(1))[::2] == ("200 OK", "gate")
    assert twins.send("PUT", f"{twins.sitting}/responses/1", saving(2), Cookie=old)[0] == "403 FORBIDDEN"


def test_a_ticket_is_renewed_only_where_the_end_has_moved(twins: Twins, at: datetime):
    environ = EnvironBuilder(f"{twins.sitting}/clock", headers=twins.headers).get_environ()
    assert "Set-Cookie" not in run_wsgi_app(twins.gate.wsgi_app, environ, buffered=True)[2]


@pytest.mark.feature("T11")
def test_whoever_has_a_sitting_open_is_told_when_it_was_opened_elsewhere(twins: Twins, at: datetime):
    assert json.loads(twins.send("GET", f"{twins.sitting}/clock")[1])["opened_elsewhere"] is None
    for app in (twins.gate, twins.view):
        with app.app_context(), transaction():
            devices.open_on(sittings.by_public_id(twins.sitting.rpartition("/")[2]), "b" * 12, at=at)
    _, content, by = twins.send("GET", f"{twins.sitting}/clock")
    assert (json.loads(content)["opened_elsewhere"], by) == ("2026-05-16T01:00:00.000Z", "gate")
    signed_in = twins.headers["Cookie"].partition("; ")[2]
    assert twins.send("GET", f"{twins.sitting}/clock", Cookie=signed_in)[1:] == (content, "view")
    opened = twins.send("GET", twins.sitting)
    assert json.loads(opened[1])["opened_elsewhere"] is None
    assert json.loads(twins.send("GET", f"{twins.sitting}/clock")[1])["opened_elsewhere"] is None


def starting(registration: str) -> bytes:
    """Return the body of a start."""
    return json.dumps({"registration": registration}).encode()


def test_a_prepared_sitting_is_started_by_the_gate_with_the_same_bytes_and_cookie(twins: Twins):
    status, content, by = twins.send("POST", "/api/sittings", starting(twins.waiting))
    assert (status, by, len(json.loads(content)["slots"])) == ("201 CREATED", "gate", 4)
    again = twins.send("POST", "/api/sittings", starting(twins.waiting))
    assert (again[0], again[2]) == ("200 OK", "gate")
    assert again[1] == content


def test_a_start_before_the_window_gives_no_key(twins: Twins, at: datetime, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clock, "now", lambda: at - timedelta(seconds=1))
    status, content, by = twins.send("POST", "/api/sittings", starting(twins.waiting))
    assert (status, by, json.loads(content)["code"]) == ("403 FORBIDDEN", "gate", "sitting.not_open")
    assert not {"paper", "slots", "sitting"} & set(json.loads(content))


def test_a_start_after_the_window_is_refused(twins: Twins, at: datetime, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(hours=5))
    assert json.loads(twins.send("POST", "/api/sittings", starting(twins.waiting))[1])["code"] == "sitting.window_over"


def test_a_start_of_what_the_place_ticket_does_not_name_is_for_the_view(twins: Twins):
    for wanted in ("none", "", twins.waiting.upper() + "x"):
        assert twins.send("POST", "/api/sittings", starting(wanted))[::2] == ("404 NOT FOUND", "view")
    old = twins.headers["Cookie"].partition("; places=")
    assert twins.send("POST", "/api/sittings", starting(twins.waiting), Cookie=old[0])[::2] == ("201 CREATED", "view")


def test_a_compressed_paper_is_the_same_paper(twins: Twins):
    plain = twins.send("GET", f"{twins.sitting}/paper")[1]
    for accepted in ("gzip", "br, gzip, deflate", "gzip;q=0", "identity"):
        _, content, by = twins.send("GET", f"{twins.sitting}/paper", **{"Accept-Encoding": accepted})
        assert by == "gate"
        assert (content == plain) == (accepted in ("gzip;q=0", "identity"))


@pytest.mark.feature("T8")
def test_going_on_after_a_crash_is_answered_by_the_gate_with_the_same_bytes_and_ticket(twins: Twins, monkeypatch, at):
    for seq, (slot, value) in enumerate((("1", "1"), ("2", ["1", "3"]), ("4", "é"), ("1", None)), start=1):
        twins.send("PUT", f"{twins.sitting}/responses/{slot}", saving(seq, value))
    twins.send("PUT", f"{twins.sitting}/flags/3", b'{"flagged":true}')
    answered = twins.send("GET", twins.sitting)
    assert answered[::2] == ("200 OK", "gate")
    said = json.loads(answered[1])
    assert (sorted(said["stored"]), said["flags"], len(said["slots"])) == (["1", "2", "4"], [3], 4)
    twins.send("POST", f"{twins.sitting}/submission")
    assert twins.send("GET", twins.sitting)[::2] == ("200 OK", "gate")
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(hours=5))
    assert json.loads(twins.send("GET", twins.sitting)[1])["paper"] is None


RESUMING: dict[str, dict[str, str | None]] = {
    "no token": {"X-CSRF-Token": None}, "wrong token": {"X-CSRF-Token": "x.y.z"}, "no cookie": {"Cookie": None},
    "token of another session": {"X-CSRF-Token": tickets.csrf_token("other", SECRET)},
    "form": {"Content-Type": "text/plain"},
}  # fmt: skip


@pytest.mark.parametrize("sender", list(RESUMING))
def test_who_is_not_plainly_the_trainee_on_the_last_device_is_looked_at_by_the_view(twins: Twins, sender: str):
    assert twins.send("GET", twins.sitting, **RESUMING[sender])[2] == "view"


def test_another_trainees_sitting_an_unknown_one_and_another_device_are_for_the_view(twins: Twins):
    for path in (twins.other, "/api/sittings/0000000000000001", "/api/sittings/f000000000000001"):
        assert twins.send("GET", path)[::2] == ("404 NOT FOUND", "view")
    with twins.gate.app_context():
        account = db.session.scalars(select(User).where(User.language == "en")).one().session_id
    sent = {"X-CSRF-Token": tickets.csrf_token("elsewhere", SECRET),
            "Cookie": session_with(twins, _user_id=account, csrf_token="elsewhere")}  # fmt: skip
    assert [twins.send("GET", twins.sitting, **sent)[::2] for _ in range(2)] == [("200 OK", "view"), ("200 OK", "gate")]


BAD = "422 UNPROCESSABLE ENTITY"
REFUSED = {
    "stale": (saving(1, "2"), "409 CONFLICT"), "seq 0": (saving(0), BAD), "seq true": (saving(True), BAD),
    "value": (saving(9, "7"), BAD),
}  # fmt: skip
UNREADABLE = {
    "field": (b'{"seq":9,"value":"1","x":1}', BAD), "empty": (b"", BAD),
    "large": (saving(9, "1" * 70_000), BAD), "list": (b"[1]", BAD), "twice": (b'{"seq":9,"seq":9,"value":"1"}', BAD),
    "latin": (b'{"seq":9,"value":"\xe9"}', BAD), "cut": (b'{"seq":9,', BAD),
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_cannot_be_stored_is_refused_in_the_same_words(twins: Twins, language: str):
    signed_out = {"Cookie": twins.headers["Cookie"].partition("; ")[0], "Accept-Language": language}
    twins.send("PUT", f"{twins.sitting}/responses/1", saving(1))
    for by, refused in (("gate", REFUSED), ("view", UNREADABLE)):
        for name, (body, status) in refused.items():
            assert twins.send("PUT", f"{twins.sitting}/responses/1", body, **signed_out)[::2] == (status, by), name
    for slot, by in (("9", "gate"), ("9999", "gate"), ("0", "view"), ("01", "view"), ("99999", "view")):
        assert twins.send("PUT", f"{twins.sitting}/responses/{slot}", saving(5))[2] == by


def session_with(twins: Twins, **content: str) -> str:
    """Return the cookies of a browser session that holds this besides the ticket."""
    sessions = SecureCookieSessionInterface().get_signing_serializer(twins.gate)
    return f"{twins.headers['Cookie'].partition('; ')[0]}; session={sessions.dumps(content)}"  # type: ignore[union-attr]


def test_a_refusal_speaks_the_language_of_the_session_else_of_the_account_else_of_the_browser(twins: Twins):
    with twins.gate.app_context():
        account = db.session.scalars(select(User).where(User.language == "en")).one().session_id
    twins.send("PUT", f"{twins.sitting}/responses/1", saving(1))
    browser, said = {"Accept-Language": "zh"}, []
    for content in ({"language": "en", "_user_id": "x"}, {"_user_id": account}, {"_user_id": f"{account}9"},
                    {"_user_id": "x.y"}, {"language": "de"}):  # fmt: skip
        sent = {"Cookie": session_with(twins, **content), **browser}
        _, body, by = twins.send("PUT", f"{twins.sitting}/responses/1", saving(1, "2"), **sent)
        said.append((json.loads(body)["title"].isascii(), by))
    assert said == [(True, "gate"), (True, "gate"), (False, "gate"), (False, "gate"), (False, "gate")]


@pytest.mark.parametrize("refusal", [
    Unavailable("service.busy", "The service is very busy.", retry_after=2), Throttled("sitting.too_many", "x", 60),
    Refused("sitting.closed", "The sitting is over.", sitting_status="expired", ends_at=makers.AT, odd=None),
], ids=["busy", "too many", "closed"])  # fmt: skip
def test_whatever_a_save_is_refused_with_has_the_same_bytes(twins: Twins, monkeypatch: pytest.MonkeyPatch, refusal):
    def refuse(*arguments: object, **named: object) -> None:
        raise refusal

    monkeypatch.setattr(sittings, "respond", refuse)
    monkeypatch.setattr(problems, "drawn_seconds", lambda: 3)
    status, _, by = twins.send("PUT", f"{twins.sitting}/responses/1", saving(1))
    assert (int(status[:3]), by) == (refusal.status, "gate")


def test_an_alarm_is_raised_where_it_is_logged(twins: Twins, monkeypatch: pytest.MonkeyPatch):
    def tampered(*arguments: object, **named: object) -> None:
        raise Tampered("journal.broken", "The journal does not hold.")

    monkeypatch.setattr(sittings, "respond", tampered)
    sent = {"X-Request-Id": "abcdefgh"}
    assert twins.send("PUT", f"{twins.sitting}/responses/1", saving(1), **sent)[::2] == (
        "500 INTERNAL SERVER ERROR", "view",
    )  # fmt: skip


SENDERS: dict[str, dict[str, str | None]] = {
    "no cookie": {"Cookie": None}, "no token": {"X-CSRF-Token": None}, "wrong token": {"X-CSRF-Token": "x.y.z"},
    "token of another session": {"X-CSRF-Token": tickets.csrf_token("other", SECRET)},
    "forged token": {"X-CSRF-Token": tickets.csrf_token("other", "another secret")},
    "other site": {"Origin": "https://other.example"}, "same site": {"Sec-Fetch-Site": "same-site"},
    "no origin": {"Origin": "null"}, "bad origin": {"Origin": "http://["}, "form": {"Content-Type": "text/plain"},
    "forged ticket": {"Cookie": "ticket=a.b"}, "odd cookie": {"Cookie": 'ticket="a'},
}  # fmt: skip
WITHOUT_PROOF = {"no cookie", "no token", "wrong token", "token of another session", "forged token", "forged ticket"}


@pytest.mark.parametrize("sender", list(SENDERS))
def test_who_may_not_save_is_refused_in_the_same_words(twins: Twins, sender: str):
    for method, path, body in (
        ("PUT", "/responses/1", saving(1)), ("PUT", "/flags/1", b'{"flagged":true}'), ("POST", "/submission", None),
        ("POST", "", starting(twins.waiting)),
    ):  # fmt: skip
        address = twins.sitting + path if path else "/api/sittings"
        status, _, by = twins.send(method, address, body, **SENDERS[sender])
        assert by == ("gate" if path and sender in WITHOUT_PROOF else "view")
        assert (status[0] == "4") or (sender, path) == ("form", "/submission"), (path, status)


def test_a_ticket_counts_for_its_own_sitting_only(twins: Twins):
    for method, path, body in (("PUT", "/responses/1", saving(1)), ("GET", "/paper", None), ("GET", "/clock", None)):
        status, _, by = twins.send(method, twins.other + path, body)
        assert (status[:3], by) in (("403", "gate"), ("404", "view"))


def test_any_token_of_the_session_stands_for_it(twins: Twins, at: datetime):
    later = json.loads(_answer(twins.view, "GET", "/api/session", None, twins.headers)[2])["csrf_token"]
    assert twins.send("PUT", f"{twins.sitting}/responses/1", saving(1), **{"X-CSRF-Token": later})[::2] == (
        "200 OK",
        "gate",
    )


def test_own_pages_are_known_by_either_address(twins: Twins):
    for seq, origin in enumerate(("http://localhost", "http://127.0.0.1:8000"), start=1):
        sent = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
        assert twins.send("PUT", f"{twins.sitting}/responses/1", saving(seq), **sent)[::2] == ("200 OK", "gate")
    assert twins.send("PUT", f"{twins.sitting}/responses/1?x=1", saving(9))[::2] == ("200 OK", "view")


def test_after_the_end_both_refuse_and_keep_the_value(twins: Twins, at: datetime, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(minutes=91))
    for _ in range(2):
        assert twins.send("PUT", f"{twins.sitting}/responses/1", saving(1))[::2] == ("409 CONFLICT", "gate")
    assert twins.send("GET", f"{twins.sitting}/paper")[::2] == ("403 FORBIDDEN", "view")
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(days=3))
    assert twins.send("PUT", f"{twins.sitting}/responses/1", saving(1))[::2] == ("403 FORBIDDEN", "gate")


def test_an_old_ticket_is_refused_after_signing_out(twins: Twins):
    for app in (twins.gate, twins.view):
        assert _answer(app, "DELETE", "/api/session", None, twins.headers)[0] == "200 OK"
    assert twins.send("PUT", f"{twins.sitting}/responses/1", saving(1))[::2] == ("403 FORBIDDEN", "gate")
    for path in ("/paper", "/clock"):
        assert twins.send("GET", twins.sitting + path)[::2] == ("401 UNAUTHORIZED", "view")
    assert twins.send("POST", "/api/sittings", starting(twins.waiting))[2] == "view"


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    path=st.sampled_from(["/responses/1", "/responses/3", "/flags/2", "/clock", "/paper", "/submission/", "/x", ""]),
    body=st.one_of(
        st.binary(max_size=20),
        st.builds(saving, st.integers(-1, 3), st.sampled_from(["1", ["2"], None, True, "x", {"a": 1}])),
        st.builds(lambda flagged: json.dumps({"flagged": flagged}).encode(), st.sampled_from([True, False, 1, None])),
    ),
    changed=st.dictionaries(
        st.sampled_from(["Content-Type", "Origin", "Sec-Fetch-Site", "X-CSRF-Token", "Accept-Encoding", "Cookie"]),
        st.sampled_from(["", "none", "same-origin", JSON, "text/plain", "http://localhost", "gzip", "a=b; ticket=c.d"]),
        max_size=2,
    ),
)
def test_no_request_is_answered_otherwise_than_by_the_views(twins, method, path, body, changed):
    twins.send(method, twins.sitting + path if path else "/api/sittings", body, **changed)


def test_a_gate_that_answers_otherwise_is_noticed(twins: Twins, monkeypatch: pytest.MonkeyPatch):
    gate = twins.gate.wsgi_app._app
    monkeypatch.setattr(gate, "_config", replace(gate._config, public_url="http://other.example"))
    with pytest.raises(AssertionError):
        twins.send("PUT", f"{twins.sitting}/responses/1", saving(1), Origin="http://other.example")
