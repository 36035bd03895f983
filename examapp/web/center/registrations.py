"""Registrations of one administration: listed, added one by one, or pasted as a table."""

from flask import Blueprint, render_template
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from examapp import clock
from examapp.accounts.sign_in import fold_username
from examapp.db import transaction
from examapp.delivery import board
from examapp.errors import InvalidInput
from examapp.exams import rosters
from examapp.exams.models import Administration
from examapp.exams.rosters import Enrolled, Roster, Row
from examapp.scoring import overview
from examapp.web.forms import BaseForm
from examapp.web.labels import PARTS
from examapp.web.signed_in import actor

bp = Blueprint("registrations", __name__, url_prefix="/administrations/<administration_id>")


@bp.get("")
def registrations(administration_id: str) -> str:
    """List the center's registrations."""
    found = overview.administration(administration_id)
    return render_template(
        "center/registrations.html", administration=found, rows=board.registrations(actor(), found), parts=PARTS
    )


class RegisterForm(BaseForm):
    """One trainee, who gets an account if there is none with this user name."""

    username = StringField(_l("User name"), [InputRequired(_l("Enter the user name")), Length(max=80)])
    name = StringField(_l("Name"), [Length(max=200, message=_l("Use at most 200 characters"))])
    seat = StringField(_l("Seat"), [Length(max=rosters.LONGEST_SEAT, message=_l("Use at most 20 characters"))])
    extra_minutes = IntegerField(
        _l("Extra minutes"), [Optional(), NumberRange(0, 240, _l("Enter a whole number from 0 to 240"))]
    )


@bp.route("/register", methods=["GET", "POST"])
def register(administration_id: str) -> str:
    """Register one trainee; a password that was made for them is shown this once."""
    found = overview.administration(administration_id)
    form = RegisterForm()
    if form.validate_on_submit():
        row = Row(
            1, fold_username(form.username.data), form.name.data.strip(), form.seat.data.strip(),
            form.extra_minutes.data or 0,
        )  # fmt: skip
        try:
            return _enrolled(found, Roster([row], []))
        except InvalidInput as error:
            form.form_errors.extend(gettext(message) for _, message in error.problems)
    return render_template("center/register.html", form=form, administration=found, parts=PARTS)


class RosterForm(BaseForm):
    """A table of trainees, pasted from a spreadsheet."""

    table = TextAreaField(_l("Table of trainees"), [InputRequired(_l("Paste the table"))])


@bp.route("/roster", methods=["GET", "POST"])
def roster(administration_id: str) -> str:
    """Register all trainees of a pasted table, or none and name every line that does not hold."""
    found = overview.administration(administration_id)
    form = RosterForm()
    if form.validate_on_submit():
        try:
            return _enrolled(found, rosters.read(form.table.data))
        except InvalidInput as error:
            form.table.errors = [_with_line(line, gettext(message)) for line, message in error.problems]
    return render_template("center/roster.html", form=form, administration=found, parts=PARTS)


def _enrolled(administration: Administration, roster: Roster) -> str:
    """Register a roster and show what was made; hashing comes first, so that saves need not wait for it."""
    rosters.check(actor(), administration, roster)
    passwords = rosters.new_passwords(roster.rows)
    with transaction():
        enrolled: list[Enrolled] = rosters.enrol(actor(), administration, roster.rows, passwords, at=clock.now())
    return render_template("center/enrolled.html", administration=administration, enrolled=enrolled, parts=PARTS)


def _with_line(line: str, message: str) -> str:
    return gettext("Line %(line)s: %(message)s", line=line, message=message) if line.isdigit() else message
