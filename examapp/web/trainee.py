"""The trainee's pages: my exams, the check before the start, the exam page, the receipt, the result."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import SubmitField

from examapp import clock
from examapp.accounts.access import OPERATOR, TRAINEE
from examapp.credentials import issuing
from examapp.credentials.models import Certificate
from examapp.db import db, transaction
from examapp.delivery import closing, sittings
from examapp.delivery.models import Sitting
from examapp.delivery.state import OPEN
from examapp.delivery.timing import minutes_if_started
from examapp.errors import N_, NotFound
from examapp.exams import administrations
from examapp.exams.exam_forms import plan_of
from examapp.exams.models import Registration
from examapp.scoring import results
from examapp.scoring.models import Result
from examapp.web import exam_words, papers, places, receipts, sign_in
from examapp.web.forms import BaseForm
from examapp.web.labels import area_name
from examapp.web.session_api import state_of
from examapp.web.signed_in import actor, admit, settings

bp = Blueprint("trainee", __name__)

PARTS = {"theory": _l("Theory"), "practical": _l("Practical")}
STATES = {
    "waiting": (_l("Not open yet"), ""), "ready": (_l("Open now"), "info"), "running": (_l("Running"), "warn"),
    "submitted": (_l("Handed in"), "good"), "expired": (_l("Time over"), "good"), "voided": (_l("Void"), "bad"),
    "missed": (_l("Missed"), "bad"),
}  # fmt: skip


@bp.before_request
def check_role() -> Response | None:
    """Admit trainees; the start page is everybody's."""
    return None if request.endpoint == "trainee.dashboard" else admit(TRAINEE)


@dataclass(frozen=True)
class Standing:
    """A registration with where it stands now, its newest sitting, and its result once that is released."""

    registration: Registration
    state: str
    sitting: Sitting | None
    result: Result | None


@bp.get("/")
def dashboard() -> str | Response:
    """Show the trainee's exams, or everybody else's way in."""
    if not current_user.is_authenticated:
        return render_template("home.html")
    if current_user.role != TRAINEE:
        return redirect(sign_in.START_PAGES.get(current_user.role, "/help"))
    at = clock.now()
    places.remember()
    standings = [_standing(each, at) for each in administrations.of_trainee(actor().id)]
    return render_template(
        "trainee/my_exams.html", standings=standings, certificates=issuing.certificates_of(actor().id),
        parts=PARTS, states=STATES,
    )  # fmt: skip


class BeginForm(BaseForm):
    """Nothing but the wish to begin."""

    begin = SubmitField(_l("Begin the exam"))


@bp.get("/registrations/<registration_id>/check")
def check(registration_id: str) -> str:
    """Check the device, and say how long the sitting will be, before its time begins."""
    return _check_page(administrations.own_registration(actor(), registration_id), BeginForm(), clock.now())


@bp.post("/registrations/<registration_id>/begin")
def begin(registration_id: str) -> str | Response:
    """Start the sitting, or go back to the one that runs."""
    form, at = BeginForm(), clock.now()
    registration = administrations.own_registration(actor(), registration_id)
    if not form.validate_on_submit():
        return _check_page(registration, form, at)
    papers.publish_before(registration.exam_form)
    with transaction():
        sitting, _ = sittings.start(actor(), administrations.own_registration(actor(), registration_id), at=at)
    return redirect(url_for("trainee.take", public_id=sitting.public_id))


@bp.get("/sittings/<public_id>")
def take(public_id: str) -> str:
    """Show the exam page; a sitting that is over leads to its receipt once the page has sent what it still holds."""
    sitting = sittings.of_trainee(actor(), public_id)
    title = sitting.exam_form.exam.title(str(get_locale()))
    if sitting.registration.administration.is_rehearsal:
        title = f"{title} · {gettext('Rehearsal')}"
    return render_template("trainee/exam.html", sitting=sitting, title=title, words=exam_words.in_both_languages())


@bp.get("/sittings/<public_id>/receipt")
def receipt(public_id: str) -> str:
    """Show what the server has: when the sitting ended, how much was answered, and a receipt for each answer."""
    sitting = _closed_if_over(sittings.of_trainee(actor(), public_id))
    return render_template(
        "trainee/receipt.html", sitting=sitting, receipt=receipts.of_sitting(sitting),
        part=PARTS[sitting.exam_form.part], is_running=sitting.status == OPEN and clock.now() < sitting.ends_at,
    )  # fmt: skip


@bp.get("/sittings/<public_id>/receipt.txt")
def receipt_text(public_id: str) -> Response:
    """Give the receipts as a text file that the trainee keeps."""
    sitting = sittings.of_trainee(actor(), public_id)
    headers = {"Content-Disposition": f'attachment; filename="receipt-{sitting.public_id}.txt"'}
    return Response(receipts.as_text(receipts.of_sitting(sitting)), mimetype="text/plain", headers=headers)


@bp.get("/results/<result_id>")
def result(result_id: str) -> str:
    """Show a released result: score, decision, how sure it is, and the profile by area."""
    found = db.session.get(Result, result_id)
    if found is None or found.sitting.registration.trainee_id != actor().id or not results.is_released(found):
        raise NotFound("result.not_released", N_("The result is not released yet."))
    return render_template(
        "trainee/result.html", result=found, part=PARTS[found.sitting.exam_form.part], profile=_profile(found),
        error_in_points=_error_in_points(found), certificate=_certificate(found),
    )  # fmt: skip


def _standing(registration: Registration, at: datetime) -> Standing:
    sitting = sittings.newest(registration.id)
    newest = results.newest(sitting.id) if sitting else None
    shown = newest if newest and results.is_released(newest) else None
    return Standing(registration, state_of(registration, sitting, at), sitting, shown)


def _check_page(registration: Registration, form: BeginForm, at: datetime) -> str:
    sitting = sittings.newest(registration.id)
    minutes = minutes_if_started(sittings.time_rules(registration), at)
    return render_template(
        "trainee/check.html", registration=registration, form=form, minutes=minutes, sitting=sitting, parts=PARTS,
        state=state_of(registration, sitting, at), states=STATES, words=exam_words.in_both_languages("lobby."),
    )  # fmt: skip


def _closed_if_over(sitting: Sitting) -> Sitting:
    """Close a sitting whose time is over, in case nobody did yet; nobody should wait for the next round of work."""
    if sitting.status == OPEN and closing.is_over(sitting, _grace(), at=clock.now()):
        with transaction():
            closing.expire(OPERATOR, sitting, _grace(), at=clock.now())
    return sitting


def _grace() -> timedelta:
    return timedelta(seconds=settings().grace_seconds)


def _profile(result: Result) -> list[tuple[str, str, str, int]]:
    """Return (area's title, points earned, points possible, percent) for each content area."""
    titles = plan_of(result.sitting.exam_form.exam).areas
    earned = result.evidence["outcome"]["area_profile"].items()
    return [
        (area_name(area, titles), got, most, round(100 * float(got) / float(most)))
        for area, (got, most) in earned
        if float(most)
    ]


def _error_in_points(result: Result) -> str:
    return f"{float(result.standard_error) * float(result.evidence['scale_slope']):.1f}"


def _certificate(result: Result) -> Certificate | None:
    held = issuing.certificates_of(result.sitting.registration.trainee_id)
    return next((each for each in held if result.id in (each.theory_result_id, each.practical_result_id)), None)
