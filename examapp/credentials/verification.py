"""What `examapp log verify` says: everything stored that does not hold, row by row; and the whole check of a bundle.

Seals tell of a careless change. The rest recomputes from what the row is about, so that a change with a new seal is
found too: journals by their chains, content by its digest, records by signature, the log by its signed heads, scores by
scoring again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import selectinload

from examapp.banks.models import ItemParameters, ItemVersion, StimulusVersion
from examapp.canonical import digest, digest_of_bytes, parse_utc, utc_string
from examapp.credentials import issuing, key_store, record, signing
from examapp.credentials.certificate_numbers import is_number
from examapp.credentials.checkpoint import open_checkpoint
from examapp.credentials.merkle import Tree
from examapp.credentials.models import Acknowledgement, Certificate, Checkpoint, LogEntry, PublicKey
from examapp.credentials.record import Verification, check
from examapp.db import Base, broken_seals, db, sealed_tables
from examapp.delivery import journal
from examapp.delivery.models import JournalEntry, Paper, Sitting, StoredResponse
from examapp.delivery.sittings import time_rules
from examapp.delivery.state import Kind
from examapp.errors import ExamappError
from examapp.exams.exam_forms import digest_of
from examapp.exams.models import ExamForm, FormSlot
from examapp.scoring.marking import marked_slots, newest_marks
from examapp.scoring.models import Result
from examapp.scoring.results import is_released
from examapp.scoring.rules import rescore

TrustedKeys = Mapping[str, Mapping[str, str]]
_UNREADABLE = (
    ValueError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError, ExamappError, SQLAlchemyError,
)  # fmt: skip
_ITEM_COLUMNS = ("id", "version", "type", "area")


@dataclass(frozen=True)
class Finding:
    """One thing that does not hold: in which table, of which row, and what."""

    table: str
    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.what}"


def verify_bundle(bundle: Any, trusted_keys: TrustedKeys) -> Verification:
    """Check a bundle offline, and score the sitting again from its evidence."""
    verification = record.verify(bundle, trusted_keys)
    if verification.facts is None:
        return verification
    score = check("score", lambda: _score_differs(bundle["evidence"]))
    return Verification((*verification.checks, score), verification.facts)


def _score_differs(evidence: dict[str, Any]) -> str:
    again = rescore(evidence)
    different = sorted(name for name, value in again.items() if evidence["outcome"].get(name) != value)
    return f"scored again from the evidence, another {', '.join(different)} comes out" if different else ""


def verify_storage(keys: key_store.Keys | None = None, notes: Iterable[str] = ()) -> list[Finding]:
    """Return everything stored that does not hold.

    With `keys` also the pseudonyms are recomputed. `notes` are checkpoints that somebody kept outside; those that
    centers acknowledged are compared in any case, so a log that was cut or put back from an old copy is noticed.
    """
    db.session.expire_all()
    trusted_keys = {row.kid: row.jwk for row in _readable(key_store.public_keys)}
    # the session forgets what nobody holds, and every sitting of a form would read its slots and items again
    _held = _readable(_whole_forms)
    return [
        *_seals(),
        *_dangling(),
        *_rows(PublicKey, _broken_key),
        *_rows(Sitting, _broken_sitting),
        *_strays(),
        *_rows(ItemVersion, _broken_item),
        *_rows(StimulusVersion, _broken_stimulus),
        *_rows(ExamForm, _broken_form),
        *_rows(Paper, _broken_paper),
        *_rows(Result, _broken_result),
        *_rows(LogEntry, lambda entry: _broken_entry(entry, trusted_keys, keys)),
        *_log_heads(trusted_keys, notes),
        *_rows(Certificate, _broken_certificate),
    ]


def _readable(read: Callable[[], list[Any]]) -> list[Any]:
    try:
        return read()
    except _UNREADABLE:
        return []


def _whole_forms() -> list[ExamForm]:
    slots = selectinload(ExamForm.slots)
    items = slots.joinedload(FormSlot.item_version).joinedload(ItemVersion.item)
    return list(db.session.scalars(select(ExamForm).options(items, slots.joinedload(FormSlot.stimulus_version))))


def _seals() -> Iterator[Finding]:
    for table in sealed_tables():
        for key in broken_seals(table):
            yield Finding(table.name, "/".join(map(str, key)), "does not match its seal")


def _rows(model: type[Base], broken: Callable[[Any], Iterator[str]]) -> Iterator[Finding]:
    """Check each row by itself, so that one that cannot even be read is named and hides no other."""
    table = model.__table__
    columns = list(table.primary_key.columns)  # type: ignore[attr-defined]
    for key in db.session.execute(select(*columns).order_by(*columns)).all():
        name = "/".join(map(str, key))
        try:
            row = db.session.get(model, tuple(key))
            for what in broken(row):
                yield Finding(str(table), name, what)
        except _UNREADABLE as error:
            yield Finding(str(table), name, f"cannot be read: {error}")


def _dangling() -> Iterator[Finding]:
    """Rows that name a row of another table that is not there."""
    for table in Base.metadata.sorted_tables:
        for foreign_key in table.foreign_keys:
            own, other = foreign_key.parent, foreign_key.column.table.alias()
            is_there = select(other).where(other.c[foreign_key.column.name] == own).exists()
            query = select(*table.primary_key.columns).where(own.is_not(None), ~is_there)
            for key in db.session.execute(query):
                yield Finding(table.name, "/".join(map(str, key)), f"its {own.name} is not there")


def _broken_key(row: PublicKey) -> Iterator[str]:
    jwk = row.jwk
    if (jwk["kid"], jwk["alg"], key_store.ALGORITHMS.get(row.use)) != (row.kid, row.algorithm, row.algorithm):
        yield "its id, use or algorithm is not that of the key"
    if not row.kid.endswith("#" + signing.thumbprint(signing.import_public(jwk))):
        yield "its id is not the thumbprint of the key"


def _broken_sitting(sitting: Sitting) -> Iterator[str]:
    yield from journal.broken(sitting)
    started = journal.event_of(journal.entries(sitting.id)[0])
    paper = db.session.get_one(Paper, sitting.exam_form_id)
    if started.kind is Kind.STARTED:
        named = (started.body["registration"], started.body["exam_form"], started.body["paper"], started.body["seed"])
        if named != (sitting.registration_id, sitting.exam_form.digest, paper.digest, str(sitting.seed)):
            yield "its registration, form, paper or seed is not the one that it began with"
        now = time_rules(sitting.registration)
        times = (utc_string(now.opens_at), utc_string(now.closes_at), now.minutes, now.extra_minutes)
        if times != tuple(started.body[name] for name in ("opens_at", "closes_at", "minutes", "extra_minutes")):
            yield "its window, minutes or extra minutes are not those that it began with"


def _strays() -> Iterator[Finding]:
    """Rows of sittings that are not there."""
    for model in (JournalEntry, StoredResponse):
        known = select(Sitting.id).where(Sitting.id == model.sitting_id).exists()
        for sitting_id in db.session.scalars(select(model.sitting_id).where(~known).distinct()):
            yield Finding(model.__tablename__, str(sitting_id), "belongs to a sitting that is not there")


def _broken_content(row: ItemVersion | StimulusVersion) -> Iterator[str]:
    if digest(row.content) != row.digest:
        yield "the content does not match its digest"


def _broken_item(row: ItemVersion) -> Iterator[str]:
    yield from _broken_content(row)
    content = row.content
    if (row.item.code, row.version, row.type, row.area) != tuple(content[name] for name in _ITEM_COLUMNS):
        yield "its item, version, type or area is not that of the content"


def _broken_stimulus(row: StimulusVersion) -> Iterator[str]:
    yield from _broken_content(row)
    if (row.stimulus.code, row.version) != (row.content["id"], row.content["version"]):
        yield "its stimulus or version is not that of the content"


def _broken_form(exam_form: ExamForm) -> Iterator[str]:
    if digest_of(exam_form) != exam_form.digest:
        yield "the slots do not match the form's digest"


def _broken_paper(paper: Paper) -> Iterator[str]:
    if digest_of_bytes(paper.content) != paper.digest:
        yield "the content does not match its digest"


def _broken_result(result: Result) -> Iterator[str]:
    evidence = result.evidence
    if digest(evidence) != result.evidence_digest:
        yield "the evidence does not match its digest"
    yield from filter(None, [_score_differs(evidence)])
    outcome = evidence["outcome"]
    columns = {
        "raw_points": outcome["raw_points"], "highest_points": outcome["highest_points"], "theta": outcome["theta"],
        "standard_error": outcome["standard_error"], "scaled": outcome["scaled"], "scorer": evidence["scorer"],
        "is_passed": int(outcome["is_passed"]), "probability": outcome["probability"],
        "cut_theta": evidence["cut"]["theta"],
    }  # fmt: skip
    for name, value in columns.items():
        if getattr(result, name) != value:
            yield f"{name} is not what the evidence gives"
    earlier = select(func.count()).where(Result.sitting_id == result.sitting_id, Result.number < result.number)
    if db.session.scalar(earlier) != result.number - 1:
        yield "results of the sitting before this one are missing"
    yield from _broken_marks(result.sitting, evidence)
    yield from _broken_parameters(evidence)


def _broken_marks(sitting: Sitting, evidence: dict[str, Any]) -> Iterator[str]:
    """Compare the evidence with the journal, the stored marks, and marking again by the items' keys."""
    items = {item["slot"]: item for item in evidence["items"]}
    marks = newest_marks(sitting.id)
    for marked in marked_slots(sitting, journal.read(sitting.id)):
        slot, version = marked.slot.number, marked.slot.item_version
        item, mark = items.get(slot, {}), marks.get(slot)
        if item.get("digest") != version.digest or item.get("response") != marked.value:
            yield f"slot {slot}: another item or response than in the form and the journal"
        if (item.get("category"), item.get("highest")) != (marked.category, marked.highest):
            yield f"slot {slot}: marked again by the key, another category comes out"
        if mark is None or (mark.category, mark.highest) != (item.get("category"), item.get("highest")):
            yield f"slot {slot}: the stored mark is another"


def _broken_parameters(evidence: dict[str, Any]) -> Iterator[str]:
    query = (
        select(ItemVersion.digest, ItemParameters.model, ItemParameters.parameters)
        .join(ItemParameters, ItemParameters.item_version_id == ItemVersion.id)
        .where(ItemParameters.scale == evidence["scale"])
        .where(ItemVersion.digest.in_([item["digest"] for item in evidence["items"]]))
    )
    stored = {(version, model, digest(values)) for version, model, values in db.session.execute(query)}
    for item in evidence["items"]:
        if (item["digest"], item["model"], digest(item["parameters"])) not in stored:
            yield f"slot {item['slot']}: no stored parameters of the item are those in the evidence"


def _broken_entry(entry: LogEntry, trusted_keys: TrustedKeys, keys: key_store.Keys | None) -> Iterator[str]:
    if record.leaf(entry.record).hex() != entry.leaf_hash:
        yield "the record is not the one whose hash was logged"
    facts = record.open_record(entry.record, trusted_keys)
    if (entry.record_id, utc_string(entry.logged_at)) != (facts.record_id, facts.issued_at):
        yield "its id or time is not that of the record"
    result = entry.result
    if result is None:
        yield "its result is gone"
        return
    if not is_released(result):
        yield "its result was not released"
    subject = keys.pseudonym(result.sitting.registration.trainee_id) if keys else facts.subject
    stored = issuing.facts_of(
        result, facts.issuer, facts.log, subject, record_id=facts.record_id, at=parse_utc(facts.issued_at)
    )
    different = [name for name in record.FACT_NAMES if getattr(stored, name) != getattr(facts, name)]
    if different:
        yield f"the signed record and the stored rows differ on {', '.join(different)}"
    yield from _broken_head(facts, result.sitting)


def _broken_head(facts: record.RecordFacts, sitting: Sitting) -> Iterator[str]:
    """The journal may have grown since by late responses, but must still begin with what was signed."""
    row = db.session.get(JournalEntry, (sitting.id, facts.journal_entries))
    if row is None or row.digest != facts.journal_head:
        yield "the journal no longer begins with the entries that the record names"


def _log_heads(trusted_keys: TrustedKeys, notes: Iterable[str]) -> Iterator[Finding]:
    rows = db.session.execute(select(LogEntry.index, LogEntry.record).order_by(LogEntry.index)).all()
    for position, (index, _) in enumerate(rows):
        if index != position:
            yield Finding("log_entry", str(index), f"stands where entry {position} should: entries are missing")
            return
    tree = Tree([record.leaf(token) for _, token in rows])
    newest = db.session.scalar(select(func.max(Checkpoint.size))) or 0
    if newest != tree.size:
        yield Finding("log_entry", str(tree.size), f"the newest checkpoint covers {newest} of {tree.size} entries")
    yield from _rows(Checkpoint, lambda row: _broken_checkpoint(row, tree, trusted_keys))
    yield from _rows(Acknowledgement, lambda row: _broken_note(row.checkpoint, tree, trusted_keys))
    for number, note in enumerate(notes, start=1):
        for what in _broken_note(note, tree, trusted_keys):
            yield Finding("checkpoint", f"kept outside, number {number}", what)


def _broken_checkpoint(row: Checkpoint, tree: Tree, trusted_keys: TrustedKeys) -> Iterator[str]:
    yield from _broken_note(row.note, tree, trusted_keys)
    lines = row.note.split("\n")
    head = open_checkpoint(row.note, lines[0], trusted_keys.values())
    if (row.size, row.root_hash) != (head.size, head.root.hex()):
        yield "its size or root is not that of the signed note"


def _broken_note(note: str, tree: Tree, trusted_keys: TrustedKeys) -> Iterator[str]:
    try:
        head = open_checkpoint(note, note.split("\n")[0], trusted_keys.values())
    except ExamappError as error:
        yield f"{error}"
        return
    if head.size > tree.size:
        yield f"the log had {head.size} entries when this was signed and now has {tree.size}"
    elif tree.root(head.size) != head.root:
        yield f"the first {head.size} entries of the log are not those that were signed"


def _broken_certificate(certificate: Certificate) -> Iterator[str]:
    results = (certificate.theory_result, certificate.practical_result)
    if not is_number(certificate.number):
        yield "the check character of its number does not fit"
    for part, result in zip(issuing.PARTS, results, strict=True):
        sitting = result.sitting
        owner = (sitting.registration.trainee_id, sitting.exam_form.exam_id, sitting.exam_form.part)
        if owner != (certificate.trainee_id, certificate.exam_id, part) or not result.is_passed:
            yield f"its {part} result is not a passed one of this trainee and exam"
    if certificate.holder_name != certificate.trainee.name:
        yield "its holder's name is not that of the trainee"
    if certificate.probability != issuing.joint_probability(*results):
        yield "its probability is not that of its results"
