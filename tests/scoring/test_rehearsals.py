"""A rehearsal runs like an exam; what comes out is shown at once and goes no further."""

import pytest

from examapp.accounts.access import OPERATOR
from examapp.db import db
from examapp.errors import NotFound, Refused
from examapp.scoring import calibration_runs, marking, overview, part_answers, results
from tests import makers
from tests.makers import AT

pytestmark = pytest.mark.feature("T22")


def scored(administration):
    """The result of a sitting of this administration, not released."""
    sitting = makers.make_sitting(makers.make_registration(administration=administration))
    makers.answer(sitting, makers.RIGHT)
    marking.mark(OPERATOR, sitting, at=AT)
    result = results.score(OPERATOR, sitting, at=AT)
    db.session.commit()
    return result


@pytest.fixture
def rehearsal(app):
    return scored(makers.make_administration(is_rehearsal=True))


def test_its_result_is_seen_at_once_and_that_of_an_exam_is_not(rehearsal):
    exam = scored(makers.make_administration(rehearsal.sitting.exam_form))
    assert results.released(rehearsal.sitting_id).id == rehearsal.id
    assert (results.is_released(rehearsal), results.is_released(exam)) == (True, False)
    with pytest.raises(NotFound):
        results.released(exam.sitting_id)


def test_its_score_is_that_of_an_exam(rehearsal):
    exam = scored(makers.make_administration(rehearsal.sitting.exam_form))
    assert {**rehearsal.evidence, "sitting": "", "journal": ""} == {**exam.evidence, "sitting": "", "journal": ""}


def test_its_result_waits_for_nobody_and_cannot_be_released(rehearsal):
    assert results.waiting_for_release(rehearsal.sitting.registration.administration_id) == []
    with pytest.raises(Refused):
        results.release(makers.make_user("examiner"), [rehearsal], at=AT)


def test_it_is_never_recorded_or_certified(rehearsal, config):
    exam = makers.make_result(makers.make_registration(administration=makers.make_administration()))
    issued = makers.issue(makers.make_store(config.key_folder))
    assert [entry.result_id for entry in issued.records] == [exam.id]


def test_it_is_listed_with_its_outcome(rehearsal):
    administration = rehearsal.sitting.registration.administration
    (found,) = overview.outcomes(OPERATOR, administration)
    assert (found.result.id, found.is_released) == (rehearsal.id, True)


def test_its_answers_belong_to_no_statistic_and_no_calibration(rehearsal, monkeypatch):
    form = rehearsal.sitting.exam_form
    exam = scored(makers.make_administration(form))
    assert part_answers.answers_of(form.exam, form.part).sitting_ids.tolist() == [exam.sitting_id]
    (people,) = {row[2] for row in part_answers.marked_people(form.slots[0].item_version)}
    assert people == 1
    monkeypatch.setattr(calibration_runs, "FEWEST_RESPONSES", 1)
    assert calibration_runs.answers_of(form.exam, form.part).scores.shape == (1, 4)
