"""Papers as they are handed out: plain to whoever sits, compressed, and encrypted to whoever waits for the start.

The encrypted paper may be fetched hours before: it is AES-256-GCM with a key that follows from the service's secret and
the paper's digest, and says nothing without that key, which comes with the start. Its name holds the SHA-256 of its
bytes, so it never changes under that name.
"""

import gzip
import hashlib
import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from examapp.db import db
from examapp.delivery import paper
from examapp.delivery.once import once
from examapp.errors import N_, NotFound
from examapp.exams.models import ExamForm

_NONCE_BYTES = 12


@dataclass(frozen=True)
class SealedPaper:
    """A form's paper in every form in which it is sent; `ciphertext` begins with its nonce."""

    name: str
    part: str
    digest: str
    key: bytes
    content: bytes
    compressed: bytes
    ciphertext: bytes


# a paper never changes; a service hands out few of them at a time
@once(32)
def of_form(exam_form_id: str, secret: str) -> SealedPaper:
    """Return the published paper of a form, sealed with the service's secret."""
    published = paper.of_form(exam_form_id)
    # whoever fetches a paper in the lobby has the slots read before the bell
    paper.seats(exam_form_id)
    key = _derive(b"key", published.digest, secret)
    nonce = _derive(b"nonce", published.digest, secret)[:_NONCE_BYTES]
    ciphertext = nonce + AESGCM(key).encrypt(nonce, published.content, None)
    return SealedPaper(
        name=f"{exam_form_id}-{hashlib.sha256(ciphertext).hexdigest()}",
        part=db.session.get_one(ExamForm, exam_form_id).part,
        digest=published.digest,
        key=key,
        content=published.content,
        compressed=gzip.compress(published.content, mtime=0),
        ciphertext=ciphertext,
    )


def named(name: str, secret: str) -> SealedPaper:
    """Return the paper of this name."""
    found = of_form(name.partition("-")[0], secret)
    if found.name != name:
        raise NotFound("paper.unknown", N_("There is no such paper."))
    return found


def name_if_published(exam_form_id: str, secret: str) -> str | None:
    """Return the name of a form's paper, None before it was published."""
    try:
        return of_form(exam_form_id, secret).name
    except NotFound:
        return None


def _derive(purpose: bytes, digest: str, secret: str) -> bytes:
    # the nonce may follow from the key's own input: each key encrypts this one text only
    return hmac.digest(secret.encode(), b"examapp paper " + purpose + b"\0" + digest.encode(), "sha256")
