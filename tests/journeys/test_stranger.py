import json
import subprocess
import sys
from pathlib import Path

import pytest

from examapp.canonical import canonical_bytes
from tests.credentials.test_record import TRUSTED, make_bundle
from tests.journeys import stranger

PROGRAM = Path(stranger.__file__)


def verdict(folder: Path, bundle: dict) -> tuple[int, str]:
    (folder / "bundle.json").write_text(json.dumps(bundle), encoding="utf-8")
    (folder / "jwks.json").write_text(json.dumps({"keys": list(TRUSTED.values())}), encoding="utf-8")
    command = [sys.executable, "-I", str(PROGRAM), "bundle.json", "jwks.json"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout.strip()


@pytest.mark.feature("B2")
def test_stranger_without_our_code_accepts_an_honest_bundle(tmp_path):
    assert "examapp" not in PROGRAM.read_text(encoding="utf-8")
    assert verdict(tmp_path, make_bundle()) == (0, "OK")


@pytest.mark.feature("B2")
@pytest.mark.parametrize("part", ["record", "checkpoint"])
def test_stranger_refuses_each_changed_character(part):
    bundle = make_bundle()
    for place in range(0, len(bundle[part]), 7):
        other = "A" if bundle[part][place] != "A" else "B"
        changed = {**bundle, part: bundle[part][:place] + other + bundle[part][place + 1 :]}
        with pytest.raises((ValueError, KeyError, stranger.InvalidSignature, AssertionError)):
            assert all(holds for _, holds in stranger.verify(changed, list(TRUSTED.values())))


@pytest.mark.feature("B2")
@pytest.mark.parametrize(("part", "padding"), [("record", ""), ("checkpoint", "=\n")])
def test_stranger_refuses_bits_of_a_signature_that_mean_nothing(part, padding):
    bundle = make_bundle()
    written = bundle[part].removesuffix(padding)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + ("-_" if part == "record" else "+/")
    same_bytes = letters[letters.index(written[-1]) + 1]
    with pytest.raises(ValueError, match="only way"):
        list(stranger.verify({**bundle, part: written[:-1] + same_bytes + padding}, list(TRUSTED.values())))


def test_stranger_names_changed_evidence(tmp_path):
    bundle = make_bundle()
    bundle["evidence"]["items"][0]["category"] = 0
    assert verdict(tmp_path, bundle) == (1, "FAILED: evidence")


def test_stranger_names_a_false_place_in_the_log(tmp_path):
    bundle = make_bundle()
    bundle["inclusion"]["index"] = 2
    assert verdict(tmp_path, bundle) == (1, "FAILED: inclusion")


@pytest.mark.parametrize("value", [{"é": 1, "\U0001f600": [True, None], "ﬁ": '\u2028"\\\n\x01/'}, {"10": 1, "9": -5}])
def test_strangers_canonical_form_is_that_of_rfc_8785(value):
    assert stranger.canonical(value).encode() == canonical_bytes(value)
