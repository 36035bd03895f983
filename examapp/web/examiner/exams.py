"""Exams, their forms and their cut scores."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import FloatField, IntegerField, RadioField, SelectChoice, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Regexp

from examapp import clock
from examapp.accounts.access import EXAMINER
from examapp.banks.content import ItemContent
from examapp.exams import form_reports
from examapp.exams.blueprint import ExamBlueprint, ExamPlan
from examapp.exams.exam_forms import decide_cut, exam_by_code, forms_of, plan_of
from examapp.exams.form_assembly import choose_forms, store_forms
from examapp.web.examiner.form_pages import printed
from examapp.web.forms import BaseForm
from examapp.web.labels import ITEM_TYPES, PARTS
from examapp.web.signed_in import actor, admit

bp = Blueprint("examiner_exams", __name__, url_prefix="/examiner/exams")


@bp.before_request
def check_role() -> Response | None:
    """Admit examiners."""
    return admit(EXAMINER)


@bp.get("")
def exams() -> str:
    """List the exams."""
    found = form_reports.exams(actor())
    exams = [(exam, _parts(plan_of(exam))) for exam in found]
    return render_template("examiner/exams.html", exams=exams, parts=PARTS)


def _parts(plan: ExamPlan) -> list[tuple[str, ExamBlueprint]]:
    """Return the parts of an exam in the order in which people take them."""
    return [(name, blueprint) for part in PARTS for name, blueprint in plan.parts.items() if name == part]


@bp.get("/<code>")
def exam(code: str) -> str:
    """Show an exam: blueprint, forms with their numbers, overlap and cut scores of each part."""
    found = exam_by_code(code)
    plan = plan_of(found)
    shown = [
        {
            "name": part, "blueprint": blueprint, "cuts": form_reports.cuts_of(actor(), found, part),
            "reports": form_reports.reports_of(actor(), found, part),
            "overlaps": form_reports.overlaps(forms_of(found, part)),
        }
        for part, blueprint in _parts(plan)
    ]  # fmt: skip
    return render_template(
        "examiner/exam.html", exam=found, plan=plan, shown=shown, parts=PARTS, item_types=ITEM_TYPES,
        abilities=form_reports.ABILITIES,
    )  # fmt: skip


class AssembleForm(BaseForm):
    """Which part to build forms for, what to call them, and the seed from which every draw follows."""

    part = RadioField(_l("Part"), [InputRequired(_l("Choose a part"))])
    codes = StringField(
        _l("Codes of the new forms"),
        [
            InputRequired(_l("Enter one code for each form, such as A B")),
            Regexp(r"^\s*[A-Za-z0-9-]{1,20}([\s,]+[A-Za-z0-9-]{1,20}){0,9}\s*$",
                   message=_l("Enter 1 to 10 codes of letters, digits and hyphens, with spaces between them")),
        ],
    )  # fmt: skip
    seed = IntegerField(
        _l("Seed"), [InputRequired(_l("Enter a whole number")), NumberRange(0, 2**31, _l("Enter a number from 0 up"))]
    )


@bp.route("/<code>/assemble", methods=["GET", "POST"])
def assemble(code: str) -> str | Response:
    """Build forms from blueprint and bank; constraints that clash are named above the form."""
    found = exam_by_code(code)
    form = AssembleForm(part=request.args.get("part"))
    form.part.choices = [SelectChoice(part, PARTS[part]) for part, _ in _parts(plan_of(found))]
    wanted = list(dict.fromkeys((form.codes.data or "").replace(",", " ").split()))
    if form.do(
        lambda chosen: store_forms(actor(), found, chosen, at=clock.now()),
        first=lambda: choose_forms(actor(), found, form.part.data, wanted, seed=form.seed.data),
    ):
        flash(gettext("Forms were assembled: %(codes)s", codes=", ".join(wanted)))
        return redirect(url_for(".exam", code=code))
    return render_template("examiner/assemble.html", form=form, exam=found)


class CutForm(BaseForm):
    """A new pass mark on the ability scale and how it was found."""

    part = RadioField(_l("Part"), [InputRequired(_l("Choose a part"))])
    theta = FloatField(
        _l("Ability at the cut (theta)"),
        [InputRequired(_l("Enter a number such as -0.6")), NumberRange(-6, 6, _l("Enter a number from -6 to 6"))],
    )
    method = StringField(
        _l("Method"), [InputRequired(_l("Say how the cut was found")), Length(max=80, message=_l("Use 80 characters"))]
    )


@bp.route("/<code>/cut", methods=["GET", "POST"])
def cut(code: str) -> str | Response:
    """Decide a new cut score; results scored before keep theirs."""
    found = exam_by_code(code)
    form = CutForm(part=request.args.get("part"))
    form.part.choices = [SelectChoice(part, PARTS[part]) for part, _ in _parts(plan_of(found))]
    if form.do(
        lambda: decide_cut(actor(), found, form.part.data, form.theta.data, form.method.data.strip(), at=clock.now())
    ):
        flash(gettext("The cut score was decided. It counts for results that are scored from now on."))
        return redirect(url_for(".exam", code=code))
    return render_template("examiner/cut.html", form=form, exam=found)


@bp.get("/<code>/forms/<part>/<form_code>")
def exam_form(code: str, part: str, form_code: str) -> str:
    """List the items of a form in their order."""
    found = form_reports.exam_form(actor(), exam_by_code(code), part, form_code)
    contents = [(slot, ItemContent.from_json(slot.item_version.content)) for slot in found.slots]
    return render_template(
        "examiner/exam_form.html", exam_form=found, contents=contents, parts=PARTS, item_types=ITEM_TYPES,
        area_titles=plan_of(found.exam).areas,
    )  # fmt: skip


@bp.get("/<code>/forms/<part>/<form_code>/print")
def print_form(code: str, part: str, form_code: str) -> str:
    """Show a form as a paper to print, in the page's language, with or without its key."""
    found = form_reports.exam_form(actor(), exam_by_code(code), part, form_code)
    return render_template(
        "examiner/print_form.html", exam_form=found, sheets=printed(found), parts=PARTS, lang=str(get_locale()),
        with_key="key" in request.args,
    )  # fmt: skip
