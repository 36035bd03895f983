"""Signing and verifying bytes: compact JWS with ES256 or Ed25519, and the ids of keys.

Only what is asked for is accepted: the caller names the algorithm and the type, the header holds `alg`, `typ` and `kid`
and nothing else, and `kid` must be a trusted key of that algorithm. A key never chooses how it is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from joserfc.util import urlsafe_b64decode

from examapp.canonical import canonical_bytes, loads
from examapp.errors import N_, Tampered

ES256 = "ES256"
ED25519 = "Ed25519"
CURVES = {ES256: ("EC", "P-256"), ED25519: ("OKP", "Ed25519")}

PrivateKey = ECKey | OKPKey


@dataclass(frozen=True)
class SigningKey:
    """A private key with the id under which everybody finds its public half."""

    kid: str
    algorithm: str
    key: PrivateKey

    @property
    def public_jwk(self) -> dict[str, str]:
        """The public half, as it is published."""
        return published_jwk(self.key, self.algorithm, self.kid)


def generate(algorithm: str) -> PrivateKey:
    """Return a new private key for `algorithm`."""
    return ECKey.generate_key("P-256") if algorithm == ES256 else OKPKey.generate_key("Ed25519")


def key_from_pem(pem: bytes, algorithm: str) -> PrivateKey:
    """Return the private key that `key.as_pem()` wrote; `ValueError` if it is of another kind."""
    try:
        key = ECKey.import_key(pem) if algorithm == ES256 else OKPKey.import_key(pem)
    except JoseError as error:
        raise ValueError(f"not a private key for {algorithm}") from error
    if (key.key_type, key.curve_name) != CURVES[algorithm] or not key.is_private:
        raise ValueError(f"not a private key for {algorithm}")
    return key


def published_jwk(key: PrivateKey, algorithm: str, kid: str) -> dict[str, str]:
    """Return the public JWK with its id, its algorithm and its use."""
    public = key.as_dict(private=False)
    members = {name: str(public[name]) for name in ("kty", "crv", "x", "y") if name in public}
    return members | {"kid": kid, "alg": algorithm, "use": "sig"}


def thumbprint(key: PrivateKey) -> str:
    """Return the RFC 7638 SHA-256 thumbprint of a key's public half."""
    return key.thumbprint()


def sign(payload: bytes, key: SigningKey, typ: str) -> str:
    """Return the compact JWS of `payload`."""
    header = {"alg": key.algorithm, "kid": key.kid, "typ": typ}
    return jws.serialize_compact(header, payload, key.key, algorithms=[key.algorithm])


def read_header(token: str) -> dict[str, Any]:
    """Return the header of a compact JWS, not yet verified; `Tampered` if it has none."""
    try:
        header = loads(urlsafe_b64decode(token.split(".")[0].encode("ascii")))
    except ValueError as error:
        raise Tampered("signature.malformed", N_("This is not a compact JWS.")) from error
    if not isinstance(header, dict):
        raise Tampered("signature.malformed", N_("This is not a compact JWS."))
    return header


def verify(token: str, trusted_keys: Mapping[str, Mapping[str, str]], *, algorithm: str, typ: str) -> bytes:
    """Return the payload of `token` if a trusted key of `algorithm` signed it under `typ`; else raise `Tampered`."""
    header = read_header(token)
    if header.get("alg") != algorithm or header.get("typ") != typ or set(header) != {"alg", "typ", "kid"}:
        raise Tampered(
            "signature.header",
            N_("The header is %(header)s; it must hold alg %(alg)s, typ %(typ)s and kid, nothing else."),
            header=canonical_or_repr(header), alg=algorithm, typ=typ,
        )  # fmt: skip
    jwk = trusted_keys.get(str(header["kid"]))
    if jwk is None or (jwk.get("kty"), jwk.get("crv")) != CURVES[algorithm]:
        raise Tampered("signature.unknown_key", N_("No trusted key has the id %(kid)s."), kid=str(header["kid"]))
    try:
        return jws.deserialize_compact(token, import_public(jwk), algorithms=[algorithm]).payload
    except (JoseError, ValueError) as error:
        raise Tampered("signature.wrong", N_("The signature does not belong to these bytes.")) from error


def import_public(jwk: Mapping[str, str]) -> PrivateKey:
    """Return the key that a public JWK describes; `ValueError` or `JoseError` if it describes none."""
    kind = ECKey if jwk.get("kty") == "EC" else OKPKey
    return kind.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y") if name in jwk})


def canonical_or_repr(value: Any) -> str:
    """Return `value` as canonical JSON for a message, or as Python shows it when it has no canonical form."""
    try:
        return canonical_bytes(value).decode()
    except (ValueError, TypeError):
        return repr(value)
