"""The end of sittings that nobody handed in: each is closed as of its own deadline, whenever somebody finds it.

What the end says is worked out beforehand and written only if the sitting is still as it was then, so that a save that
came in between, or minutes that were added, are never passed over; such a sitting is found again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from examapp.accounts import access
from examapp.canonical import canonical_bytes
from examapp.db import db
from examapp.delivery import histories, journal
from examapp.delivery.acceptance import closing_body
from examapp.delivery.journal import EntryRow, Head
from examapp.delivery.models import JournalEntry, Sitting, StoredResponse
from examapp.delivery.state import EXPIRED, OPEN, Kind
from examapp.delivery.timing import counts

# what arrived in the last moment may still wait for its commit: a full queue is written in less
IN_QUEUE = timedelta(seconds=1)
_APPEND = insert(JournalEntry)
_CLOSE = (
    update(Sitting)
    .where(Sitting.id == bindparam("sitting"))
    .values({name: bindparam(f"new_{name}") for name in ("status", "closed_at", "last_number", "last_digest")})
)


@dataclass(frozen=True)
class Running:
    """A running sitting as it was read: the head of its journal and its stored responses, as JSON by slot."""

    head: Head
    given: dict[int, str]


@dataclass(frozen=True)
class End:
    """The last entry of a sitting whose time is over, and when that was."""

    entry: EntryRow
    at: datetime


def overdue(grace: timedelta, *, at: datetime, after: int = -1, limit: int = 200) -> list[int]:
    """Return ids beyond `after` of running sittings that nobody need wait for any longer, in order."""
    latest = at - grace - IN_QUEUE
    query = select(Sitting.id).where(Sitting.status == OPEN, Sitting.ends_at <= latest, Sitting.id > after)
    return list(db.session.scalars(query.order_by(Sitting.id).limit(limit)))


def next_end(grace: timedelta, *, at: datetime) -> datetime | None:
    """Return the first moment after `at` from which a sitting that runs now is overdue, None if none runs so long."""
    waited = grace + IN_QUEUE
    query = select(func.min(Sitting.ends_at)).where(Sitting.status == OPEN, Sitting.ends_at > at - waited)
    ends_at = db.session.scalar(query)
    return ends_at and ends_at + waited


def is_over(sitting: Sitting, grace: timedelta, *, at: datetime) -> bool:
    """Say whether a sitting is closed, by somebody or by the clock alone."""
    return sitting.status != OPEN or not counts(sitting.ends_at, at, grace)


def running(sitting_ids: Sequence[int]) -> list[Running]:
    """Return the sittings of these ids as they are now, by id."""
    found = {sitting_id: Running(head, {}) for sitting_id, head in _heads(sitting_ids).items()}
    query = select(StoredResponse.sitting_id, StoredResponse.slot, StoredResponse.value)
    for sitting_id, slot, value in db.session.execute(query.where(StoredResponse.sitting_id.in_(found))):
        found[sitting_id].given[slot] = value
    return list(found.values())


def _heads(sitting_ids: Sequence[int]) -> dict[int, Head]:
    columns = (Sitting.id, Sitting.status, Sitting.ends_at, Sitting.epoch, Sitting.last_number, Sitting.last_digest)
    rows = db.session.execute(select(*columns).where(Sitting.id.in_(sitting_ids)).order_by(Sitting.id))
    return {row[0]: Head(*row) for row in rows}


def end_of(sitting: Running) -> End:
    """Return the end that a running sitting comes to by its deadline."""
    ends_at = sitting.head.ends_at
    body = canonical_bytes(closing_body(sitting.given)).decode()
    return End(journal.next_row(replace(sitting.head), Kind.EXPIRED, ends_at, body), ends_at)


def store(actor: access.Actor, ends: Sequence[End], grace: timedelta, *, at: datetime) -> int:
    """Close the sittings that are still as they were when their ends were worked out, and return how many."""
    access.require(actor, "work.run_due")
    sitting_ids = sorted(end.entry.sitting_id for end in ends)
    histories.lock(sitting_ids)
    heads = _heads(sitting_ids)
    due = [end for end in ends if _is_as_it_was(heads[end.entry.sitting_id], end, grace, at)]
    if due:
        connection = db.session.connection()
        connection.execute(_APPEND, [end.entry._asdict() for end in due])
        connection.execute(_CLOSE, [_closed(end) for end in due])
    return len(due)


def _is_as_it_was(head: Head, end: End, grace: timedelta, at: datetime) -> bool:
    is_due = head.status == OPEN and head.ends_at == end.at and not counts(end.at, at, grace)
    return is_due and head.last_digest == end.entry.previous


def _closed(end: End) -> dict[str, Any]:
    return {
        "sitting": end.entry.sitting_id, "new_status": EXPIRED, "new_closed_at": end.at,
        "new_last_number": end.entry.number, "new_last_digest": end.entry.digest,
    }  # fmt: skip


def expire(actor: access.Actor, sitting: Sitting, grace: timedelta, *, at: datetime) -> bool:
    """Write down that a sitting's time is over; False when it is not, or was closed already."""
    histories.lock([sitting.id])
    is_closed = store(actor, [end_of(each) for each in running([sitting.id])], grace, at=at) == 1
    db.session.refresh(sitting)
    return is_closed
