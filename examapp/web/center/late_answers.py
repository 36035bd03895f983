"""Counting answers that came too late: one of the staff asks for it and says why, another one agrees."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from examapp import clock
from examapp.delivery import journal, late_answers
from examapp.delivery.models import Sitting
from examapp.delivery.state import Event
from examapp.scoring.late_answers import count
from examapp.web.center.own import own_sitting, person
from examapp.web.center.staff_actions import ReasonForm, WishForm
from examapp.web.signed_in import actor

bp = Blueprint("late_answers", __name__, url_prefix="/sittings/<public_id>/late")


@bp.route("", methods=["GET", "POST"])
def ask(public_id: str) -> str | Response:
    """Ask that the late answers of a sitting count."""
    sitting, form = own_sitting(public_id), ReasonForm()
    if form.do(lambda: late_answers.ask(actor(), sitting, form.reason.data or "", at=clock.now())):
        flash(gettext("Another person must agree now; then the late answers count."))
        return _journal(sitting)
    late = late_answers.countable(_events(sitting))
    return render_template("center/ask_to_count.html", form=form, sitting=sitting, late=late)


@bp.route("/<int:number>", methods=["GET", "POST"])
def agree(public_id: str, number: int) -> str | Response:
    """Agree to count what somebody else asked for."""
    sitting, form, events = own_sitting(public_id), WishForm(), _events(own_sitting(public_id))
    asked = late_answers.waiting(events).get(number)
    if asked is None:
        return _journal(sitting)
    late = late_answers.asked_for(events, asked)
    if form.do(lambda: count(actor(), sitting, number, at=clock.now())):
        flash(gettext("The late answers count now. A new result waits for its release if there was one before."))
        return _journal(sitting)
    return render_template(
        "center/agree_to_count.html", form=form, sitting=sitting, asked=asked, late=late, name=person
    )


def _events(sitting: Sitting) -> list[Event]:
    return [journal.event_of(row) for row in journal.entries(sitting.id)]


def _journal(sitting: Sitting) -> Response:
    return redirect(url_for("center.live.journal", public_id=sitting.public_id))
