"""The JSON of a browser session and of a trainee's registrations."""

from datetime import datetime
from typing import Any

from flask import Blueprint, jsonify, request
from flask_login import current_user
from flask_wtf.csrf import generate_csrf, validate_csrf
from werkzeug.wrappers import Response
from wtforms.validators import ValidationError

from examapp import clock
from examapp.accounts import access
from examapp.canonical import utc_string
from examapp.delivery import sealed_paper, sittings
from examapp.delivery.models import Sitting
from examapp.delivery.state import OPEN
from examapp.delivery.tickets import wrong_csrf
from examapp.delivery.timing import minutes_if_started
from examapp.errors import N_, InvalidInput
from examapp.exams import administrations
from examapp.exams.models import Registration
from examapp.web import places, sign_in
from examapp.web.incoming import json_object
from examapp.web.signed_in import actor, settings

bp = Blueprint("session_api", __name__, url_prefix="/api")


def stamp(at: Any) -> str:
    """Return an instant as the JSON of this service writes it: UTC with milliseconds."""
    return f"{utc_string(at)[:-4]}Z"


def check_csrf() -> None:
    """Refuse a request without a CSRF token of its browser session."""
    try:
        validate_csrf(request.headers.get("X-CSRF-Token", ""))
    except ValidationError as error:
        raise wrong_csrf() from error


@bp.get("/session")
def read() -> Response:
    """Say who is signed in, and give the CSRF token that unsafe requests carry."""
    places.remember_once()
    return jsonify(_session())


@bp.post("/session")
def create() -> Response:
    """Sign in."""
    body = json_object(("username", "password"))
    if not all(isinstance(text, str) for text in body.values()):
        raise InvalidInput("session.malformed", N_("User name and password are text."))
    sign_in.enter(body["username"], body["password"])
    return jsonify(_session())


@bp.delete("/session")
def end() -> Response:
    """Sign out everywhere."""
    check_csrf()
    sign_in.leave()
    return jsonify(_session())


def _session() -> dict[str, Any]:
    known = current_user.is_authenticated
    return {
        "user": current_user.name if known else None,
        "role": current_user.role if known else None,
        "csrf_token": generate_csrf(),
        "server_now": stamp(clock.now()),
    }


@bp.get("/registrations")
def registrations() -> Response:
    """List the trainee's administrations."""
    access.require(actor(), "sitting.take")
    at = clock.now()
    places.remember()
    rows = [_registration(each, at) for each in administrations.of_trainee(actor().id)]
    return jsonify({"registrations": rows, "server_now": stamp(at)})


def _registration(registration: Registration, at: Any) -> dict[str, Any]:
    administration = registration.administration
    sitting = sittings.newest(registration.id)
    return {
        "registration": registration.id,
        "exam": administration.exam.code,
        "title": {"zh": administration.exam.title_zh, "en": administration.exam.title_en},
        "part": administration.part,
        "opens_at": stamp(administration.opens_at),
        "closes_at": stamp(administration.closes_at),
        "minutes": administration.minutes,
        "extra_minutes": registration.extra_minutes,
        "state": state_of(registration, sitting, at),
        "sitting": sitting.public_id if sitting else None,
        "paper": sealed_paper.name_if_published(registration.exam_form_id, settings().secret_key),
    }


def state_of(registration: Registration, sitting: Sitting | None, at: datetime) -> str:
    """Say where a registration stands: waiting, ready, then what its sitting says, or missed."""
    if sitting is not None:
        return "running" if sitting.status == OPEN else sitting.status
    if at < registration.administration.opens_at:
        return "waiting"
    return "ready" if minutes_if_started(sittings.time_rules(registration), at) else "missed"
