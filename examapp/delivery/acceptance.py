"""What becomes of one save, flag, hand-in or start: the decision, and the rows that follow from it.

Everything here works on a batch whose sittings are locked, so the order of saves and of the hand-in is the order of the
journal. A refusal is returned, not raised: a late value is written down as evidence in the same transaction that
refuses it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from examapp.canonical import canonical_text, digest_of_bytes, utc_string
from examapp.delivery.batch import Batch, Prepared, Stored
from examapp.delivery.journal import Entry, Head
from examapp.delivery.state import OPEN, SUBMITTED, Kind
from examapp.delivery.timing import NO_END, TimeRules, counts
from examapp.errors import N_, ExamappError, NotAllowed, Refused, Throttled

# three entries a second for almost two hours: no person comes near it, and a program cannot fill the disk
LONGEST_JOURNAL = 20_000
# more than a page can hold of what it typed, and as much as is looked through for each late save
MOST_LATE = 256


class Save(NamedTuple):
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
class Begin:
    """A start of a prepared sitting, on which device; what it is answered with says whether it was the first."""

    device: str = ""


Action = Save | Flag | HandIn | Begin


class Request(NamedTuple):
    """One request to a sitting: what, when it arrived, and with a ticket of which epoch."""

    sitting_id: int
    action: Action
    received_at: datetime
    epoch: int


class Accepted(NamedTuple):
    """What a request is answered with once it is durable."""

    entry: Entry
    ends_at: datetime
    body: dict[str, Any]


class NotPrepared(NotAllowed):
    """This sitting is not the one to begin now: the registration must be asked what is."""


Outcome = Accepted | ExamappError


def accept(batch: Batch, request: Request, grace: timedelta) -> Outcome:
    """Decide on `request`; what follows from it is in the batch."""
    head, action, at = batch.heads.get(request.sitting_id), request.action, request.received_at
    if isinstance(action, Begin):
        return _begin(batch, request, action.device, head)
    if head is None or head.epoch != request.epoch:
        return NotAllowed("sitting.ticket", N_("Sign in again to go on with this sitting."))
    if isinstance(action, Save):
        return _save(batch, head, action, at, grace)
    if isinstance(action, Flag):
        return _flag(batch, head, action, at, grace)
    return _hand_in(batch, head, at, grace)


def closed(head: Head) -> Refused:
    """Return the refusal of a request to a sitting that is over."""
    message = N_("The sitting is over.")
    ends_at = head.ends_at if head.ends_at != NO_END else None
    return Refused("sitting.closed", message, sitting_status=head.status, ends_at=ends_at)


def admit(rules: TimeRules, *, at: datetime) -> NotAllowed | None:
    """Return the refusal of a start outside the window; extra time granted beforehand moves the window's end too."""
    if at < rules.opens_at:
        return NotAllowed("sitting.not_open", N_("The exam is not open yet."), opens_at=rules.opens_at)
    if at >= rules.closes_at + timedelta(minutes=rules.extra_minutes):
        return NotAllowed("sitting.window_over", N_("The window of this exam is over."))
    return None


def _too_many() -> Throttled:
    """Return the refusal of what only a program can send so often; handing in and the end of time still work."""
    message = N_("The service is very busy. Your answer is kept on your computer and will be sent again.")
    return Throttled("sitting.too_many", message, retry_after=60)


def _is_open(head: Head, at: datetime, grace: timedelta) -> bool:
    return head.status == OPEN and counts(head.ends_at, at, grace)


def _save(batch: Batch, head: Head, save: Save, at: datetime, grace: timedelta) -> Outcome:
    body = {"slot": save.slot, "seq": save.seq, "value": save.value, "client_time": save.client_time}
    value = canonical_text(save.value)
    stored = batch.stored.get(head.sitting_id, {}).get(save.slot)
    if stored and stored.seq == save.seq and stored.value == value:
        return Accepted(batch.entry(head.sitting_id, stored.number), head.ends_at, body)
    if not _is_open(head, at, grace):
        return _late(batch, head, at, body)
    if stored and stored.seq >= save.seq:
        message = N_("A newer response to this item is stored already.")
        return Refused("response.stale", message, slot=save.slot, stored_seq=stored.seq)
    if head.last_number >= LONGEST_JOURNAL:
        return _too_many()
    entry = batch.append(head, Kind.RESPONDED, at, _text_of(save, value))
    batch.store(head.sitting_id, save.slot, Stored(save.seq, value, entry.number))
    return Accepted(entry, head.ends_at, body)


def _text_of(save: Save, value: str) -> str:
    """Return the canonical JSON of a save's body, whose value is canonical already: encoding it all costs more."""
    client_time = canonical_text(save.client_time)
    return f'{{"client_time":{client_time},"seq":{save.seq},"slot":{save.slot},"value":{value}}}'


def _late(batch: Batch, head: Head, at: datetime, body: dict[str, Any]) -> Refused:
    """Keep a late value as evidence, once, so many in a row: a client that tries again does not fill the journal."""
    newest = batch.bodies(head.sitting_id, Kind.LATE, after=head.last_number - MOST_LATE)
    known = {(each["slot"], each["seq"]) for _, each in newest}
    if (body["slot"], body["seq"]) not in known and len(known) < MOST_LATE:
        batch.append(head, Kind.LATE, at, canonical_text(body))
    return closed(head)


def _flag(batch: Batch, head: Head, flag: Flag, at: datetime, grace: timedelta) -> Outcome:
    if not _is_open(head, at, grace):
        return closed(head)
    if head.last_number >= LONGEST_JOURNAL:
        return _too_many()
    body = {"slot": flag.slot, "flagged": flag.is_flagged}
    return Accepted(batch.append(head, Kind.FLAGGED, at, canonical_text(body)), head.ends_at, body)


def _hand_in(batch: Batch, head: Head, at: datetime, grace: timedelta) -> Outcome:
    if head.status == SUBMITTED:
        ((number, body),) = batch.bodies(head.sitting_id, Kind.SUBMITTED)
        return Accepted(batch.entry(head.sitting_id, number), head.ends_at, body)
    if not _is_open(head, at, grace):
        return closed(head)
    given = {slot: stored.value for slot, stored in batch.stored.get(head.sitting_id, {}).items()}
    body = closing_body(given)
    head.status, head.closed_at = SUBMITTED, at
    return Accepted(batch.append(head, Kind.SUBMITTED, at, canonical_text(body)), head.ends_at, body)


def _begin(batch: Batch, request: Request, device: str, head: Head | None) -> Outcome:
    prepared, at = batch.prepared.get(request.sitting_id), request.received_at
    epoch = head.epoch if head else prepared.epoch if prepared else None
    if prepared is None or epoch != request.epoch or prepared.attempt > prepared.attempts:
        return _not_prepared()
    if head is not None:
        is_last = head.status == OPEN or prepared.attempt == prepared.attempts
        return _begun(prepared, head, batch.entry(head.sitting_id, 1)) if is_last else _not_prepared()
    digests, refusal = batch.rows.form_digests(prepared.exam_form_id), admit(prepared.rules, at=at)
    if digests is None or refusal:
        return refusal or _not_prepared()
    head = batch.begin(prepared, at)
    body = {**_start_of(prepared), "exam_form": digests.exam_form, "paper": digests.paper}
    if device:
        body["device"] = device
    return _begun(prepared, head, batch.append(head, Kind.STARTED, at, canonical_text(body)), True)


def _start_of(prepared: Prepared) -> dict[str, Any]:
    rules = prepared.rules
    return {
        "registration": prepared.registration_id, "attempt": prepared.attempt, "seed": str(prepared.seed),
        "opens_at": utc_string(rules.opens_at), "closes_at": utc_string(rules.closes_at), "minutes": rules.minutes,
        "extra_minutes": rules.extra_minutes,
    }  # fmt: skip


def _begun(prepared: Prepared, head: Head, entry: Entry, is_new: bool = False) -> Accepted:
    body = {
        "is_new": is_new, "status": head.status, "epoch": head.epoch, "exam_form": prepared.exam_form_id,
        "seed": prepared.seed,
    }  # fmt: skip
    return Accepted(entry, head.ends_at, body)


def _not_prepared() -> NotPrepared:
    return NotPrepared("sitting.not_prepared", N_("Sign in again to go on with this sitting."))


def closing_body(given: Mapping[int, str]) -> dict[str, Any]:
    """Return the number of answered slots and the digest of {slot: value} over them; values are canonical JSON."""
    answered = sorted((str(slot), value) for slot, value in given.items() if value != "null")
    text = "{" + ",".join(f'"{slot}":{value}' for slot, value in answered) + "}"
    return {"answered": len(answered), "responses": digest_of_bytes(text.encode())}
