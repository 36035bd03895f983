"""What programs are told when a request cannot be served: problem+json (RFC 9457) on every JSON route."""

from datetime import datetime

import pytest
from flask import Flask

from examapp.web import session_api
from tests import makers
from tests.cast import Cast, register

NOW = "2026-05-16T01:00:00.000Z"
TOO_LARGE = b"x" * 1_000_001


def is_problem(answer, status: int) -> bool:
    whole = {"type", "title", "status", "code", "detail"} <= set(answer.json)
    return (answer.status_code, answer.json["status"], whole) == (status, status, True) and (
        answer.mimetype == "application/problem+json"
    )


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/nothing", None, 404), ("PATCH", "/api/session", None, 405),
        ("POST", "/api/session", TOO_LARGE, 413), ("POST", "/v1/acks", TOO_LARGE, 401),
        ("GET", "/v1/nothing", None, 404), ("GET", "/api/registrations", None, 401),
    ],
)  # fmt: skip
def test_programs_are_answered_with_a_problem(cast: Cast, method: str, path: str, body: bytes | None, status: int):
    answer = cast.stranger.send(method, path, data=body, content_type="application/json")
    assert is_problem(answer, status)
    assert answer.json.get("server_now") == (NOW if path.startswith("/api/") else None)


def test_a_fault_of_ours_is_a_problem_that_tells_nothing(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch):
    def broken() -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(session_api, "_session", broken)
    answer = cast.stranger.get("/api/session")
    assert is_problem(answer, 500)
    assert "secret" not in answer.text


def test_a_wrong_method_is_told_which_ones_are_right(cast: Cast):
    assert "GET" in cast.stranger.send("PATCH", "/api/session").headers["Allow"]


@pytest.mark.feature("T14")
def test_refused_save_says_the_time_the_end_and_what_closed_the_sitting(cast: Cast, at: datetime):
    sitting = makers.make_sitting(register(cast.trainee))
    headers = {"X-CSRF-Token": cast.trainee.token}
    base = f"/api/sittings/{sitting.public_id}"
    cast.trainee.get(base, headers=headers)
    cast.trainee.send("POST", f"{base}/submission", headers=headers)
    answer = cast.trainee.send("PUT", f"{base}/responses/1", headers=headers, json={"seq": 1, "value": "1"})
    assert is_problem(answer, 409)
    said = [answer.json[name] for name in ("code", "sitting_status", "server_now", "ends_at")]
    assert said == ["sitting.closed", "submitted", NOW, "2026-05-16T02:30:00.000Z"]
