import json

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import select

from examapp.accounts.models import ApiClient
from examapp.db import db
from tests.cast import Cast

PAIR = ECKey.generate_key("P-256")
PUBLIC, PRIVATE = (json.dumps(PAIR.as_dict(private=private)) for private in (False, True))


def add(cast: Cast, key: str = PUBLIC, **fields: object) -> str:
    given = {"name": "Registry", "public_jwk": key, "scopes": ["results.read"], **fields}
    return cast.center.post("/center/clients/new", **given).text


@pytest.fixture
def program(cast: Cast) -> ApiClient:
    add(cast)
    return db.session.scalars(select(ApiClient)).one()


def test_program_is_added_for_the_own_center_and_listed_with_its_id(cast: Cast, program: ApiClient) -> None:
    assert (program.center_id, program.scopes) == (cast.center.user.center_id, "results.read")
    assert program.id in cast.center.get("/center/clients").text
    assert program.id not in cast.other_center.get("/center/clients").text


@pytest.mark.parametrize("key", [PRIVATE, "no JSON", '{"kty":"oct","k":"AAAA"}'], ids=["private", "text", "symmetric"])
def test_key_that_is_not_a_public_one_is_refused_at_its_control(cast: Cast, key: str) -> None:
    assert 'href="#public_jwk"' in add(cast, key)
    assert db.session.scalars(select(ApiClient)).all() == []


def test_program_that_may_do_nothing_is_refused(cast: Cast) -> None:
    assert "Choose what the program may do" in add(cast, scopes=[])


def test_deactivated_program_has_no_access_any_more(cast: Cast, program: ApiClient) -> None:
    cast.center.post(f"/center/clients/{program.id}/deactivate")
    db.session.refresh(program)
    assert not program.is_active
    assert "Deactivated" in cast.center.get("/center/clients").text


@pytest.mark.feature("A6")
def test_program_of_another_center_cannot_be_deactivated(cast: Cast, program: ApiClient) -> None:
    assert cast.other_center.post(f"/center/clients/{program.id}/deactivate").status_code == 404
    db.session.refresh(program)
    assert program.is_active
