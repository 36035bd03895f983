"""On which device a sitting is open: whoever goes on at another computer may, but nobody does so unnoticed.

A device is known by what tickets keep of its browser session. The journal says on which one a sitting began, and when
another one than the last opened it. Both may answer; of two responses to one item the newer counts, as between tabs.
"""

import json
from datetime import datetime

from sqlalchemy import bindparam, func, select

from examapp.canonical import parse_utc
from examapp.db import db
from examapp.delivery import journal
from examapp.delivery.acceptance import LONGEST_JOURNAL
from examapp.delivery.models import JournalEntry, Sitting
from examapp.delivery.state import OPEN, Kind

# number of the entry of a sitting's newest opening; to be a column of a statement that reads the sitting
NEWEST_OPENING = (
    select(func.max(JournalEntry.number))
    .where(JournalEntry.sitting_id == Sitting.id, JournalEntry.kind == Kind.OPENED.value)
    .correlate(Sitting)
    .scalar_subquery()
)
# body of the entry that says on which device a sitting was last opened; likewise
LAST_OPENING = (
    select(JournalEntry.body)
    .where(
        JournalEntry.sitting_id == Sitting.id,
        (JournalEntry.kind == Kind.STARTED.value) | (JournalEntry.kind == Kind.OPENED.value),
    )
    .order_by(JournalEntry.number.desc())
    .limit(1)
    .correlate(Sitting)
    .scalar_subquery()
)
_LAST = select(LAST_OPENING).where(Sitting.id == bindparam("sitting"))


def name_of(csrf_digest: str) -> str:
    """Return what the journal calls the device whose tickets hold this digest: too little of it to stand for it."""
    return csrf_digest[:12]


def is_news(sitting: Sitting, device: str) -> bool:
    """Say whether a running sitting that is opened on `device` was last opened on another one."""
    last = db.session.connection().execute(_LAST, {"sitting": sitting.id}).scalar_one()
    return is_another(sitting.status, last, device)


def is_another(status: str, last_opening: str, device: str) -> bool:
    """Say the same of a sitting that was read with `LAST_OPENING`."""
    return status == OPEN and bool(json.loads(last_opening).get("device", device) != device)


def open_on(sitting: Sitting, device: str, *, at: datetime) -> None:
    """Write down that a running sitting was opened on another device than the last."""
    head = journal.lock_one(sitting.id)
    if head.status != OPEN or head.last_number >= LONGEST_JOURNAL or not is_news(sitting, device):
        return
    connection = db.session.connection()
    journal.append(connection, head, Kind.OPENED, at, {"device": device})
    journal.save_head(connection, head)


def newest_opening(sitting: Sitting) -> int | None:
    """Return the number of the entry of a sitting's newest opening."""
    return db.session.scalar(select(NEWEST_OPENING).where(Sitting.id == sitting.id))


def opened_elsewhere(sitting_id: int, newest: int | None, device: str) -> datetime | None:
    """Return when another device opened the sitting, unless `device` did since; `newest` is the newest opening."""
    if newest is None:
        return None
    query = select(JournalEntry.at, JournalEntry.body).where(
        JournalEntry.sitting_id == sitting_id, JournalEntry.number == newest
    )
    at, body = db.session.execute(query).one()
    return None if json.loads(body)["device"] == device else parse_utc(at)
