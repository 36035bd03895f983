"""What becomes of one save, flag or hand-in: the decision, and the rows it writes.

Everything here runs inside the committer's transaction with the sitting's row locked, so the order of saves and of the
hand-in is the order of the journal. A refusal is returned, not raised: a late value is written down as evidence in the
same transaction that refuses it.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Connection

from examapp.canonical import canonical_bytes, digest
from examapp.delivery import journal
from examapp.delivery.journal import Entry, Head
from examapp.delivery.models import JournalEntry, StoredResponse
from examapp.delivery.state import OPEN, SUBMITTED, Kind
from examapp.delivery.timing import counts
from examapp.errors import N_, ExamappError, NotAllowed, Refused, Throttled

_OWN = (StoredResponse.sitting_id == bindparam("sitting")) & (StoredResponse.slot == bindparam("place"))
_NEW: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("seq", "value", "number")}
_STORED = select(StoredResponse.seq, StoredResponse.value, StoredResponse.number).where(_OWN)
_ADD = insert(StoredResponse).values(sitting_id=bindparam("sitting"), slot=bindparam("place"), **_NEW)
_REPLACE = update(StoredResponse).where(_OWN).values(_NEW)


# three entries a second for almost two hours: no person comes near it, and a program cannot fill the disk
LONGEST_JOURNAL = 20_000


@dataclass(frozen=True)
class Save:
    """A response that arrived."""

    slot: int
    seq: int
    value: Any
    client_time: str | None


@dataclass(frozen=True)
class Flag:
    """A mark for review that arrived; it has no part in the score."""

    slot: int
    is_flagged: bool


@dataclass(frozen=True)
class HandIn:
    """A hand-in that arrived."""


@dataclass(frozen=True)
class Request:
    """One request to a sitting: what, when it arrived, and with a ticket of which epoch."""

    sitting_id: int
    action: Save | Flag | HandIn
    received_at: datetime
    epoch: int


@dataclass(frozen=True)
class Accepted:
    """What a request is answered with once it is durable."""

    entry: Entry
    ends_at: datetime
    body: dict[str, Any]


Outcome = Accepted | ExamappError


def accept(connection: Connection, head: Head | None, request: Request, grace: timedelta) -> Outcome:
    """Decide on `request` and write what follows from it."""
    if head is None or head.epoch != request.epoch:
        return NotAllowed("sitting.ticket", N_("Sign in again to go on with this sitting."))
    if isinstance(request.action, Save):
        return _save(connection, head, request.action, request.received_at, grace)
    if isinstance(request.action, Flag):
        return _flag(connection, head, request.action, request.received_at, grace)
    return _hand_in(connection, head, request.received_at, grace)


def closed(head: Head) -> Refused:
    """Return the refusal of a request to a sitting that is over."""
    message = N_("The sitting is over.")
    return Refused("sitting.closed", message, sitting_status=head.status, ends_at=head.ends_at)


def _too_many() -> Throttled:
    """Return the refusal of what only a program can send so often; handing in and the end of time still work."""
    message = N_("The service is very busy. Your answer is kept on your computer and will be sent again.")
    return Throttled("sitting.too_many", message, retry_after=60)


def _is_open(head: Head, at: datetime, grace: timedelta) -> bool:
    return head.status == OPEN and counts(head.ends_at, at, grace)


def _save(connection: Connection, head: Head, save: Save, at: datetime, grace: timedelta) -> Outcome:
    body = {"slot": save.slot, "seq": save.seq, "value": save.value, "client_time": save.client_time}
    stored = connection.execute(_STORED, {"sitting": head.sitting_id, "place": save.slot}).one_or_none()
    if stored and stored.seq == save.seq and json.loads(stored.value) == save.value:
        return Accepted(journal.entry_at(connection, head.sitting_id, stored.number), head.ends_at, body)
    if not _is_open(head, at, grace):
        return _late(connection, head, at, body)
    if stored and stored.seq >= save.seq:
        message = N_("A newer response to this item is stored already.")
        return Refused("response.stale", message, slot=save.slot, stored_seq=stored.seq)
    if head.last_number >= LONGEST_JOURNAL:
        return _too_many()
    entry = journal.append(connection, head, Kind.RESPONDED, at, body)
    row = {
        "sitting": head.sitting_id, "place": save.slot, "new_seq": save.seq,
        "new_value": canonical_bytes(save.value).decode(), "new_number": entry.number,
    }  # fmt: skip
    connection.execute(_REPLACE if stored else _ADD, row)
    return Accepted(entry, head.ends_at, body)


def _late(connection: Connection, head: Head, at: datetime, body: dict[str, Any]) -> Refused:
    """Keep a late value as evidence, once: a client that tries again does not fill the journal."""
    query = select(JournalEntry.body).where(
        JournalEntry.sitting_id == head.sitting_id, JournalEntry.kind == Kind.LATE.value
    )
    seen = [json.loads(text) for text in connection.scalars(query)]
    known = {(each["slot"], each["seq"]) for each in seen}
    if (body["slot"], body["seq"]) not in known and len(seen) < 1000:
        journal.append(connection, head, Kind.LATE, at, body)
    return closed(head)


def _flag(connection: Connection, head: Head, flag: Flag, at: datetime, grace: timedelta) -> Outcome:
    if not _is_open(head, at, grace):
        return closed(head)
    if head.last_number >= LONGEST_JOURNAL:
        return _too_many()
    body = {"slot": flag.slot, "flagged": flag.is_flagged}
    return Accepted(journal.append(connection, head, Kind.FLAGGED, at, body), head.ends_at, body)


def _hand_in(connection: Connection, head: Head, at: datetime, grace: timedelta) -> Outcome:
    if head.status == SUBMITTED:
        return _handed_in_before(connection, head)
    if not _is_open(head, at, grace):
        return closed(head)
    entry, body = close(connection, head, Kind.SUBMITTED, SUBMITTED, at)
    return Accepted(entry, head.ends_at, body)


def _handed_in_before(connection: Connection, head: Head) -> Accepted:
    query = select(JournalEntry.number, JournalEntry.body).where(
        JournalEntry.sitting_id == head.sitting_id, JournalEntry.kind == Kind.SUBMITTED.value
    )
    row = connection.execute(query).one()
    return Accepted(journal.entry_at(connection, head.sitting_id, row.number), head.ends_at, json.loads(row.body))


def close(connection: Connection, head: Head, kind: Kind, status: str, at: datetime) -> tuple[Entry, dict[str, Any]]:
    """End a locked sitting: its last counted entry names how many responses there are and their digest."""
    body = final_responses(connection, head.sitting_id)
    entry = journal.append(connection, head, kind, at, body)
    head.status, head.closed_at = status, at
    return entry, body


def final_responses(connection: Connection, sitting_id: int) -> dict[str, Any]:
    """Return the number of answered slots and the digest of {slot: value} over them."""
    query = select(StoredResponse.slot, StoredResponse.value).where(StoredResponse.sitting_id == sitting_id)
    values = {str(row.slot): json.loads(row.value) for row in connection.execute(query) if row.value != "null"}
    return {"answered": len(values), "responses": digest(values)}
