import pytest

from examapp.accounts.access import OPERATOR
from examapp.errors import NotAllowed, NotFound
from examapp.scoring import marking, overview, results
from examapp.scoring.models import Result
from tests import makers


@pytest.fixture
def examiner(app):
    return makers.make_user("examiner")


def numbers(standing):
    return (
        standing.registered, standing.started, standing.running, standing.closed, standing.scored, standing.released
    )  # fmt: skip


def make_result(**numbers):
    return Result(**{"scaled": "60.0", "probability": "0.9500", **numbers})


def test_standing_counts_people_sittings_and_results(examiner):
    administration = makers.make_administration()
    people = [makers.make_registration(makers.make_user(), administration) for _ in range(4)]
    makers.make_result(people[0])
    makers.make_sitting(people[1])
    handed_in = makers.make_sitting(people[2])
    makers.answer(handed_in, makers.RIGHT)
    marking.mark(OPERATOR, handed_in, at=makers.AT)
    results.score(OPERATOR, handed_in, at=makers.AT)
    assert numbers(overview.standing(examiner, administration)) == (4, 3, 1, 2, 2, 1)


def test_administration_without_anybody_stands_at_zero(examiner):
    administration = makers.make_administration()
    assert numbers(overview.standing(examiner, administration)) == (0,) * 6
    assert [each.administration for each in overview.standings(examiner)] == [administration]


@pytest.mark.feature("A6")
def test_center_staff_see_the_numbers_of_their_own_center(app):
    staff = makers.make_user("center", center_id=makers.make_center().id)
    administration = makers.make_administration()
    makers.make_registration(makers.make_user(), administration, center_id=staff.center_id)
    makers.make_registration(makers.make_user(), administration, center_id=makers.make_center().id)
    assert numbers(overview.standings(staff)[0])[0] == 1
    assert len(overview.outcomes(staff, administration)) == 1


def test_outcome_is_the_newest_result_and_whether_that_one_is_released(examiner):
    result = makers.make_result()
    administration = result.sitting.registration.administration
    assert [(each.result, each.is_released) for each in overview.outcomes(examiner, administration)] == [(result, True)]
    newer = results.score(OPERATOR, result.sitting, at=makers.AT)
    assert [(each.result, each.is_released) for each in overview.outcomes(examiner, administration)] == [(newer, False)]


@pytest.mark.parametrize(("probability", "is_borderline"), [("0.8999", True), ("0.9000", False), ("1.0000", False)])
def test_decision_is_borderline_below_nine_in_ten(probability, is_borderline):
    assert overview.is_borderline(make_result(probability=probability)) is is_borderline


def test_scores_fall_into_bands_of_ten_with_100_in_the_last(app):
    bands = overview.distribution([make_result(scaled=scaled) for scaled in ("0.0", "59.9", "60.0", "100.0")])
    assert [(band.low, band.high, band.count) for band in bands if band.count] == [
        (0, 10, 1), (50, 60, 1), (60, 70, 1), (90, 100, 1),
    ]  # fmt: skip


def test_trainees_see_no_standings(app):
    with pytest.raises(NotAllowed):
        overview.standings(makers.make_user())


def test_administration_that_is_not_there_is_not_found(app):
    with pytest.raises(NotFound):
        overview.administration("0" * 24)
