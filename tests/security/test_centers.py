"""What center staff can type, and what of another center they can reach."""

from datetime import datetime

import pytest
from sqlalchemy import select

from examapp.accounts import access
from examapp.accounts.access import OPERATOR
from examapp.accounts.models import User
from examapp.accounts.people import add_user
from examapp.db import db
from examapp.errors import InvalidInput
from examapp.exams.models import Administration, Registration
from tests import makers
from tests.cast import Cast

EC = '{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}'
ROSTERS = {
    "mark of direction": "u1\tab\u202ecd", "invisible look-alike": "li\u200b.ming\tLi", "control": "u1\tA\x1b[31m",
    "long cell": "u1\t" + "x" * 200_000, "long number": "u1\tLi\tS\t" + "0" * 9 + "9" * 5000,
    "number behind zeros": "u1\tLi\tS\t0000000009999", "wide minutes": "u1\tLi\tS\t１０",
    "too many": "\n".join(f"u{number}\tLi" for number in range(2001)),
}  # fmt: skip
KEYS = (
    EC, EC.replace(',"y":"AAAA"', ""), EC.replace("AAAA", "<script>"), "[" * 50_000, '{"kty":"EC","kty":"OKP"}', "NaN",
    '{"kty":"OKP","crv":"Ed25519","x":"\\ud800"}', '{"kty":"oct","k":"AAAA"}',
    '{"kty":"EC","crv":"P-256","d":"A","x":"A"}',
)  # fmt: skip


@pytest.mark.feature("A7")
def test_a_roster_that_hides_something_is_refused_whole(cast: Cast):
    administration = makers.make_administration()
    for name, table in ROSTERS.items():
        page = cast.center.post(f"/center/administrations/{administration.id}/roster", table="ok\tZhang\n" + table)
        assert (name, page.status_code, "error-summary" in page.text) == (name, 200, True)
    assert db.session.scalar(select(Registration)) is None


def test_a_window_outside_this_century_is_refused(cast: Cast):
    exam_form = makers.make_exam_form()
    for opens_at, closes_at in (("0001-01-01T00:00", "2026-05-20T10:00"), ("2026-05-20T10:00", "9999-12-31T23:59")):
        page = cast.center.post(
            f"/center/administrations/new/{exam_form.exam.code}/theory", opens_at=opens_at, closes_at=closes_at,
            minutes="60", forms=exam_form.code,
        )  # fmt: skip
        assert (page.status_code, db.session.scalar(select(Administration))) == (200, None)


def test_what_is_no_public_key_is_refused(cast: Cast):
    for key in KEYS:
        page = cast.center.post("/center/clients/new", name="Registry", public_jwk=key, scopes="results.read")
        assert (key, page.status_code) == (key, 200)


def test_a_program_cannot_be_given_a_scope_that_is_none(cast: Cast):
    page = cast.center.post("/center/clients/new", name="R", public_jwk=EC, scopes=["results.read", "account.manage"])
    assert page.status_code == 200


@pytest.mark.feature("A6")
def test_staff_without_a_center_may_do_nothing_and_cannot_be_added(app, at: datetime):
    adrift = makers.make_user("center")
    assert not any(access.may(adrift, permission) for permission in access.PERMISSIONS)
    with pytest.raises(InvalidInput) as refusal:
        add_user(OPERATOR, username="adrift", name="A", role="center", password=makers.PASSWORD, at=at)
    assert [field for field, _ in refusal.value.problems] == ["center"]


@pytest.mark.feature("A6")
def test_what_has_no_center_is_out_of_every_centers_reach(cast: Cast):
    sitting = makers.make_sitting(makers.make_registration(cast.trainee.user, center_id=None))
    for page in ("", "/time", "/void"):
        assert cast.center.get(f"/center/sittings/{sitting.public_id}{page}").status_code == 404


@pytest.mark.parametrize("name", ["a\u202eb", "a\u200bb", "a\x07b", "a\u2028b"])
def test_nobody_is_added_under_a_name_that_hides_something(app, at: datetime, name: str):
    for fields in ({"username": name, "name": "A"}, {"username": "u", "name": name}):
        with pytest.raises(InvalidInput):
            add_user(OPERATOR, **fields, role="trainee", password=makers.PASSWORD, at=at)
    assert db.session.scalar(select(User)) is None
