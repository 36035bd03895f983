"""The JSON of a sitting: start, paper, save, flag, hand in.

Saving, flagging and handing in are the hot path: they check the signed ticket (no session, no ORM), hand the request to
the committer and answer after its durable commit. The other routes use the browser session.
"""

import json
from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, jsonify, request
from werkzeug.wrappers import Response

from examapp import clock
from examapp.db import db, transaction
from examapp.delivery import journal, paper, sittings, tickets
from examapp.delivery.committer import Committer
from examapp.delivery.models import Sitting
from examapp.delivery.state import OPEN
from examapp.errors import N_, NotAllowed
from examapp.exams.administrations import own_registration
from examapp.scoring import results
from examapp.scoring.models import Result
from examapp.web.incoming import json_object
from examapp.web.session_api import check_csrf, stamp
from examapp.web.signed_in import actor, settings

bp = Blueprint("sitting_api", __name__, url_prefix="/api/sittings")

TICKET_DAYS = 2


@bp.post("")
def start() -> Response:
    """Begin the sitting of a registration, or say again what was begun."""
    token = check_csrf()
    doer, at = actor(), clock.now()
    # read before the transaction: a body that comes slowly must not hold up other people's saves
    wanted = str(json_object(("registration",))["registration"])
    with transaction():
        registration = own_registration(doer, wanted)
        sitting, is_new = sittings.start(doer, registration, at=at)
    answer = jsonify({**_running(sitting, at), "slots": _slots(sitting)})
    answer.status_code = 201 if is_new else 200
    return _with_ticket(answer, sitting, token)


@bp.get("/<public_id>")
def show(public_id: str) -> Response:
    """Say everything that a second device, or a page that was reloaded, needs to go on."""
    at = clock.now()
    sitting = sittings.of_trainee(actor(), public_id)
    state = journal.read(sitting.id)
    body = {
        **_running(sitting, at),
        "closed_at": stamp(sitting.closed_at) if sitting.closed_at else None,
        "paper": paper.of_form(sitting.exam_form_id).digest,
        "slots": _slots(sitting),
        "flags": sorted(state.flags),
        "stored": {
            str(each.slot): {
                "seq": each.seq, "value": each.value, "stored_at": stamp(each.entry.at), "receipt": each.entry.receipt,
            }
            for each in sittings.stored_responses(sitting)
        },
    }  # fmt: skip
    token = request.headers.get("X-CSRF-Token", "")
    return _with_ticket(jsonify(body), sitting, check_csrf()) if token else jsonify(body)


@bp.get("/<public_id>/clock")
def show_clock(public_id: str) -> Response:
    """Say what time it is and when the sitting ends."""
    return jsonify(_running(sittings.of_trainee(actor(), public_id), clock.now()))


@bp.get("/<public_id>/paper")
def show_paper(public_id: str) -> Response:
    """Give what the trainee may see of the form; nothing before the start, nothing after the end."""
    sitting = sittings.of_trainee(actor(), public_id)
    if sitting.status != OPEN:
        raise NotAllowed("sitting.closed", N_("The sitting is over."))
    return current_app.response_class(paper.of_form(sitting.exam_form_id).content, mimetype="application/json")


@bp.put("/<public_id>/responses/<int:slot>")
def respond(public_id: str, slot: int) -> Response:
    """Store a response; the answer means that it is durable."""
    at = clock.now()
    ticket = _ticket(public_id)
    body = json_object(("seq", "value"), ("client_time",))
    accepted = sittings.respond(committer(), ticket, slot, body["seq"], body["value"], body.get("client_time"), at=at)
    return _answer(
        {"slot": slot, "seq": accepted.body["seq"], "stored_at": stamp(accepted.entry.at),
         "receipt": accepted.entry.receipt, "ends_at": stamp(accepted.ends_at)}
    )  # fmt: skip


@bp.put("/<public_id>/flags/<int:slot>")
def flag(public_id: str, slot: int) -> Response:
    """Mark an item for review, or take the mark off."""
    ticket, body = _ticket(public_id), json_object(("flagged",))
    accepted = sittings.flag(committer(), ticket, slot, body["flagged"], at=clock.now())
    return _answer({"slot": slot, "flagged": accepted.body["flagged"], "ends_at": stamp(accepted.ends_at)})


@bp.post("/<public_id>/submission")
def hand_in(public_id: str) -> Response:
    """End the sitting; repeated, the answer is the same."""
    accepted = sittings.hand_in(committer(), _ticket(public_id), at=clock.now())
    return _answer(
        {"status": "submitted", "submitted_at": stamp(accepted.entry.at), "answered": accepted.body["answered"],
         "receipt": accepted.entry.receipt, "ends_at": stamp(accepted.ends_at)}
    )  # fmt: skip


@bp.get("/<public_id>/result")
def show_result(public_id: str) -> Response:
    """Give the released result."""
    sitting = sittings.of_trainee(actor(), public_id)
    return jsonify({**_result(results.released(sitting.id)), "server_now": stamp(clock.now())})


def committer() -> Committer:
    """Return this process's committer."""
    found: Committer | None = current_app.extensions.get("examapp_committer")
    if found is None:
        found = Committer(db.engine, timedelta(seconds=settings().grace_seconds))
        found = current_app.extensions.setdefault("examapp_committer", found)
    return found


def _ticket(public_id: str) -> tickets.Ticket:
    """Return the request's ticket, which must be for this sitting and for the browser session that sends it."""
    ticket = tickets.check(request.cookies.get("ticket", ""), settings().secret_key, at=clock.now())
    sittings.check_sitting(ticket, public_id)
    if tickets.csrf_digest(request.headers.get("X-CSRF-Token", "")) != ticket.csrf_digest:
        raise NotAllowed("csrf.failed", N_("The CSRF token is missing or old. Read /api/session again."))
    return ticket


def _with_ticket(answer: Response, sitting: Sitting, csrf_token: str) -> Response:
    expires = sitting.ends_at + timedelta(days=TICKET_DAYS)
    ticket = tickets.Ticket(
        sitting.id, sitting.exam_form_id, sitting.epoch, tickets.csrf_digest(csrf_token), int(expires.timestamp())
    )
    answer.set_cookie(
        "ticket", tickets.sign(ticket, settings().secret_key), expires=expires, httponly=True, samesite="Strict",
        secure=settings().secure_cookies, path=f"/api/sittings/{sitting.public_id}",
    )  # fmt: skip
    return answer


def _answer(body: dict[str, Any]) -> Response:
    text = json.dumps({**body, "server_now": stamp(clock.now())}, separators=(",", ":"))
    return current_app.response_class(text, mimetype="application/json")


def _running(sitting: Sitting, at: Any) -> dict[str, Any]:
    return {
        "sitting": sitting.public_id,
        "status": sitting.status,
        "ends_at": stamp(sitting.ends_at),
        "server_now": stamp(at),
        "epoch": sitting.epoch,
        "part": sitting.exam_form.part,
    }


def _slots(sitting: Sitting) -> list[dict[str, Any]]:
    return [
        {"slot": place.slot, "item_type": place.item_type, "options": list(place.options)}
        for place in sittings.places(sitting)
    ]


def _result(result: Result) -> dict[str, Any]:
    outcome = result.evidence["outcome"]
    return {
        "result": result.id,
        "part": result.evidence["part"],
        "score": outcome["scaled"],
        "passed": outcome["is_passed"],
        "standard_error": outcome["standard_error"],
        "probability": outcome["probability"],
        "profile": outcome["area_profile"],
    }
