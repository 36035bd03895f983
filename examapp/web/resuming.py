"""Going on with a sitting after a reload, a crash or on another device: all that a page needs, in a few statements.

When a hall's power comes back, thousands ask for this at once. So the gate answers whoever is plainly the trainee of a
sitting that was last open on this device; everybody else is looked at by the view, which says the same.
"""

from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import bindparam, select

from examapp.accounts import access
from examapp.accounts.models import User
from examapp.config import Config
from examapp.db import db
from examapp.delivery import devices, interventions, sealed_paper, sittings, tickets
from examapp.delivery.models import Sitting
from examapp.delivery.state import OPEN
from examapp.delivery.timing import counts
from examapp.errors import ExamappError
from examapp.exams.models import Registration
from examapp.web import sitting_answers
from examapp.web.hot_request import Environ, Ordinary, check_no_form, session_of
from examapp.web.session_api import stamp

_STANDING = (
    select(
        Sitting.id, Sitting.exam_form_id, Sitting.seed, Sitting.status, Sitting.ends_at, Sitting.closed_at,
        Sitting.epoch, User.id.label("user_id"), User.session_epoch, User.role,
        devices.LAST_OPENING.label("last_opening"),
    )
    .join(Registration, Registration.id == Sitting.registration_id)
    .join(User, User.id == Registration.trainee_id)
    .where(Sitting.id == bindparam("sitting"))
)  # fmt: skip


def standing_of(app: Flask, environ: Environ, public_id: str, secret: str) -> tuple[Any, str]:
    """Return the row of a sitting that its trainee's browser session opens again, and the digest of that session."""
    session, token = session_of(app, environ), environ.get("HTTP_X_CSRF_TOKEN")
    if not token or environ.get("QUERY_STRING"):
        raise Ordinary
    check_no_form(environ)
    row: Any = db.session.connection().execute(_STANDING, {"sitting": int(public_id, 16)}).one_or_none()
    if row is None or session.get("_user_id") != f"{row.user_id}.{row.session_epoch}" or row.role != access.TRAINEE:
        raise Ordinary
    digest = tickets.csrf_digest(str(session.get("csrf_token", "")))
    try:
        tickets.check_csrf(token, digest, secret)
    except ExamappError as error:
        raise Ordinary from error
    if devices.is_another(row.status, row.last_opening, devices.name_of(digest)):
        raise Ordinary
    return row, digest


def begun(standing: Any, config: Config, *, at: datetime) -> bytes:
    """Return what a page needs to show a sitting."""
    return sitting_answers.with_slots(_shown(standing, config, at=at), sittings.places(standing))


def _shown(standing: Any, config: Config, *, at: datetime) -> dict[str, Any]:
    """Return how a sitting stands, with the keys to what is shown; that of its paper only while it runs."""
    found = sealed_paper.of_form(standing.exam_form_id, config.secret_key)
    is_open = standing.status == OPEN and counts(standing.ends_at, at, timedelta(seconds=config.grace_seconds))
    keys = sitting_answers.keys(standing.id, found, config.secret_key, is_open=is_open)
    return {**running(standing, config, at=at), **keys}


def running(standing: Any, config: Config, *, at: datetime) -> dict[str, Any]:
    """Return how a sitting stands."""
    ends_at, paused_since = interventions.clock_of(standing, at=at)
    part = sealed_paper.of_form(standing.exam_form_id, config.secret_key).part
    return sitting_answers.running(standing, part, ends_at, paused_since, at=at)


def whole(standing: Any, config: Config, *, at: datetime) -> bytes:
    """Return everything that a page needs to go on: the sitting, its flags, and what is stored with its receipts."""
    stored = {
        str(each.slot): {
            "seq": each.seq, "value": each.value, "stored_at": stamp(each.entry.at), "receipt": each.entry.receipt,
        }
        for each in sittings.stored_responses(standing)
    }  # fmt: skip
    closed_at = stamp(standing.closed_at) if standing.closed_at else None
    body = {
        **_shown(standing, config, at=at), "closed_at": closed_at, "flags": sittings.flags(standing), "stored": stored,
    }  # fmt: skip
    return sitting_answers.with_slots(body, sittings.places(standing))


def ticket_cookie(standing: Any, digest: str, config: Config, *, at: datetime) -> str:
    """Return the cookie that lets this browser session act on a sitting."""
    ends_at, _ = interventions.clock_of(standing, at=at)
    return sitting_answers.ticket_cookie(standing, ends_at, digest, config)
