"""Requests that no page of ours sends: other sites', and bodies that are not what they say."""

import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.cast import Cast, Member

OTHER_SITES = [
    {"Origin": "http://127.0.0.1:9"}, {"Origin": "null"}, {"Origin": "https://localhost.example"},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
]  # fmt: skip
BODIES = {
    "deep list": b"[" * 60_000, "deep object": b'{"a":' * 10_000, "NaN": b'{"seq":NaN,"value":"1"}',
    "key twice": b'{"seq":1,"seq":2,"value":"1"}', "half a pair": b'{"seq":1,"value":"1","client_time":"\\ud800"}',
    "not UTF-8": b'{"seq":1,"value":"1","client_time":"\xed\xa0\x80"}',
    "UTF-16": '{"seq":1,"value":"1"}'.encode("utf-16"),
    "long number": b'{"seq":' + b"9" * 5000 + b',"value":"1"}', "too large": b'{"value":"' + b"1" * 70_000 + b'"}',
    "unknown field": b'{"seq":1,"value":"1","is_correct":true}', "no value": b'{"seq":1}', "list": b"[]",
    "nothing": b"",
    "sign-in twice": b'{"username":"a","username":"b","password":"c"}',
    "list for a name": b'{"username":[],"password":"c"}',
    "name of half a pair": b'{"username":"\\ud800","password":"c"}', "infinite": b'{"up_to":1e400,"checkpoint":""}',
}  # fmt: skip


def save(member: Member, sitting: str, body: Any, slot: object = 4, **headers: str) -> TestResponse:
    """Send a save with this body."""
    return member.send(
        "PUT", f"{sitting}/responses/{slot}", headers={"X-CSRF-Token": member.token, **headers},
        **({"data": body, "content_type": "application/json"} if isinstance(body, bytes) else {"json": body}),
    )  # fmt: skip


@pytest.mark.parametrize("headers", OTHER_SITES, ids=str)
def test_another_site_can_neither_save_nor_hand_in(cast: Cast, sitting: str, headers: dict[str, str]):
    assert save(cast.trainee, sitting, {"seq": 1, "value": "1"}, **headers).status_code == 403
    own = {"X-CSRF-Token": cast.trainee.token, **headers}
    assert cast.trainee.send("POST", f"{sitting}/submission", headers=own).status_code == 403
    assert cast.trainee.get(sitting).json["status"] == "open"


@pytest.mark.parametrize("path", ["/sign-out", "/sign-in", "/language", "/api/session"])
def test_another_site_can_sign_nobody_in_or_out(cast: Cast, path: str):
    for headers in OTHER_SITES:
        own = {"X-CSRF-Token": cast.trainee.token, **headers}
        assert cast.trainee.send("POST", path, headers=own).status_code == 403
    assert cast.trainee.get("/api/session").json["role"] == "trainee"


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://localhost"}, {"Origin": "http://127.0.0.1:8000"}], ids=str)
def test_our_own_pages_are_let_in_by_either_address(cast: Cast, sitting: str, headers: dict[str, str]):
    assert save(cast.trainee, sitting, {"seq": 1, "value": "1"}, **headers).status_code == 200


@pytest.mark.parametrize("line", ["PUT {}/responses/4", "PUT {}/flags/4", "POST /api/session", "POST /api/sittings"])
def test_a_body_that_is_not_exactly_the_fields_of_its_route_is_refused(cast: Cast, sitting: str, line: str):
    method, path = line.format(sitting).split()
    headers = {"X-CSRF-Token": cast.trainee.token}
    for name, body in BODIES.items():
        answer = cast.trainee.send(method, path, data=body, headers=headers, content_type="application/json")
        assert (name, answer.status_code, answer.mimetype) == (name, 422, "application/problem+json")
    assert cast.trainee.get(sitting).json["stored"] == {}


def test_a_form_of_another_site_cannot_pass_for_json(cast: Cast):
    body = b'{"username":"a","password":"b"}'
    assert cast.stranger.send("POST", "/api/session", data=body, content_type="text/plain").status_code == 422


def test_a_slot_that_the_form_lacks_is_refused(cast: Cast, sitting: str):
    for slot in (0, 999, 10**30, "-1", "1.5", "1%00"):
        assert save(cast.trainee, sitting, {"seq": 1, "value": "1"}, slot).status_code in (400, 404, 422)


def test_a_sequence_number_is_a_whole_number_that_others_can_follow(cast: Cast, sitting: str):
    for seq in (0, -1, 1.5, True, "1", None, 2**53, 10**30):
        assert save(cast.trainee, sitting, {"seq": seq, "value": "1"}).status_code == 422


def test_a_number_that_cannot_be_read_is_kept_as_it_was_typed(cast: Cast, sitting: str):
    typed = ["1e400", "1e999999999", "nan", "-inf", "1_0", "1/0", "10^9999999", "\u202e1", "٣"]
    for seq, value in enumerate(typed, start=1):
        assert save(cast.trainee, sitting, {"seq": seq, "value": value}).status_code == 200
        assert cast.trainee.get(sitting).json["stored"]["4"]["value"] == value


def test_what_is_no_typed_number_is_refused(cast: Cast, sitting: str):
    for value in (1e300, True, {}, ["1"], "9" * 65, "\0", "1\n2"):
        assert save(cast.trainee, sitting, {"seq": 1, "value": value}).status_code == 422


def test_text_with_a_nul_is_refused(cast: Cast):
    for path in ("/verify?x=%00", "/?%00=1", "/verify/%00", "/static/%00"):
        assert cast.stranger.get(path).status_code == 400
    assert cast.stranger.post("/verify", number="a\0b", name="c").status_code == 400


FILES = (
    "/static/%2e%2e/config.py", "/static/..%2fconfig.py", "/static/../../wsgi.py", "/static//etc/passwd", "/static/",
    "/.git/config", "/.env", "/console", "/var/examapp.db",
)  # fmt: skip
AWAY = (
    "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "javascript:alert(1)", "///x",
    "/\r\nX-Injected: 1", "\\\\evil", "/a\\b", "", "evil.example",
)  # fmt: skip


def test_no_address_leads_to_other_files(cast: Cast):
    for path in FILES:
        assert cast.stranger.send("GET", path, follow_redirects=True).status_code == 404


def test_choosing_a_language_leads_nowhere_else(cast: Cast):
    for wanted in AWAY:
        answer = cast.stranger.post("/language", language="en", next=wanted)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/")
        assert "X-Injected" not in answer.headers


def test_a_forged_host_is_repeated_nowhere(cast: Cast):
    for path in ("/", "/sign-in", "/center/", "/nothing", "/openapi.json", "/.well-known/did.json"):
        answer = cast.stranger.get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
        assert not re.search("evil", answer.text + str(answer.headers))
