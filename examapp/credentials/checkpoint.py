"""The head of the log as a C2SP checkpoint: origin, size and root in a note that an Ed25519 key signed.

Formats: c2sp.org/signed-note and c2sp.org/tlog-checkpoint. A note may carry signatures of others (witnesses); a reader
ignores those whose key it does not trust, and needs one that it does.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc.util import urlsafe_b64decode

from examapp.credentials.signing import ED25519, SigningKey
from examapp.errors import N_, Tampered

ED25519_NOTE = b"\x01"
_SIGNATURE = re.compile(r"— ([^\s+]+) (\S+)\Z")
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")


@dataclass(frozen=True)
class TreeHead:
    """How long a log was and what its root was."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The signed text of a checkpoint."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def key_hash(name: str, public: bytes) -> bytes:
    """Return the four bytes by which a note names an Ed25519 key."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519_NOTE + public).digest()[:4]


def verifier_key(name: str, jwk: Mapping[str, str]) -> str:
    """Return the verifier key line, `name+hash+key`, that other tools of signed notes read."""
    public = urlsafe_b64decode(jwk["x"].encode())
    return f"{name}+{key_hash(name, public).hex()}+{base64.b64encode(ED25519_NOTE + public).decode()}"


def sign_note(text: str, name: str, key: SigningKey) -> str:
    """Return `text` as a note signed under `name`."""
    private = key.key.private_key
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError("notes are signed with Ed25519")
    stamp = key_hash(name, private.public_key().public_bytes_raw()) + private.sign(text.encode())
    return f"{text}\n— {name} {base64.b64encode(stamp).decode()}\n"


def open_note(note: str, name: str, trusted_keys: Iterable[Mapping[str, str]]) -> str:
    """Return the text of a note that one of the trusted Ed25519 keys signed under `name`; else raise `Tampered`."""
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise Tampered("checkpoint.malformed", N_("This is not a signed note."))
    text += "\n"
    public_keys = [urlsafe_b64decode(jwk["x"].encode()) for jwk in trusted_keys if jwk.get("crv") == ED25519]
    for line in signatures[:-1].split("\n"):
        match = _SIGNATURE.match(line)
        if match is None:
            raise Tampered("checkpoint.malformed", N_("This is not a signed note."))
        if match[1] == name and any(_signs(match[2], text, name, public) for public in public_keys):
            return text
    raise Tampered("checkpoint.signature", N_("No trusted key signed this note as %(name)s."), name=name)


def _signs(stamp: str, text: str, name: str, public: bytes) -> bool:
    raw = strict_base64(stamp)
    if raw is None or raw[:4] != key_hash(name, public):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], text.encode())
    except InvalidSignature:
        return False
    return True


def open_checkpoint(note: str, origin: str, trusted_keys: Iterable[Mapping[str, str]]) -> TreeHead:
    """Return the tree head in a checkpoint that a trusted key signed for the log called `origin`."""
    lines = open_note(note, origin, trusted_keys).split("\n")
    root = strict_base64(lines[2]) if len(lines) >= 4 else None
    if root is None or len(root) != 32 or lines[0] != origin or not _SIZE.match(lines[1]):
        raise Tampered("checkpoint.malformed", N_("The signed note is not a checkpoint of %(origin)s."), origin=origin)
    return TreeHead(origin, int(lines[1]), root)


def strict_base64(text: str) -> bytes | None:
    """Return the bytes of standard base64 text, or None unless this is the one way to write them."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.b64encode(raw).decode() == text else None
