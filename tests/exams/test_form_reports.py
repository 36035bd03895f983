import math

import pytest

from examapp.errors import NotAllowed, NotFound
from examapp.exams import form_reports
from examapp.exams.models import ExamForm, FormSlot
from tests import makers


@pytest.fixture
def examiner(app):
    return makers.make_user("examiner")


def make_rasch_form(exam, *shares):
    contents = [makers.make_content("single_choice", expected_share=share) for share in shares]
    return makers.make_exam_form(exam, contents)


def test_information_of_rasch_items_at_the_cut_is_the_sum_of_their_shares_variances(examiner):
    exam = makers.make_exam()
    make_rasch_form(exam, "0.5", "0.8")
    (report,) = form_reports.reports_of(examiner, exam, "theory")
    # at the cut an item's probability is its expected share, and Rasch information is p (1 - p)
    assert report.at_cut == pytest.approx(0.5 * 0.5 + 0.8 * 0.2, abs=1e-9)
    assert report.error_at_cut == pytest.approx(1 / math.sqrt(0.41), abs=1e-9)
    assert report.mean_expected_share == pytest.approx(0.65)


def test_points_and_types_are_counted(examiner):
    exam = makers.make_exam()
    makers.make_exam_form(exam)
    (report,) = form_reports.reports_of(examiner, exam, "theory")
    assert (report.points, report.area_points) == (4.0, {"area.one": 4.0})
    assert report.item_types == dict.fromkeys(makers.FOUR_TYPES, 1)
    assert len(report.information) == len(form_reports.ABILITIES)


@pytest.mark.feature("E12")
def test_overlap_is_a_share_of_the_shorter_form_and_sees_through_versions(examiner):
    one = makers.make_exam_form(code="A")
    other = ExamForm(exam=one.exam, part="theory", code="B", digest="", created_at=makers.AT)
    other.slots = [
        FormSlot(number=1, item_version=one.slots[0].item_version, points="1", variant={}, option_order=[]),
        FormSlot(number=2, item_version=makers.make_item_version(), points="1", variant={}, option_order=[]),
    ]
    makers.db.session.add(other)
    makers.db.session.flush()
    (overlap,) = form_reports.overlaps([one, other])
    assert (overlap.one, overlap.other, overlap.shared, overlap.percent) == ("A", "B", 1, 50.0)


def test_newest_cut_score_comes_first(examiner):
    exam = makers.make_exam()
    makers.exam_forms.decide_cut(examiner, exam, "theory", 0.25, "bookmark", at=makers.AT)
    makers.db.session.flush()
    assert [cut.method for cut in form_reports.cuts_of(examiner, exam, "theory")] == ["bookmark", "test"]


def test_form_that_is_not_there_is_not_found(examiner):
    with pytest.raises(NotFound):
        form_reports.exam_form(examiner, makers.make_exam(), "theory", "Z")


def test_places_of_an_item_are_found_over_all_forms(examiner):
    exam_form = makers.make_exam_form()
    slot = exam_form.slots[2]
    assert form_reports.forms_with(slot.item_version.item_id) == [(exam_form, slot)]


@pytest.mark.parametrize("role", ["trainee", "center"])
def test_forms_are_for_examiners_only(app, role):
    with pytest.raises(NotAllowed):
        form_reports.reports_of(makers.make_user(role), makers.make_exam(), "theory")
