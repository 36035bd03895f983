"""What staff do to all running sittings of an administration at their center: pause, resume, credit an outage.

Each sitting is changed for itself, some in one transaction, so that other people's saves go on between them. A repeated
request leaves alone what it finds done, so it finishes what a broken one began.
"""

import secrets
from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import HiddenField, IntegerField
from wtforms.validators import InputRequired, Regexp

from examapp import clock
from examapp.db import db, transaction
from examapp.delivery import board, interventions
from examapp.delivery.interventions import Outage
from examapp.delivery.models import Sitting
from examapp.errors import InvalidInput
from examapp.exams.models import Administration
from examapp.scoring import overview
from examapp.web.center.own import person
from examapp.web.center.staff_actions import ReasonForm, WishForm
from examapp.web.forms import BaseForm
from examapp.web.labels import PARTS
from examapp.web.signed_in import actor

bp = Blueprint("whole_hall", __name__, url_prefix="/administrations/<administration_id>")

# so many sittings hold the write lock together
BATCH = 10


@bp.route("/pause", methods=["GET", "POST"])
def pause(administration_id: str) -> str | Response:
    """Stop the clock of every running sitting."""
    form = ReasonForm()
    return _do(
        "center/pause_all.html", administration_id, form,
        lambda sitting: interventions.pause(actor(), sitting, form.reason.data or "", at=clock.now()),
        lambda count: gettext("Sittings whose clock stands now: %(count)s.", count=count),
    )  # fmt: skip


@bp.route("/resume", methods=["GET", "POST"])
def resume(administration_id: str) -> str | Response:
    """Let every paused clock run on."""
    return _do(
        "center/resume_all.html", administration_id, WishForm(),
        lambda sitting: interventions.resume(actor(), sitting, at=clock.now()),
        lambda count: gettext("Sittings whose clock runs again: %(count)s.", count=count),
    )  # fmt: skip


class OutageForm(ReasonForm):
    """What an outage took, and why; its id is made with the page, so that the same page credits it once."""

    minutes = IntegerField(_l("Minutes lost"), [InputRequired(_l("Enter a whole number of minutes"))])
    outage = HiddenField(validators=[InputRequired(), Regexp(r"[0-9a-f]{16}\Z")])


@bp.route("/outage", methods=["GET", "POST"])
def outage(administration_id: str) -> str | Response:
    """Give back to every running sitting what an outage took."""
    form = OutageForm(outage=secrets.token_hex(8))
    return _do(
        "center/outage.html", administration_id, form,
        lambda sitting: interventions.credit_outage(
            actor(), sitting, Outage(form.outage.data, form.minutes.data or 0, form.reason.data or ""), at=clock.now()
        ),
        lambda count: gettext("Sittings that were given the lost minutes: %(count)s.", count=count),
    )  # fmt: skip


def _do(
    template: str, administration_id: str, form: BaseForm, verb: Callable[[Sitting], bool], done: Callable[[int], str]
) -> str | Response:
    """Show the form, or do the verb to all that run and say to how many it was done."""
    found = overview.administration(administration_id)
    if form.validate_on_submit():
        try:
            flash(done(_each(found, verb)))
            return redirect(url_for("center.live.show", administration_id=administration_id))
        except InvalidInput as error:
            form.take(error)
    standing = [place for place in board.places(actor(), found, at=clock.now()) if place.time_left is not None]
    return render_template(
        template, administration=found, parts=PARTS, form=form, running=len(standing),
        paused=sum(place.status == board.PAUSED for place in standing), credits=board.credits(actor(), found),
        name=person,
    )  # fmt: skip


def _each(administration: Administration, verb: Callable[[Sitting], bool]) -> int:
    sitting_ids, count = [sitting.id for sitting in interventions.running(actor(), administration)], 0
    for start in range(0, len(sitting_ids), BATCH):
        with transaction():
            count += sum(verb(db.session.get_one(Sitting, each)) for each in sitting_ids[start : start + BATCH])
    return count
