"""Answers that came too late, counted after all because two people decided so.

A late value is evidence and counts for nothing by itself. Where the service or the hall was to blame (an emergency file
brought by staff, a network that was down at the end), one person asks to count what came late and says why, another one
agrees. The journal then has an entry with both and the values that count from now on; what was stored before stays in
it. A value counts only where nothing newer to the same item does.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from examapp.accounts import access
from examapp.canonical import canonical_bytes
from examapp.db import db
from examapp.delivery import journal
from examapp.delivery.interventions import check_reason
from examapp.delivery.models import Sitting, StoredResponse
from examapp.delivery.state import EXPIRED, SUBMITTED, Event, Kind, replay
from examapp.errors import N_, Refused

PERMISSION = "response.count_late"


def countable(events: Iterable[Event]) -> list[Event]:
    """Return the late values that could count: the newest of each item, where nothing newer does; by item."""
    listed = list(events)
    state, best = replay(listed), dict[int, Event]()
    if state.status not in (SUBMITTED, EXPIRED):
        return []
    for event in listed:
        if event.kind is not Kind.LATE:
            continue
        slot, seq = int(event.body["slot"]), int(event.body["seq"])
        counts, newest = state.responses.get(slot), best.get(slot)
        if (counts is None or seq > counts.seq) and (newest is None or seq >= int(newest.body["seq"])):
            best[slot] = event
    return [best[slot] for slot in sorted(best)]


def waiting(events: Iterable[Event]) -> dict[int, Event]:
    """Return the requests to count late values of which any still could, by number."""
    listed = list(events)
    asked = [event for event in listed if event.kind is Kind.COUNT_ASKED]
    left = {event.number for event in countable(listed)} if asked else set()
    return {each.number: each for each in asked if left & set(each.body["entries"])}


def asked_for(events: Iterable[Event], asked: Event) -> list[Event]:
    """Return the late values that a request names and that could still count."""
    return [event for event in countable(events) if event.number in asked.body["entries"]]


def ask(actor: access.Actor, sitting: Sitting, reason: str, *, at: datetime) -> None:
    """Ask that all late values of a closed sitting that could count do."""
    access.require(actor, PERMISSION, sitting.registration.center_id)
    check_reason(reason)
    head = journal.lock_one(sitting.id)
    late = countable(_events(sitting))
    if not late:
        raise _nothing()
    body = {"entries": [event.number for event in late], "reason": reason.strip(), "actor": actor.id}
    _append(sitting, head, Kind.COUNT_ASKED, at, body)


def agree(actor: access.Actor, sitting: Sitting, number: int, *, at: datetime) -> None:
    """Let the late values count that somebody else asked for in the journal's entry `number`."""
    access.require(actor, PERMISSION, sitting.registration.center_id)
    head = journal.lock_one(sitting.id)
    events = _events(sitting)
    asked = waiting(events).get(number)
    if asked is None:
        raise _nothing()
    if asked.body["actor"] == actor.id:
        raise Refused("late.same_person", N_("Somebody else must confirm what you asked for."))
    responses = [
        {"entry": each.number, **{name: each.body[name] for name in ("slot", "seq", "value")}}
        for each in asked_for(events, asked)
    ]
    body = {"asked": number, "reason": asked.body["reason"], "actor": asked.body["actor"], "confirmed_by": actor.id}
    entry = _append(sitting, head, Kind.COUNTED, at, {**body, "responses": responses})
    for each in responses:
        _store(sitting.id, entry.number, each)
    db.session.flush()


def _store(sitting_id: int, number: int, response: dict[str, Any]) -> None:
    """Make a counted value the newest response to its item: the copy follows the journal."""
    value = canonical_bytes(response["value"]).decode()
    own = {"sitting_id": sitting_id, "slot": response["slot"], "seq": response["seq"], "value": value}
    db.session.merge(StoredResponse(**own, number=number))


def _append(sitting: Sitting, head: journal.Head, kind: Kind, at: datetime, body: dict[str, Any]) -> journal.Entry:
    connection = db.session.connection()
    entry = journal.append(connection, head, kind, at, body)
    journal.save_head(connection, head)
    db.session.refresh(sitting)
    return entry


def _events(sitting: Sitting) -> list[Event]:
    return [journal.event_of(row) for row in journal.entries(sitting.id)]


def _nothing() -> Refused:
    return Refused("late.nothing", N_("No late answer of this sitting can be counted."))
