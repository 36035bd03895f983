"""Somebody else's verifier, `stranger.py BUNDLE JWKS`: `cryptography`, the standard library, and nothing of ours."""

import base64
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256


def unpad(text):
    return only("-_", text + "=" * (-len(text) % 4))


def only(last_two, text):
    """The last character has bits that mean nothing: of the texts for the same bytes only one is right."""
    raw = base64.b64decode(text, altchars=last_two.encode(), validate=True)
    if base64.b64encode(raw, altchars=last_two.encode()).decode() != text:
        raise ValueError("base64 that is not the only way to write it")
    return raw


def canonical(value):
    """RFC 8785 for JSON without fractions: keys in the order of their UTF-16 code units."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float):
        raise ValueError("a number that is not whole")
    return json.dumps(value, ensure_ascii=False)


def open_record(token, keys):
    head, body, signature = token.split(".")
    header, raw = json.loads(unpad(head)), unpad(signature)
    if header["alg"] != "ES256" or header["typ"] != "vc+jwt":
        raise ValueError(f"header {header}")
    jwk = {key["kid"]: key for key in keys if key["crv"] == "P-256"}[header["kid"]]
    numbers = ec.EllipticCurvePublicNumbers(*(int.from_bytes(unpad(jwk[axis])) for axis in "xy"), ec.SECP256R1())
    der = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    numbers.public_key().verify(der, f"{head}.{body}".encode(), ec.ECDSA(SHA256()))
    return json.loads(unpad(body))["credentialSubject"]


def open_checkpoint(note, origin, keys):
    text, _, line = note.rpartition("\n\n")
    name, stamp = line.removeprefix("— ").split()
    raw, (first, size, root) = only("+/", stamp), text.split("\n")
    for jwk in keys:
        public = unpad(jwk["x"])
        if jwk["crv"] == "Ed25519" and hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4] == raw[:4]:
            ed25519.Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], f"{text}\n".encode())
            if first == name == origin:
                return int(size), only("+/", root)
    raise ValueError("no trusted key signed the checkpoint")


def root_of(leaf, index, size, path):
    """RFC 9162, 2.1.3.2."""
    reached, last = hashlib.sha256(b"\x00" + leaf).digest(), size - 1
    for step in map(bytes.fromhex, path):
        if index & 1 or index == last:
            reached = hashlib.sha256(b"\x01" + step + reached).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            reached = hashlib.sha256(b"\x01" + reached + step).digest()
        index, last = index >> 1, last >> 1
    return reached if last == 0 else None


def verify(bundle, keys):
    subject = open_record(bundle["record"], keys)
    yield "signature", True
    digest = "sha256:" + hashlib.sha256(canonical(bundle["evidence"]).encode()).hexdigest()
    yield "evidence", digest == subject["evidence_digest"]
    size, root = open_checkpoint(bundle["checkpoint"], subject["log"], keys)
    yield "checkpoint", True
    place = bundle["inclusion"]
    reached = root_of(bundle["record"].encode(), place["index"], place["size"], place["path"])
    yield "inclusion", place["index"] < place["size"] == size and reached == root


def main(bundle_file, jwks_file):
    """Return 0 if everything holds; print what does not."""
    with open(bundle_file, encoding="utf-8") as bundle, open(jwks_file, encoding="utf-8") as jwks:
        bundle, keys = json.load(bundle), json.load(jwks)["keys"]
    try:
        failed = [name for name, holds in verify(bundle, keys) if not holds]
    except (ValueError, KeyError, TypeError, AttributeError, InvalidSignature) as error:
        failed = [f"{type(error).__name__} {error}"]
    print("OK" if not failed else "FAILED: " + ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
