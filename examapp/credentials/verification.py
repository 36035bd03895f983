"""What `examapp log verify` says: everything stored that does not hold, row by row; and the whole check of a bundle.

Seals tell of a careless change. The rest recomputes from what the row is about, so that a change with a new seal is
found too: journals by their chains, content by its digest, records by signature, the log by its signed heads, scores by
scoring again.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import func, select

from examapp.banks.models import ItemVersion, StimulusVersion
from examapp.canonical import digest, digest_of_bytes
from examapp.credentials import issuing, key_store, record, signing
from examapp.credentials.certificate_numbers import is_number
from examapp.credentials.checkpoint import open_checkpoint
from examapp.credentials.findings import UNREADABLE, Finding, name_of, rows, sets
from examapp.credentials.merkle import Tree
from examapp.credentials.models import Acknowledgement, Certificate, Checkpoint, LogEntry, PublicKey
from examapp.credentials.record import Verification, check
from examapp.credentials.sitting_checks import EntryChecks, ResultChecks, TrustedKeys, broken_sittings, score_differs
from examapp.db import Base, broken_seals, db, sealed_tables
from examapp.delivery.models import JournalEntry, Paper, Sitting, StoredResponse
from examapp.errors import ExamappError
from examapp.exams.exam_forms import digest_of
from examapp.exams.models import ExamForm, ExtraTime, Registration
from examapp.scoring.models import Result

_ITEM_COLUMNS = ("id", "version", "type", "area")


def verify_bundle(bundle: Any, trusted_keys: TrustedKeys) -> Verification:
    """Check a bundle offline, and score the sitting again from its evidence."""
    verification = record.verify(bundle, trusted_keys)
    if verification.facts is None:
        return verification
    score = check("score", lambda: score_differs(bundle["evidence"]))
    return Verification((*verification.checks, score), verification.facts)


def verify_storage(keys: key_store.Keys | None = None, notes: Iterable[str] = ()) -> list[Finding]:
    """Return everything stored that does not hold.

    With `keys` also the pseudonyms are recomputed. `notes` are checkpoints that somebody kept outside; those that
    centers acknowledged are compared in any case, so a log that was cut or put back from an old copy is noticed.
    """
    db.session.expire_all()
    trusted_keys = {row.kid: row.jwk for row in _readable(key_store.public_keys)}
    return [
        *_seals(),
        *_dangling(),
        *rows(PublicKey, _broken_key),
        *sets(Sitting, broken_sittings),
        *_extra_time(),
        *_strays(),
        *rows(ItemVersion, _broken_item),
        *rows(StimulusVersion, _broken_stimulus),
        *rows(ExamForm, _broken_form),
        *rows(Paper, _broken_paper),
        *sets(Result, ResultChecks().broken),
        *sets(LogEntry, EntryChecks(trusted_keys, keys).broken),
        *_log_heads(trusted_keys, notes),
        *rows(Certificate, _broken_certificate),
    ]


def _readable(read: Callable[[], list[Any]]) -> list[Any]:
    try:
        return read()
    except UNREADABLE:
        return []


def _seals() -> Iterator[Finding]:
    for table in sealed_tables():
        for key in broken_seals(table):
            yield Finding(table.name, name_of(tuple(key)), "does not match its seal")


def _dangling() -> Iterator[Finding]:
    """Rows that name a row of another table that is not there."""
    for table in Base.metadata.sorted_tables:
        for foreign_key in table.foreign_keys:
            own, other = foreign_key.parent, foreign_key.column.table.alias()
            is_there = select(other).where(other.c[foreign_key.column.name] == own).exists()
            query = select(*table.primary_key.columns).where(own.is_not(None), ~is_there)
            for key in db.session.execute(query):
                yield Finding(table.name, name_of(tuple(key)), f"its {own.name} is not there")


def _broken_key(row: PublicKey) -> Iterator[str]:
    jwk = row.jwk
    if (jwk["kid"], jwk["alg"], key_store.ALGORITHMS.get(row.use)) != (row.kid, row.algorithm, row.algorithm):
        yield "its id, use or algorithm is not that of the key"
    if not row.kid.endswith("#" + signing.thumbprint(signing.import_public(jwk))):
        yield "its id is not the thumbprint of the key"


def _extra_time() -> Iterator[Finding]:
    """Registrations whose extra minutes are not those that were decided last."""
    last = select(ExtraTime.registration_id, func.max(ExtraTime.number).label("number"), func.count().label("kept"))
    newest = last.group_by(ExtraTime.registration_id).subquery()
    query = (
        select(Registration.id, newest.c.number, newest.c.kept)
        .join(newest, newest.c.registration_id == Registration.id)
        .join(ExtraTime, (ExtraTime.registration_id == Registration.id) & (ExtraTime.number == newest.c.number))
        .where((newest.c.number != newest.c.kept) | (ExtraTime.minutes != Registration.extra_minutes))
    )
    for registration_id, number, kept in db.session.execute(query):
        what = "decisions are missing" if number != kept else "its extra minutes are not those that were decided last"
        yield Finding("registration", registration_id, what)


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


def _log_heads(trusted_keys: TrustedKeys, notes: Iterable[str]) -> Iterator[Finding]:
    stored = db.session.execute(select(LogEntry.index, LogEntry.record).order_by(LogEntry.index)).all()
    for position, (index, _) in enumerate(stored):
        if index != position:
            yield Finding("log_entry", str(index), f"stands where entry {position} should: entries are missing")
            return
    tree = Tree([record.leaf(token) for _, token in stored])
    newest = db.session.scalar(select(func.max(Checkpoint.size))) or 0
    if newest != tree.size:
        yield Finding("log_entry", str(tree.size), f"the newest checkpoint covers {newest} of {tree.size} entries")
    yield from rows(Checkpoint, lambda row: _broken_checkpoint(row, tree, trusted_keys))
    yield from rows(Acknowledgement, lambda row: _broken_note(row.checkpoint, tree, trusted_keys))
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
