"""What invigilators watch: every place of an administration with its sitting, what was done to it, and its journal."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from examapp.accounts import access
from examapp.canonical import parse_utc
from examapp.db import db
from examapp.delivery import journal
from examapp.delivery.models import JournalEntry, Sitting, StoredResponse
from examapp.delivery.sittings import time_rules
from examapp.delivery.state import OPEN, Event, Kind
from examapp.delivery.timing import ends_at
from examapp.exams.models import Administration, FormSlot, Registration

INCIDENTS = (Kind.TIME_ADDED, Kind.VOIDED)


@dataclass(frozen=True)
class Place:
    """One registration on the board; `sitting` is its newest, None before the start."""

    registration: Registration
    sitting: Sitting | None
    answered: int
    items: int
    last_save: timedelta | None
    time_left: timedelta | None
    added_minutes: int

    @property
    def status(self) -> str:
        """Where the trainee stands: not started, else what the sitting says."""
        return self.sitting.status if self.sitting else "not_started"


@dataclass(frozen=True)
class Incident:
    """Something that an invigilator did to a sitting, and why."""

    registration: Registration
    sitting: Sitting
    event: Event
    actor_id: str


def registrations(actor: access.Actor, administration: Administration) -> list[Registration]:
    """Return the registrations of an administration that the actor may see, by seat and name."""
    access.require(actor, "registration.manage", actor.center_id)
    people = select(Registration).options(joinedload(Registration.trainee), joinedload(Registration.exam_form))
    query = _visible(actor, people, administration)
    return sorted(db.session.scalars(query), key=lambda each: (each.seat, each.trainee.name))


def places(actor: access.Actor, administration: Administration, *, at: datetime) -> list[Place]:
    """Return the board of an administration, by seat."""
    access.require(actor, "sitting.invigilate", actor.center_id)
    rows = registrations(actor, administration)
    sittings = _newest_sittings(_visible(actor, select(Registration.id), administration))
    saved = _saves([sitting.id for sitting in sittings.values()])
    sizes = _sizes({row.exam_form_id for row in rows})
    return [_place(row, sittings.get(row.id), saved, sizes[row.exam_form_id], at) for row in rows]


def _place(
    row: Registration, sitting: Sitting | None, saved: dict[int, tuple[int, datetime]], items: int, at: datetime
) -> Place:
    answered, last = saved.get(sitting.id, (0, None)) if sitting else (0, None)
    is_running = sitting is not None and sitting.status == OPEN
    return Place(
        row, sitting, answered, items,
        last_save=at - last if last else None,
        time_left=max(sitting.ends_at - at, timedelta(0)) if sitting and is_running else None,
        added_minutes=_added_minutes(row, sitting) if sitting else 0,
    )  # fmt: skip


def _added_minutes(row: Registration, sitting: Sitting) -> int:
    """Return what was added while the sitting ran: how far its end lies beyond the end that was fixed at its start."""
    return int((sitting.ends_at - ends_at(time_rules(row), sitting.started_at)).total_seconds() // 60)


def incidents(actor: access.Actor, administration: Administration) -> list[Incident]:
    """Return every addition of time and every voided sitting of an administration, in the order in which they came."""
    access.require(actor, "sitting.invigilate", actor.center_id)
    query = (
        _visible(actor, select(Registration, Sitting, JournalEntry), administration)
        .join(Sitting, Sitting.registration_id == Registration.id)
        .join(JournalEntry, JournalEntry.sitting_id == Sitting.id)
        .where(JournalEntry.kind.in_([kind.value for kind in INCIDENTS]))
        .order_by(JournalEntry.at)
    )
    return [
        Incident(row, sitting, journal.event_of(entry), str(json.loads(entry.body)["actor"]))
        for row, sitting, entry in db.session.execute(query)
    ]


def events(actor: access.Actor, sitting: Sitting) -> list[Event]:
    """Return what happened in a sitting, in order."""
    access.require(actor, "sitting.invigilate", sitting.registration.center_id)
    return [journal.event_of(row) for row in journal.entries(sitting.id)]


def _visible(actor: access.Actor, query: Any, administration: Administration) -> Any:
    query = query.where(Registration.administration_id == administration.id)
    return query if actor.center_id is None else query.where(Registration.center_id == actor.center_id)


def _newest_sittings(registration_ids: Any) -> dict[str, Sitting]:
    query = select(Sitting).where(Sitting.registration_id.in_(registration_ids)).order_by(Sitting.attempt)
    return {sitting.registration_id: sitting for sitting in db.session.scalars(query)}


def _saves(sitting_ids: list[int]) -> dict[int, tuple[int, datetime]]:
    """Return for each sitting how many slots are answered, and when the newest response was stored."""
    newest = (
        select(
            StoredResponse.sitting_id,
            func.count().filter(StoredResponse.value != "null").label("answered"),
            func.max(StoredResponse.number).label("number"),
        )
        .where(StoredResponse.sitting_id.in_(sitting_ids))
        .group_by(StoredResponse.sitting_id)
        .subquery()
    )
    query = select(newest.c.sitting_id, newest.c.answered, JournalEntry.at).join(
        JournalEntry, (JournalEntry.sitting_id == newest.c.sitting_id) & (JournalEntry.number == newest.c.number)
    )
    return {row.sitting_id: (row.answered, parse_utc(row.at)) for row in db.session.execute(query)}


def _sizes(exam_form_ids: Iterable[str]) -> dict[str, int]:
    query = select(FormSlot.exam_form_id, func.count().label("items")).where(FormSlot.exam_form_id.in_(exam_form_ids))
    rows = db.session.execute(query.group_by(FormSlot.exam_form_id))
    return {row.exam_form_id: row.items for row in rows}
