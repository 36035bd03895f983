import copy
import json
from dataclasses import replace
from functools import cache

import pytest

from examapp.canonical import canonical_bytes, digest
from examapp.credentials import record, signing
from examapp.credentials.checkpoint import TreeHead, sign_note
from examapp.credentials.merkle import Tree
from examapp.credentials.record import RecordFacts
from examapp.credentials.verification import verify_bundle
from examapp.errors import Tampered
from examapp.scoring.rules import rescore

ISSUER = "did:web:exam.example"
ORIGIN = "exam.example/results"
KEY = signing.SigningKey(f"{ISSUER}#record", signing.ES256, signing.generate(signing.ES256))
LOG_KEY = signing.SigningKey(f"{ISSUER}#log", signing.ED25519, signing.generate(signing.ED25519))
TRUSTED = {KEY.kid: KEY.public_jwk, LOG_KEY.kid: LOG_KEY.public_jwk}
DIGEST = "sha256:" + "0" * 64


@cache
def evidence_text() -> str:
    rasch = {"a": "1.0", "b": ["-1.0"], "c": "0.0", "d": "1.0"}
    items = [
        {
            "slot": slot, "item": f"item-{slot}", "version": 1, "digest": DIGEST, "area": "area.one", "points": "1",
            "model": "rasch", "parameters": rasch, "variant": {}, "option_order": [], "response": value,
            "category": category, "highest": 1,
        }
        for slot, (value, category) in enumerate([("2", 1), (True, 1), ("826.6", 1), (None, 0)], start=1)
    ]  # fmt: skip
    evidence = {
        "schema": 1, "scorer": "examapp-score/1", "sitting": "0" * 16, "journal": {"entries": 5, "head": DIGEST},
        "exam": "ic-materials-primary", "exam_form": {"code": "A", "digest": DIGEST}, "part": "theory",
        "scale": "test", "items": items, "cut": {"theta": "-0.6", "method": "test"}, "scale_slope": "12.0",
        "ability": {
            "method": "EAP", "prior": {"mean": "0.0", "sd": "1.0"},
            "grid": {"low": "-6.0", "high": "6.0", "points": 121},
        },
    }  # fmt: skip
    return json.dumps({**evidence, "outcome": rescore(evidence)})


def make_facts(evidence: dict, **overrides: object) -> RecordFacts:
    outcome = evidence["outcome"]
    facts = RecordFacts(
        record_id="urn:uuid:0b6f2f3c-7a35-4a5c-9d28-111111111111", issuer=ISSUER,
        issued_at="2026-05-16T04:00:00.000000Z", subject="urn:uuid:0b6f2f3c-7a35-8a5c-9d28-222222222222",
        exam=evidence["exam"], field="ic-materials", level="primary", part=evidence["part"],
        exam_form=evidence["exam_form"]["code"], exam_form_digest=evidence["exam_form"]["digest"],
        sitting=evidence["sitting"], attempt=1, started_at="2026-05-16T01:00:00.000000Z",
        submitted_at="2026-05-16T02:00:00.000000Z", journal_entries=5, journal_head=DIGEST,
        responses_digest=record.responses_digest({item["slot"]: item["response"] for item in evidence["items"]}),
        evidence_digest=digest(evidence), scorer=evidence["scorer"], raw=outcome["raw_points"],
        highest=outcome["highest_points"], scaled=outcome["scaled"], theta=outcome["theta"],
        standard_error=outcome["standard_error"], cut_theta="-0.6", is_passed=outcome["is_passed"],
        probability=outcome["probability"], supersedes=None, log=ORIGIN,
    )  # fmt: skip
    return replace(facts, **overrides)


def make_bundle(evidence: dict | None = None, token: str | None = None, **overrides: object) -> dict:
    """Return a bundle whose record is the second of three in its log."""
    evidence = evidence or json.loads(evidence_text())
    token = token or record.sign(make_facts(evidence, **overrides), KEY)
    tree = Tree([record.leaf("first"), record.leaf(token), record.leaf("third")])
    return {
        "schema": 1, "record": token, "evidence": evidence,
        "inclusion": {"index": 1, "size": 3, "path": [step.hex() for step in tree.inclusion_proof(1)]},
        "checkpoint": sign_note(TreeHead(ORIGIN, 3, tree.root()).text, ORIGIN, LOG_KEY),
    }  # fmt: skip


def failing(bundle: object) -> list[str]:
    return [check.name for check in verify_bundle(bundle, TRUSTED).checks if not check.holds]


def test_honest_bundle_holds_in_every_check():
    checks = verify_bundle(make_bundle(), TRUSTED).checks
    assert [check.name for check in checks] == ["signature", "evidence", "checkpoint", "inclusion", "score"]
    assert all(check.holds for check in checks)


def test_record_is_read_back_as_it_was_built():
    facts = make_facts(json.loads(evidence_text()))
    assert record.parse(canonical_bytes(record.build(facts))) == facts


def test_unknown_fields_are_passed_over():
    facts = make_facts(json.loads(evidence_text()))
    newer = record.build(facts) | {"termsOfUse": []}
    assert record.parse(canonical_bytes(newer)) == facts


@pytest.mark.parametrize("claim", ["iss", "jti", "nbf", "sub"])
def test_claim_that_differs_from_the_credential_is_refused(claim):
    credential = record.build(make_facts(json.loads(evidence_text())))
    credential[claim] = 1 if claim == "nbf" else "another"
    with pytest.raises(Tampered):
        record.parse(canonical_bytes(credential))


def test_scores_are_strings_and_never_floats():
    subject = record.build(make_facts(json.loads(evidence_text())))["credentialSubject"]
    assert all(isinstance(value, str) for value in subject["score"].values())


def test_record_signed_by_a_key_of_another_issuer_is_refused():
    bundle = make_bundle(issuer="did:web:other.example")
    assert failing(bundle) == ["signature"]


@pytest.mark.feature("B2")
@pytest.mark.parametrize("part", ["record", "checkpoint"])
def test_each_changed_character_is_refused(part):
    bundle = make_bundle()
    for place, character in enumerate(bundle[part]):
        other = "A" if character != "A" else "B"
        assert failing({**bundle, part: bundle[part][:place] + other + bundle[part][place + 1 :]}), place


def _places(value: object, path: tuple = ()) -> list[tuple]:
    if isinstance(value, dict):
        return [place for key, inner in value.items() for place in _places(inner, (*path, key))]
    if isinstance(value, list) and value:
        return [place for index, inner in enumerate(value) for place in _places(inner, (*path, index))]
    return [path]


def _changed(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return value[:-1] + ("1" if value[-1:] != "1" else "2") if isinstance(value, str) else "1"


PLACES = _places({"evidence": json.loads(evidence_text()), "inclusion": make_bundle()["inclusion"]})


@pytest.mark.feature("B2")
@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_each_changed_value_is_refused(place):
    bundle = make_bundle()
    inner = bundle
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = _changed(inner[place[-1]])
    assert failing(bundle)


@pytest.mark.parametrize("part", ["record", "evidence", "inclusion", "checkpoint", "schema"])
@pytest.mark.parametrize("value", [None, 2, "", [], {}], ids=repr)
def test_missing_or_misshapen_parts_are_refused_and_not_an_accident(part, value):
    assert failing({**make_bundle(), part: value})


@pytest.mark.parametrize("bundle", [None, [], "", 1, {}], ids=repr)
def test_what_is_no_bundle_is_refused(bundle):
    assert failing(bundle) == ["bundle"]


def test_changed_case_in_a_hash_is_refused():
    bundle = make_bundle()
    bundle["inclusion"]["path"] = [step.upper() for step in bundle["inclusion"]["path"]]
    assert failing(bundle) == ["inclusion"]


def test_score_that_the_evidence_does_not_give_is_refused_though_signed():
    evidence = copy.deepcopy(json.loads(evidence_text()))
    evidence["outcome"]["theta"] = "2.000000"
    assert failing(make_bundle(evidence)) == ["score"]


def test_record_that_its_evidence_contradicts_is_refused_though_signed():
    assert failing(make_bundle(scaled="99.9")) == ["evidence"]


def test_record_that_was_never_logged_is_refused():
    bundle = make_bundle()
    other = record.sign(make_facts(bundle["evidence"], attempt=2), KEY)
    assert failing({**bundle, "record": other}) == ["inclusion"]
