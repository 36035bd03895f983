"""Emergency answer files: what a page could not send, sealed for the service and carried to it by staff.

A file is JSON {"schema": 1, "sitting", "key_id", "nonce", "ciphertext"}, AES-256-GCM over the canonical facts
{"responses": [{"slot", "seq", "value", "client_time"}], "receipts", "saved_at"}. Its key follows from the service's
secret and the sitting, and is known to the service and to the page of that sitting only: a file that opens was made
there and was not changed on the way. What it holds is evidence, as every value that comes too late is.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from examapp.accounts import access
from examapp.canonical import digest_of_bytes, loads
from examapp.db import db
from examapp.delivery import journal, paper
from examapp.delivery.models import Sitting
from examapp.delivery.sittings import LARGEST_SEQ
from examapp.delivery.state import Kind
from examapp.errors import N_, InvalidInput

SOURCE = "emergency file"
LARGEST_FILE = 900_000
MOST_RESPONSES = 1000
_FIELDS = {"slot", "seq", "value", "client_time"}
_KEEPING = (Kind.RESPONDED, Kind.LATE)


@dataclass(frozen=True)
class EmergencyFile:
    """An opened file: the digest of its bytes, the responses in it, and how many more no item of the form can take."""

    digest: str
    responses: tuple[Mapping[str, Any], ...]
    unreadable: int


@dataclass(frozen=True)
class Kept:
    """What became of a file's responses: new ones are evidence now, the journal had others, some nobody can read."""

    new: int
    known: int
    unreadable: int


def key_of(secret: str, public_id: str) -> bytes:
    """Return the AES-256 key of a sitting's emergency files."""
    return hmac.digest(secret.encode(), b"examapp emergency file\0" + public_id.encode(), "sha256")


def key_text(secret: str, public_id: str) -> str:
    """Return the key as the page of the sitting is given it: base64url without padding."""
    return as_text(key_of(secret, public_id))


def as_text(data: bytes) -> str:
    """Return bytes as a file writes them: base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def key_id(key: bytes) -> str:
    """Return what a file calls its key: the first 16 characters of the key's SHA-256."""
    return hashlib.sha256(key).hexdigest()[:16]


def open_file(data: bytes, sitting: Sitting, secret: str) -> EmergencyFile:
    """Return what a file of this sitting holds; refuse one of another sitting, changed, or malformed."""
    if len(data) > LARGEST_FILE:
        raise _refusal("emergency.size", N_("The file is larger than an emergency answer file can be."))
    try:
        sealed = loads(data)
        schema, owner = sealed["schema"], sealed["sitting"]
        nonce, ciphertext = _decode(sealed["nonce"]), _decode(sealed["ciphertext"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise _refusal("emergency.malformed", N_("This is not an emergency answer file.")) from error
    if (schema, owner) != (1, sitting.public_id):
        raise _refusal("emergency.sitting", N_("The file belongs to another sitting."))
    content = _open(key_of(secret, sitting.public_id), sealed.get("key_id"), nonce, ciphertext)
    return EmergencyFile(digest_of_bytes(data), *_read(content, sitting.exam_form_id))


def keep(actor: access.Actor, sitting: Sitting, file: EmergencyFile, *, at: datetime) -> Kept:
    """Write what the journal does not hold yet into it as late values, which count for nothing by themselves."""
    access.require(actor, "sitting.invigilate", sitting.registration.center_id)
    head = journal.lock_one(sitting.id)
    known = _known(sitting.id)
    new = [each for each in file.responses if _identity(each) not in known]
    source = {"source": SOURCE, "file": file.digest, "actor": actor.id}
    for response in new:
        journal.append(db.session.connection(), head, Kind.LATE, at, {**response, **source})
    journal.save_head(db.session.connection(), head)
    db.session.refresh(sitting)
    return Kept(len(new), len(file.responses) - len(new), file.unreadable)


def _open(key: bytes, name: object, nonce: bytes, ciphertext: bytes) -> Any:
    if name not in (None, key_id(key)):
        raise _refusal("emergency.key", N_("The file was sealed with a key that this service no longer has."))
    try:
        return loads(AESGCM(key).decrypt(nonce, ciphertext, None))
    except (InvalidTag, ValueError) as error:
        raise _refusal(
            "emergency.changed", N_("The file was changed, or not made by the page of this sitting.")
        ) from error


def _read(content: Any, exam_form_id: str) -> tuple[tuple[Mapping[str, Any], ...], int]:
    """Return the responses by slot and number, and how many cannot be stored: one of these must not cost the others."""
    given = content.get("responses") if isinstance(content, dict) else None
    if not isinstance(given, list) or len(given) > MOST_RESPONSES:
        raise _refusal("emergency.malformed", N_("This is not an emergency answer file."))
    read = [_response(each, exam_form_id) for each in given]
    whole = {_identity(each): each for each in read if each is not None}
    return tuple(sorted(whole.values(), key=lambda each: (each["slot"], each["seq"]))), read.count(None)


def _response(given: Any, exam_form_id: str) -> Mapping[str, Any] | None:
    if not isinstance(given, dict) or given.keys() != _FIELDS:
        return None
    slot, seq, client_time = given["slot"], given["seq"], given["client_time"]
    is_whole = all(type(each) is int for each in (slot, seq)) and 1 <= seq <= LARGEST_SEQ
    if not is_whole or not (client_time is None or (isinstance(client_time, str) and len(client_time) <= 40)):
        return None
    try:
        value = paper.read_response(exam_form_id, slot, given["value"])
    except InvalidInput:
        return None
    return {"slot": slot, "seq": seq, "value": value, "client_time": client_time}


def _known(sitting_id: int) -> set[tuple[int, int, str]]:
    """Return the responses that the journal holds, counted or late."""
    events = (journal.event_of(row) for row in journal.entries(sitting_id))
    return {_identity(event.body) for event in events if event.kind in _KEEPING}


def _identity(response: Mapping[str, Any]) -> tuple[int, int, str]:
    return response["slot"], response["seq"], json.dumps(response["value"], sort_keys=True)


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _refusal(code: str, message: str) -> InvalidInput:
    return InvalidInput(code, message, [("file", message)])
