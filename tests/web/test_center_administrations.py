from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from examapp.accounts.access import OPERATOR
from examapp.db import db
from examapp.exams.models import Administration
from examapp.scoring import marking, results
from tests import makers
from tests.cast import Cast, register

FIELDS = {"opens_at": "2026-06-01T09:00", "closes_at": "2026-06-01T12:00", "minutes": "90"}


def test_times_are_those_of_clocks_in_china(cast: Cast) -> None:
    exam_form = makers.make_exam_form()
    address = f"/center/administrations/new/{exam_form.exam.code}/theory"
    assert cast.center.post(address, **FIELDS, forms=exam_form.code).status_code == 302
    scheduled = db.session.scalars(select(Administration)).one()
    assert scheduled.opens_at == datetime(2026, 6, 1, 1, 0, tzinfo=UTC)
    assert [each.exam_form_id for each in scheduled.forms] == [exam_form.id]
    assert not scheduled.is_rehearsal


@pytest.mark.feature("T22")
def test_rehearsal_is_scheduled_by_one_tick(cast: Cast) -> None:
    exam_form = makers.make_exam_form()
    address = f"/center/administrations/new/{exam_form.exam.code}/theory"
    cast.center.post(address, **FIELDS, forms=exam_form.code, is_rehearsal="y")
    assert db.session.scalars(select(Administration)).one().is_rehearsal


def test_window_that_ends_before_it_begins_is_refused_at_its_control(cast: Cast) -> None:
    exam_form = makers.make_exam_form()
    fields = {**FIELDS, "closes_at": "2026-06-01T08:00", "forms": exam_form.code}
    page = cast.center.post(f"/center/administrations/new/{exam_form.exam.code}/theory", **fields).text
    assert 'href="#closes_at"' in page
    assert "The window must end after it begins." in page


def test_time_that_is_missing_is_asked_for(cast: Cast) -> None:
    exam_form = makers.make_exam_form()
    page = cast.center.post(f"/center/administrations/new/{exam_form.exam.code}/theory", minutes="90").text
    assert "Enter the day and time of the opening" in page


def test_part_that_the_exam_has_not_is_not_found(cast: Cast) -> None:
    exam_form = makers.make_exam_form()
    assert cast.center.get(f"/center/administrations/new/{exam_form.exam.code}/oral").status_code == 404


def test_what_can_be_scheduled_is_every_part_with_forms(cast: Cast) -> None:
    exam_form = makers.make_exam_form()
    page = cast.center.get("/center/administrations/new").text
    assert f"/new/{exam_form.exam.code}/theory" in page
    assert f"/new/{exam_form.exam.code}/practical" not in page


def test_start_page_counts_the_centers_own_people(cast: Cast) -> None:
    makers.make_sitting(register(cast.trainee))
    for member, counts in ((cast.center, ["1", "1", "1", "0"]), (cast.other_center, ["0", "0", "0", "0"])):
        cells = member.get("/center/").text.split('<td class="number">')[1:]
        assert [cell.partition("<")[0] for cell in cells] == counts


@pytest.mark.feature("T22")
def test_rehearsal_says_so_to_staff_and_trainee_and_shows_its_outcome(cast: Cast) -> None:
    registration = register(cast.trainee, administration=makers.make_administration(is_rehearsal=True))
    own = f"/center/administrations/{registration.administration_id}"
    assert all("Rehearsal" in page.text for page in (cast.center.get("/center/"), cast.center.get(own)))
    assert "Rehearsal" in cast.trainee.get("/").text
    assert "This is a rehearsal" in cast.trainee.get(f"/registrations/{registration.id}/check").text
    sitting = makers.make_sitting(registration)
    assert "Rehearsal" in cast.trainee.get(f"/sittings/{sitting.public_id}").text
    makers.answer(sitting, makers.RIGHT)
    marking.mark(OPERATOR, sitting, at=makers.AT)
    result = results.score(OPERATOR, sitting, at=makers.AT)
    assert cast.trainee.get(f"/api/sittings/{sitting.public_id}/result").status_code == 200
    assert "This was a rehearsal" in cast.trainee.get(f"/results/{result.id}").text
    assert "Pass" in cast.center.get(f"{own}/results").text
