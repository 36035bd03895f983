"""What an examiner reads about forms before using them: cover, difficulty, information, and items that they share."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sqlalchemy import func, select

from examapp.accounts import access
from examapp.banks.content import ItemContent
from examapp.banks.parameters import items_on_scale
from examapp.db import db
from examapp.errors import N_, NotFound
from examapp.exams.exam_forms import forms_of, plan_of
from examapp.exams.models import CutScore, Exam, ExamForm, FormSlot
from examapp.psychometrics.irt import information

ABILITIES = (-2.0, -1.0, 0.0, 1.0, 2.0)


@dataclass(frozen=True)
class FormReport:
    """The numbers of one form; `information` stands at `ABILITIES`, `at_cut` is None without a cut score."""

    exam_form: ExamForm
    points: float
    area_points: dict[str, float]
    item_types: dict[str, int]
    mean_expected_share: float
    information: tuple[float, ...]
    at_cut: float | None

    @property
    def error_at_cut(self) -> float | None:
        """The standard error of ability at the cut, 1 / sqrt(information) (Lord 1980, section 5.2)."""
        return self.at_cut**-0.5 if self.at_cut else None


@dataclass(frozen=True)
class Overlap:
    """How many items two forms share, also as a percentage of the shorter one."""

    one: str
    other: str
    shared: int
    percent: float


def exams(actor: access.Actor) -> list[Exam]:
    """Return every exam, by code."""
    access.require(actor, "bank.read")
    return list(db.session.scalars(select(Exam).order_by(Exam.code)))


def exam_form(actor: access.Actor, exam: Exam, part: str, code: str) -> ExamForm:
    """Return one form of a part."""
    access.require(actor, "bank.read")
    found = next((each for each in forms_of(exam, part) if each.code == code), None)
    if found is None:
        raise NotFound("form.unknown", N_("There is no such form."))
    return found


def cuts_of(actor: access.Actor, exam: Exam, part: str) -> list[CutScore]:
    """Return every cut score that was decided for a part, the newest, which counts, first."""
    access.require(actor, "bank.read")
    query = select(CutScore).where(CutScore.exam_id == exam.id, CutScore.part == part)
    return list(db.session.scalars(query.order_by(CutScore.number.desc())))


def reports_of(actor: access.Actor, exam: Exam, part: str) -> list[FormReport]:
    """Return a report of each form of a part, by code."""
    cuts = cuts_of(actor, exam, part)
    theta_cut = float(cuts[0].theta) if cuts else None
    return [_report(each, plan_of(exam).scale, theta_cut) for each in forms_of(exam, part)]


def _report(form: ExamForm, scale: str, theta_cut: float | None) -> FormReport:
    contents = [(slot, ItemContent.from_json(slot.item_version.content)) for slot in form.slots]
    area_points: dict[str, float] = defaultdict(float)
    for slot, content in contents:
        area_points[content.area] += float(slot.points)
    items = items_on_scale([slot.item_version_id for slot in form.slots], scale)
    abilities = np.array([*ABILITIES, *([] if theta_cut is None else [theta_cut])])
    curve = information(items, abilities).sum(axis=1)
    return FormReport(
        exam_form=form,
        points=sum(area_points.values()),
        area_points=dict(area_points),
        item_types=dict(Counter(content.type for _, content in contents)),
        mean_expected_share=float(np.mean([float(content.expected_share) for _, content in contents])),
        information=tuple(curve[: len(ABILITIES)].tolist()),
        at_cut=None if theta_cut is None else float(curve[-1]),
    )


def overlaps(forms: Sequence[ExamForm]) -> list[Overlap]:
    """Return the overlap of each pair of forms; a new version of an item counts as the same item."""
    items = {form.code: {slot.item_version.item_id for slot in form.slots} for form in forms}
    return [
        Overlap(one, other, len(items[one] & items[other]), _percent(items[one], items[other]))
        for one, other in combinations(items, 2)
    ]


def _percent(one: set[str], other: set[str]) -> float:
    shorter = min(len(one), len(other))
    return 100.0 * len(one & other) / shorter if shorter else 0.0


def forms_with(item_id: str) -> list[tuple[ExamForm, FormSlot]]:
    """Return each place that an item has in a form, by form and slot."""
    query = select(ExamForm, FormSlot).join(FormSlot, FormSlot.exam_form_id == ExamForm.id)
    rows = db.session.execute(query.where(FormSlot.item_version.has(item_id=item_id)).order_by(ExamForm.code))
    return [(form, slot) for form, slot in rows]


def offers(actor: access.Actor) -> list[tuple[Exam, str, int]]:
    """Return the parts of exams that have forms, with how many: what can be scheduled."""
    access.require(actor, "administration.schedule")
    key = (ExamForm.exam_id, ExamForm.part)
    forms = select(*key, func.count().label("forms")).group_by(*key).subquery()
    query = select(Exam, forms.c.part, forms.c.forms).join(forms, forms.c.exam_id == Exam.id)
    rows = db.session.execute(query.order_by(Exam.code, forms.c.part.desc()))
    return [(exam, part, count) for exam, part, count in rows]
