"""The pull API of the examination center: tokens, records, evidence, proofs, keys; `openapi.yaml` describes it.

Records and proofs never change, so pages carry strong ETags. Checkpoints, proofs and keys are for everybody: they hold
hashes and public keys only, and strangers need them to check us.
"""

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from ruamel.yaml import YAML

from examapp import clock
from examapp.accounts import api_tokens
from examapp.accounts.api_tokens import TokenRequest
from examapp.accounts.models import ApiClient
from examapp.canonical import canonical_bytes, digest_of_bytes, utc_string
from examapp.credentials import key_store, log, pull
from examapp.credentials.key_store import KeyStore
from examapp.db import transaction
from examapp.errors import N_, InvalidInput, NotFound
from examapp.web.incoming import json_object
from examapp.web.signed_in import settings

bp = Blueprint("api", __name__)
OPENAPI = Path(__file__).resolve().parent.parent / "openapi.yaml"
USUAL_PAGE = 100


@bp.after_request
def _name_the_scheme(response: Response) -> Response:
    """Tell a client without a good token how to prove itself (RFC 6750)."""
    if response.status_code == 401:
        response.headers.setdefault("WWW-Authenticate", 'Bearer realm="examapp"')
    return response


def _client(scope: str) -> ApiClient:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return api_tokens.client_of(token.strip() if scheme.lower() == "bearer" else "", scope, at=clock.now())


def _number(name: str, default: int | None = None) -> int:
    """Return a whole number of the query string."""
    text = request.args.get(name, "" if default is None else str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise InvalidInput("query.number", N_("%(name)s must be a whole number."), name=name)
    return int(text)


def _lasting(body: bytes, mimetype: str) -> Response:
    """Return bytes with a strong ETag; 304 when the client has them."""
    response = Response(body, mimetype=mimetype)
    response.set_etag(digest_of_bytes(body))
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


@bp.post("/oauth/token")
def token() -> Response:
    """Give a client a token of ten minutes for its signed assertion."""
    form, at = request.form, clock.now()
    asked = TokenRequest(*(form.get(name, "") for name in
                           ("grant_type", "client_assertion_type", "client_assertion", "scope")))  # fmt: skip
    with transaction():
        api_tokens.forget_expired(at=at)
        given = api_tokens.grant(asked, f"{settings().public_url}/oauth/token", at=at)
    return jsonify(
        {"access_token": given.value, "token_type": "Bearer", "expires_in": given.expires_in, "scope": given.scopes}
    )


@bp.get("/v1/results")
def results() -> Response:
    """List signed records in log order after a cursor."""
    client = _client("results.read")
    page = pull.page(client, _number("after", 0), _number("limit", USUAL_PAGE))
    return _lasting(canonical_bytes(page), "application/json")


@bp.get("/v1/results/<record_id>")
def result(record_id: str) -> Response:
    """Give one signed record, byte for byte as it was logged."""
    entry = pull.entry_for(_client("results.read"), record_id)
    return _lasting(entry.record.encode(), "application/vc+jwt")


@bp.get("/v1/results/<record_id>/evidence")
def evidence(record_id: str) -> Response:
    """Give everything that recomputes the score of a record, as the canonical bytes whose digest was signed."""
    entry = pull.entry_for(_client("results.read"), record_id)
    return _lasting(canonical_bytes(entry.result.evidence), "application/json")


@bp.post("/v1/acks")
def acks() -> Response:
    """Note what a center has; the same Idempotency-Key and body give the same answer again."""
    client = _client("results.ack")
    body = json_object(("up_to", "checkpoint"))
    with transaction():
        row = pull.acknowledge(
            client, request.headers.get("Idempotency-Key", ""), body["up_to"],
            body["checkpoint"], settings().log_origin, key_store.trusted_keys(), at=clock.now(),
        )  # fmt: skip
    return jsonify({"up_to": row.up_to, "acknowledged_at": utc_string(row.acknowledged_at)})


@bp.get("/v1/checkpoint")
def checkpoint() -> Response:
    """Give the newest signed head of the log."""
    head = log.head()
    if head is None:
        raise NotFound("log.empty", N_("The log has no entries yet."))
    return _lasting(head.note.encode(), "text/plain")


@bp.get("/v1/proofs/inclusion")
def inclusion() -> Response:
    """Prove that an entry stands in the log."""
    index, size = _number("index"), _number("size")
    return _proof({"index": index, "size": size, "path": log.inclusion(index, size)})


@bp.get("/v1/proofs/consistency")
def consistency() -> Response:
    """Prove that a longer log begins with a shorter one."""
    first, second = _number("from"), _number("to")
    return _proof({"from": first, "to": second, "path": log.consistency(first, second)})


def _proof(body: dict[str, Any]) -> Response:
    return _lasting(canonical_bytes(body), "application/json")


@bp.get("/.well-known/jwks.json")
def jwks() -> Response:
    """Publish the public keys, replaced ones included."""
    return _lasting(canonical_bytes(key_store.jwks()), "application/jwk-set+json")


@bp.get("/.well-known/did.json")
def did() -> Response:
    """Publish who issues: the did:web document."""
    return _lasting(canonical_bytes(key_store.did_document(store().issuer)), "application/did+json")


def store() -> KeyStore:
    """Return where this service keeps its keys and under which names it signs."""
    config = settings()
    return KeyStore(config.key_folder, config.public_url, config.log_origin)


@bp.get("/openapi.json")
def openapi() -> Response:
    """Describe every JSON route."""
    described = current_app.extensions.get("openapi_json")
    if described is None:
        described = current_app.extensions["openapi_json"] = canonical_bytes(YAML(typ="safe").load(OPENAPI.read_text()))
    return _lasting(described, "application/json")
