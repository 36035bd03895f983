"""What the closed sittings of an exam's part gave and earned: people by item versions, versions never mixed."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select

from examapp.banks.models import ItemVersion
from examapp.db import db
from examapp.delivery.models import Sitting, StoredResponse
from examapp.delivery.state import EXPIRED, SUBMITTED
from examapp.exams.administrations import rehearsed
from examapp.exams.exam_forms import forms_of
from examapp.exams.models import Exam, ExamForm, FormSlot
from examapp.scoring.models import Mark

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
# which sittings belong to statistics
COUNTED = Sitting.status.in_((SUBMITTED, EXPIRED)) & Sitting.registration_id.not_in(rehearsed())


@dataclass(frozen=True)
class PartAnswers:
    """The marks that count of N people on J item versions.

    `scores` (N, J) holds categories, NaN where a person's form lacks the item; `earned` (N, J) the same in points;
    `highest` (J,) each version's highest category; `form` (N,) the position of each person's form in `forms`.
    """

    exam: Exam
    part: str
    forms: tuple[ExamForm, ...]
    versions: tuple[ItemVersion, ...]
    sitting_ids: Whole
    form: npt.NDArray[np.intp]
    scores: Floats
    earned: Floats
    highest: npt.NDArray[np.intp]

    def slot_of(self, form: int, column: int) -> FormSlot | None:
        """Return the slot that a form gives to the version in a column; None where the form lacks it."""
        wanted = self.versions[column].id
        return next((slot for slot in self.forms[form].slots if slot.item_version_id == wanted), None)


def answers_of(exam: Exam, part: str) -> PartAnswers:
    """Return the newest marks of every sitting of a part that was handed in or ran out of time."""
    forms = tuple(forms_of(exam, part))
    versions = {slot.item_version_id: slot.item_version for form in forms for slot in form.slots}
    columns = {version_id: column for column, version_id in enumerate(sorted(versions))}
    sittings = _sittings(forms)
    ids, form = np.array([row[0] for row in sittings], dtype=np.int64), np.array([row[1] for row in sittings], np.intp)
    scores, earned = np.full((2, len(ids), len(columns)), np.nan)
    highest = np.ones(len(columns), dtype=np.intp)
    for number, each in enumerate(forms):
        for slot, marks in _by_slot(_marks(each)).items():
            place = next(own for own in each.slots if own.number == slot)
            column, rows = columns[place.item_version_id], np.searchsorted(ids, marks[:, 0])
            scores[rows, column], highest[column] = marks[:, 2], marks[:, 3].max()
            earned[rows, column] = float(place.points) * marks[:, 2] / marks[:, 3]
        # a sitting that nobody has marked yet belongs to no statistic
        form[(form == number) & ~np.isfinite(scores).any(axis=1)] = -1
    marked = form >= 0
    ordered = tuple(versions[version_id] for version_id in columns)
    return PartAnswers(exam, part, forms, ordered, ids[marked], form[marked], scores[marked], earned[marked], highest)


def _sittings(forms: tuple[ExamForm, ...]) -> list[tuple[int, int]]:
    """Return id and position of the form of each closed sitting, by id."""
    places = {form.id: place for place, form in enumerate(forms)}
    query = select(Sitting.id, Sitting.exam_form_id).where(Sitting.exam_form_id.in_(places), COUNTED)
    return [(row.id, places[row.exam_form_id]) for row in db.session.execute(query.order_by(Sitting.id))]


def _marks(form: ExamForm) -> Whole:
    """Return sitting, slot, category and highest of each mark of a form, a corrected mark behind the one before."""
    query = (
        select(Mark.sitting_id, Mark.slot, Mark.category, Mark.highest)
        .join(Sitting, Sitting.id == Mark.sitting_id)
        .where(Sitting.exam_form_id == form.id, COUNTED)
        .order_by(Mark.slot, Mark.sitting_id, Mark.number)
    )
    rows = [tuple(row) for row in db.session.execute(query)]
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


def _by_slot(marks: Whole) -> dict[int, Whole]:
    slots, first = np.unique(marks[:, 1], return_index=True)
    return dict(zip(slots.tolist(), np.split(marks, first[1:]), strict=True)) if len(marks) else {}


def values_of(answers: PartAnswers, column: int) -> list[Any]:
    """Return each person's response to one item version as it was stored; None without one, or not seen."""
    place = {sitting_id: row for row, sitting_id in enumerate(answers.sitting_ids.tolist())}
    values: list[Any] = [None] * len(place)
    for number, form in enumerate(answers.forms):
        slot = answers.slot_of(number, column)
        if slot is None:
            continue
        query = (
            select(StoredResponse.sitting_id, StoredResponse.value)
            .join(Sitting, Sitting.id == StoredResponse.sitting_id)
            .where(Sitting.exam_form_id == form.id, StoredResponse.slot == slot.number)
        )
        for sitting_id, value in db.session.execute(query):
            if sitting_id in place:
                values[place[sitting_id]] = json.loads(value)
    return values


def marked_people(version: ItemVersion) -> list[tuple[Exam, str, int]]:
    """Return each part of an exam in which people were marked on an item version, with how many."""
    query = (
        select(ExamForm.exam_id, ExamForm.part, func.count())
        .select_from(FormSlot)
        .join(ExamForm, ExamForm.id == FormSlot.exam_form_id)
        .join(Sitting, Sitting.exam_form_id == ExamForm.id)
        .join(Mark, (Mark.sitting_id == Sitting.id) & (Mark.slot == FormSlot.number) & (Mark.number == 1))
        .where(FormSlot.item_version_id == version.id, COUNTED)
        .group_by(ExamForm.exam_id, ExamForm.part)
        .order_by(ExamForm.exam_id, ExamForm.part)
    )
    return [(db.session.get_one(Exam, row[0]), row[1], row[2]) for row in db.session.execute(query)]
