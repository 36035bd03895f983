"""Tickets: signed statements of who may do what in a sitting, checked without session or database.

A sitting ticket names a sitting; a place ticket names the sittings that were prepared for a trainee's registrations, so
that they can be started. Both are `base64url(JSON).base64url(HMAC-SHA256)`, name the epoch (the committer refuses an
older one) and until when they are good, and count only beside the CSRF token of the browser session they were given to.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer

from examapp.errors import N_, NotAllowed

# a signature that held once holds again; so many browsers are remembered, others are checked anew
REMEMBERED = 16_384
_SITTING, _PLACES = b"examapp sitting ticket\0", b"examapp place ticket\0"


@dataclass(frozen=True)
class Ticket:
    """What a sitting ticket says."""

    sitting_id: int
    exam_form_id: str
    epoch: int
    csrf_digest: str
    expires: int


@dataclass(frozen=True)
class PreparedPlace:
    """The sitting that was prepared for a registration."""

    registration_id: str
    sitting_id: int
    exam_form_id: str
    epoch: int


@dataclass(frozen=True)
class PlaceTicket:
    """What a place ticket says."""

    places: tuple[PreparedPlace, ...]
    csrf_digest: str
    expires: int

    def place(self, registration_id: object) -> PreparedPlace | None:
        """Return the place of a registration."""
        return next((each for each in self.places if each.registration_id == registration_id), None)


def csrf_digest(session_token: str) -> str:
    """Return what a ticket keeps of the secret token in a browser session."""
    return hashlib.sha256(session_token.encode()).hexdigest()[:32]


@lru_cache(maxsize=REMEMBERED)
def csrf_digest_of(csrf_token: str, secret: str) -> str:
    """Return the digest of the session token that a CSRF token was made of; `NotAllowed` for what we did not make.

    A session gives out many CSRF tokens, each with another time in it; all of them stand for the one session token.
    """
    try:
        return csrf_digest(_csrf_serializer(secret).loads(csrf_token))
    except (BadSignature, AttributeError) as error:
        raise wrong_csrf() from error


def check_csrf(csrf_token: str, digest: str, secret: str) -> None:
    """Refuse a CSRF token that was not made of the session token with this digest."""
    if csrf_digest_of(csrf_token, secret) != digest:
        raise wrong_csrf()


def csrf_token(session_token: str, secret: str) -> str:
    """Return a CSRF token as pages carry it."""
    return str(_csrf_serializer(secret).dumps(session_token))


@lru_cache(maxsize=4)
def _csrf_serializer(secret: str) -> URLSafeTimedSerializer:
    # the form that Flask-WTF gives its tokens
    return URLSafeTimedSerializer(secret, salt="wtf-csrf-token")


def wrong_csrf() -> NotAllowed:
    """Return the refusal of a request without a CSRF token of its session."""
    return NotAllowed("csrf.failed", N_("The CSRF token is missing or old. Read /api/session again."))


def wrong_ticket() -> NotAllowed:
    """Return the refusal of a ticket that is not good, or not for this."""
    return NotAllowed("sitting.ticket", N_("Sign in again to go on with this sitting."))


def sign(ticket: Ticket, secret: str) -> str:
    """Return a sitting ticket as the text of a cookie."""
    fields = [f"{ticket.sitting_id:016x}", ticket.exam_form_id, ticket.epoch, ticket.csrf_digest, ticket.expires]
    return _sign(fields, _SITTING, secret)


def check(text: str, secret: str, *, at: datetime) -> Ticket:
    """Return what a sitting ticket says; `NotAllowed` unless it was signed here and is still good."""
    ticket = _read(text, secret)
    if ticket.expires < at.timestamp():
        raise wrong_ticket()
    return ticket


@lru_cache(maxsize=REMEMBERED)
def _read(text: str, secret: str) -> Ticket:
    sitting, exam_form_id, epoch, csrf, expires = _open(text, _SITTING, secret)
    return Ticket(int(sitting, 16), exam_form_id, epoch, csrf, expires)


def sign_places(ticket: PlaceTicket, secret: str) -> str:
    """Return a place ticket as the text of a cookie."""
    places = [
        [each.registration_id, f"{each.sitting_id:016x}", each.exam_form_id, each.epoch] for each in ticket.places
    ]
    return _sign([places, ticket.csrf_digest, ticket.expires], _PLACES, secret)


def check_places(text: str, secret: str, *, at: datetime) -> PlaceTicket:
    """Return what a place ticket says; `NotAllowed` unless it was signed here and is still good."""
    places, csrf, expires = _open(text, _PLACES, secret)
    if expires < at.timestamp():
        raise wrong_ticket()
    found = tuple(PreparedPlace(registration, int(sitting, 16), *rest) for registration, sitting, *rest in places)
    return PlaceTicket(found, csrf, expires)


def _sign(fields: list[Any], label: bytes, secret: str) -> str:
    payload = _encode(json.dumps(fields, separators=(",", ":")).encode())
    return f"{payload}.{_mac(payload, label, secret)}"


def _open(text: str, label: bytes, secret: str) -> Any:
    payload, _, mac = text.partition(".")
    # the text is compared, not the bytes it stands for: a ticket has one form
    if not hmac.compare_digest(mac.encode(), _mac(payload, label, secret).encode()):
        raise wrong_ticket()
    try:
        return json.loads(_decode(payload))
    except (ValueError, binascii.Error) as error:
        raise wrong_ticket() from error


def _mac(payload: str, label: bytes, secret: str) -> str:
    # a key of its own for each kind: a ticket must never pass for another signed value of the service
    key = hashlib.sha256(label + secret.encode()).digest()
    return _encode(hmac.digest(key, payload.encode(), "sha256"))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
