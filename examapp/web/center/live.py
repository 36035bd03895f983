"""Sittings while they run: the board, what invigilators do, and what happened."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import IntegerField, TextAreaField
from wtforms.validators import InputRequired

from examapp import clock
from examapp.accounts import access
from examapp.accounts.models import User
from examapp.db import db
from examapp.delivery import board, interventions, sittings
from examapp.delivery.models import Sitting
from examapp.scoring import overview
from examapp.web.forms import BaseForm
from examapp.web.labels import EVENTS, PARTS, STATUSES
from examapp.web.signed_in import actor

bp = Blueprint("live", __name__)


@bp.get("/administrations/<administration_id>/live")
def show(administration_id: str) -> str:
    """Show every place of an administration; a small program renews the rows every ten seconds."""
    found = overview.administration(administration_id)
    at = clock.now()
    return render_template(
        "center/live.html", administration=found, places=board.places(actor(), found, at=at), parts=PARTS,
        statuses=STATUSES, at=at,
    )  # fmt: skip


@bp.get("/administrations/<administration_id>/live/rows")
def rows(administration_id: str) -> str:
    """Return only the rows of the board."""
    found = overview.administration(administration_id)
    return render_template(
        "center/live_rows.html", places=board.places(actor(), found, at=clock.now()), statuses=STATUSES
    )


@bp.get("/administrations/<administration_id>/incidents")
def incidents(administration_id: str) -> str:
    """List what invigilators did in an administration, and why."""
    found = overview.administration(administration_id)
    listed = board.incidents(actor(), found)
    return render_template(
        "center/incidents.html", administration=found, incidents=listed, parts=PARTS, events=EVENTS,
        names={each.actor_id: _name(each.actor_id) for each in listed},
    )  # fmt: skip


@bp.get("/sittings/<public_id>")
def journal(public_id: str) -> str:
    """Show everything that happened in a sitting."""
    sitting = _own(public_id)
    return render_template(
        "center/journal.html", sitting=sitting, entries=board.events(actor(), sitting), events=EVENTS, parts=PARTS,
        statuses=STATUSES, name=_name,
    )  # fmt: skip


class AddTimeForm(BaseForm):
    """How much more time, and why."""

    minutes = IntegerField(_l("Minutes to add"), [InputRequired(_l("Enter a whole number of minutes"))])
    reason = TextAreaField(_l("Reason"), [InputRequired(_l("Say why"))])


@bp.route("/sittings/<public_id>/time", methods=["GET", "POST"])
def add_time(public_id: str) -> str | Response:
    """Give a running sitting more time."""
    sitting = _own(public_id)
    form = AddTimeForm()
    if form.do(
        lambda: interventions.add_time(actor(), sitting, form.minutes.data or 0, form.reason.data or "", at=clock.now())
    ):
        flash(gettext("Time was added: %(minutes)s minutes.", minutes=form.minutes.data))
        return redirect(url_for(".show", administration_id=sitting.registration.administration_id))
    return render_template("center/add_time.html", form=form, sitting=sitting)


class VoidForm(BaseForm):
    """Why a sitting must not be scored."""

    reason = TextAreaField(_l("Reason"), [InputRequired(_l("Say why"))])


@bp.route("/sittings/<public_id>/void", methods=["GET", "POST"])
def void(public_id: str) -> str | Response:
    """End a sitting that must not be scored."""
    sitting = _own(public_id)
    form = VoidForm()
    if form.do(lambda: interventions.void(actor(), sitting, form.reason.data or "", at=clock.now())):
        flash(gettext("The sitting is void. Its responses stay in the journal."))
        return redirect(url_for(".show", administration_id=sitting.registration.administration_id))
    return render_template("center/void.html", form=form, sitting=sitting)


def _own(public_id: str) -> Sitting:
    sitting = sittings.by_public_id(public_id)
    if not access.may(actor(), "sitting.invigilate", sitting.registration.center_id):
        raise sittings.unknown()
    return sitting


def _name(user_id: str) -> str:
    user = db.session.get(User, user_id)
    return user.name if user else user_id
