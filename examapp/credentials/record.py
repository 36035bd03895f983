"""The result record: a W3C Verifiable Credential 2.0 as an ES256 `vc+jwt`; how it is built, read and verified offline.

A bundle is what a stranger needs besides the public keys: {schema, record, evidence, inclusion {index, size, path},
checkpoint}. Hashes in `path` are lower-case hexadecimal; the leaf of the log is the record's JWS, byte for byte.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from examapp.canonical import canonical_bytes, digest, is_digest, loads, parse_utc
from examapp.credentials import merkle, signing
from examapp.credentials.checkpoint import open_checkpoint
from examapp.errors import N_, ExamappError, Tampered

SCHEMA = 1
TYP = "vc+jwt"
CONTEXT = ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/undefined-terms/v2"]
TYPES = ["VerifiableCredential", "ExamResultCredential"]


@dataclass(frozen=True)
class RecordFacts:
    """What a record states; numbers of the score are decimal strings, times UTC strings, the subject a pseudonym."""

    record_id: str
    issuer: str
    issued_at: str
    subject: str
    exam: str
    field: str
    level: str
    part: str
    exam_form: str
    exam_form_digest: str
    sitting: str
    attempt: int
    started_at: str
    submitted_at: str
    journal_entries: int
    journal_head: str
    responses_digest: str
    evidence_digest: str
    scorer: str
    raw: str
    highest: str
    scaled: str
    theta: str
    standard_error: str
    cut_theta: str
    is_passed: bool
    probability: str
    supersedes: str | None
    log: str


FACT_NAMES = tuple(field.name for field in fields(RecordFacts))

# where each fact stands in credentialSubject
_PLACES: dict[str, tuple[str, ...]] = {
    "exam": ("exam", "code"),
    "field": ("exam", "field"),
    "level": ("exam", "level"),
    "part": ("exam", "part"),
    "exam_form": ("exam_form", "code"),
    "exam_form_digest": ("exam_form", "digest"),
    "sitting": ("sitting", "id"),
    "attempt": ("sitting", "attempt"),
    "started_at": ("sitting", "started_at"),
    "submitted_at": ("sitting", "submitted_at"),
    "journal_entries": ("sitting", "journal", "entries"),
    "journal_head": ("sitting", "journal", "head"),
    "responses_digest": ("responses_digest",),
    "evidence_digest": ("evidence_digest",),
    "scorer": ("scorer",),
    "raw": ("score", "raw"),
    "highest": ("score", "highest"),
    "scaled": ("score", "scaled"),
    "theta": ("score", "theta"),
    "standard_error": ("score", "standard_error"),
    "cut_theta": ("decision", "cut_theta"),
    "is_passed": ("decision", "is_passed"),
    "probability": ("decision", "probability"),
    "supersedes": ("supersedes",),
    "log": ("log",),
}
_KINDS: dict[str, type | tuple[type, ...]] = {
    "attempt": int, "journal_entries": int, "is_passed": bool, "supersedes": (str, type(None)),
}  # fmt: skip


def build(facts: RecordFacts) -> dict[str, Any]:
    """Return the credential that states `facts`, with the registered JWT claims that must agree with it."""
    subject: dict[str, Any] = {"id": facts.subject}
    for name, place in _PLACES.items():
        inner = subject
        for step in place[:-1]:
            inner = inner.setdefault(step, {})
        inner[place[-1]] = getattr(facts, name)
    return {
        "@context": CONTEXT, "id": facts.record_id, "type": TYPES, "schema": SCHEMA, "issuer": facts.issuer,
        "validFrom": facts.issued_at, "credentialSubject": subject, **_claims(facts),
    }  # fmt: skip


def _claims(facts: RecordFacts) -> dict[str, Any]:
    seconds = int(parse_utc(facts.issued_at).timestamp())
    return {"iss": facts.issuer, "jti": facts.record_id, "nbf": seconds, "sub": facts.subject}


def sign(facts: RecordFacts, key: signing.SigningKey) -> str:
    """Return the record as a compact JWS."""
    return signing.sign(canonical_bytes(build(facts)), key, TYP)


def parse(payload: bytes) -> RecordFacts:
    """Return the facts of a record's payload; fields that are not known here are passed over."""
    try:
        credential = loads(payload)
        facts = _read(credential)
        if credential["schema"] != SCHEMA or not set(TYPES) <= set(credential["type"]):
            raise ValueError("another schema or type")
        claims = _claims(facts)
        if {name: credential.get(name) for name in claims} != claims:
            raise ValueError("the JWT claims differ from the credential")
    except (ValueError, KeyError, TypeError) as error:
        raise Tampered("record.malformed", N_("This is no result record: %(why)s"), why=str(error)) from error
    return facts


def _read(credential: dict[str, Any]) -> RecordFacts:
    found: dict[str, Any] = {
        "record_id": credential["id"], "issuer": credential["issuer"], "issued_at": credential["validFrom"],
        "subject": credential["credentialSubject"]["id"],
    }  # fmt: skip
    for name, place in _PLACES.items():
        found[name] = credential["credentialSubject"]
        for step in place:
            found[name] = found[name][step]
    for name, value in found.items():
        kind = _KINDS.get(name, str)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ValueError(f"{name} is {value!r}")
    return RecordFacts(**found)


def open_record(token: str, trusted_keys: Mapping[str, Mapping[str, str]]) -> RecordFacts:
    """Return the facts of a signed record; `Tampered` unless a trusted key of its issuer signed it."""
    facts = parse(signing.verify(token, trusted_keys, algorithm=signing.ES256, typ=TYP))
    if not str(signing.read_header(token)["kid"]).startswith(facts.issuer + "#"):
        raise Tampered("record.issuer", N_("The key belongs to another issuer than %(issuer)s."), issuer=facts.issuer)
    return facts


def leaf(token: str) -> bytes:
    """Return the hash under which a record stands in the log."""
    return merkle.leaf_hash(token.encode())


def responses_digest(values: Mapping[int, Any]) -> str:
    """Return the digest of {slot: value} over the slots that hold a response."""
    return digest({str(slot): value for slot, value in values.items() if value is not None})


@dataclass(frozen=True)
class Check:
    """One thing that was checked: whether it holds, and if not, why."""

    name: str
    holds: bool
    why: str = ""


@dataclass(frozen=True)
class Verification:
    """The outcome of verifying a bundle; `facts` only when the record's signature holds."""

    checks: tuple[Check, ...]
    facts: RecordFacts | None = None

    @property
    def holds(self) -> bool:
        """Whether everything that was checked holds."""
        return all(check.holds for check in self.checks)


def check(name: str, step: Callable[[], str]) -> Check:
    """Run one step, which returns why something does not hold or nothing; what it cannot read does not hold."""
    try:
        why = step()
    except ExamappError as error:
        why = str(error)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        why = f"cannot be read: {error!r}"
    return Check(name, not why, why)


def verify(bundle: Any, trusted_keys: Mapping[str, Mapping[str, str]]) -> Verification:
    """Check a bundle against public keys alone; the score is recomputed in `verification.verify_bundle`."""
    if not isinstance(bundle, dict) or bundle.get("schema") != SCHEMA:
        return Verification((Check("bundle", False, f"not a bundle of schema {SCHEMA}"),))
    try:
        facts = open_record(str(bundle.get("record")), trusted_keys)
    except ExamappError as error:
        return Verification((Check("signature", False, str(error)),))
    return Verification(
        (
            Check("signature", True),
            check("evidence", lambda: _evidence_differs(bundle["evidence"], facts)),
            check("checkpoint", lambda: _checkpoint_differs(bundle, facts, trusted_keys)),
            check("inclusion", lambda: _is_missing(bundle, facts, trusted_keys)),
        ),
        facts,
    )


def _evidence_differs(evidence: dict[str, Any], facts: RecordFacts) -> str:
    if digest(evidence) != facts.evidence_digest:
        return "the evidence is not the one that the record names"
    responses = {item["slot"]: item["response"] for item in evidence["items"]}
    if responses_digest(responses) != facts.responses_digest:
        return "the responses in the evidence are not those that the record names"
    return differing_facts(evidence, facts)


def differing_facts(evidence: dict[str, Any], facts: RecordFacts) -> str:
    """Return which fact of a record its evidence contradicts, or nothing."""
    outcome = evidence["outcome"]
    stated = {
        "exam": evidence["exam"], "part": evidence["part"], "sitting": evidence["sitting"],
        "exam_form": evidence["exam_form"]["code"], "exam_form_digest": evidence["exam_form"]["digest"],
        "journal_entries": evidence["journal"]["entries"], "journal_head": evidence["journal"]["head"],
        "scorer": evidence["scorer"], "cut_theta": evidence["cut"]["theta"],
        "raw": outcome["raw_points"], "highest": outcome["highest_points"], "scaled": outcome["scaled"],
        "theta": outcome["theta"], "standard_error": outcome["standard_error"],
        "is_passed": outcome["is_passed"], "probability": outcome["probability"],
    }  # fmt: skip
    different = [name for name, value in stated.items() if getattr(facts, name) != value]
    return f"the evidence contradicts the record on {', '.join(different)}" if different else ""


def _checkpoint_differs(bundle: dict[str, Any], facts: RecordFacts, trusted_keys: Mapping[str, Any]) -> str:
    head = open_checkpoint(bundle["checkpoint"], facts.log, trusted_keys.values())
    return "" if head.size == bundle["inclusion"]["size"] else "the proof is for a log of another size"


def _is_missing(bundle: dict[str, Any], facts: RecordFacts, trusted_keys: Mapping[str, Any]) -> str:
    head = open_checkpoint(bundle["checkpoint"], facts.log, trusted_keys.values())
    inclusion = bundle["inclusion"]
    if not all(is_digest("sha256:" + step) for step in inclusion["path"]) or isinstance(inclusion["index"], bool):
        return "the path is not made of SHA-256 hashes in hexadecimal"
    path = [bytes.fromhex(step) for step in inclusion["path"]]
    if merkle.includes(leaf(bundle["record"]), inclusion["index"], inclusion["size"], path, head.root):
        return ""
    return "the log with this root does not hold the record at this index"
