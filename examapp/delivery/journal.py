"""The journal of a sitting: append, read, and find what does not hold.

Each entry carries the digest of the one before it. Its own digest is taken over the canonical JSON of
{sitting, number, kind, at, body, previous}, so anybody who has the rows can recompute the chain. The row of the sitting
holds a copy of the chain's head; whoever appends holds that row's lock.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Connection

from examapp.canonical import canonical_text, digest_of_bytes, parse_utc, utc_string
from examapp.db import db
from examapp.delivery.models import JournalEntry, Sitting
from examapp.delivery.state import Event, Kind, SittingState, replay
from examapp.errors import N_, NotFound, Tampered

FIRST = "sha256:" + "0" * 64

_HEAD = select(
    Sitting.id, Sitting.status, Sitting.ends_at, Sitting.epoch, Sitting.last_number, Sitting.last_digest
).where(Sitting.id.in_(bindparam("ids", expanding=True))).with_for_update()  # fmt: skip


# statements are written once: building them anew would cost the hot path more than running them
_INSERT = insert(JournalEntry)
_AT = select(JournalEntry.at, JournalEntry.digest).where(
    JournalEntry.sitting_id == bindparam("sitting"), JournalEntry.number == bindparam("entry")
)
_SAVE = (
    update(Sitting)
    .where(Sitting.id == bindparam("sitting"))
    .values({name: bindparam(f"new_{name}") for name in ("status", "ends_at", "last_number", "last_digest")})
)
_SAVE_CLOSED = _SAVE.values(closed_at=bindparam("new_closed_at"))


@dataclass
class Head:
    """What appending needs to know of a sitting; the copy in the sitting's row is written back by `save_head`."""

    sitting_id: int
    status: str
    ends_at: datetime
    epoch: int
    last_number: int
    last_digest: str
    closed_at: datetime | None = None
    is_changed: bool = False


class Entry(NamedTuple):
    """An appended entry."""

    number: int
    at: datetime
    digest: str

    @property
    def receipt(self) -> str:
        """What the trainee keeps: the entry's number and digest, which the chain makes unforgeable afterwards."""
        return f"{self.number}:{self.digest.removeprefix('sha256:')}"


def lock(connection: Connection, sitting_ids: list[int]) -> dict[int, Head]:
    """Lock the sittings' rows and return their heads by id; unknown ids are left out."""
    rows = connection.execute(_HEAD, {"ids": sitting_ids})
    return {row.id: Head(row.id, row.status, row.ends_at, row.epoch, row.last_number, row.last_digest) for row in rows}


def lock_one(sitting_id: int) -> Head:
    """Lock one sitting in the present unit of work and return its head."""
    head = lock(db.session.connection(), [sitting_id]).get(sitting_id)
    if head is None:
        raise NotFound("sitting.unknown", N_("There is no such sitting."))
    return head


class EntryRow(NamedTuple):
    """An entry as it is stored; `at` is ISO text and `body` canonical JSON."""

    sitting_id: int
    number: int
    kind: str
    at: str
    body: str
    previous: str
    digest: str


def entry_digest(sitting_id: int, number: int, kind: str, at: str, body: Any, previous: str) -> str:
    """Return the digest of an entry as it stands in the chain."""
    return digest_of(sitting_id, number, kind, at, canonical_text(body), previous)


def digest_of(sitting_id: int, number: int, kind: str, at: str, body: str, previous: str) -> str:
    # the canonical JSON of the six members around a body that is canonical already
    text = (
        f'{{"at":"{at}","body":{body},"kind":"{kind}","number":{number},'
        f'"previous":"{previous}","sitting":"{sitting_id:016x}"}}'
    )
    return digest_of_bytes(text.encode())


def next_row(head: Head, kind: Kind, at: datetime, body: str) -> EntryRow:
    """Return the next entry of a locked sitting, whose body is canonical JSON; the head moves with it."""
    number, stamp, previous = head.last_number + 1, utc_string(at), head.last_digest
    name = kind.value
    own = digest_of(head.sitting_id, number, name, stamp, body, previous)
    head.last_number, head.last_digest, head.is_changed = number, own, True
    return EntryRow(head.sitting_id, number, name, stamp, body, previous, own)


def append(connection: Connection, head: Head, kind: Kind, at: datetime, body: dict[str, Any]) -> Entry:
    """Insert the next entry of a locked sitting; the head moves with it."""
    row = next_row(head, kind, at, canonical_text(body))
    connection.execute(_INSERT, row._asdict())
    return Entry(row.number, at, row.digest)


def save_head(connection: Connection, head: Head) -> None:
    """Write the head's copy back to the sitting's row."""
    values: dict[str, Any] = {
        "sitting": head.sitting_id, "new_status": head.status, "new_ends_at": head.ends_at,
        "new_last_number": head.last_number, "new_last_digest": head.last_digest,
    }  # fmt: skip
    if head.closed_at is None:
        connection.execute(_SAVE, values)
    else:
        connection.execute(_SAVE_CLOSED, {**values, "new_closed_at": head.closed_at})
    head.is_changed = False


def entries(sitting_id: int) -> list[JournalEntry]:
    """Return a sitting's rows in order."""
    query = select(JournalEntry).where(JournalEntry.sitting_id == sitting_id).order_by(JournalEntry.number)
    return list(db.session.scalars(query))


def event_of(row: JournalEntry) -> Event:
    """Return the event that a row stores."""
    return Event(row.number, Kind(row.kind), parse_utc(row.at), json.loads(row.body))


def read(sitting_id: int) -> SittingState:
    """Return the state that the journal gives; a journal that cannot be replayed is `Tampered`."""
    try:
        return replay(event_of(row) for row in entries(sitting_id))
    except (ValueError, KeyError, TypeError) as error:
        raise Tampered(
            "journal.broken", N_("The journal of sitting %(sitting)s does not hold."), sitting=f"{sitting_id:016x}"
        ) from error


def entry_at(connection: Connection, sitting_id: int, number: int) -> Entry:
    """Return the entry with this number, as it was acknowledged."""
    row = connection.execute(_AT, {"sitting": sitting_id, "entry": number}).one()
    return Entry(number, parse_utc(row.at), row.digest)
