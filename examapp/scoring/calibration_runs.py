"""Responses of many sittings to new item parameters, on the scale that the exam already has."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select

from examapp.accounts import access
from examapp.banks import parameters
from examapp.canonical import decimal_string
from examapp.db import db, new_id
from examapp.delivery.models import Sitting
from examapp.errors import N_, Refused
from examapp.exams.administrations import rehearsed
from examapp.exams.exam_forms import plan_of
from examapp.exams.models import Exam, ExamForm, FormSlot
from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.irt import Items
from examapp.scoring.models import CalibrationRun, Mark

FEWEST_RESPONSES = 100


@dataclass(frozen=True)
class Answers:
    """Score categories of people × item versions, NaN where an item was not seen."""

    scores: npt.NDArray[np.float64]
    item_version_ids: list[str]


def answers_of(exam: Exam, part: str) -> Answers:
    """Return the marks of a part's closed sittings, save rehearsals, for items with enough responses to calibrate."""
    newest = (
        select(Mark.sitting_id, Mark.slot, func.max(Mark.number).label("number"))
        .group_by(Mark.sitting_id, Mark.slot)
        .subquery()
    )
    query = (
        select(Mark.sitting_id, FormSlot.item_version_id, Mark.category)
        .join(
            newest,
            (Mark.sitting_id == newest.c.sitting_id) & (Mark.slot == newest.c.slot) & (Mark.number == newest.c.number),
        )
        .join(Sitting, Sitting.id == Mark.sitting_id)
        .join(ExamForm, ExamForm.id == Sitting.exam_form_id)
        .join(FormSlot, (FormSlot.exam_form_id == ExamForm.id) & (FormSlot.number == Mark.slot))
        .where(ExamForm.exam_id == exam.id, ExamForm.part == part, Sitting.registration_id.not_in(rehearsed()))
        .order_by(Mark.sitting_id)
    )
    rows = db.session.execute(query).all()
    people = {sitting_id: place for place, sitting_id in enumerate(dict.fromkeys(row[0] for row in rows))}
    items = {version_id: place for place, version_id in enumerate(sorted({row[1] for row in rows}))}
    scores = np.full((len(people), len(items)), np.nan)
    for sitting_id, version_id, category in rows:
        scores[people[sitting_id], items[version_id]] = category
    enough = np.isfinite(scores).sum(axis=0) >= FEWEST_RESPONSES
    return Answers(scores[:, enough], [each for each, is_in in zip(items, enough, strict=True) if is_in])


def run(actor: access.Actor, exam: Exam, part: str, *, at: datetime) -> CalibrationRun:
    """Calibrate the items of a part from its sittings; results from now on use the new parameters.

    Models stay those of the stored parameters (Rasch, partial credit). The calibration's own origin is the population's
    mean; it is shifted so that the mean threshold equals that of the parameters before (mean/mean linking, Kolen &
    Brennan 2014, ch. 6), so the pass mark keeps its meaning. What does not converge is refused and changes nothing.
    """
    access.require(actor, "calibration.run")
    scale, answers = plan_of(exam).scale, answers_of(exam, part)
    if not answers.item_version_ids:
        message = N_("No item has %(fewest)s responses yet.")
        raise Refused("calibration.too_few", message, fewest=FEWEST_RESPONSES)
    before = parameters.items_on_scale(answers.item_version_ids, scale)
    found = calibrate(answers.scores, list(before.model), categories=before.categories, start=before)
    if not found.converged:
        message = N_("The calibration did not converge in %(cycles)s cycles; nothing was changed.")
        raise Refused("calibration.not_converged", message, cycles=found.cycles)
    shift = float(np.nanmean(before.b) - np.nanmean(found.items.b))
    linked = Items.of(before.model, a=found.items.a, b=found.items.b + shift, c=found.items.c, d=found.items.d)
    stored = CalibrationRun(
        id=new_id(), scale=scale, model="+".join(sorted(set(before.model))), run_at=at,
        settings={"exam": exam.code, "part": part, "linking": "mean/mean", "fewest_responses": FEWEST_RESPONSES},
        report=_report(found, answers, shift),
    )  # fmt: skip
    db.session.add(stored)
    source = f"calibration {stored.id}"
    parameters.store(actor, answers.item_version_ids, linked, scale, source=source, at=at)
    return stored


def _report(found: Any, answers: Answers, shift: float) -> dict[str, Any]:
    return {
        "people": len(answers.scores), "items": len(answers.item_version_ids), "converged": True,
        "cycles": int(found.cycles), "log_likelihood": decimal_string(found.log_likelihood),
        "population_mean": decimal_string(float(found.mean[0]) + shift),
        "population_sd": decimal_string(float(found.sd[0])), "shift": decimal_string(shift),
    }  # fmt: skip


def population(scale: str) -> tuple[str, str]:
    """Return mean and standard deviation of the trainees on a scale, as decimal strings; standard normal at first."""
    query = select(CalibrationRun).where(CalibrationRun.scale == scale).order_by(CalibrationRun.run_at.desc()).limit(1)
    newest = db.session.scalar(query)
    return (newest.report["population_mean"], newest.report["population_sd"]) if newest else ("0.0", "1.0")
