"""The histories of many sittings at once: rows, journals and stored responses in three statements, checked in memory.

What a sitting's row and its stored responses say are copies of its journal; a history holds when the chain of digests
is whole and every copy is what the journal gives.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Row, select

from examapp.canonical import canonical_bytes, parse_utc
from examapp.db import db
from examapp.delivery import journal
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


@dataclass(frozen=True)
class History:
    """A sitting's row, its journal in order, and its stored responses by slot, as they are stored."""

    sitting: Row[Any]
    entries: Sequence[Row[Any]]
    responses: dict[int, Row[Any]]

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
    def _bodies(self) -> list[Any]:
        return [_json_or_none(row.body) for row in self.entries]

    @cached_property
    def replayed(self) -> SittingState:
        """The state that the entries give, whether the rest holds or not; `ValueError` or so if they give none."""
        return replay(self._events)

    @property
    def _events(self) -> list[Event]:
        return [
            Event(row.number, Kind(row.kind), parse_utc(row.at), body)
            for row, body in zip(self.entries, self._bodies, strict=True)
        ]

    def _broken_chain(self) -> Iterator[str]:
        previous = journal.FIRST
        for position, (row, body) in enumerate(zip(self.entries, self._bodies, strict=True), start=1):
            if row.number != position:
                yield f"entry {row.number} stands where entry {position} should"
            if row.previous != previous:
                yield f"entry {row.number} does not follow the entry before it"
            if not _is_whole(row, body):
                yield f"entry {row.number} does not match its digest"
            previous = row.digest
        last = (self.entries[-1].number, self.entries[-1].digest) if self.entries else None
        if (self.sitting.last_number, self.sitting.last_digest) != last:
            yield "the sitting's row names another last entry than the journal has"

    def _broken_copies(self) -> Iterator[str]:
        try:
            state = self.replayed
            times = (state.status, state.ends_at, state.started_at, state.closed_at)
        except (ValueError, KeyError, TypeError) as error:
            yield f"the journal cannot be replayed: {error}"
            return
        if (self.sitting.status, self.sitting.ends_at, self.sitting.started_at, self.sitting.closed_at) != times:
            yield "the sitting's status or times differ from its journal"
        stored = {slot: (row.seq, row.value, row.number) for slot, row in self.responses.items()}
        given = {slot: (each.seq, _text(each.value), each.number) for slot, each in state.responses.items()}
        for slot in sorted(stored.keys() | given.keys()):
            if stored.get(slot) != given.get(slot):
                yield f"the stored response of slot {slot} differs from the journal"


def of(sitting_ids: Sequence[int]) -> list[History]:
    """Return the histories of these sittings, by id; ids of sittings that are not there are left out."""
    entries: dict[int, list[Any]] = defaultdict(list)
    in_order = _ENTRIES.order_by(JournalEntry.sitting_id, JournalEntry.number)
    for entry in db.session.execute(in_order.where(JournalEntry.sitting_id.in_(sitting_ids))):
        entries[entry.sitting_id].append(entry)
    responses: dict[int, dict[int, Any]] = defaultdict(dict)
    for response in db.session.execute(_RESPONSES.where(StoredResponse.sitting_id.in_(sitting_ids))):
        responses[response.sitting_id][response.slot] = response
    sittings: Any = db.session.execute(_SITTINGS.where(Sitting.id.in_(sitting_ids)).order_by(Sitting.id))
    return [History(row, entries[row.id], responses[row.id]) for row in sittings]


def lock(sitting_ids: Iterable[int]) -> None:
    """Lock the rows of these sittings, in order, until the unit of work ends."""
    rows = select(Sitting.id).where(Sitting.id.in_(sitting_ids)).order_by(Sitting.id).with_for_update()
    db.session.execute(rows).all()


def broken(sitting_id: int) -> list[str]:
    """Return a sentence for each thing about a sitting's journal, or the copies made of it, that does not hold."""
    return [finding for history in of([sitting_id]) for finding in history.findings]


def _is_whole(row: Row[Any], body: Any) -> bool:
    try:
        text = _text(body)
        own = journal.digest_of(row.sitting_id, row.number, row.kind, row.at, text, row.previous)
        return bool(own == row.digest and text == row.body)
    except (ValueError, TypeError):
        return False


def _text(value: Any) -> str:
    return canonical_bytes(value).decode()


def _json_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
