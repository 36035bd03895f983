import stat
from datetime import timedelta

import pytest

from examapp.accounts.access import OPERATOR
from examapp.credentials import key_store, signing
from examapp.credentials.key_store import KeyStore
from examapp.db import db
from examapp.errors import InvalidInput, NotAllowed, Refused
from tests import makers

LATER = makers.AT + timedelta(days=1)


def sign_with(store: KeyStore) -> str:
    return signing.sign(b"{}", key_store.load(store).record, "vc+jwt")


def test_missing_keys_are_created_once(store):
    assert {row.use for row in key_store.public_keys()} == {"record", "log"}
    assert key_store.create_missing(OPERATOR, store, at=LATER) == []


def test_private_files_are_for_their_owner_only(store):
    assert {stat.S_IMODE(path.stat().st_mode) for path in store.folder.iterdir()} == {0o600}
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


def test_published_keys_have_no_private_part(store):
    assert all(set(key) <= {"kty", "crv", "x", "y", "kid", "alg", "use"} for key in key_store.jwks()["keys"])


def test_what_a_replaced_key_signed_still_verifies_and_it_signs_no_more(store):
    old = sign_with(store)
    key_store.create(OPERATOR, store, "record", at=LATER)
    db.session.commit()
    assert key_store.forget_replaced(OPERATOR, store) == 1
    new = sign_with(store)
    assert signing.read_header(old)["kid"] != signing.read_header(new)["kid"]
    for token in (old, new):
        signing.verify(token, key_store.trusted_keys(), algorithm=signing.ES256, typ="vc+jwt")
    assert len(list(store.folder.glob("record-*.pem"))) == 1


def test_key_created_in_a_transaction_that_failed_does_not_sign(store):
    before = key_store.load(store).record.kid
    key_store.create(OPERATOR, store, "record", at=LATER)
    db.session.rollback()
    assert key_store.load(store).record.kid == before


def test_missing_private_key_is_named_with_the_remedy(store):
    next(store.folder.glob("log-*.pem")).unlink()
    with pytest.raises(Refused, match="examapp keys create"):
        key_store.load(store)


def test_private_file_of_another_key_is_not_taken(store):
    path = next(store.folder.glob("record-*.pem"))
    path.write_bytes(signing.generate(signing.ES256).as_pem(private=True))
    with pytest.raises(Refused):
        key_store.load(store)


def test_only_the_operator_creates_keys_and_only_for_known_uses(store):
    with pytest.raises(NotAllowed):
        key_store.create(makers.make_user("center"), store, "record", at=LATER)
    with pytest.raises(InvalidInput):
        key_store.create(OPERATOR, store, "badge", at=LATER)


def test_pseudonym_is_a_uuid_that_is_the_same_every_time_and_differs_between_people(keys):
    assert keys.pseudonym("a") == keys.pseudonym("a")
    assert keys.pseudonym("a") != keys.pseudonym("b")
    assert keys.pseudonym("a")[23] == "8"


@pytest.mark.parametrize(
    ("address", "did"),
    [
        ("https://exam.example", "did:web:exam.example"),
        ("http://127.0.0.1:8000", "did:web:127.0.0.1%3A8000"),
        ("https://example.org/exam/service", "did:web:example.org:exam:service"),
    ],
)
def test_issuer_is_the_did_of_the_public_address(tmp_path, address, did):
    assert KeyStore(tmp_path, address, "o").issuer == did
