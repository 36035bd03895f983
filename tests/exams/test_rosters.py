import pytest
from sqlalchemy import select

from examapp.accounts.people import NewPassword, user_named
from examapp.db import db
from examapp.errors import InvalidInput
from examapp.exams import rosters
from examapp.exams.models import Registration
from examapp.exams.rosters import Roster, Row
from tests import makers

PASSWORD = NewPassword(makers.PASSWORD, makers.PASSWORD_HASH)


@pytest.fixture
def staff(app):
    return makers.make_user("center", center_id=makers.make_center().id)


@pytest.fixture
def administration(app):
    return makers.make_administration()


def enrol(staff, administration, *rows):
    passwords = {row.username: PASSWORD for row in rows}
    enrolled = rosters.enrol(staff, administration, rows, passwords, at=makers.AT)
    db.session.flush()
    return enrolled


def lines_of(roster):
    return sorted(line for line, _ in roster.problems)


def lines_refused(call, *arguments):
    with pytest.raises(InvalidInput) as refusal:
        call(*arguments)
    return [line for line, _ in refusal.value.problems]


@pytest.mark.parametrize(
    "table",
    ["li.ming\t李明\tA01\t30", "li.ming,李明,A01,30", "Li.Ming，李明，A01，30",
     '用户名,姓名\nli.ming,"李明",A01,30', "\r\n\r\nli.ming\t李明\tA01\t30\r\n"],
    ids=["tabs", "commas", "wide commas", "headings and quotes", "empty lines"],
)  # fmt: skip
def test_tables_are_read_as_spreadsheets_and_people_write_them(table):
    (row,) = rosters.read(table).rows
    assert (row.username, row.name, row.seat, row.extra_minutes) == ("li.ming", "李明", "A01", 30)


def test_what_follows_the_user_name_may_be_left_out():
    assert rosters.read("li.ming") == Roster([Row(1, "li.ming")], [])


@pytest.mark.feature("A7")
def test_every_line_that_cannot_be_read_is_named():
    table = "a,一,A1,x\n,二\nc,三,A1,5,6\nd,四,A2,999\ne,五,A3\nE,六,A4\nf,七,A3\ng,八," + "座" * 21
    assert lines_of(rosters.read(table)) == ["1", "2", "3", "3", "4", "6", "7", "8"]


@pytest.mark.parametrize("table", ["", "username,name\n", "\n".join(f"t{n}" for n in range(2001))])
def test_table_without_trainees_or_with_too_many_is_refused(table):
    assert lines_of(rosters.read(table)) == ["table"]


def test_known_trainee_keeps_the_account_and_a_new_one_gets_one_at_the_center(staff, administration):
    known = makers.make_user(username="known", center_id=staff.center_id)
    first, second = enrol(staff, administration, Row(1, "known"), Row(2, "new", "张瑄䶮", "A02", 30))
    assert (first.registration.trainee, first.password) == (known, None)
    assert second.password == PASSWORD.text
    assert (user_named("new").center_id, second.registration.extra_minutes) == (staff.center_id, 30)


@pytest.mark.feature("A7", "A6")
def test_every_conflict_is_named_and_nothing_is_registered(staff, administration):
    makers.make_user(username="elsewhere", center_id=makers.make_center().id)
    makers.make_user("examiner", username="examiner")
    here = makers.make_user(username="here", center_id=staff.center_id)
    makers.make_registration(here, administration, center_id=staff.center_id, seat="A01")
    makers.make_user(username="other.name", name="王芳", center_id=staff.center_id)
    rows = [
        Row(1, "elsewhere"), Row(2, "examiner"), Row(3, "here"), Row(4, "other.name", "李明"), Row(5, "no.name"),
        Row(6, "seated", "李明", "A01"), Row(7, "fine", "李明"),
    ]  # fmt: skip
    assert lines_refused(enrol, staff, administration, *rows) == ["1", "2", "3", "4", "5", "6"]
    assert len(db.session.scalars(select(Registration)).all()) == 1
    assert user_named("fine") is None


@pytest.mark.feature("A7")
def test_what_cannot_be_read_and_what_conflicts_are_named_together(staff, administration):
    makers.make_user("examiner", username="examiner")
    roster = rosters.read("li.ming,李明,A01,many\nexaminer,李明,A01\nfine,李明")
    assert lines_refused(rosters.check, staff, administration, roster) == ["1", "2", "2"]


def test_passwords_are_made_only_for_those_without_an_account(staff):
    makers.make_user(username="known")
    assert list(rosters.new_passwords([Row(1, "known"), Row(2, "new", "李明")])) == ["new"]


def test_neighbors_get_different_forms(staff):
    exam = makers.make_exam()
    forms = [makers.make_exam_form(exam) for _ in range(2)]
    administration = makers.make_administration(forms[0])
    administration.forms.append(makers.AdministrationForm(number=2, exam_form=forms[1]))
    enrolled = enrol(staff, administration, *(Row(n, f"t{n}", "李明") for n in range(1, 5)))
    given = [each.registration.exam_form_id for each in enrolled]
    assert given == [forms[0].id, forms[1].id] * 2
