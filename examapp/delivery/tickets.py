"""Sitting tickets: a signed statement of who may save what, checked without the database.

A ticket is `base64url(JSON).base64url(HMAC-SHA256)`. It names the sitting, its form, the ticket epoch (the committer
refuses an older one), the digest of the CSRF token of the browser session it was given to, and until when it is good.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime

from examapp.errors import N_, NotAllowed


@dataclass(frozen=True)
class Ticket:
    """What a ticket says."""

    sitting_id: int
    exam_form_id: str
    epoch: int
    csrf_digest: str
    expires: int


def csrf_digest(csrf_token: str) -> str:
    """Return what a ticket keeps of a CSRF token."""
    return hashlib.sha256(csrf_token.encode()).hexdigest()[:32]


def sign(ticket: Ticket, secret: str) -> str:
    """Return the ticket as the text of a cookie."""
    payload = _encode(
        json.dumps(
            [f"{ticket.sitting_id:016x}", ticket.exam_form_id, ticket.epoch, ticket.csrf_digest, ticket.expires]
        ).encode()
    )
    return f"{payload}.{_encode(_mac(payload, secret))}"


def check(text: str, secret: str, *, at: datetime) -> Ticket:
    """Return what a ticket says; `NotAllowed` unless it was signed here and is still good."""
    payload, _, mac = text.partition(".")
    refusal = NotAllowed("sitting.ticket", N_("Sign in again to go on with this sitting."))
    try:
        # the text is compared, not the bytes it stands for: a ticket has one form
        if not hmac.compare_digest(mac.encode(), _encode(_mac(payload, secret)).encode()):
            raise refusal
        sitting, exam_form_id, epoch, csrf, expires = json.loads(_decode(payload))
    except (ValueError, binascii.Error) as error:
        raise refusal from error
    if expires < at.timestamp():
        raise refusal
    return Ticket(int(sitting, 16), exam_form_id, epoch, csrf, expires)


def _mac(payload: str, secret: str) -> bytes:
    # a key of its own: a ticket must never pass for another signed value of the service
    key = hashlib.sha256(b"examapp sitting ticket\0" + secret.encode()).digest()
    return hmac.digest(key, payload.encode(), "sha256")


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
