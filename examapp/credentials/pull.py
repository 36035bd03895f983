"""What API clients pull: pages of the log, records, evidence; and what they acknowledge.

The cursor counts log entries: `after=N` means "I have the first N". It never changes for a record, so a client that
dies in the middle of a page starts again where its own store ends and gets every record exactly once. A client of a
center sees the records of that center's registrations; for the others it can still ask for proofs, which are hashes.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError

from examapp.accounts.models import ApiClient
from examapp.canonical import LARGEST_INTEGER, digest, utc_string
from examapp.credentials import log
from examapp.credentials.checkpoint import open_checkpoint
from examapp.credentials.models import Acknowledgement, LogEntry
from examapp.db import db
from examapp.delivery.models import Sitting
from examapp.errors import N_, ExamappError, InvalidInput, NotFound, Refused
from examapp.exams.models import Registration
from examapp.scoring.models import Result

LARGEST_PAGE = 1000
LONGEST_KEY = 200


def page(client: ApiClient, after: int, limit: int) -> dict[str, Any]:
    """Return up to `limit` entries after the cursor in log order, the next cursor, and the head of the log."""
    if after < 0 or not 1 <= limit <= LARGEST_PAGE:
        message = N_("after is 0 or more, limit 1 to %(largest)s.")
        raise InvalidInput("page.range", message, largest=LARGEST_PAGE)
    checkpoint = log.head()
    head = checkpoint.size if checkpoint else 0
    query = _visible(client).where(LogEntry.index >= after, LogEntry.index < head).order_by(LogEntry.index).limit(limit)
    entries = list(db.session.scalars(query))
    is_full = len(entries) == limit
    return {
        "items": [_item(entry) for entry in entries],
        "next": entries[-1].index + 1 if is_full else max(head, after),
        "head": head,
    }


def _item(entry: LogEntry) -> dict[str, Any]:
    return {
        "index": entry.index, "id": entry.record_id, "leaf_hash": entry.leaf_hash,
        "logged_at": utc_string(entry.logged_at), "record": entry.record,
    }  # fmt: skip


def _visible(client: ApiClient) -> Select[LogEntry]:
    if client.center_id is None:
        return select(LogEntry)
    return (
        select(LogEntry)
        .join(Result, Result.id == LogEntry.result_id)
        .join(Sitting, Sitting.id == Result.sitting_id)
        .join(Registration, Registration.id == Sitting.registration_id)
        .where(Registration.center_id == client.center_id)
    )


def entry_for(client: ApiClient, record_id: str) -> LogEntry:
    """Return the log entry of a record that this client may see; another center's is as unknown as none."""
    entry = db.session.scalar(_visible(client).where(LogEntry.record_id == record_id))
    checkpoint = log.head()
    if entry is None or checkpoint is None or entry.index >= checkpoint.size:
        raise NotFound("record.unknown", N_("There is no such record."))
    return entry


def acknowledge(
    client: ApiClient, key: str, up_to: object, note: object, origin: str,
    trusted_keys: Mapping[str, Mapping[str, str]], *, at: datetime,
) -> Acknowledgement:  # fmt: skip
    """Store that the client has the first `up_to` entries under a checkpoint it saw; repeated, it is the same row."""
    if not 1 <= len(key) <= LONGEST_KEY:
        message = N_("Send an Idempotency-Key of 1 to 200 characters.")
        raise InvalidInput("ack.key", message)
    is_count = isinstance(up_to, int) and not isinstance(up_to, bool) and 0 <= up_to <= LARGEST_INTEGER
    if not is_count or not isinstance(up_to, int) or not isinstance(note, str):
        raise InvalidInput("ack.malformed", N_("Send up_to, a whole number, and checkpoint, the signed note."))
    body_digest = digest({"up_to": up_to, "checkpoint": note})
    known = db.session.get(Acknowledgement, (client.id, key))
    if known is None:
        _check_seen(up_to, note, origin, trusted_keys)
        known = _store(client, key, body_digest, up_to, note, at)
    if known.body_digest != body_digest:
        raise Refused("ack.key_reused", N_("This Idempotency-Key came before with another body."))
    return known


def _check_seen(up_to: int, note: str, origin: str, trusted_keys: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse a checkpoint that this log did not sign, and more entries than it covers."""
    try:
        seen = open_checkpoint(note, origin, trusted_keys.values())
    except ExamappError as error:
        raise InvalidInput("ack.checkpoint", N_("This is not a checkpoint that the log signed.")) from error
    if up_to > seen.size:
        message = N_("up_to goes beyond the checkpoint, which has %(size)s entries.")
        raise InvalidInput("ack.beyond_head", message, size=seen.size)


def _store(client: ApiClient, key: str, body_digest: str, up_to: int, note: str, at: datetime) -> Acknowledgement:
    row = Acknowledgement(
        client_id=client.id, idempotency_key=key, body_digest=body_digest, up_to=up_to, checkpoint=note,
        acknowledged_at=at,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:
        # the same request, sent twice at once: the row that was first counts
        return db.session.get_one(Acknowledgement, (client.id, key))
    return row
