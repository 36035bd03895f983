"""Exam forms as they are stored: what a form's digest covers, and the cut score of a part."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from examapp.accounts import access
from examapp.canonical import decimal_string, digest
from examapp.db import db
from examapp.errors import N_, NotFound
from examapp.exams.blueprint import ExamPlan, Title
from examapp.exams.models import CutScore, Exam, ExamForm, FormSlot


def content_of(exam_form: ExamForm) -> dict[str, Any]:
    """Return everything that makes a form what it is; its digest is what papers, journals and records name."""
    return {
        "schema": 1,
        "exam": exam_form.exam.code,
        "part": exam_form.part,
        "code": exam_form.code,
        "slots": [_slot(slot) for slot in exam_form.slots],
    }


def _slot(slot: FormSlot) -> dict[str, Any]:
    version = slot.item_version
    return {
        "slot": slot.number,
        "item": version.item.code,
        "version": version.version,
        "digest": version.digest,
        "stimulus": slot.stimulus_version.digest if slot.stimulus_version else None,
        "points": slot.points,
        "variant": slot.variant,
        "option_order": slot.option_order,
    }


def digest_of(exam_form: ExamForm) -> str:
    """Return the digest of a form's content."""
    return digest(content_of(exam_form))


def exam_by_code(code: str) -> Exam:
    """Return the exam with this code."""
    exam = db.session.scalar(select(Exam).where(Exam.code == code))
    if exam is None:
        raise NotFound("exam.unknown", N_("There is no exam with the code %(code)s."), code=code)
    return exam


def plan_of(exam: Exam) -> ExamPlan:
    """Return an exam's plan as it was imported."""
    return ExamPlan.model_validate(exam.plan)


def area_titles(bank_code: str) -> dict[str, Title]:
    """Return what the exams that draw on a bank call its content areas, by code."""
    plans = [plan_of(exam) for exam in db.session.scalars(select(Exam).order_by(Exam.code))]
    return {code: title for plan in plans if plan.bank == bank_code for code, title in plan.areas.items()}


def forms_of(exam: Exam, part: str) -> list[ExamForm]:
    """Return the forms of one part, by code."""
    query = select(ExamForm).where(ExamForm.exam_id == exam.id, ExamForm.part == part).order_by(ExamForm.code)
    return list(db.session.scalars(query))


def import_plan(actor: access.Actor, plan: ExamPlan) -> Exam:
    """Store an exam's plan; an exam that is known takes the new plan for the forms still to come."""
    access.require(actor, "form.assemble")
    exam = db.session.scalar(select(Exam).where(Exam.code == plan.code))
    if exam is None:
        exam = Exam(code=plan.code)
        db.session.add(exam)
    exam.field, exam.level = plan.field, plan.level
    exam.title_zh, exam.title_en = plan.title.zh, plan.title.en
    exam.plan = _without_floats(plan.model_dump(mode="json"))
    return exam


def _without_floats(value: Any) -> Any:
    if isinstance(value, float):
        return decimal_string(value)
    if isinstance(value, dict):
        return {key: _without_floats(inner) for key, inner in value.items()}
    return [_without_floats(inner) for inner in value] if isinstance(value, list) else value


def decide_cut(actor: access.Actor, exam: Exam, part: str, theta: float, method: str, *, at: datetime) -> CutScore:
    """Store a new pass mark of a part on the exam's ability scale; results scored before keep theirs."""
    access.require(actor, "cut.decide")
    last = db.session.scalar(
        select(func.max(CutScore.number)).where(CutScore.exam_id == exam.id, CutScore.part == part)
    )
    cut = CutScore(
        exam_id=exam.id, part=part, number=(last or 0) + 1, scale=plan_of(exam).scale, theta=f"{theta:.6f}",
        method=method, decided_on=at,
    )  # fmt: skip
    db.session.add(cut)
    return cut


def cut_of(exam_id: str, part: str) -> CutScore:
    """Return the pass mark of a part that counts now."""
    query = select(CutScore).where(CutScore.exam_id == exam_id, CutScore.part == part)
    cut = db.session.scalar(query.order_by(CutScore.number.desc()).limit(1))
    if cut is None:
        message = N_("No cut score is decided for the %(part)s part. Decide one before results are scored.")
        raise NotFound("cut.missing", message, part=part)
    return cut
