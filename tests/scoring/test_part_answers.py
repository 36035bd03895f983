import numpy as np
import pytest

from examapp.db import db
from examapp.scoring.models import Mark
from examapp.scoring.part_answers import answers_of, marked_people, values_of
from tests import makers


@pytest.fixture
def exam_form(app):
    """Two forms of one exam that share no item, each sat by three trainees; the first of them."""
    exam_form = makers.make_exam_form()
    makers.make_marked_sittings(exam_form, [-1.0, 0.0, 1.0])
    makers.make_marked_sittings(makers.make_exam_form(exam_form.exam), [-1.0, 0.0, 1.0], seed=2)
    return exam_form


def test_people_are_marked_on_their_own_form_only(exam_form):
    answers = answers_of(exam_form.exam, "theory")
    assert answers.scores.shape == (6, 8)
    assert np.isfinite(answers.scores).sum(axis=1).tolist() == [4] * 6
    assert (np.nan_to_num(answers.earned) <= 1).all()
    assert answers_of(exam_form.exam, "practical").scores.shape == (0, 0)


def test_corrected_mark_counts_instead_of_the_one_before(exam_form):
    before = answers_of(exam_form.exam, "theory")
    sitting_id, slot = int(before.sitting_ids[0]), before.forms[before.form[0]].slots[1]
    column = [version.id for version in before.versions].index(slot.item_version_id)
    db.session.add(
        Mark(sitting_id=sitting_id, slot=2, number=2, category=1, highest=2, marker="recheck", marked_at=makers.AT)
    )
    db.session.commit()
    after = answers_of(exam_form.exam, "theory")
    assert (after.scores[0, column], after.earned[0, column]) == (1.0, 0.5)


def test_values_are_those_that_earned_the_marks(exam_form):
    answers = answers_of(exam_form.exam, "theory")
    column = [version.id for version in answers.versions].index(exam_form.slots[2].item_version_id)
    seen = np.isfinite(answers.scores[:, column])
    values = values_of(answers, column)
    assert [value is None for value in values] == (~seen).tolist()
    assert [value for value in values if value is not None] == (answers.scores[seen, column] == 1).tolist()


def test_marked_people_are_counted_by_part(exam_form):
    assert marked_people(exam_form.slots[0].item_version) == [(exam_form.exam, "theory", 3)]
