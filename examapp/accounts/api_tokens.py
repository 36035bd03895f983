"""Access of programs: a signed assertion (RFC 7523, `private_key_jwt`) for a token of ten minutes with exact scopes.

The key that a center registered decides the algorithm. An assertion counts once: its row in `used_assertion` decides,
and is kept until the assertion could no longer pass its own expiry. Tokens are stored as digests only.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry
from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError

from examapp.accounts.models import AccessToken, ApiClient, UsedAssertion
from examapp.canonical import digest_of_bytes, loads
from examapp.db import db
from examapp.errors import N_, InvalidInput, NotAllowed, NotAuthenticated

TOKEN_LIFE = timedelta(minutes=10)
LONGEST_ASSERTION = timedelta(minutes=10)
CLOCK_DIFFERENCE = timedelta(seconds=30)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = {"EC": ("ES256",), "OKP": ("Ed25519", "EdDSA")}


class InvalidTokenRequest(InvalidInput):
    """A token request that RFC 6749 answers with 400; `error` in its parameters is the RFC's own code."""

    status = 400


class _Registry(JWSRegistry):
    """The library warns of EdDSA, the old name of Ed25519, which most clients still send."""

    def get_alg(self, name: str) -> Any:
        if name not in (self.allowed or ()):
            raise JoseError(f"{name} is not allowed")
        return self.algorithms[name]


@dataclass(frozen=True)
class TokenRequest:
    """What a client posts to the token endpoint."""

    grant_type: str
    assertion_type: str
    assertion: str
    scope: str = ""


@dataclass(frozen=True)
class Token:
    """A new token; only the client ever sees `value`."""

    value: str
    scopes: str
    expires_in: int


def grant(request: TokenRequest, audience: str, *, at: datetime) -> Token:
    """Return a token for the client whose assertion, made for `audience`, holds and was not used before."""
    if request.grant_type != "client_credentials":
        message = N_("The grant type must be client_credentials.")
        raise InvalidTokenRequest("token.grant_type", message, error="unsupported_grant_type")
    if request.assertion_type != ASSERTION_TYPE:
        message = N_("Prove who you are with client_assertion_type %(type)s.")
        raise InvalidTokenRequest("token.assertion_type", message, type=ASSERTION_TYPE, error="invalid_request")
    client, claims = _authenticate(request.assertion, audience, at)
    scopes = _scopes(client, request.scope)
    _use_once(client, claims)
    token = secrets.token_urlsafe(32)
    row = AccessToken(
        token_digest=digest_of_bytes(token.encode()), client_id=client.id, scopes=scopes, expires_at=at + TOKEN_LIFE
    )
    db.session.add(row)
    return Token(token, scopes, int(TOKEN_LIFE.total_seconds()))


def forget_expired(*, at: datetime) -> None:
    """Delete tokens and used assertions that could not be used any more anyway."""
    db.session.execute(delete(AccessToken).where(AccessToken.expires_at <= at))
    db.session.execute(delete(UsedAssertion).where(UsedAssertion.expires_at <= at))


def client_of(token: str, scope: str, *, at: datetime) -> ApiClient:
    """Return the client behind a bearer token that covers `scope`."""
    row = db.session.get(AccessToken, digest_of_bytes(token.encode()))
    if row is None or row.expires_at <= at or not row.client.is_active:
        message = N_("The access token is missing, unknown or expired. Ask for a new one at /oauth/token.")
        raise NotAuthenticated("token.invalid", message, error="invalid_token")
    if scope not in row.scopes.split():
        message = N_("This token does not cover %(scope)s.")
        raise NotAllowed("token.scope", message, scope=scope, error="insufficient_scope")
    return row.client


def _authenticate(assertion: str, audience: str, at: datetime) -> tuple[ApiClient, dict[str, Any]]:
    try:
        header, claims = _unverified(assertion)
        client = db.session.get(ApiClient, str(claims.get("sub")))
        if client is None or not client.is_active:
            raise ValueError("unknown client")
        _check_signature(assertion, header, client.public_jwk)
        _check_claims(claims, client, audience, at)
    except (ValueError, TypeError, KeyError, RecursionError, JoseError) as error:
        raise _not_the_client(str(error)) from error
    return client, claims


def _not_the_client(why: str) -> NotAuthenticated:
    message = N_("The client assertion does not hold: %(why)s.")
    return NotAuthenticated("token.assertion", message, why=why, error="invalid_client")


def _unverified(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    parts = jws.extract_compact(assertion.encode())
    claims = loads(parts.payload)
    if not isinstance(claims, dict):
        raise ValueError("the claims are not an object")
    return parts.headers(), claims


def import_public(jwk: dict[str, str]) -> ECKey | OKPKey:
    """Return the key that a client registered; `ValueError`, `KeyError` or `JoseError` if it is none."""
    members: dict[str, str | list[str]] = {name: jwk[name] for name in ("kty", "crv", "x", "y") if name in jwk}
    return ECKey.import_key(members) if jwk["kty"] == "EC" else OKPKey.import_key(members)


def _check_signature(assertion: str, header: dict[str, Any], jwk: dict[str, str]) -> None:
    key = import_public(jwk)
    if not set(header) <= {"alg", "kid", "typ"} or header.get("typ", "JWT") not in ("JWT", "client-authentication+jwt"):
        raise ValueError("its header may hold alg, kid and typ JWT, nothing else")
    if "kid" in header and header["kid"] not in (jwk.get("kid"), key.thumbprint()):
        raise ValueError("its kid is not that of the registered key")
    jws.deserialize_compact(assertion, key, registry=_Registry(algorithms=ALGORITHMS[jwk["kty"]]))


def _check_claims(claims: dict[str, Any], client: ApiClient, audience: str, at: datetime) -> None:
    if claims.get("iss") != client.id:
        raise ValueError("iss and sub must both be the client's id")
    if claims.get("aud") not in (audience, [audience]):
        raise ValueError(f"aud must be {audience} alone")
    if not isinstance(claims.get("jti"), str) or not 1 <= len(claims["jti"]) <= 200:
        raise ValueError("jti must be text of 1 to 200 characters")
    expiry = _instant(claims.get("exp"))
    if expiry + CLOCK_DIFFERENCE <= at:
        raise ValueError("it has expired")
    if expiry > at + LONGEST_ASSERTION + CLOCK_DIFFERENCE:
        raise ValueError("exp may be ten minutes ahead at most")
    if any(_instant(claims[name]) > at + CLOCK_DIFFERENCE for name in ("nbf", "iat") if name in claims):
        raise ValueError("it is not valid yet; compare your clock")


def _instant(seconds: object) -> datetime:
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds < 2**36:
        raise ValueError("exp, nbf and iat are numbers of seconds since 1970")
    return datetime.fromtimestamp(seconds, UTC)


def _scopes(client: ApiClient, asked: str) -> str:
    known, wanted = client.scopes.split(), asked.split() if asked else client.scopes.split()
    unknown = [scope for scope in wanted if scope not in known]
    if unknown or len(set(wanted)) != len(wanted):
        message = N_("This client may not ask for %(scope)s.")
        raise InvalidTokenRequest("token.unknown_scope", message, scope=asked, error="invalid_scope")
    return " ".join(wanted)


def _use_once(client: ApiClient, claims: dict[str, Any]) -> None:
    row = {"client_id": client.id, "jti": claims["jti"], "expires_at": _instant(claims["exp"]) + CLOCK_DIFFERENCE}
    try:
        with db.session.begin_nested():
            db.session.execute(insert(UsedAssertion), row)
    except IntegrityError as error:
        raise _not_the_client("it was used before") from error
