"""What invigilators watch: every place of an administration with its sitting, what was done to it, and its journal.

Alarms are leads for people in the room, never verdicts: a trainee who thinks for ten minutes is quiet too.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from examapp.accounts import access
from examapp.canonical import parse_utc
from examapp.db import db
from examapp.delivery import interventions, journal
from examapp.delivery.interventions import TIMES
from examapp.delivery.models import JournalEntry, Sitting, StoredResponse
from examapp.delivery.state import EXPIRED, OPEN, Event, Kind, replay
from examapp.delivery.timing import NO_END
from examapp.exams.models import Administration, FormSlot, Registration

INCIDENTS = (Kind.PAUSED, Kind.RESUMED, Kind.TIME_ASKED, Kind.TIME_ADDED, Kind.VOIDED)
PAUSED = "paused"
# after so long somebody should look
LONG_PAUSE, LATE_CLOSING, QUIET = timedelta(minutes=30), timedelta(minutes=1), timedelta(minutes=10)
# what a page sends of what was typed before it was locked
AFTER_LOCKING = timedelta(minutes=1)


@dataclass(frozen=True)
class Place:
    """One registration on the board; `sitting` is its newest, None before the start; `alarms` are codes."""

    registration: Registration
    sitting: Sitting | None
    answered: int
    items: int
    last_save: timedelta | None
    time_left: timedelta | None
    added_minutes: int
    status: str
    alarms: tuple[str, ...]


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
    sitting_ids = [sitting.id for sitting in sittings.values()]
    saved, events = _saves(sitting_ids), interventions.events_of(sitting_ids, (*TIMES, Kind.OPENED))
    sizes = _sizes({row.exam_form_id for row in rows})
    places = []
    for row in rows:
        sitting = sittings.get(row.id)
        if sitting is None:
            places.append(Place(row, None, 0, sizes[row.exam_form_id], None, None, 0, "not_started", ()))
        else:
            answered, saved_at = saved.get(sitting.id, (0, None))
            seen = _Seen(sitting, answered, saved_at, tuple(events[sitting.id]), at)
            places.append(seen.place(row, sizes[row.exam_form_id]))
    return places


def paused(actor: access.Actor) -> dict[str, int]:
    """Return how many sittings are paused in each administration that has any: also in those that should be over."""
    access.require(actor, "sitting.invigilate", actor.center_id)
    query = (
        select(Registration.administration_id, func.count().label("sittings"))
        .join(Sitting, Sitting.registration_id == Registration.id)
        .where(Sitting.status == OPEN, Sitting.ends_at == NO_END)
        .group_by(Registration.administration_id)
    )
    own = query if actor.center_id is None else query.where(Registration.center_id == actor.center_id)
    return {row.administration_id: row.sittings for row in db.session.execute(own)}


@dataclass(frozen=True)
class _Seen:
    """A sitting as it is seen at one moment, with the entries that decide about its time."""

    sitting: Sitting
    answered: int
    saved_at: datetime | None
    events: tuple[Event, ...]
    at: datetime

    def place(self, registration: Registration, items: int) -> Place:
        state, status = replay(self.events), self._status()
        ends = state.ends_if_resumed(self.at)
        return Place(
            registration, self.sitting, self.answered, items,
            last_save=self.at - self.saved_at if self.saved_at else None,
            time_left=max(ends - self.at, timedelta(0)) if self.sitting.status == OPEN else None,
            added_minutes=state.added_minutes, status=status, alarms=tuple(self._alarms(status, state.paused_since)),
        )  # fmt: skip

    def _status(self) -> str:
        """Say how a sitting stands; one whose time is over is closed, whether or not that is written down yet."""
        if self.sitting.status != OPEN:
            return self.sitting.status
        if self.sitting.ends_at == NO_END:
            return PAUSED
        return OPEN if self.at < self.sitting.ends_at else EXPIRED

    def _alarms(self, status: str, paused_since: datetime | None) -> Iterator[str]:
        if status == PAUSED and paused_since:
            if self.at - paused_since > LONG_PAUSE:
                yield "long_pause"
            if self.saved_at and self.saved_at - paused_since > AFTER_LOCKING:
                yield "saved_in_pause"
        if status == OPEN and self.at - (self.saved_at or self.sitting.started_at) > QUIET:
            yield "quiet"
        if self.sitting.status == OPEN and self.at - self.sitting.ends_at > LATE_CLOSING:
            yield "not_closed"
        if status in (OPEN, PAUSED) and interventions.waiting(self.events):
            yield "time_asked"
        if self.sitting.status == OPEN and any(event.kind is Kind.OPENED for event in self.events):
            yield "other_device"


def incidents(actor: access.Actor, administration: Administration) -> list[Incident]:
    """Return everything that staff did to the sittings of an administration, in the order in which it was done."""
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


@dataclass(frozen=True)
class Credit:
    """An outage that was credited: when first, what, by whom, and to how many sittings."""

    body: Mapping[str, Any]
    at: datetime
    sittings: int


def credits(actor: access.Actor, administration: Administration) -> list[Credit]:
    """Return the outages that were credited in an administration, in order."""
    found: dict[str, Credit] = {}
    for each in incidents(actor, administration):
        if outage := each.event.body.get("outage"):
            first = found.get(outage, Credit(each.event.body, each.event.at, 0))
            found[outage] = replace(first, sittings=first.sittings + 1)
    return list(found.values())


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
