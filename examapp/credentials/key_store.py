"""Private keys on disk and public keys in the database: create, replace, load, publish.

One file per private key, readable by its owner only, in a folder that the database backup does not include. Three uses:
`record` signs result records (ES256), `log` signs checkpoints (Ed25519), and a secret turns trainees into pseudonyms.
The private file of a replaced key is deleted; its public half stays, so what it signed verifies for ever.
"""

import hmac
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from sqlalchemy import select

from examapp.accounts import access
from examapp.credentials import signing
from examapp.credentials.models import PublicKey
from examapp.credentials.signing import SigningKey
from examapp.db import db
from examapp.errors import N_, InvalidInput, Refused

RECORD, LOG = "record", "log"
ALGORITHMS = {RECORD: signing.ES256, LOG: signing.ED25519}
PSEUDONYM_FILE = "pseudonym.secret"


@dataclass(frozen=True)
class KeyStore:
    """Where private keys lie, and the address and log name for which they sign."""

    folder: Path
    public_url: str
    origin: str

    @property
    def issuer(self) -> str:
        """The did:web of the service's public address."""
        address = urlsplit(self.public_url)
        path = address.path.strip("/")
        return "did:web:" + quote(address.netloc, safe="") + (":" + path.replace("/", ":") if path else "")


@dataclass(frozen=True)
class Keys:
    """What issuing needs: the present signing keys, under whose name, and the secret behind pseudonyms."""

    issuer: str
    origin: str
    record: SigningKey
    log: SigningKey
    pseudonym_secret: bytes

    def pseudonym(self, trainee_id: str) -> str:
        """Return the trainee's pseudonym: a UUID of version 8 from an HMAC, the same in every record."""
        raw = hmac.digest(self.pseudonym_secret, trainee_id.encode(), sha256)[:16]
        number = int.from_bytes(raw) & ~(0xF << 76) & ~(0x3 << 62) | (0x8 << 76) | (0x2 << 62)
        return f"urn:uuid:{UUID(int=number)}"


def create(actor: access.Actor, store: KeyStore, use: str, *, at: datetime) -> PublicKey:
    """Create a key for `use` that signs as soon as the caller has committed its public half.

    The private file is written before that: a crash leaves an unused file, never a published key without its private
    one. Afterwards the caller lets `forget_replaced` delete the files that sign no more.
    """
    access.require(actor, "key.manage")
    if use not in ALGORITHMS:
        raise InvalidInput("key.use", N_("A key is for %(uses)s."), uses=", ".join(ALGORITHMS))
    key = signing.generate(ALGORITHMS[use])
    kid = f"{store.issuer}#{signing.thumbprint(key)}"
    _write_secret(_path(store.folder, use, kid), key.as_pem(private=True))
    jwk = signing.published_jwk(key, ALGORITHMS[use], kid)
    row = PublicKey(kid=kid, use=use, algorithm=ALGORITHMS[use], jwk=jwk, created_at=at)
    db.session.add(row)
    db.session.flush()
    return row


def create_missing(actor: access.Actor, store: KeyStore, *, at: datetime) -> list[PublicKey]:
    """Create the keys and the pseudonym secret that the service does not have yet."""
    access.require(actor, "key.manage")
    secret = store.folder / PSEUDONYM_FILE
    if not secret.exists():
        _write_secret(secret, secrets.token_bytes(32))
    return [create(actor, store, use, at=at) for use in ALGORITHMS if newest(use) is None]


def forget_replaced(actor: access.Actor, store: KeyStore) -> int:
    """Delete the private files of keys that sign no more, and return how many there were."""
    access.require(actor, "key.manage")
    present = {_path(store.folder, use, row.kid) for use in ALGORITHMS if (row := newest(use)) is not None}
    replaced = [path for path in store.folder.glob("*-*.pem") if path not in present]
    for path in replaced:
        path.unlink()
    return len(replaced)


def load(store: KeyStore) -> Keys:
    """Return the present keys; `Refused` names what is missing and the remedy."""
    try:
        secret = (store.folder / PSEUDONYM_FILE).read_bytes()
    except OSError as error:
        raise _missing(store) from error
    return Keys(store.issuer, store.origin, _load_key(store, RECORD), _load_key(store, LOG), secret)


def newest(use: str) -> PublicKey | None:
    """Return the public half of the key that signs now."""
    query = select(PublicKey).where(PublicKey.use == use).order_by(PublicKey.created_at.desc(), PublicKey.kid.desc())
    return db.session.scalar(query.limit(1))


def public_keys() -> list[PublicKey]:
    """Return all public keys, the oldest first; none is ever taken away while what it signed is valid."""
    return list(db.session.scalars(select(PublicKey).order_by(PublicKey.created_at, PublicKey.kid)))


def jwks() -> dict[str, Any]:
    """Return the JWK set that the service publishes."""
    return {"keys": [row.jwk for row in public_keys()]}


def trusted_keys() -> dict[str, dict[str, str]]:
    """Return the published keys by id."""
    return {row.kid: row.jwk for row in public_keys()}


def did_document(issuer: str) -> dict[str, Any]:
    """Return the did:web document: every key as a verification method for assertions."""
    methods = [
        {"id": row.kid, "type": "JsonWebKey", "controller": issuer, "publicKeyJwk": row.jwk} for row in public_keys()
    ]
    context = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"]
    return {
        "@context": context, "id": issuer, "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
    }  # fmt: skip


def _load_key(store: KeyStore, use: str) -> SigningKey:
    row = newest(use)
    if row is None:
        raise _missing(store)
    try:
        key = signing.key_from_pem(_path(store.folder, use, row.kid).read_bytes(), row.algorithm)
    except (OSError, ValueError) as error:
        raise _missing(store) from error
    if not row.kid.endswith("#" + signing.thumbprint(key)):
        raise _missing(store)
    return SigningKey(row.kid, row.algorithm, key)


def _missing(store: KeyStore) -> Refused:
    message = N_("A private key is missing in %(folder)s; create it with: examapp keys create")
    return Refused("keys.missing", message, folder=str(store.folder))


def _path(folder: Path, use: str, kid: str) -> Path:
    return folder / f"{use}-{kid.rpartition('#')[2]}.pem"


def _write_secret(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read, and return once it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
