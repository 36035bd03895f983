"""An examination center's own program: pull every signed record, and check it with a verifier of its own.

    python benchmarks/demo/center_client.py http://127.0.0.1:8000 --client ID --key center-key.pem

Imports nothing of the service: `cryptography`, the standard library, and the stranger's verifier. It proves itself with
a signed assertion (RFC 7523), reads pages of the log until nothing is new, checks signature, evidence, inclusion and
checkpoint of each record, and acknowledges what it has.
"""

import argparse
import base64
import json
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from tests.journeys import stranger

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def create_key(path: Path) -> str:
    """Write a new private key to `path` and return its public half as a JWK."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.touch(mode=0o600)
    path.write_bytes(pem)
    numbers = key.public_key().public_numbers()
    axes = {axis: _encode(getattr(numbers, axis).to_bytes(32)) for axis in "xy"}
    return json.dumps({"kty": "EC", "crv": "P-256", **axes})


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _assertion(client: str, audience: str, key_file: Path) -> str:
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        sys.exit(f"{key_file} is not an EC key")
    now = int(time.time())
    claims = {"iss": client, "sub": client, "aud": audience, "iat": now, "exp": now + 60, "jti": str(uuid.uuid4())}
    parts = [_encode(json.dumps(each).encode()) for each in ({"alg": "ES256"}, claims)]
    r, s = utils.decode_dss_signature(key.sign(".".join(parts).encode(), ec.ECDSA(SHA256())))
    return ".".join([*parts, _encode(r.to_bytes(32) + s.to_bytes(32))])


class Center:
    """A connection to the service with a token of ten minutes."""

    def __init__(self, address: str, audience: str, client: str, key_file: Path) -> None:
        self.address = address
        form = {
            "grant_type": "client_credentials", "client_assertion_type": ASSERTION,
            "client_assertion": _assertion(client, f"{audience}/oauth/token", key_file),
            "scope": "results.read results.ack",
        }  # fmt: skip
        self.token = ""
        self.token = json.loads(self.call("/oauth/token", urlencode(form).encode()))["access_token"]

    def call(self, path: str, data: bytes | None = None, **headers: str) -> bytes:
        """Return the body of an answer."""
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        with urlopen(Request(self.address + path, data, headers), timeout=30) as answer:  # noqa: S310 - our argument
            body: bytes = answer.read()
        return body

    def read(self, path: str) -> Any:
        """Return the JSON at `path`."""
        return json.loads(self.call(path))

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield every record of the log, page by page."""
        cursor = 0
        while True:
            page = self.read(f"/v1/results?after={cursor}&limit=100")
            yield from page["items"]
            if page["next"] >= page["head"]:
                return
            cursor = page["next"]

    def acknowledge(self, count: int, checkpoint: str) -> None:
        """Say what is here now."""
        body = json.dumps({"up_to": count, "checkpoint": checkpoint}).encode()
        self.call("/v1/acks", body, **{"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())})


def check_all(center: Center) -> tuple[int, list[str]]:
    """Pull and check everything; return how many records held, and what did not."""
    keys = center.read("/.well-known/jwks.json")["keys"]
    checkpoint = center.call("/v1/checkpoint").decode()
    size = int(checkpoint.split("\n")[1])
    held, failed = 0, []
    for item in center.records():
        bundle = {
            "record": item["record"],
            "evidence": center.read(f"/v1/results/{item['id']}/evidence"),
            "inclusion": center.read(f"/v1/proofs/inclusion?index={item['index']}&size={size}"),
            "checkpoint": checkpoint,
        }
        wrong = [name for name, holds in stranger.verify(bundle, keys) if not holds]
        held += not wrong
        failed += [f"{item['id']}: {', '.join(wrong)}"] if wrong else []
    if held != size:
        failed.append(f"the log has {size} records, {held} held")
    center.acknowledge(held, checkpoint)
    return held, failed


def main() -> int:
    """Pull, check, acknowledge; return the exit code."""
    parser = argparse.ArgumentParser(description="Pull and check all signed records.")
    parser.add_argument("address")
    parser.add_argument("--audience", help="the service's public address, if another than ADDRESS")
    parser.add_argument("--client", required=True)
    parser.add_argument("--key", type=Path, required=True)
    options = parser.parse_args()
    try:
        center = Center(options.address, options.audience or options.address, options.client, options.key)
        held, failed = check_all(center)
    except HTTPError as error:
        print(f"{error.url} answered {error.code}: {error.read().decode()[:300]}")
        return 1
    print("\n".join(failed) if failed else f"{held} records pulled, all hold, acknowledged")
    return 1 if failed or not held else 0


if __name__ == "__main__":
    sys.exit(main())
