import pytest

from examapp.accounts import people
from examapp.accounts.access import OPERATOR
from examapp.accounts.sign_in import authenticate
from examapp.db import db
from examapp.errors import InvalidInput, NotAllowed, Refused
from tests import makers


@pytest.fixture
def staff(app):
    return makers.make_user("center", center_id=makers.make_center().id)


def add(actor, username="li.ming", center_id="own", password=None):
    return people.add_trainee(
        actor, username=username, name="李明", password=password or people.new_password(),
        center_id=actor.center_id if center_id == "own" else center_id, at=makers.AT,
    )  # fmt: skip


def test_new_password_opens_the_account_that_it_was_made_for(staff):
    password = people.new_password()
    trainee = add(staff, password=password)
    db.session.flush()
    assert authenticate(" LI.MING", password.text, at=makers.AT) is trainee


def test_new_passwords_differ_and_have_no_letter_that_looks_like_another():
    texts = [people.new_password().text for _ in range(3)]
    assert len(set(texts)) == 3
    assert not set("".join(texts)) & set("ilo01")


def test_center_staff_add_trainees_only_to_their_own_center(staff):
    with pytest.raises(NotAllowed):
        add(staff, center_id=makers.make_center().id)


@pytest.mark.parametrize("role", ["trainee", "examiner"])
def test_nobody_else_adds_trainees(app, role):
    with pytest.raises(NotAllowed):
        add(makers.make_user(role))


def test_user_name_is_taken_however_it_is_typed(staff):
    add(staff)
    with pytest.raises(Refused) as refusal:
        add(staff, "ＬI.Ming ")
    assert refusal.value.code == "user.exists"


def test_everything_wrong_with_a_person_is_named_at_once(app):
    with pytest.raises(InvalidInput) as refusal:
        people.add_user(OPERATOR, username="", name=" ", role="king", password="short", at=makers.AT)
    assert [field for field, _ in refusal.value.problems] == ["username", "name", "role", "password"]


def test_center_is_found_by_its_code(app):
    center = people.add_center(OPERATOR, "beijing-01", "北京考点", "Beijing center")
    db.session.flush()
    assert people.center_by_code("beijing-01") is center
    with pytest.raises(Refused):
        people.add_center(OPERATOR, "beijing-01", "北京", "Beijing")
