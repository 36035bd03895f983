"""Text that people type comes out as text on every page and in the PDF; headers stand on every answer, errors too."""

import html
import re

import pytest
from flask import Flask

from examapp.credentials import certificate_pdf
from tests import makers
from tests.cast import Cast, register
from tests.contracts.test_permissions import address_of, routes

MARKUP = "<img src=q onerror=alert(7)>\"';{{7*7}}=1+7"
PAGES = (
    "/center/", "/center/administrations/{a}", "/center/administrations/{a}/live",
    "/center/administrations/{a}/live/rows",
    "/center/administrations/{a}/results", "/center/administrations/{a}/incidents", "/center/sittings/{s}",
    "/center/sittings/{s}/time", "/center/certificates", "/center/clients", "/examiner/results",
    "/examiner/results/{a}",
    "/", "/registrations/{r}/check", "/sittings/{s}", "/sittings/{s}/receipt", "/results/{x}", "/verify/{c}",
)  # fmt: skip


def test_markup_in_what_people_type_is_shown_as_they_typed_it(cast: Cast, config):
    trainee, center = cast.trainee, cast.center
    trainee.user.name, center.user.name = MARKUP, MARKUP + "c"
    center.user.center.name_zh = center.user.center.name_en = MARKUP
    exam = makers.make_exam(title_zh=MARKUP, title_en=MARKUP)
    administrations = [
        makers.make_administration(makers.make_exam_form(exam, part=part)) for part in ("theory", "theory", "practical")
    ]
    registrations = [register(trainee, administration=each, seat=MARKUP[:20]) for each in administrations]
    running = makers.make_sitting(registrations[0]).public_id
    center.post(f"/center/sittings/{running}/time", minutes="5", reason=MARKUP)
    key = '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'
    center.post("/center/clients/new", name=MARKUP, public_jwk=key, scopes="results.read")
    results = [makers.make_result(each) for each in registrations[1:]]
    certificate = makers.issue(makers.make_store(config.key_folder)).certificates[0]
    names = {
        "a": registrations[0].administration_id, "r": registrations[0].id, "s": running, "x": results[0].id,
        "c": certificate.id,
    }  # fmt: skip
    shown = 0
    for page in PAGES:
        member = {"c": center, "e": cast.examiner}.get(page[1:2], trainee)
        text = member.get(page.format(**names)).text
        assert not re.search(r"<img src=q|onerror=alert\(7\)>|{{49|alert\(7\)>", text), page
        shown += html.escape(MARKUP, quote=False)[:30] in text
    assert shown > 5
    assert certificate_pdf.render(certificate_pdf.page_of(certificate, "http://127.0.0.1")).startswith(b"%PDF")


HEADERS = {
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}  # fmt: skip
POLICY = {
    "default-src 'none'", "script-src 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    "form-action 'self'", "connect-src 'self'",
}  # fmt: skip


@pytest.fixture
def names() -> dict[str, object]:
    """Names of things that are not there, so that every route also shows its error."""
    ids = ("administration_id", "registration_id", "result_id", "certificate_id", "client_id", "record_id")
    return {
        **dict.fromkeys(ids, "0" * 24), "public_id": "0" * 16, "slot": 1, "exam": "none", "bank": "none",
        "part": "theory", "stimulus_bank": "none", "form_code": "A", "item": "none", "stimulus": "none",
        "filename": "none", "name": "none", "number": 1,
    }  # fmt: skip


@pytest.mark.parametrize("role", ["stranger", "trainee", "examiner", "center"])
def test_every_answer_of_every_route_carries_the_headers(cast: Cast, app: Flask, names: dict[str, object], role: str):
    member = cast.by_role()[role]
    for line, (method, endpoint) in routes(app).items():
        with app.test_request_context():
            address = address_of(app, endpoint, names)
        answer = member.send(method, address, headers={"X-CSRF-Token": "wrong"})
        assert answer.status_code < 500 or line == "GET /readyz", line
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, line
        policy = answer.headers["Content-Security-Policy"]
        assert all(part in policy for part in POLICY), line
        assert not re.search(r"unsafe-eval|script-src[^;]*(unsafe|\*|http)", policy), line
        cached = answer.headers["Cache-Control"]
        assert {"no-store", "no-cache"} & set(cached.split(", ")), line
        assert "Access-Control-Allow-Origin" not in answer.headers, line


def test_static_files_and_unknown_addresses_carry_the_headers_too(cast: Cast):
    for path in ("/static/app.css", "/static/none.css", "/nothing", "/api/nothing", "/v1/nothing"):
        for method in ("GET", "HEAD", "PATCH"):
            answer = cast.stranger.send(method, path)
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
