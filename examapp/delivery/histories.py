"""The histories of many sittings at once: rows, journals and stored responses in three statements, checked in memory.

What a sitting's row and its stored responses say are copies of its journal; a history holds when the chain of digests
is whole and every copy is what the journal gives.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, select

from examapp.canonical import canonical_text, parse_utc
from examapp.db import db
from examapp.delivery import journal
from examapp.delivery.journal import EntryRow
from examapp.delivery.models import JournalEntry, Sitting, StoredResponse
from examapp.delivery.state import Event, Kind, SittingState, replay
from examapp.errors import N_, Tampered

_SITTINGS = select(
    Sitting.id, Sitting.registration_id, Sitting.attempt, Sitting.exam_form_id, Sitting.seed, Sitting.status,
    Sitting.started_at, Sitting.ends_at, Sitting.closed_at, Sitting.epoch, Sitting.last_number, Sitting.last_digest,
)  # fmt: skip
_ENTRIES = select(
    JournalEntry.sitting_id, JournalEntry.number, JournalEntry.kind, JournalEntry.at, JournalEntry.body,
    JournalEntry.previous, JournalEntry.digest,
)  # fmt: skip
_RESPONSES = select(
    StoredResponse.sitting_id, StoredResponse.slot, StoredResponse.seq, StoredResponse.value, StoredResponse.number
)
_LOCKED = (
    select(Sitting.id).where(Sitting.id.in_(bindparam("ids", expanding=True))).order_by(Sitting.id).with_for_update()
)
_KINDS = {kind.value: kind for kind in Kind}
# a response whose texts are plain, as nearly every entry holds: what looks like this is canonical as it stands
_TEXT = r'"[ !#-\[\]-~]*"'
_PLAIN_RESPONSE = re.compile(
    rf'{{"client_time":(?:null|{_TEXT}),"seq":([1-9][0-9]{{,14}}),"slot":([1-9][0-9]{{,5}}),'
    rf'"value":({_TEXT}|null|true|false|\[(?:{_TEXT}(?:,{_TEXT})*)?\])}}'
)
_first_value = json.JSONDecoder().raw_decode


class Stored(NamedTuple):
    """The stored response to a slot; `value` is canonical JSON, `number` that of its entry."""

    seq: int
    value: str
    number: int


@dataclass(frozen=True)
class History:
    """A sitting's row, its journal in order, and its stored responses by slot, as they are stored."""

    sitting: Row[Any]
    entries: Sequence[EntryRow]
    responses: dict[int, Stored]

    @property
    def public_id(self) -> str:
        """The sitting's id as it is written in addresses."""
        return f"{self.sitting.id:016x}"

    @cached_property
    def findings(self) -> list[str]:
        """A sentence for each thing that does not hold; none for a history that is whole."""
        return [*self._broken_chain(), *self._broken_copies()]

    @property
    def state(self) -> SittingState:
        """The state that the journal gives; a history that does not hold is `Tampered`."""
        self.check()
        return self.replayed

    def check(self) -> None:
        """Raise `Tampered` unless the history holds."""
        if self.findings:
            message = N_("The journal of sitting %(sitting)s does not hold: %(finding)s.")
            raise Tampered("journal.broken", message, sitting=self.public_id, finding=self.findings[0])

    @property
    def given(self) -> dict[int, str]:
        """The response to each slot as canonical JSON; a history that does not hold is `Tampered`."""
        slots = self.state.responses
        return {slot: self.responses[slot].value for slot in slots if self.responses[slot].value != "null"}

    def as_of(self, number: int) -> SittingState:
        """Return the state after the entry `number`, which a result names: what was counted later is not in it."""
        if all(row.kind != Kind.COUNTED for row in self.entries[number:]):
            return self.replayed
        return replay(self._events[:number])

    @cached_property
    def _bodies(self) -> list[tuple[Any, bool]]:
        return [_read(entry.body) for entry in self.entries]

    @cached_property
    def replayed(self) -> SittingState:
        """The state that the entries give, whether the rest holds or not; `ValueError` or so if they give none."""
        return replay(self._events)

    @property
    def _events(self) -> list[Event]:
        return [
            # a call of the class itself is dear, and says what is wrong
            Event(entry.number, _KINDS.get(entry.kind) or Kind(entry.kind), parse_utc(entry.at), body)
            for entry, (body, _) in zip(self.entries, self._bodies, strict=True)
        ]

    def _broken_chain(self) -> Iterator[str]:
        previous = journal.FIRST
        for position, (entry, (_, is_canonical)) in enumerate(zip(self.entries, self._bodies, strict=True), start=1):
            if entry.number != position:
                yield f"entry {entry.number} stands where entry {position} should"
            if entry.previous != previous:
                yield f"entry {entry.number} does not follow the entry before it"
            if not is_canonical or journal.digest_of(*entry[:-1]) != entry.digest:
                yield f"entry {entry.number} does not match its digest"
            previous = entry.digest
        last = (self.entries[-1].number, self.entries[-1].digest) if self.entries else None
        if (self.sitting.last_number, self.sitting.last_digest) != last:
            yield "the sitting's row names another last entry than the journal has"

    def _broken_copies(self) -> Iterator[str]:
        try:
            state = self.replayed
            times = (state.status, state.ends_at, state.started_at, state.closed_at)
            responses = state.responses.items()
            given = {slot: Stored(seq, canonical_text(value), number) for slot, (seq, value, number, _) in responses}
        except (ValueError, KeyError, TypeError) as error:
            yield f"the journal cannot be replayed: {error}"
            return
        if (self.sitting.status, self.sitting.ends_at, self.sitting.started_at, self.sitting.closed_at) != times:
            yield "the sitting's status or times differ from its journal"
        for slot in sorted(self.responses.keys() | given.keys()) if self.responses != given else ():
            if self.responses.get(slot) != given.get(slot):
                yield f"the stored response of slot {slot} differs from the journal"


def of(sitting_ids: Sequence[int]) -> list[History]:
    """Return the histories of these sittings, by id; ids of sittings that are not there are left out."""
    sittings: Any = db.session.execute(_SITTINGS.where(Sitting.id.in_(sitting_ids)).order_by(Sitting.id)).all()
    # rows of the plain connection: by the hundred thousand, objects of the session would cost more than their checks
    read = db.session.connection().execute
    entries: dict[int, list[EntryRow]] = defaultdict(list)
    in_order = _ENTRIES.order_by(JournalEntry.sitting_id, JournalEntry.number)
    for entry in map(EntryRow._make, read(in_order.where(JournalEntry.sitting_id.in_(sitting_ids))).all()):
        entries[entry.sitting_id].append(entry)
    responses: dict[int, dict[int, Stored]] = defaultdict(dict)
    given = read(_RESPONSES.where(StoredResponse.sitting_id.in_(sitting_ids))).all()
    for sitting_id, slot, seq, value, number in given:
        responses[sitting_id][slot] = Stored(seq, value, number)
    return [History(row, entries[row.id], responses[row.id]) for row in sittings]


def lock(sitting_ids: Iterable[int]) -> None:
    """Lock the rows of these sittings, in order, until the unit of work ends; SQLite lets but one write anyway."""
    connection = db.session.connection()
    if connection.dialect.name != "sqlite":
        connection.execute(_LOCKED, {"ids": list(sitting_ids)}).all()


def broken(sitting_id: int) -> list[str]:
    """Return a sentence for each thing about a sitting's journal, or the copies made of it, that does not hold."""
    return [finding for history in of([sitting_id]) for finding in history.findings]


def _read(body: str) -> tuple[Any, bool]:
    """Return what a body says to whoever replays it, None if it is no JSON, and whether it is canonical."""
    try:
        plain = _PLAIN_RESPONSE.fullmatch(body)
        if plain:
            seq, slot, value = plain.groups()
            return {"seq": int(seq), "slot": int(slot), "value": _first_value(value)[0]}, True
        whole = json.loads(body)
    except (ValueError, TypeError):
        return None, False
    try:
        return whole, canonical_text(whole) == body
    except (ValueError, TypeError):
        return whole, False
