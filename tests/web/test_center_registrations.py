import re

import pytest
from sqlalchemy import func, select

from examapp.accounts.people import user_named
from examapp.accounts.sign_in import authenticate
from examapp.db import db
from examapp.exams.models import Administration, Registration
from tests import makers
from tests.cast import Cast, register

PAGES = "/center/administrations"


@pytest.fixture
def administration(cast: Cast) -> Administration:
    return makers.make_administration()


def registered() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Registration)) or 0


def paste(cast: Cast, administration: Administration, *lines: str) -> str:
    return cast.center.post(f"{PAGES}/{administration.id}/roster", table="\r\n".join(lines)).text


@pytest.mark.feature("A7")
def test_pasted_table_registers_everybody_and_shows_new_passwords_once(
    cast: Cast, administration: Administration
) -> None:
    page = paste(
        cast, administration, "用户名\t姓名\t座位\t加时", "zhang.xuan\t张瑄䶮\tA01\t30", "mai\t买买提·艾力\tA02"
    )
    password = re.findall(r">([a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4})<", page)[0]
    assert authenticate("zhang.xuan", password, at=makers.AT).name == "张瑄䶮"
    assert registered() == 2
    listed = cast.center.get(f"{PAGES}/{administration.id}").text
    assert "买买提·艾力" in listed
    assert password not in listed


@pytest.mark.feature("A7")
def test_every_wrong_line_is_named_and_nothing_is_imported(cast: Cast, administration: Administration) -> None:
    page = paste(cast, administration, "one,一,A01,5", ",二,A02", "three,三,A03,many", "four,四,A01")
    assert all(f"Line {line}: " in page for line in (2, 3, 4))
    assert "Line 1: " not in page
    assert (registered(), user_named("one")) == (0, None)


def test_table_that_was_typed_stays_on_the_page_when_it_is_wrong(cast: Cast, administration: Administration) -> None:
    assert "three,三,A03,many" in paste(cast, administration, "three,三,A03,many")


def test_one_trainee_with_an_account_is_registered_by_user_name(cast: Cast, administration: Administration) -> None:
    fields = {"username": cast.trainee.user.username.upper(), "name": "", "seat": "C7", "extra_minutes": ""}
    page = cast.center.post(f"{PAGES}/{administration.id}/register", **fields).text
    assert "as before" in page
    assert registered() == 1


def test_trainee_of_another_center_is_not_taken_over(cast: Cast, administration: Administration) -> None:
    fields = {"username": cast.trainee.user.username, "name": "", "seat": "", "extra_minutes": ""}
    page = cast.other_center.post(f"{PAGES}/{administration.id}/register", **fields).text
    assert "somebody who is not a trainee of this center" in page
    assert registered() == 0


@pytest.mark.feature("A6")
def test_center_sees_only_its_own_registrations(cast: Cast, administration: Administration) -> None:
    register(cast.trainee, administration=administration)
    address = f"{PAGES}/{administration.id}"
    assert cast.trainee.user.username in cast.center.get(address).text
    assert cast.trainee.user.username not in cast.other_center.get(address).text
