"""The JSON of a sitting: start, paper, save, flag, hand in.

Saving, flagging and handing in are the hot path: they check the signed ticket (no session, no ORM), hand the request to
the committer and answer after its durable commit. The other routes use the browser session.
"""

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, current_app, request, session
from werkzeug.wrappers import Response

from examapp import clock
from examapp.db import db, transaction
from examapp.delivery import devices, interventions, sealed_paper, sittings, tickets
from examapp.delivery.committer import Committer
from examapp.delivery.models import Sitting
from examapp.delivery.state import OPEN
from examapp.delivery.timing import counts
from examapp.errors import N_, ExamappError, NotAllowed
from examapp.exams.administrations import own_registration
from examapp.scoring import results
from examapp.scoring.models import Result
from examapp.web import metrics, papers, resuming, sitting_answers
from examapp.web.incoming import arrived, json_object
from examapp.web.session_api import check_csrf, stamp
from examapp.web.signed_in import actor, settings

bp = Blueprint("sitting_api", __name__, url_prefix="/api/sittings")


@bp.post("")
def start() -> Response:
    """Begin the sitting of a registration, or say again what was begun."""
    check_csrf()
    doer, at = actor(), arrived()
    # read before the transaction: a body that comes slowly must not hold up other people's saves
    wanted = str(json_object(("registration",))["registration"])
    papers.publish_before(own_registration(doer, wanted).exam_form)
    with transaction():
        registration = own_registration(doer, wanted)
        sitting, is_new = sittings.start(doer, registration, _device(), at=at)
    answer = _sent(resuming.begun(sitting, settings(), at=at))
    answer.status_code = 201 if is_new else 200
    return _with_ticket(answer, sitting, at)


@bp.get("/<public_id>")
def show(public_id: str) -> Response:
    """Say everything that a second device, or a page that was reloaded, needs to go on."""
    at = arrived()
    sitting = sittings.of_trainee(actor(), public_id)
    is_opened = bool(request.headers.get("X-CSRF-Token"))
    if is_opened:
        _note_device(sitting, at)
    answer = _sent(resuming.whole(sitting, settings(), at=at))
    return _with_ticket(answer, sitting, at) if is_opened else answer


@bp.get("/<public_id>/clock")
def show_clock(public_id: str) -> Response:
    """Say what time it is and when the sitting ends."""
    at = arrived()
    sitting, ticket = _own(public_id)
    ends_at, paused_since = interventions.clock_of(sitting, at=at)
    device = devices.name_of(ticket.csrf_digest) if ticket else _device()
    elsewhere = devices.opened_elsewhere(sitting.id, devices.newest_opening(sitting), device)
    answer = _answer(sitting_answers.running(sitting, sitting.exam_form.part, ends_at, paused_since, elsewhere, at=at))
    if ticket:
        answer.headers.extend(sitting_answers.renewed_ticket(ticket, sitting, ends_at, settings()))
    return answer


@bp.get("/<public_id>/paper")
def show_paper(public_id: str) -> Response:
    """Give what the trainee may see of the form; nothing before the start, nothing after the end."""
    sitting, _ = _own(public_id)
    if not _is_open(sitting, arrived()):
        raise NotAllowed("sitting.closed", N_("The sitting is over."))
    found = sealed_paper.of_form(sitting.exam_form_id, settings().secret_key)
    content, headers = sitting_answers.paper(found, request.headers.get("Accept-Encoding", ""))
    return current_app.response_class(content, mimetype=sitting_answers.JSON, headers=dict(headers))


@bp.put("/<public_id>/responses/<int:slot>")
def respond(public_id: str, slot: int) -> Response:
    """Store a response; the answer means that it is durable."""
    at = arrived()
    ticket = _ticket(public_id)
    body = json_object(("seq", "value"), ("client_time",))
    accepted = sittings.respond(committer(), ticket, slot, body["seq"], body["value"], body.get("client_time"), at=at)
    return _sent(sitting_answers.saved(slot, accepted, at=clock.now()))


@bp.put("/<public_id>/flags/<int:slot>")
def flag(public_id: str, slot: int) -> Response:
    """Mark an item for review, or take the mark off."""
    at = arrived()
    ticket, body = _ticket(public_id), json_object(("flagged",))
    accepted = sittings.flag(committer(), ticket, slot, body["flagged"], at=at)
    return _sent(sitting_answers.flagged(slot, accepted, at=clock.now()))


@bp.post("/<public_id>/submission")
def hand_in(public_id: str) -> Response:
    """End the sitting; repeated, the answer is the same."""
    at = arrived()
    accepted = sittings.hand_in(committer(), _ticket(public_id), at=at)
    return _sent(sitting_answers.handed_in(accepted, at=clock.now()))


@bp.get("/<public_id>/result")
def show_result(public_id: str) -> Response:
    """Give the released result."""
    sitting = sittings.of_trainee(actor(), public_id)
    return _answer({**_result(results.released(sitting.id)), "server_now": stamp(clock.now())})


def committer() -> Committer:
    """Return this process's committer."""
    found: Committer | None = current_app.extensions.get("examapp_committer")
    if found is None:
        found = metrics.MeteredCommitter(db.engine, timedelta(seconds=settings().grace_seconds), metrics.meters())
        found = current_app.extensions.setdefault("examapp_committer", found)
    return found


def _ticket(public_id: str) -> tickets.Ticket:
    """Return the request's ticket, which must be for this sitting and for the browser session that sends it."""
    ticket = _any_ticket(public_id)
    tickets.check_csrf(request.headers.get("X-CSRF-Token", ""), ticket.csrf_digest, settings().secret_key)
    return ticket


def _any_ticket(public_id: str) -> tickets.Ticket:
    ticket = tickets.check(request.cookies.get("ticket", ""), settings().secret_key, at=arrived())
    sittings.check_sitting(ticket, public_id)
    return ticket


def _own(public_id: str) -> tuple[Sitting, tickets.Ticket | None]:
    """Return a sitting to look at: for who holds its ticket, which comes with it, or is signed in as its trainee."""
    try:
        ticket = _any_ticket(public_id)
        sitting = sittings.by_public_id(public_id)
    except ExamappError:
        return sittings.of_trainee(actor(), public_id), None
    return (sitting, ticket) if sitting.epoch == ticket.epoch else (sittings.of_trainee(actor(), public_id), None)


def _device() -> str:
    """Return the name of the device that the present browser session is on."""
    return devices.name_of(tickets.csrf_digest(session.get("csrf_token", "")))


def _note_device(sitting: Sitting, at: datetime) -> None:
    """Remember on which device a page opened the sitting; that is a write, which only our own page may cause."""
    check_csrf()
    if devices.is_news(sitting, _device()):
        with transaction():
            devices.open_on(sitting, _device(), at=at)


def _with_ticket(answer: Response, sitting: Sitting, at: datetime) -> Response:
    digest = tickets.csrf_digest(session["csrf_token"])
    answer.headers.add("Set-Cookie", resuming.ticket_cookie(sitting, digest, settings(), at=at))
    return answer


def _answer(body: dict[str, Any]) -> Response:
    return _sent(sitting_answers.encoded(body))


def _sent(content: bytes) -> Response:
    return current_app.response_class(content, mimetype=sitting_answers.JSON)


def _is_open(sitting: Sitting, at: datetime) -> bool:
    return sitting.status == OPEN and counts(sitting.ends_at, at, timedelta(seconds=settings().grace_seconds))


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
