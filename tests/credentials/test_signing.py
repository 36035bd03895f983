import json

import pytest
from cryptography.exceptions import InvalidSignature
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey
from joserfc.util import urlsafe_b64encode

from examapp.canonical import canonical_bytes
from examapp.credentials import signing
from examapp.errors import Tampered
from tests.credentials.reference import VECTORS, needs_reference

KEY = signing.SigningKey("did:web:exam.example#1", signing.ES256, signing.generate(signing.ES256))
TRUSTED = {KEY.kid: KEY.public_jwk}
PAYLOAD = canonical_bytes({"score": "87.5", "name": "张瑄"})

# RFC 8037, appendix A.2 to A.4, and RFC 7515, appendix A.3
RFC8037_JWK = {
    "kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}  # fmt: skip
RFC8037_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
RFC7515_JWK = {
    "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}  # fmt: skip


def _refusal(token: str, **changes: object) -> str:
    wanted = {"algorithm": signing.ES256, "typ": "vc+jwt"} | changes
    with pytest.raises(Tampered) as caught:
        signing.verify(token, TRUSTED, **wanted)
    return caught.value.code


def test_what_was_signed_is_read_back_byte_for_byte():
    token = signing.sign(PAYLOAD, KEY, "vc+jwt")
    assert signing.verify(token, TRUSTED, algorithm=signing.ES256, typ="vc+jwt") == PAYLOAD


def test_another_library_accepts_the_signature():
    token = signing.sign(PAYLOAD, KEY, "vc+jwt")
    assert jws.deserialize_compact(token, ECKey.import_key(KEY.public_jwk), algorithms=["ES256"]).payload == PAYLOAD


def test_header_without_a_signature_algorithm_is_refused():
    header = canonical_bytes({"alg": "none", "kid": KEY.kid, "typ": "vc+jwt"})
    token = b".".join([urlsafe_b64encode(header), urlsafe_b64encode(PAYLOAD), b""]).decode()
    assert _refusal(token) == "signature.header"


def test_hmac_with_the_public_key_as_secret_is_refused():
    secret = OctKey.import_key(canonical_bytes(KEY.public_jwk))
    header = {"alg": "HS256", "kid": KEY.kid, "typ": "vc+jwt"}
    assert _refusal(jws.serialize_compact(header, PAYLOAD, secret, algorithms=["HS256"])) == "signature.header"


def test_key_that_came_along_in_the_header_is_refused():
    header = {"alg": "ES256", "kid": KEY.kid, "typ": "vc+jwt", "jwk": KEY.public_jwk}
    assert _refusal(jws.serialize_compact(header, PAYLOAD, KEY.key, algorithms=["ES256"])) == "signature.header"


def test_signature_of_an_unknown_key_is_refused():
    other = signing.SigningKey("did:web:exam.example#2", signing.ES256, signing.generate(signing.ES256))
    assert _refusal(signing.sign(PAYLOAD, other, "vc+jwt")) == "signature.unknown_key"


def test_signature_of_another_key_under_a_known_id_is_refused():
    other = signing.SigningKey(KEY.kid, signing.ES256, signing.generate(signing.ES256))
    assert _refusal(signing.sign(PAYLOAD, other, "vc+jwt")) == "signature.wrong"


def test_record_passed_off_as_another_type_of_token_is_refused():
    assert _refusal(signing.sign(PAYLOAD, KEY, "vc+jwt"), typ="statuslist+jwt") == "signature.header"


@pytest.mark.parametrize("text", ["", "a", "..", "é.é.é", "e30.e30.e30", "W10.e30.e30"])
def test_text_that_is_no_jws_is_refused_and_not_an_accident(text):
    assert _refusal(text).startswith("signature.")


def test_each_changed_character_of_a_token_is_refused():
    token = signing.sign(PAYLOAD, KEY, "vc+jwt")
    for place, character in enumerate(token):
        changed = token[:place] + ("A" if character != "A" else "B") + token[place + 1 :]
        assert _refusal(changed).startswith("signature.")


def test_ed25519_thumbprint_is_the_one_in_rfc_8037():
    assert signing.thumbprint(OKPKey.import_key(RFC8037_JWK)) == RFC8037_THUMBPRINT


def test_private_key_of_another_kind_is_not_loaded():
    pem = signing.generate(signing.ED25519).as_pem(private=True)
    with pytest.raises(ValueError, match="not a private key"):
        signing.key_from_pem(pem, signing.ES256)


def test_published_key_has_no_private_part():
    assert set(KEY.public_jwk) == {"kty", "crv", "x", "y", "kid", "alg", "use"}


@needs_reference
@pytest.mark.reference
def test_example_of_rfc_7515_verifies():
    case = json.loads((VECTORS / "jose" / "rfc7515-a3-es256.json").read_text())
    assert signing.import_public(case["jwk"]).as_dict(private=False)["x"] == RFC7515_JWK["x"]
    payload = jws.deserialize_compact(case["jws"], signing.import_public(RFC7515_JWK), algorithms=["ES256"]).payload
    assert json.loads(payload)["iss"] == "joe"


@needs_reference
@pytest.mark.reference
def test_signature_of_rfc_8037_verifies_and_fails_when_changed():
    case = json.loads((VECTORS / "jose" / "rfc8037-a-ed25519.json").read_text())
    signed, _, signature = case["jws"].rpartition(".")
    public = OKPKey.import_key(RFC8037_JWK).public_key
    raw = signing.urlsafe_b64decode(signature.encode())
    public.verify(raw, signed.encode())
    with pytest.raises(InvalidSignature):
        public.verify(raw, signed.encode() + b".")
