"""What staff do to one sitting: add time, confirm it, pause, resume, void, and take in an emergency answer file."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import FileField, IntegerField, TextAreaField
from wtforms.validators import InputRequired

from examapp import clock
from examapp.delivery import emergency, interventions
from examapp.delivery.models import Sitting
from examapp.delivery.state import Kind
from examapp.web.center.own import own_sitting, person
from examapp.web.forms import BaseForm
from examapp.web.signed_in import actor, settings

bp = Blueprint("staff_actions", __name__, url_prefix="/sittings/<public_id>")


class ReasonForm(BaseForm):
    """Why something is done to a sitting."""

    reason = TextAreaField(_l("Reason"), [InputRequired(_l("Say why"))])


class TimeForm(ReasonForm):
    """How much more time, and why."""

    minutes = IntegerField(_l("Minutes to add"), [InputRequired(_l("Enter a whole number of minutes"))])


class WishForm(BaseForm):
    """Nothing but the wish."""


@bp.route("/time", methods=["GET", "POST"])
def add_time(public_id: str) -> str | Response:
    """Give a running sitting more time, or ask a second person for it."""
    sitting, form = own_sitting(public_id), TimeForm()
    given: list[bool] = []

    def add() -> None:
        reason, minutes = form.reason.data or "", form.minutes.data or 0
        given.append(interventions.add_time(actor(), sitting, minutes, reason, at=clock.now()))

    if form.do(add):
        flash(_added(form.minutes.data or 0) if given[0] else gettext("A second person must confirm these minutes."))
        return _board(sitting)
    return render_template("center/add_time.html", form=form, sitting=sitting)


@bp.route("/time/<int:number>", methods=["GET", "POST"])
def confirm_time(public_id: str, number: int) -> str | Response:
    """Confirm minutes that somebody else asked for."""
    sitting, form = own_sitting(public_id), WishForm()
    events = interventions.time_events(sitting.id)
    asked = next((each for each in events if (each.number, each.kind) == (number, Kind.TIME_ASKED)), None)
    if asked is None:
        return redirect(url_for("center.live.journal", public_id=public_id))
    if form.do(lambda: interventions.confirm_time(actor(), sitting, number, at=clock.now())):
        flash(_added(asked.body["minutes"]))
        return _board(sitting)
    return render_template("center/confirm_time.html", form=form, sitting=sitting, asked=asked, name=person)


@bp.route("/pause", methods=["GET", "POST"])
def pause(public_id: str) -> str | Response:
    """Stop the clock of a running sitting."""
    sitting, form = own_sitting(public_id), ReasonForm()
    if form.do(lambda: interventions.pause(actor(), sitting, form.reason.data or "", at=clock.now())):
        flash(gettext("The clock of this sitting stands now."))
        return _board(sitting)
    return render_template("center/pause.html", form=form, sitting=sitting)


@bp.route("/resume", methods=["GET", "POST"])
def resume(public_id: str) -> str | Response:
    """Let the clock of a paused sitting run on."""
    sitting, form = own_sitting(public_id), WishForm()
    if form.do(lambda: interventions.resume(actor(), sitting, at=clock.now())):
        flash(gettext("The clock of this sitting runs again. The pause is given back in full."))
        return _board(sitting)
    _, since = interventions.clock_of(sitting, at=clock.now())
    return render_template("center/resume.html", form=form, sitting=sitting, since=since)


@bp.route("/void", methods=["GET", "POST"])
def void(public_id: str) -> str | Response:
    """End a sitting that must not be scored."""
    sitting, form = own_sitting(public_id), ReasonForm()
    if form.do(lambda: interventions.void(actor(), sitting, form.reason.data or "", at=clock.now())):
        flash(gettext("The sitting is void. Its responses stay in the journal."))
        return _board(sitting)
    return render_template("center/void.html", form=form, sitting=sitting)


class FileForm(BaseForm):
    """The file that the exam page saved on the trainee's computer."""

    file = FileField(_l("Emergency answer file"), [InputRequired(_l("Choose the file"))])


@bp.route("/emergency", methods=["GET", "POST"])
def take_file(public_id: str) -> str | Response:
    """Keep the answers of an emergency file as evidence."""
    sitting, form = own_sitting(public_id), FileForm()
    kept: list[emergency.Kept] = []

    def keep(opened: emergency.EmergencyFile) -> None:
        kept.append(emergency.keep(actor(), sitting, opened, at=clock.now()))

    if form.do(keep, first=lambda: _opened(form, sitting)):
        flash(_kept(kept[0]))
        return redirect(url_for("center.live.journal", public_id=public_id))
    return render_template("center/take_file.html", form=form, sitting=sitting)


def _opened(form: FileForm, sitting: Sitting) -> emergency.EmergencyFile:
    data: bytes = form.file.data.read(emergency.LARGEST_FILE + 1)
    return emergency.open_file(data, sitting, settings().secret_key)


def _kept(kept: emergency.Kept) -> str:
    said = str(gettext("%(new)s answers are kept as evidence; %(known)s were there already.", **vars(kept)))
    if not kept.unreadable:
        return said
    left_out = gettext("%(unreadable)s answers fit no item and were left out.", **vars(kept))
    return f"{said} {left_out}"


def _added(minutes: int) -> str:
    return str(gettext("Time was added: %(minutes)s minutes.", minutes=minutes))


def _board(sitting: Sitting) -> Response:
    return redirect(url_for("center.live.show", administration_id=sitting.registration.administration_id))
