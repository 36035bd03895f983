"""Issuing: released results become signed records in the log, and passed exams become certificates."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased, joinedload

from examapp.accounts import access
from examapp.canonical import digest, digest_of_bytes, utc_string
from examapp.credentials import log, record
from examapp.credentials.certificate_numbers import certificate_number, is_number, number_series
from examapp.credentials.key_store import Keys
from examapp.credentials.models import Certificate, LogEntry
from examapp.credentials.record import RecordFacts
from examapp.db import db
from examapp.delivery import histories
from examapp.delivery.histories import History
from examapp.delivery.models import Sitting
from examapp.errors import N_, ExamappError, NotFound, Tampered
from examapp.exams.models import Administration, Exam, ExamForm, Registration
from examapp.scoring.models import Release, Result

# dates on certificates are those of the calendar in China
CHINA = timezone(timedelta(hours=8), "UTC+08:00")
PARTS = ("theory", "practical")
# what the facts of a result are read from, in one statement for many
_SITTING = joinedload(Result.sitting)
WHOLE_RESULT = (
    _SITTING.joinedload(Sitting.registration),
    _SITTING.joinedload(Sitting.exam_form).joinedload(ExamForm.exam),
)


def sign_due(
    keys: Keys, *, at: datetime, since: datetime | None = None, without: Collection[str] = (), limit: int = 1000
) -> tuple[list[log.Signed], dict[str, str]]:
    """Sign records of results that were released, with `since` only lately, and are not in the log nor named.

    Return them in the order of release, and why others could not be signed, by result: they hold up nothing else.
    """
    query = _unrecorded().where(Result.id.not_in(without)).limit(limit).options(*WHOLE_RESULT)
    if since is not None:
        query = query.where(Release.released_at >= since)
    results = list(db.session.scalars(query))
    known = {history.sitting.id: history for history in histories.of([result.sitting_id for result in results])}
    recorded = _recorded(results)
    signed, refused = [], {}
    for result in results:
        subject = keys.pseudonym(result.sitting.registration.trainee_id)
        issuance = Issuance(keys.issuer, keys.origin, subject, f"urn:uuid:{uuid4()}", at)
        try:
            history = known[result.sitting_id]
            history.check()
            facts = facts_of(result, history, _before(result, recorded), issuance)
        except ExamappError as error:
            refused[result.id] = str(error)
            continue
        signed.append(log.Signed(result.id, facts.record_id, record.sign(facts, keys.record), at))
        recorded[result.sitting_id].append((result.number, facts.record_id))
    return signed, refused


def _unrecorded() -> Select[Result]:
    return (
        select(Result)
        .join(Release, Release.result_id == Result.id)
        .outerjoin(LogEntry, LogEntry.result_id == Result.id)
        .where(LogEntry.result_id.is_(None))
        .order_by(Release.released_at, Result.sitting_id, Result.number)
    )


@dataclass(frozen=True)
class Issuance:
    """Who states a result about whom under which id, and when."""

    issuer: str
    origin: str
    subject: str
    record_id: str
    at: datetime


def facts_of(result: Result, history: History, supersedes: str | None, issuance: Issuance) -> RecordFacts:
    """Return what the record of a result states; `Tampered` where its evidence, journal or row disagree."""
    sitting, evidence = result.sitting, result.evidence
    exam, state = sitting.exam_form.exam, history.as_of(evidence["journal"]["entries"])
    given = {slot: response.value for slot, response in state.responses.items()}
    if state.closed_at is None:
        raise Tampered("record.open_sitting", N_("The sitting of result %(result)s is not over."), result=result.id)
    facts = RecordFacts(
        record_id=issuance.record_id, issuer=issuance.issuer, issued_at=utc_string(issuance.at),
        subject=issuance.subject, exam=exam.code, field=exam.field, level=exam.level,
        part=sitting.exam_form.part, exam_form=sitting.exam_form.code, exam_form_digest=sitting.exam_form.digest,
        sitting=sitting.public_id, attempt=sitting.attempt, started_at=utc_string(sitting.started_at),
        submitted_at=utc_string(state.closed_at), journal_entries=evidence["journal"]["entries"],
        journal_head=evidence["journal"]["head"], responses_digest=record.responses_digest(given),
        evidence_digest=result.evidence_digest, scorer=result.scorer, raw=result.raw_points,
        highest=result.highest_points, scaled=result.scaled, theta=result.theta,
        standard_error=result.standard_error, cut_theta=result.cut_theta, is_passed=bool(result.is_passed),
        probability=result.probability, supersedes=supersedes, log=issuance.origin,
    )  # fmt: skip
    _check(facts, evidence, result)
    return facts


def _check(facts: RecordFacts, evidence: dict[str, Any], result: Result) -> None:
    """Refuse to sign what a verifier would refuse."""
    why = "" if digest(evidence) == facts.evidence_digest else "the evidence does not match its digest"
    responses = {item["slot"]: item["response"] for item in evidence["items"]}
    if record.responses_digest(responses) != facts.responses_digest:
        why = why or "the responses in the evidence are not those of the journal"
    why = why or record.differing_facts(evidence, facts)
    if why:
        message = N_("Result %(result)s is not recorded: %(why)s.")
        raise Tampered("record.mismatch", message, result=result.id, why=why)


def predecessors(results: Sequence[Result]) -> dict[str, str | None]:
    """Return for each result the record of the last recorded result of the same sitting before it, or None."""
    recorded = _recorded(results)
    return {result.id: _before(result, recorded) for result in results}


Recorded = dict[int, list[tuple[int, str]]]


def _recorded(results: Sequence[Result]) -> Recorded:
    """Return number and record of the recorded results of the same sittings."""
    query = (
        select(Result.sitting_id, Result.number, LogEntry.record_id)
        .join(LogEntry, LogEntry.result_id == Result.id)
        .where(Result.sitting_id.in_([result.sitting_id for result in results]))
    )
    recorded: Recorded = defaultdict(list)
    for sitting_id, number, record_id in db.session.execute(query):
        recorded[sitting_id].append((number, record_id))
    return recorded


def _before(result: Result, recorded: Recorded) -> str | None:
    earlier = [each for each in recorded[result.sitting_id] if each[0] < result.number]
    return max(earlier)[1] if earlier else None


def qualified() -> list[tuple[str, str]]:
    """Return trainees and exams with both parts passed, recorded, and no certificate yet, in the order of passing."""
    return [(row[0], row[1]) for row in db.session.execute(_newly_qualified())]


def certify(actor: access.Actor, qualified: Sequence[tuple[str, str]], *, at: datetime) -> list[Certificate]:
    """Issue certificates to trainees who passed both parts of an exam; those who have one are passed over."""
    access.require(actor, "work.run_due")
    certificates = []
    for trainee_id, exam_id in qualified:
        own = select(Certificate.id).where(Certificate.trainee_id == trainee_id, Certificate.exam_id == exam_id)
        both = _passed().where(Registration.trainee_id == trainee_id, Administration.exam_id == exam_id)
        columns = both.order_by(Result.scored_at).with_only_columns(Administration.part, Result)
        passed = {part: result for part, result in db.session.execute(columns)}  # noqa: C416 - the last of a part counts
        if db.session.scalar(own) is None and all(part in passed for part in PARTS):
            certificates.append(_certify(exam_id, passed, at))
    return certificates


def _passed() -> Select[Any]:
    """Recorded results that count and were passed: no newer released result of the same sitting takes their place."""
    newer = aliased(Result)
    is_superseded = (
        select(newer.id)
        .join(Release, Release.result_id == newer.id)
        .where(newer.sitting_id == Result.sitting_id, newer.number > Result.number)
        .exists()
    )
    return (
        select(Result)
        .join(LogEntry, LogEntry.result_id == Result.id)
        .join(Sitting, Sitting.id == Result.sitting_id)
        .join(Registration, Registration.id == Sitting.registration_id)
        .join(Administration, Administration.id == Registration.administration_id)
        .where(Result.is_passed == 1, ~is_superseded)
    )


def _newly_qualified() -> Select[str, str]:
    """Trainees and exams with both parts passed and no certificate yet."""
    has_certificate = (
        select(Certificate.id)
        .where(Certificate.trainee_id == Registration.trainee_id, Certificate.exam_id == Administration.exam_id)
        .exists()
    )
    return (
        _passed()
        .where(~has_certificate, Administration.part.in_(PARTS))
        .with_only_columns(Registration.trainee_id, Administration.exam_id)
        .group_by(Registration.trainee_id, Administration.exam_id)
        .having(func.count(func.distinct(Administration.part)) == len(PARTS))
        .order_by(func.min(Result.scored_at), Registration.trainee_id)
    )


def _certify(exam_id: str, passed: dict[str, Result], at: datetime) -> Certificate:
    theory, practical = (passed[part] for part in PARTS)
    exam, trainee = db.session.get_one(Exam, exam_id), theory.sitting.registration.trainee
    series = number_series(exam.field, exam.level, issue_date(at))
    # numbers of a series stand together in the index, before whatever begins with a colon
    in_series = (Certificate.number > series, Certificate.number < series + ":")
    taken = db.session.scalar(select(func.count()).select_from(Certificate).where(*in_series)) or 0
    certificate = Certificate(
        number=certificate_number(series, taken + 1), trainee_id=trainee.id, holder_name=trainee.name,
        exam_id=exam.id, theory_result_id=theory.id, practical_result_id=practical.id,
        probability=joint_probability(theory, practical), issued_at=at,
    )  # fmt: skip
    db.session.add(certificate)
    db.session.flush()
    return certificate


def joint_probability(theory: Result, practical: Result) -> str:
    """Return the probability that both abilities reach their cuts: errors of measurement are independent."""
    return f"{float(theory.probability) * float(practical.probability):.4f}"


def issue_date(at: datetime) -> date:
    """Return the day that stands on a certificate issued at this instant."""
    return at.astimezone(CHINA).date()


def certificate_for(certificate_id: str) -> Certificate:
    """Return the certificate behind an unguessable id."""
    certificate = db.session.get(Certificate, certificate_id)
    if certificate is None:
        raise NotFound("certificate.unknown", N_("There is no such certificate."))
    return certificate


def certificate_by_number(number: str) -> Certificate:
    """Return the certificate with this number, however it was typed; a wrong check character is not looked up."""
    typed = "".join(number.upper().split())
    found = db.session.scalar(select(Certificate).where(Certificate.number == typed)) if is_number(typed) else None
    if found is None:
        raise NotFound("certificate.unknown", N_("There is no such certificate."))
    return found


def certificates_of(trainee_id: str) -> list[Certificate]:
    """Return a trainee's certificates, the newest first."""
    query = select(Certificate).where(Certificate.trainee_id == trainee_id).order_by(Certificate.issued_at.desc())
    return list(db.session.scalars(query))


def entry_of(record_id: str) -> LogEntry:
    """Return the log entry of a record."""
    entry = db.session.scalar(select(LogEntry).where(LogEntry.record_id == record_id))
    if entry is None:
        raise NotFound("record.unknown", N_("There is no such record."))
    return entry


def records_of(certificate: Certificate) -> list[tuple[int, str]]:
    """Return log index and SHA-256 digest of the signed records that a certificate rests on, theory first."""
    results = (certificate.theory_result_id, certificate.practical_result_id)
    query = select(LogEntry).where(LogEntry.result_id.in_(results))
    entries = {entry.result_id: entry for entry in db.session.scalars(query)}
    found = [entries[result_id] for result_id in results if result_id in entries]
    return [(entry.index, digest_of_bytes(entry.record.encode())) for entry in found]


def bundle(record_id: str) -> dict[str, Any]:
    """Return all that verifies a record offline: the record, its evidence, its place in the log, and a checkpoint."""
    entry, checkpoint = entry_of(record_id), log.head()
    if checkpoint is None or entry.index >= checkpoint.size:
        raise NotFound("record.unknown", N_("There is no such record."))
    path = log.inclusion(entry.index, checkpoint.size)
    return {
        "schema": record.SCHEMA, "record": entry.record, "evidence": entry.result.evidence,
        "inclusion": {"index": entry.index, "size": checkpoint.size, "path": path}, "checkpoint": checkpoint.note,
    }  # fmt: skip
