"""Extra time for one trainee before the start, with the history of its decisions."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import IntegerField, StringField
from wtforms.validators import Optional

from examapp import clock
from examapp.delivery import accommodations
from examapp.exams import extra_time
from examapp.exams.models import Registration
from examapp.web.center.own import own_registration, person
from examapp.web.center.staff_actions import ReasonForm
from examapp.web.labels import PARTS
from examapp.web.signed_in import actor

bp = Blueprint("accommodations", __name__, url_prefix="/registrations/<registration_id>")


class ExtraTimeForm(ReasonForm):
    """Extra minutes, or the factor by which the limit is longer; and why."""

    extra_minutes = IntegerField(_l("Extra minutes"), [Optional()])
    factor = StringField(_l("Factor"), [Optional()])


@bp.route("/extra-time", methods=["GET", "POST"])
def grant(registration_id: str) -> str | Response:
    """Decide on a trainee's extra time."""
    registration, form = own_registration(registration_id), ExtraTimeForm()
    if form.do(lambda: _grant(form, registration)):
        flash(gettext("Extra time: %(minutes)s minutes.", minutes=registration.extra_minutes))
        return redirect(url_for("center.registrations.registrations", administration_id=registration.administration_id))
    return render_template(
        "center/extra_time.html", form=form, registration=registration, parts=PARTS, name=person,
        administration=registration.administration, decisions=extra_time.history(registration.id),
        registered=extra_time.REGISTERED,
    )  # fmt: skip


def _grant(form: ExtraTimeForm, registration: Registration) -> None:
    accommodations.grant(
        actor(), registration, form.reason.data or "", minutes=form.extra_minutes.data,
        factor=(form.factor.data or "").strip(), at=clock.now(),
    )  # fmt: skip
