"""The center's start page and the scheduling of administrations."""

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, DateTimeLocalField, IntegerField, SelectChoice
from wtforms.validators import InputRequired

from examapp import clock
from examapp.accounts import access
from examapp.credentials.issuing import CHINA
from examapp.delivery import board
from examapp.errors import N_, NotFound
from examapp.exams import administrations
from examapp.exams.exam_forms import exam_by_code, forms_of, plan_of
from examapp.exams.form_reports import offers
from examapp.exams.models import Administration, Exam, ExamForm
from examapp.scoring import overview
from examapp.web.forms import BaseForm, CheckboxesField
from examapp.web.labels import PARTS
from examapp.web.signed_in import actor

bp = Blueprint("administrations", __name__)


@bp.get("/")
def start() -> str:
    """List the administrations with the center's own numbers."""
    return render_template(
        "center/start.html", standings=overview.standings(actor()), parts=PARTS, now=clock.now(), center=actor().center,
        paused=board.paused(actor()),
    )  # fmt: skip


@bp.get("/administrations/new")
def choose_exam() -> str:
    """Choose what to schedule: a part of an exam that has forms."""
    return render_template("center/choose_exam.html", offers=offers(actor()), parts=PARTS)


class ScheduleForm(BaseForm):
    """The window on China's clocks, the time limit, and the forms to hand out."""

    opens_at = DateTimeLocalField(_l("Opens"), [InputRequired(_l("Enter the day and time of the opening"))])
    closes_at = DateTimeLocalField(_l("Closes"), [InputRequired(_l("Enter the day and time of the end"))])
    minutes = IntegerField(_l("Minutes for each trainee"), [InputRequired(_l("Enter a whole number of minutes"))])
    is_rehearsal = BooleanField(_l("This is a rehearsal"))
    forms = CheckboxesField(_l("Forms to hand out"), [InputRequired(_l("Choose one or more forms"))])


@bp.route("/administrations/new/<code>/<part>", methods=["GET", "POST"])
def schedule(code: str, part: str) -> str | Response:
    """Schedule an administration."""
    access.require(actor(), "administration.schedule")
    exam = exam_by_code(code)
    blueprint = plan_of(exam).parts.get(part)  # type: ignore[call-overload]
    if blueprint is None:
        raise NotFound("exam.part", N_("The exam has no such part."))
    forms = {each.code: each for each in forms_of(exam, part)}
    form = ScheduleForm(minutes=blueprint.minutes, forms=list(forms))
    form.forms.choices = [SelectChoice(each, gettext("Form %(code)s", code=each)) for each in forms]
    chosen = [forms[each] for each in form.forms.data or [] if each in forms]
    if form.do(lambda: _schedule(form, exam, part, chosen)):
        flash(gettext("The administration was scheduled. Now register trainees."))
        return redirect(url_for(".start"))
    return render_template("center/schedule.html", form=form, exam=exam, part=PARTS[part])


def _schedule(form: ScheduleForm, exam: Exam, part: str, chosen: list[ExamForm]) -> Administration:
    return administrations.schedule(
        actor(), exam, part, chosen, opens_at=_in_china(form.opens_at.data), closes_at=_in_china(form.closes_at.data),
        minutes=form.minutes.data or 0, is_rehearsal=form.is_rehearsal.data,
    )  # fmt: skip


def _in_china(typed: datetime | None) -> datetime:
    if typed is None:
        raise ValueError("a required time is missing")
    return typed.replace(tzinfo=CHINA)
