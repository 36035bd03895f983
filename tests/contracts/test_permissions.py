"""Every route by every role: what each answers is written down here, and a route without a line fails."""

from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from examapp import clock
from examapp.accounts.models import ApiClient
from examapp.banks.models import ItemBank
from examapp.config import Config
from examapp.db import db
from examapp.delivery import sealed_paper
from tests import makers
from tests.cast import Cast, make_cast, register

ROLES = ("stranger", "trainee", "examiner", "center")
OPEN = (200, 200, 200, 200)
TRAINEE = (302, 200, 403, 403)
TRAINEE_JSON = (401, 200, 403, 403)
EXAMINER = (302, 403, 200, 403)
CENTER = (302, 403, 403, 200)
# these end the session, so they come last
LAST = ("DELETE /api/session", "POST /sign-out")
# what each role gets; the trainee and the center are those to whom the sitting belongs
ROUTES: dict[str, tuple[int, int, int, int]] = {
    "GET /": (200, 200, 302, 302),
    "GET /.well-known/did.json": OPEN,
    "GET /.well-known/jwks.json": OPEN,
    "GET /api/papers/<name>": OPEN,
    "GET /api/registrations": TRAINEE_JSON,
    "DELETE /api/session": OPEN,
    "GET /api/session": OPEN,
    "POST /api/session": (422, 422, 422, 422),
    "POST /api/sittings": (401, 422, 422, 422),
    "GET /api/sittings/<public_id>": (401, 200, 403, 403),
    "GET /api/sittings/<public_id>/clock": (401, 200, 403, 403),
    "PUT /api/sittings/<public_id>/flags/<int:slot>": (403, 422, 403, 403),
    "GET /api/sittings/<public_id>/paper": (401, 403, 403, 403),
    "PUT /api/sittings/<public_id>/responses/<int:slot>": (403, 422, 403, 403),
    "GET /api/sittings/<public_id>/result": (401, 200, 403, 403),
    "POST /api/sittings/<public_id>/submission": (403, 200, 403, 403),
    "GET /center/": CENTER,
    "GET /center/administrations/<administration_id>": CENTER,
    "GET /center/administrations/<administration_id>/incidents": CENTER,
    "GET /center/administrations/<administration_id>/live": CENTER,
    "GET /center/administrations/<administration_id>/live/rows": CENTER,
    "GET /center/administrations/<administration_id>/outage": CENTER,
    "POST /center/administrations/<administration_id>/outage": CENTER,
    "GET /center/administrations/<administration_id>/pause": CENTER,
    "POST /center/administrations/<administration_id>/pause": CENTER,
    "GET /center/administrations/<administration_id>/register": CENTER,
    "POST /center/administrations/<administration_id>/register": CENTER,
    "GET /center/administrations/<administration_id>/results": CENTER,
    "GET /center/administrations/<administration_id>/resume": CENTER,
    "POST /center/administrations/<administration_id>/resume": (302, 403, 403, 302),
    "GET /center/administrations/<administration_id>/roster": CENTER,
    "POST /center/administrations/<administration_id>/roster": CENTER,
    "GET /center/administrations/new": CENTER,
    "GET /center/administrations/new/<code>/<part>": CENTER,
    "POST /center/administrations/new/<code>/<part>": CENTER,
    "GET /center/certificates": CENTER,
    "GET /center/clients": CENTER,
    "POST /center/clients/<client_id>/deactivate": (302, 403, 403, 302),
    "GET /center/clients/new": CENTER,
    "POST /center/clients/new": CENTER,
    "GET /center/registrations/<registration_id>/extra-time": CENTER,
    "POST /center/registrations/<registration_id>/extra-time": CENTER,
    "GET /center/sittings/<public_id>": CENTER,
    "GET /center/sittings/<public_id>/emergency": CENTER,
    "POST /center/sittings/<public_id>/emergency": CENTER,
    "GET /center/sittings/<public_id>/late": CENTER,
    "POST /center/sittings/<public_id>/late": CENTER,
    "GET /center/sittings/<public_id>/late/<int:number>": (302, 403, 403, 302),
    "POST /center/sittings/<public_id>/late/<int:number>": (302, 403, 403, 302),
    "GET /center/sittings/<public_id>/pause": CENTER,
    "POST /center/sittings/<public_id>/pause": CENTER,
    "GET /center/sittings/<public_id>/resume": CENTER,
    "POST /center/sittings/<public_id>/resume": (302, 403, 403, 302),
    "GET /center/sittings/<public_id>/time": CENTER,
    "POST /center/sittings/<public_id>/time": CENTER,
    "GET /center/sittings/<public_id>/time/<int:number>": (302, 403, 403, 302),
    "POST /center/sittings/<public_id>/time/<int:number>": (302, 403, 403, 302),
    "GET /center/sittings/<public_id>/void": CENTER,
    "POST /center/sittings/<public_id>/void": CENTER,
    "GET /certificates/<certificate_id>.pdf": (404, 200, 404, 404),
    "GET /examiner/banks": EXAMINER,
    "GET /examiner/banks/<code>": EXAMINER,
    "GET /examiner/banks/<code>/items/<item>": EXAMINER,
    "GET /examiner/banks/<code>/items/<item>/changes": EXAMINER,
    "GET /examiner/banks/<code>/items/<item>/try": EXAMINER,
    "GET /examiner/banks/<code>/stimuli/<stimulus>": EXAMINER,
    "GET /examiner/exams": EXAMINER,
    "GET /examiner/exams/<code>": EXAMINER,
    "GET /examiner/exams/<code>/assemble": EXAMINER,
    "POST /examiner/exams/<code>/assemble": EXAMINER,
    "GET /examiner/exams/<code>/cut": EXAMINER,
    "POST /examiner/exams/<code>/cut": EXAMINER,
    "GET /examiner/exams/<code>/forms/<part>/<form_code>": EXAMINER,
    "GET /examiner/exams/<code>/forms/<part>/<form_code>/print": EXAMINER,
    "GET /examiner/results": EXAMINER,
    "GET /examiner/results/<administration_id>": EXAMINER,
    "POST /examiner/results/<administration_id>": EXAMINER,
    "POST /examiner/results/<administration_id>/release": EXAMINER,
    "GET /healthz": OPEN,
    "GET /help": OPEN,
    "POST /language": (302, 302, 302, 302),
    "POST /oauth/token": (400, 400, 400, 400),
    "GET /metrics": OPEN,  # this machine; from elsewhere tests/web/test_metrics.py
    "GET /openapi.json": OPEN,
    "GET /readyz": OPEN,
    "POST /registrations/<registration_id>/begin": (302, 302, 403, 403),
    "GET /registrations/<registration_id>/check": TRAINEE,
    "GET /results/<result_id>": TRAINEE,
    "GET /sign-in": OPEN,
    "POST /sign-in": OPEN,
    "POST /sign-out": (302, 302, 302, 302),
    "GET /sittings/<public_id>": TRAINEE,
    "GET /sittings/<public_id>/receipt": TRAINEE,
    "GET /sittings/<public_id>/receipt.txt": TRAINEE,
    "GET /static/<path:filename>": OPEN,
    "POST /v1/acks": (401, 401, 401, 401),
    "GET /v1/checkpoint": OPEN,
    "GET /v1/proofs/consistency": (422, 422, 422, 422),
    "GET /v1/proofs/inclusion": (422, 422, 422, 422),
    "GET /v1/results": (401, 401, 401, 401),
    "GET /v1/results/<record_id>": (401, 401, 401, 401),
    "GET /v1/results/<record_id>/evidence": (401, 401, 401, 401),
    "GET /verify": OPEN,
    "POST /verify": OPEN,
    "GET /verify/<certificate_id>": OPEN,
    "POST /verify/<certificate_id>": OPEN,
}  # fmt: skip


@pytest.fixture
def world(app: Flask, config: Config, at: datetime, monkeypatch: pytest.MonkeyPatch) -> tuple[Cast, dict[str, Any]]:
    """The cast, and one thing of each kind that an address names."""
    monkeypatch.setattr(clock, "now", lambda: at)
    cast, exam, stimulus = make_cast(app), makers.make_exam(), makers.make_stimulus_version().stimulus
    client = ApiClient(name="Registry", public_jwk={}, scopes="", center=cast.center.user.center, created_at=at)
    db.session.add(client)
    registrations = []
    for part in ("theory", "practical"):
        exam_form = makers.make_exam_form(exam, part=part)
        registrations.append(register(cast.trainee, administration=makers.make_administration(exam_form)))
    results = [makers.make_result(each) for each in registrations]
    issued = makers.issue(makers.make_store(config.key_folder))
    item = exam_form.slots[0].item_version.item
    return cast, {
        "administration_id": registrations[0].administration_id, "registration_id": registrations[0].id,
        "public_id": results[0].sitting.public_id, "result_id": results[0].id, "slot": 1, "number": 1,
        "exam": exam.code,
        "part": "practical", "form_code": exam_form.code, "bank": item.bank.code,
        "stimulus_bank": db.session.get_one(ItemBank, stimulus.bank_id).code,
        "item": item.code,
        "stimulus": stimulus.code, "certificate_id": issued.certificates[0].id, "client_id": client.id,
        "record_id": issued.records[0].record_id, "filename": "app.css",
        "name": sealed_paper.of_form(results[0].sitting.exam_form_id, config.secret_key).name,
    }  # fmt: skip


def routes(app: Flask) -> dict[str, tuple[str, str]]:
    """Return the method and rule of every route, by "METHOD rule"."""
    return {
        f"{method} {rule.rule}": (method, rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    }


def test_every_route_has_its_line(app: Flask) -> None:
    assert sorted(routes(app)) == sorted(ROUTES)


@pytest.mark.feature("A6", "O10")
@pytest.mark.parametrize("role", ROLES)
def test_each_route_answers_a_role_as_declared(world: tuple[Cast, dict[str, Any]], app: Flask, role: str) -> None:
    cast, names = world
    member = cast.by_role()[role]
    answers = {}
    for line, (method, endpoint) in sorted(routes(app).items(), key=lambda row: row[0] in LAST):
        if line in LAST:
            member.renew()
        with app.test_request_context():
            address = address_of(app, endpoint, names)
        answers[line] = member.send(method, address, headers={"X-CSRF-Token": member.token}).status_code
    assert answers == {line: statuses[ROLES.index(role)] for line, statuses in ROUTES.items()}


def address_of(app: Flask, endpoint: str, names: dict[str, Any]) -> str:
    """Return the address of a route with the world's own names in it."""
    code = names["bank"] if endpoint.startswith("examiner_banks") else names["exam"]
    code = names["stimulus_bank"] if endpoint.endswith(".stimulus") else code
    return app.url_for(endpoint, **{**names, "code": code}).partition("?")[0]
