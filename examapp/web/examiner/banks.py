"""Banks and items, shown as trainees see them and as their authors wrote them."""

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import SelectChoice, SelectField, StringField

from examapp.accounts.access import EXAMINER
from examapp.banks import catalogue, preview
from examapp.banks.authoring import bank_named
from examapp.banks.content import ItemContent, StimulusContent
from examapp.banks.version_diff import field_changes
from examapp.exams.exam_forms import area_titles
from examapp.exams.form_reports import forms_with
from examapp.scoring.item_analysis import LIMITS, analyses_of
from examapp.scoring.item_figures import figures
from examapp.web import exam_words
from examapp.web.forms import BaseForm
from examapp.web.labels import COGNITIVE, ITEM_TYPES, PARTS, area_name
from examapp.web.signed_in import actor, admit

bp = Blueprint("examiner_banks", __name__, url_prefix="/examiner/banks")


@bp.before_request
def check_role() -> Response | None:
    """Admit examiners."""
    return admit(EXAMINER)


@bp.get("")
def banks() -> str:
    """List the banks."""
    found = [(bank, catalogue.entries(actor(), bank)) for bank in catalogue.banks(actor())]
    return render_template("examiner/banks.html", banks=found)


class FilterForm(BaseForm):
    """Which items of a bank to list; sent by GET, so that a list has an address."""

    class Meta:
        csrf = False

    area = SelectField(_l("Content area"))
    type = SelectField(_l("Item type"))
    text = StringField(_l("Code or words"))


@bp.get("/<code>")
def bank(code: str) -> str:
    """Show a bank: how many items it has of each kind, and those that match the filter."""
    found = bank_named(code)
    entries = catalogue.entries(actor(), found)
    counts = catalogue.counts(entries)
    form = FilterForm(request.args)
    titles = area_titles(code)
    named = [SelectChoice(area, area_name(area, titles)) for area in counts]
    form.area.choices = [SelectChoice("", _l("All areas")), *named]
    form.type.choices = [SelectChoice("", _l("All types")), *(SelectChoice(*pair) for pair in ITEM_TYPES.items())]
    shown = catalogue.matching(entries, form.area.data or "", form.type.data or "", form.text.data or "")
    return render_template(
        "examiner/bank.html", bank=found, entries=shown, total=len(entries), counts=counts, filter=form,
        item_types=ITEM_TYPES, stimuli=catalogue.stimuli(actor(), found), area_titles=titles,
    )  # fmt: skip


@bp.get("/<code>/items/<item>")
def item(code: str, item: str) -> str:
    """Show one version of an item: what trainees see, and apart from it key, reasons, numbers and history."""
    found = bank_named(code)
    version = catalogue.item_version(actor(), found, item, request.args.get("version", type=int))
    content = ItemContent.from_json(version.content)
    stimulus = catalogue.stimulus_for(actor(), found, content)
    seeds = preview.SEEDS if preview.is_parametric(content, stimulus) else preview.SEEDS[:1]
    seed = request.args.get("seed", preview.SEEDS[0], type=int)
    return render_template(
        "examiner/item.html", bank=found, version=version, content=content, stimulus=stimulus,
        preview=preview.preview(content, stimulus, abs(seed)), item_types=ITEM_TYPES, cognitive=COGNITIVE, parts=PARTS,
        draws=[(each, preview.numbers(content, stimulus, each)) for each in seeds],
        parameters=catalogue.parameters_of(version), versions=catalogue.versions_of(actor(), found, item),
        places=forms_with(version.item_id), area_titles=area_titles(code), fewest=LIMITS.fewest,
        analyses=[(each, figures(each)) for each in analyses_of(actor(), version)],
    )  # fmt: skip


@bp.get("/<code>/items/<item>/try")
def try_item(code: str, item: str) -> str:
    """Show an item in the exam page's own program, to be answered as a trainee would."""
    found = bank_named(code)
    version = catalogue.item_version(actor(), found, item, request.args.get("version", type=int))
    content = ItemContent.from_json(version.content)
    seed = abs(request.args.get("seed", preview.SEEDS[0], type=int))
    drawn = preview.preview(content, catalogue.stimulus_for(actor(), found, content), seed)
    stimuli = {content.stimulus: drawn.stimulus} if content.stimulus else {}
    return render_template(
        "examiner/try_item.html", bank=found, version=version, seed=seed, words=exam_words.in_both_languages(),
        paper={"slots": [drawn.item], "stimuli": stimuli},
    )  # fmt: skip


@bp.get("/<code>/items/<item>/changes")
def changes(code: str, item: str) -> str:
    """Compare two versions of an item, field by field; the two newest unless told."""
    found = bank_named(code)
    versions = catalogue.versions_of(actor(), found, item)
    numbers = [version.version for version in versions]
    old = request.args.get("old", numbers[min(1, len(numbers) - 1)], type=int)
    new = request.args.get("new", numbers[0], type=int)
    one, other = (catalogue.item_version(actor(), found, item, number) for number in (old, new))
    return render_template(
        "examiner/changes.html", bank=found, item=other.item, versions=versions, old=one, new=other,
        changes=field_changes(ItemContent.from_json(one.content), ItemContent.from_json(other.content)),
    )  # fmt: skip


@bp.get("/<code>/stimuli/<stimulus>")
def stimulus(code: str, stimulus: str) -> str:
    """Show a stimulus with its figure in both languages, and the items that belong to it."""
    found = bank_named(code)
    version = catalogue.stimulus_version(actor(), found, stimulus)
    seed = abs(request.args.get("seed", preview.SEEDS[0], type=int))
    own = [entry for entry in catalogue.entries(actor(), found) if entry.content.stimulus == stimulus]
    return render_template(
        "examiner/stimulus.html", bank=found, version=version, entries=own, seed=seed, seeds=preview.SEEDS,
        shown=preview.stimulus_preview(StimulusContent.from_json(version.content), seed), item_types=ITEM_TYPES,
    )  # fmt: skip
