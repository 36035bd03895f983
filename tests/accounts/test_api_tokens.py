from datetime import timedelta

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey
from sqlalchemy import func, select

from examapp.accounts import api_tokens
from examapp.accounts.api_tokens import ASSERTION_TYPE, TokenRequest
from examapp.accounts.models import AccessToken, ApiClient, UsedAssertion
from examapp.canonical import canonical_bytes
from examapp.db import db
from examapp.errors import NotAllowed, NotAuthenticated
from tests import makers

AUDIENCE = "http://127.0.0.1:8000/oauth/token"
KEY = ECKey.generate_key("P-256")
ED_KEY = OKPKey.generate_key("Ed25519")


@pytest.fixture
def registered(app) -> ApiClient:
    return make_client(KEY)


def make_client(key, scopes: str = "results.ack results.read") -> ApiClient:
    client = ApiClient(name="Center", public_jwk=key.as_dict(private=False), scopes=scopes, created_at=makers.AT)
    db.session.add(client)
    db.session.commit()
    return client


def claims(client: ApiClient, at, **overrides: object) -> dict:
    usual = {"iss": client.id, "sub": client.id, "aud": AUDIENCE, "jti": "one", "exp": int(at.timestamp()) + 300}
    return {name: value for name, value in (usual | overrides).items() if value is not None}


def assertion(values: dict, key=KEY, **header: object) -> str:
    head = {"alg": "ES256", "typ": "JWT", **header}
    return jws.serialize_compact(head, canonical_bytes(values), key, registry=api_tokens._Registry(
        algorithms=[head["alg"]]))  # fmt: skip


def ask(signed: str, at, scope: str = "", **overrides: str):
    request = {"grant_type": "client_credentials", "assertion_type": ASSERTION_TYPE} | overrides
    return api_tokens.grant(TokenRequest(assertion=signed, scope=scope, **request), AUDIENCE, at=at)


def refusal(signed: str, at) -> str:
    with pytest.raises(NotAuthenticated) as caught:
        ask(signed, at)
    return str(caught.value)


def test_signed_assertion_gives_a_token_of_ten_minutes_that_is_stored_as_a_digest(registered, at):
    token = ask(assertion(claims(registered, at)), at)
    assert (token.scopes, token.expires_in) == ("results.ack results.read", 600)
    assert token.value not in db.session.scalar(select(AccessToken.token_digest))
    assert api_tokens.client_of(token.value, "results.read", at=at).id == registered.id


def test_token_ends_after_ten_minutes(registered, at):
    token = ask(assertion(claims(registered, at)), at)
    with pytest.raises(NotAuthenticated):
        api_tokens.client_of(token.value, "results.read", at=at + timedelta(minutes=10))


def test_assertion_counts_once(registered, at):
    signed = assertion(claims(registered, at))
    ask(signed, at)
    assert "used before" in refusal(signed, at)
    assert db.session.scalar(select(func.count()).select_from(AccessToken)) == 1


def test_replay_is_refused_for_as_long_as_the_assertion_could_pass_its_own_expiry(registered, at):
    signed = assertion(claims(registered, at))
    ask(signed, at)
    last = at + timedelta(seconds=300) + api_tokens.CLOCK_DIFFERENCE - timedelta(seconds=1)
    api_tokens.forget_expired(at=last)
    assert "used before" in refusal(signed, last)


def test_two_requests_with_one_assertion_at_once_give_one_token(registered, at):
    """What a read before the insert would miss: the row is there when the second one writes."""
    signed = assertion(claims(registered, at))
    row = UsedAssertion(client_id=registered.id, jti="one", expires_at=at)
    db.session.add(row)
    db.session.flush()
    assert "used before" in refusal(signed, at)


def test_expired_rows_are_forgotten(registered, at):
    ask(assertion(claims(registered, at)), at)
    api_tokens.forget_expired(at=at + timedelta(minutes=11))
    assert db.session.scalar(select(func.count()).select_from(UsedAssertion)) == 0
    assert db.session.scalar(select(func.count()).select_from(AccessToken)) == 0


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"aud": "https://other.example/oauth/token"}, "aud"),
        ({"aud": [AUDIENCE, "https://other.example"]}, "aud"),
        ({"aud": None}, "aud"),
        ({"iss": "other"}, "iss"),
        ({"sub": "other"}, "unknown client"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": "x" * 201}, "jti"),
        ({"jti": 7}, "jti"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 10}, "expired"),
        ({"exp": 2**35}, "ahead"),
        ({"nbf": 2**35}, "not valid yet"),
        ({"iat": 2**35}, "not valid yet"),
    ],
    ids=str,
)
def test_claim_that_does_not_hold_is_refused(registered, at, changes, why):
    assert why in refusal(assertion(claims(registered, at, **changes)), at)


def test_signature_of_another_key_is_refused(registered, at):
    refusal(assertion(claims(registered, at), ECKey.generate_key("P-256")), at)


def test_hmac_with_the_registered_public_key_is_refused(registered, at):
    secret = OctKey.import_key(canonical_bytes(registered.public_jwk))
    refusal(assertion(claims(registered, at), secret, alg="HS256"), at)


def test_assertion_without_signature_is_refused(registered, at):
    head, body, _ = assertion(claims(registered, at)).split(".")
    refusal(f"{head}.{body}.", at)
    refusal(f"eyJhbGciOiJub25lIn0.{body}.", at)


@pytest.mark.parametrize("header", [{"kid": "another"}, {"typ": "vc+jwt"}, {"jwk": {"kty": "EC"}}], ids=str)
def test_header_with_anything_but_the_registered_key_is_refused(registered, at, header):
    with pytest.raises(NotAuthenticated):
        ask(jws.serialize_compact({"alg": "ES256", **header}, canonical_bytes(claims(registered, at)), KEY), at)


@pytest.mark.parametrize("name", ["EdDSA", "Ed25519"])
def test_ed25519_key_signs_under_both_of_its_names(app, at, name):
    client = make_client(ED_KEY)
    assert ask(assertion(claims(client, at), ED_KEY, alg=name), at).value


def test_deactivated_client_gets_no_token_and_loses_those_it_has(registered, at):
    token = ask(assertion(claims(registered, at)), at)
    registered.is_active = False
    assert "unknown client" in refusal(assertion(claims(registered, at, jti="two")), at)
    with pytest.raises(NotAuthenticated):
        api_tokens.client_of(token.value, "results.read", at=at)


def test_scope_that_was_not_asked_for_is_not_covered(registered, at):
    token = ask(assertion(claims(registered, at)), at, scope="results.read")
    with pytest.raises(NotAllowed) as caught:
        api_tokens.client_of(token.value, "results.ack", at=at)
    assert caught.value.code == "token.scope"


@pytest.mark.parametrize("scope", ["roster.write", "results.read unknown", "results.read results.read", "RESULTS.READ"])
def test_scope_that_the_client_does_not_have_is_refused_and_not_dropped(registered, at, scope):
    with pytest.raises(api_tokens.InvalidTokenRequest) as caught:
        ask(assertion(claims(registered, at)), at, scope=scope)
    assert caught.value.parameters["error"] == "invalid_scope"


@pytest.mark.parametrize("changes", [{"grant_type": "password"}, {"assertion_type": ""}], ids=str)
def test_other_ways_to_ask_are_refused(registered, at, changes):
    with pytest.raises(api_tokens.InvalidTokenRequest):
        ask(assertion(claims(registered, at)), at, **changes)


@pytest.mark.parametrize("text", ["", "a.b.c", "é", "e30.e30.e30", "..", "e30.W10.e30"])
def test_text_that_is_no_assertion_is_refused_and_not_an_accident(registered, at, text):
    refusal(text, at)


@pytest.mark.parametrize("token", ["", "unknown", "é" * 50])
def test_unknown_token_is_refused(app, at, token):
    with pytest.raises(NotAuthenticated):
        api_tokens.client_of(token, "results.read", at=at)
