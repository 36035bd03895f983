"""The verbs of a sitting: start, resume, respond, flag, hand in."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.interfaces import ORMOption

from examapp.accounts import access
from examapp.accounts.models import User
from examapp.canonical import parse_utc
from examapp.db import db
from examapp.delivery import acceptance, journal, paper, preparation, routing
from examapp.delivery.acceptance import Accepted, Begin, Flag, HandIn, Request, Save
from examapp.delivery.committer import Committer
from examapp.delivery.hot_rows import rows_of, settle
from examapp.delivery.models import JournalEntry, PreparedSitting, Sitting, StoredResponse
from examapp.delivery.paper import Seats
from examapp.delivery.state import OPEN, Kind
from examapp.delivery.tickets import PreparedPlace, Ticket
from examapp.delivery.timing import TimeRules
from examapp.errors import N_, ExamappError, InvalidInput, NotAllowed, NotFound
from examapp.exams.models import ExamForm, Registration

LARGEST_SEQ = 2**52
# what begins needs none
NO_GRACE = timedelta(0)
# statements of pages that come back all at once are written once: building them costs as much as running them
_OF_ENTRY = (JournalEntry.sitting_id == StoredResponse.sitting_id) & (JournalEntry.number == StoredResponse.number)
_STORED = (
    select(StoredResponse.slot, StoredResponse.seq, StoredResponse.value, StoredResponse.number, JournalEntry.at,
           JournalEntry.digest)
    .join(JournalEntry, _OF_ENTRY)
    .where(StoredResponse.sitting_id == bindparam("sitting"))
    .order_by(StoredResponse.slot)
)  # fmt: skip
# what trainees' pages say of a sitting, read in one go: after a crash a whole hall asks for its page
_OF_PAGES = (
    joinedload(Sitting.registration).joinedload(Registration.administration),
    joinedload(Sitting.exam_form).joinedload(ExamForm.exam),
)
_FLAGGED = (
    select(JournalEntry.body)
    .where(JournalEntry.sitting_id == bindparam("sitting"), JournalEntry.kind == Kind.FLAGGED.value)
    .order_by(JournalEntry.number)
)


def start(actor: access.Actor, registration: Registration, device: str = "", *, at: datetime) -> tuple[Sitting, bool]:
    """Return the running sitting of a registration and whether this call began it; begin again returns the same."""
    access.require(actor, "sitting.take")
    if registration.trainee_id != actor.id:
        raise NotFound("registration.unknown", N_("There is no such registration."))
    # two starts at once: the second waits here, then finds the first one's sitting
    db.session.execute(select(Registration.id).where(Registration.id == registration.id).with_for_update())
    last = newest(registration.id)
    if last is not None and (last.status == OPEN or last.attempt >= registration.administration.attempts):
        return last, False
    if refusal := acceptance.admit(time_rules(registration), at=at):
        raise refusal
    prepared = preparation.of_registration(registration, last.attempt + 1 if last else 1)
    begin = Request(prepared.sitting_id, Begin(device), at, prepared.epoch)
    (outcome,) = settle(rows_of(db.session.connection()), [begin], NO_GRACE)
    if isinstance(outcome, ExamappError):
        raise outcome
    return db.session.get_one(Sitting, prepared.sitting_id), True


def time_rules(registration: Registration) -> TimeRules:
    """Return what decides how long a sitting of this registration may last."""
    administration = registration.administration
    return TimeRules(
        administration.opens_at, administration.closes_at, administration.minutes, registration.extra_minutes
    )


def newest(registration_id: str) -> Sitting | None:
    """Return the last sitting of a registration."""
    query = select(Sitting).where(Sitting.registration_id == registration_id).order_by(Sitting.attempt.desc()).limit(1)
    return db.session.scalar(query)


def of_trainee(actor: access.Actor, public_id: str) -> Sitting:
    """Return the actor's own sitting; one of somebody else is as unknown as one that is not there."""
    access.require(actor, "sitting.take")
    sitting = by_public_id(public_id, *_OF_PAGES)
    if sitting.registration.trainee_id != actor.id:
        raise unknown()
    return sitting


def unknown() -> NotFound:
    """Return the answer to whoever asks for a sitting that is not there, or not for them."""
    return NotFound("sitting.unknown", N_("There is no such sitting."))


def by_public_id(public_id: str, *options: ORMOption) -> Sitting:
    """Return the sitting that an address names; `options` say what to read with it."""
    is_id = len(public_id) == 16 and set(public_id) <= set("0123456789abcdef") and int(public_id, 16) < 2**63
    sitting = db.session.get(Sitting, int(public_id, 16), options=options) if is_id else None
    if sitting is None:
        raise unknown()
    return sitting


@dataclass(frozen=True)
class Begun:
    """A sitting as its start found it: what its first answer needs of its row."""

    id: int
    exam_form_id: str
    seed: int
    status: str
    ends_at: datetime
    epoch: int


def places(sitting: Sitting | Begun, seats: Seats = paper.seats) -> list[routing.Place]:
    """Return the slots in the trainee's own order."""
    return routing.order([seat.place for seat in seats(sitting.exam_form_id).values()], sitting.seed)


@dataclass(frozen=True)
class Stored:
    """A stored response with its receipt."""

    slot: int
    seq: int
    value: Any
    entry: journal.Entry


def stored_responses(sitting: Sitting) -> list[Stored]:
    """Return what is stored for a sitting, by slot, with the receipt of each."""
    rows = db.session.connection().execute(_STORED, {"sitting": sitting.id}).all()
    values = json.loads(f"[{','.join(row.value for row in rows)}]")
    return [
        Stored(slot, seq, value, journal.Entry(number, parse_utc(at), digest))
        for (slot, seq, _, number, at, digest), value in zip(rows, values, strict=True)
    ]


def flags(sitting: Sitting) -> list[int]:
    """Return the slots that are marked for review."""
    bodies = db.session.connection().execute(_FLAGGED, {"sitting": sitting.id}).scalars()
    newest = {body["slot"]: body["flagged"] for body in map(json.loads, bodies)}
    return sorted(slot for slot, is_flagged in newest.items() if is_flagged)


def begin(committer: Committer, place: PreparedPlace, device: str = "", *, at: datetime) -> tuple[Begun, bool]:
    """Start a prepared sitting, as `start` does; `NotPrepared` when that must be asked.

    Return the sitting, and whether this call began it.
    """
    accepted = committer.commit(Request(place.sitting_id, Begin(device), at, place.epoch))
    said = accepted.body
    begun = Begun(place.sitting_id, said["exam_form"], said["seed"], said["status"], accepted.ends_at, said["epoch"])
    return begun, said["is_new"]


def respond(
    committer: Committer, ticket: Ticket, slot: int, seq: Any, value: Any, client_time: Any, *, at: datetime,
    seats: Seats = paper.seats,
) -> Accepted:  # fmt: skip
    """Store a response and return once it is durable; `at` is when it arrived, and alone decides whether it counts."""
    if not isinstance(seq, int) or isinstance(seq, bool) or not 1 <= seq <= LARGEST_SEQ:
        raise InvalidInput("response.seq", N_("seq must be a whole number from 1."))
    if client_time is not None and not (isinstance(client_time, str) and len(client_time) <= 40):
        raise InvalidInput("response.client_time", N_("client_time must be text of up to 40 characters."))
    save = Save(slot, seq, paper.read_response(ticket.exam_form_id, slot, value, seats), client_time)
    return committer.commit(Request(ticket.sitting_id, save, at, ticket.epoch))


def flag(
    committer: Committer, ticket: Ticket, slot: int, is_flagged: Any, *, at: datetime, seats: Seats = paper.seats
) -> Accepted:
    """Mark an item for review, or take the mark off."""
    if slot not in seats(ticket.exam_form_id) or not isinstance(is_flagged, bool):
        raise InvalidInput("flag.malformed", N_("Give an item of this form, and flagged true or false."))
    return committer.commit(Request(ticket.sitting_id, Flag(slot, is_flagged), at, ticket.epoch))


def hand_in(committer: Committer, ticket: Ticket, *, at: datetime) -> Accepted:
    """End the sitting for every tab and device; repeated, the answer is the same."""
    return committer.commit(Request(ticket.sitting_id, HandIn(), at, ticket.epoch))


def end_tickets(user: User) -> None:
    """Make every ticket of a person's running and prepared sittings worthless: they signed out."""
    own = select(Registration.id).where(Registration.trainee_id == user.id)
    db.session.execute(
        update(Sitting).where(Sitting.registration_id.in_(own), Sitting.status == OPEN).values(epoch=Sitting.epoch + 1)
    )
    db.session.execute(
        update(PreparedSitting).where(PreparedSitting.registration_id.in_(own)).values(epoch=PreparedSitting.epoch + 1)
    )


def check_sitting(ticket: Ticket, public_id: str) -> None:
    """Refuse a ticket that was given for another sitting."""
    if f"{ticket.sitting_id:016x}" != public_id:
        raise NotAllowed("sitting.ticket", N_("Sign in again to go on with this sitting."))
