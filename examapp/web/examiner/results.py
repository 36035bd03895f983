"""Results that wait for an examiner: weighed, chosen, released."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, SelectChoice
from wtforms.validators import InputRequired

from examapp import clock
from examapp.accounts.access import EXAMINER
from examapp.scoring import overview, results
from examapp.scoring.models import Result
from examapp.web.forms import BaseForm, CheckboxesField
from examapp.web.labels import PARTS
from examapp.web.signed_in import actor, admit

bp = Blueprint("examiner_results", __name__, url_prefix="/examiner/results")


@bp.before_request
def check_role() -> Response | None:
    """Admit examiners."""
    return admit(EXAMINER)


@bp.get("")
def administrations() -> str:
    """List the administrations with how far their results are."""
    return render_template("examiner/results.html", standings=overview.standings(actor()), parts=PARTS)


class ChooseForm(BaseForm):
    """The results to release."""

    results = CheckboxesField(_l("Results"), [InputRequired(_l("Choose one or more results"))])


@bp.route("/<administration_id>", methods=["GET", "POST"])
def administration(administration_id: str) -> str:
    """Show the results that wait; once some are chosen, ask for the decision with its counts."""
    found = overview.administration(administration_id)
    waiting = results.waiting_for_release(found.id)
    form = ChooseForm()
    form.results.choices = [SelectChoice(result.id, result.id) for result in waiting]
    if form.validate_on_submit():
        chosen = [result for result in waiting if result.id in form.results.data]
        return _confirm(administration_id, ReleaseForm(formdata=None, results=_joined(chosen)), chosen)
    return render_template(
        "examiner/administration_results.html", form=form, standing=overview.standing(actor(), found), waiting=waiting,
        bands=overview.distribution(waiting), is_borderline=overview.is_borderline, parts=PARTS, sure=overview.SURE,
    )  # fmt: skip


class ReleaseForm(BaseForm):
    """The decision: which results, as ids with spaces between them, and that it cannot be taken back is understood."""

    results = HiddenField()
    is_sure = BooleanField(
        _l("I have looked at these results; once released they can be seen and certificates are issued"),
        [InputRequired(_l("Confirm that the results may be released"))],
    )


@bp.post("/<administration_id>/release")
def release(administration_id: str) -> str | Response:
    """Release the chosen results."""
    found = overview.administration(administration_id)
    form = ReleaseForm()
    wanted = set((form.results.data or "").split())
    chosen = [result for result in results.waiting_for_release(found.id) if result.id in wanted]
    if form.do(lambda: results.release(actor(), chosen, at=clock.now())):
        flash(gettext("Results released: %(count)s", count=len(chosen)))
        return redirect(url_for(".administration", administration_id=administration_id))
    return _confirm(administration_id, form, chosen)


def _confirm(administration_id: str, form: ReleaseForm, chosen: list[Result]) -> str:
    passed = sum(result.is_passed for result in chosen)
    return render_template(
        "examiner/release.html", form=form, administration=overview.administration(administration_id), chosen=chosen,
        passed=passed, borderline=sum(overview.is_borderline(result) for result in chosen), parts=PARTS,
    )  # fmt: skip


def _joined(chosen: list[Result]) -> str:
    return " ".join(result.id for result in chosen)
