import json

import pytest

from examapp.credentials import signing
from examapp.credentials.checkpoint import TreeHead, open_checkpoint, open_note, sign_note, verifier_key
from examapp.errors import Tampered
from tests.credentials.reference import VECTORS, needs_reference

NAME = "exam.example/results"
KEY = signing.SigningKey("did:web:exam.example#log", signing.ED25519, signing.generate(signing.ED25519))
HEAD = TreeHead(NAME, 7, bytes(range(32)))
NOTE = sign_note(HEAD.text, NAME, KEY)

# documentation of Go's golang.org/x/mod/sumdb/note
NEUMANN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
NEUMANN_JWK = {"kty": "OKP", "crv": "Ed25519", "x": "GlzZBxQ8OExB6DDFvOEqqIF-xWSaqr8sMTiLNbLXRNY"}


def test_checkpoint_is_read_back():
    assert open_checkpoint(NOTE, NAME, [KEY.public_jwk]) == HEAD


def test_published_note_verifies_and_its_verifier_key_is_the_published_one():
    assert verifier_key("PeterNeumann", NEUMANN_JWK) == NEUMANN_KEY
    assert open_note(NEUMANN_NOTE, "PeterNeumann", [NEUMANN_JWK]).startswith("If you think")


def test_signatures_of_unknown_witnesses_are_passed_over():
    other = signing.SigningKey("w", signing.ED25519, signing.generate(signing.ED25519))
    witnessed = NOTE + sign_note(HEAD.text, "witness.example", other).rpartition("\n\n")[2]
    assert open_checkpoint(witnessed, NAME, [KEY.public_jwk]) == HEAD


def test_each_changed_character_of_a_checkpoint_is_refused():
    for place, character in enumerate(NOTE):
        changed = NOTE[:place] + ("A" if character != "A" else "B") + NOTE[place + 1 :]
        with pytest.raises(Tampered):
            open_checkpoint(changed, NAME, [KEY.public_jwk])


@pytest.mark.parametrize(
    "text", [f"{NAME}\n-1\nAAAA\n", f"{NAME}\n07\n{'A' * 43}=\n", f"{NAME}\n7\n", f"other\n1\n{'A' * 43}=\n"]
)
def test_signed_note_that_is_no_checkpoint_is_refused(text):
    with pytest.raises(Tampered) as caught:
        open_checkpoint(sign_note(text, NAME, KEY), NAME, [KEY.public_jwk])
    assert caught.value.code == "checkpoint.malformed"


def test_checkpoint_of_another_log_is_refused():
    with pytest.raises(Tampered):
        open_checkpoint(NOTE, "other.example/results", [KEY.public_jwk])


@needs_reference
@pytest.mark.reference
def test_reference_note_verifies():
    case = json.loads((VECTORS / "signed-note" / "note-peterneumann.json").read_text())
    assert (case["verifier_key"], case["note"]) == (NEUMANN_KEY, NEUMANN_NOTE)
