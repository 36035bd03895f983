"""What staff do to running sittings: add time, credit an outage, pause, resume, void.

Each is an entry of the sitting's journal that says who, when and why; the deadline follows from the entries and is
copied to the sitting's row in the same transaction. A sitting whose time is over takes no more of it: nobody opens a
sitting again after its end. In a pause the clock stands and the page is locked; what was typed before and arrives now
is stored, so that nothing is lost.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select

from examapp.accounts import access
from examapp.db import db
from examapp.delivery import journal
from examapp.delivery.journal import Head
from examapp.delivery.models import JournalEntry, Sitting
from examapp.delivery.state import OPEN, VOIDED, Event, Kind, replay
from examapp.delivery.timing import NO_END
from examapp.errors import N_, InvalidInput, Refused
from examapp.exams.models import Administration, Registration

LONGEST_EXTENSION = 240
# what one person may add to one sitting in all; more waits for a second one
ALONE = 60
TIMES = (Kind.STARTED, Kind.PAUSED, Kind.RESUMED, Kind.TIME_ADDED, Kind.TIME_ASKED)


@dataclass(frozen=True)
class Outage:
    """An outage that is made good: its id keeps it from being credited twice, its minutes are those that were lost."""

    id: str
    minutes: int
    reason: str


def running(actor: access.Actor, administration: Administration) -> list[Sitting]:
    """Return the running sittings of an administration that the actor may touch, by id: the order of locking."""
    access.require(actor, "sitting.invigilate", actor.center_id)
    query = (
        select(Sitting)
        .join(Registration)
        .where(Registration.administration_id == administration.id, Sitting.status == OPEN)
        .order_by(Sitting.id)
    )
    own = query if actor.center_id is None else query.where(Registration.center_id == actor.center_id)
    return list(db.session.scalars(own))


def add_time(actor: access.Actor, sitting: Sitting, minutes: int, reason: str, *, at: datetime) -> bool:
    """Give a running sitting more minutes; False when a second person has to confirm them first."""
    _require(actor, sitting)
    if not 1 <= minutes <= LONGEST_EXTENSION:
        raise InvalidInput("time.minutes", N_("Give 1 to 240 minutes."), [("minutes", N_("Give 1 to 240 minutes."))])
    check_reason(reason)
    head = _lock_running(sitting, at)
    return _give(sitting, head, {"minutes": minutes, "reason": reason.strip(), "actor": actor.id}, at)


def confirm_time(actor: access.Actor, sitting: Sitting, number: int, *, at: datetime) -> None:
    """Give the minutes that somebody else asked for in the journal's entry `number`."""
    _require(actor, sitting)
    head = _lock_running(sitting, at)
    asked = {event.number: event for event in waiting(time_events(sitting.id))}.get(number)
    if asked is None:
        raise Refused("time.not_asked", N_("These minutes were given already, or nobody asked for them."))
    if asked.body["actor"] == actor.id:
        raise Refused("time.same_person", N_("Somebody else must confirm what you asked for."))
    _record(sitting, head, Kind.TIME_ADDED, at, {**asked.body, "asked": number, "confirmed_by": actor.id})


def credit_outage(actor: access.Actor, sitting: Sitting, outage: Outage, *, at: datetime) -> bool:
    """Give a running sitting back what an outage took, once; False when it has it already or its time is over."""
    _require(actor, sitting)
    if not 1 <= outage.minutes <= ALONE:
        message = N_("Give 1 to 60 minutes.")
        raise InvalidInput("outage.minutes", message, [("minutes", message)])
    check_reason(outage.reason)
    head = journal.lock_one(sitting.id)
    if not _is_running(head, at) or outage.id in {event.body.get("outage") for event in time_events(sitting.id)}:
        return False
    body = {"minutes": outage.minutes, "reason": outage.reason.strip(), "actor": actor.id, "outage": outage.id}
    _give(sitting, head, body, at)
    return True


def pause(actor: access.Actor, sitting: Sitting, reason: str, *, at: datetime) -> bool:
    """Stop the clock of a running sitting; False when it stands already or its time is over."""
    _require(actor, sitting)
    check_reason(reason)
    head = journal.lock_one(sitting.id)
    if not _is_running(head, at) or head.ends_at == NO_END:
        return False
    _record(sitting, head, Kind.PAUSED, at, {"reason": reason.strip(), "actor": actor.id})
    return True


def resume(actor: access.Actor, sitting: Sitting, *, at: datetime) -> bool:
    """Let the clock run on; the pause is given back in full. False when the sitting is not paused."""
    _require(actor, sitting)
    head = journal.lock_one(sitting.id)
    if head.status != OPEN or head.ends_at != NO_END:
        return False
    _record(sitting, head, Kind.RESUMED, at, {"actor": actor.id})
    return True


def void(actor: access.Actor, sitting: Sitting, reason: str, *, at: datetime) -> None:
    """End a sitting that must not be scored; the responses stay."""
    _require(actor, sitting)
    check_reason(reason)
    head = journal.lock_one(sitting.id)
    if head.status != OPEN:
        raise _over()
    head.status, head.closed_at = VOIDED, at
    _record(sitting, head, Kind.VOIDED, at, {"reason": reason.strip(), "actor": actor.id})


def time_events(sitting_id: int) -> list[Event]:
    """Return the entries that decide when a sitting ends, in order."""
    return events_of([sitting_id], TIMES)[sitting_id]


def events_of(sitting_ids: Sequence[int], kinds: Iterable[Kind]) -> dict[int, list[Event]]:
    """Return the entries of some kinds of several sittings, by id and in order."""
    query = (
        select(JournalEntry.sitting_id, JournalEntry.number, JournalEntry.kind, JournalEntry.at, JournalEntry.body)
        .where(JournalEntry.sitting_id.in_(sitting_ids), JournalEntry.kind.in_([kind.value for kind in kinds]))
        .order_by(JournalEntry.sitting_id, JournalEntry.number)
    )
    found: dict[int, list[Event]] = {sitting_id: [] for sitting_id in sitting_ids}
    rows: Iterable[Any] = db.session.execute(query)
    for row in rows:
        found[row.sitting_id].append(journal.event_of(row))
    return found


class Standing(Protocol):
    """What a sitting's row says of its time."""

    @property
    def id(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def closed_at(self) -> datetime | None: ...


def clock_of(sitting: Standing, *, at: datetime) -> tuple[datetime, datetime | None]:
    """Return when a sitting ends and since when it is paused; a pause moves its end on as time goes by."""
    if sitting.ends_at != NO_END:
        return sitting.ends_at, None
    state = replay(time_events(sitting.id))
    if sitting.closed_at is not None:
        # voided in a pause, which ended with it
        return state.ends_if_resumed(sitting.closed_at), None
    return state.ends_if_resumed(at), state.paused_since


def waiting(events: Iterable[Event]) -> list[Event]:
    """Return the requests for more time that nobody has confirmed yet."""
    listed = list(events)
    confirmed = {event.body.get("asked") for event in listed if event.kind is Kind.TIME_ADDED}
    return [event for event in listed if event.kind is Kind.TIME_ASKED and event.number not in confirmed]


def check_reason(reason: str) -> None:
    """Refuse what is no reason."""
    if not 3 <= len(reason.strip()) <= 500:
        message = N_("Say why, in 3 to 500 characters.")
        raise InvalidInput("reason.missing", message, [("reason", message)])


def _require(actor: access.Actor, sitting: Sitting) -> None:
    access.require(actor, "sitting.invigilate", sitting.registration.center_id)


def _over() -> Refused:
    return Refused("sitting.closed", N_("The sitting is over."))


def _is_running(head: Head, at: datetime) -> bool:
    return head.status == OPEN and at < head.ends_at


def _lock_running(sitting: Sitting, at: datetime) -> Head:
    head = journal.lock_one(sitting.id)
    if not _is_running(head, at):
        raise _over()
    return head


def _give(sitting: Sitting, head: Head, body: dict[str, Any], at: datetime) -> bool:
    given = [event.body for event in time_events(sitting.id) if event.kind is Kind.TIME_ADDED]
    alone: int = body["minutes"] + sum(each["minutes"] for each in given if "confirmed_by" not in each)
    is_given = alone <= ALONE
    _record(sitting, head, Kind.TIME_ADDED if is_given else Kind.TIME_ASKED, at, body)
    return is_given


def _record(sitting: Sitting, head: Head, kind: Kind, at: datetime, body: dict[str, Any]) -> None:
    """Append the entry, and copy what follows from it to the sitting's row."""
    connection = db.session.connection()
    journal.append(connection, head, kind, at, body)
    head.ends_at = replay(time_events(sitting.id)).ends_at
    journal.save_head(connection, head)
    db.session.refresh(sitting)
