"""What one transaction knows of its sittings and will write: requests are decided here in memory, one after the other.

A batch is read in a few statements, every request is decided in the order of arrival and sees what those before it
did, and the rows that follow are written in a few statements. `rows` is asked again only for what few requests need.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from examapp.canonical import parse_utc
from examapp.delivery.journal import FIRST, Entry, EntryRow, Head, next_row
from examapp.delivery.state import OPEN, Kind
from examapp.delivery.timing import TimeRules, ends_at


class Stored(NamedTuple):
    """The newest response to a slot: sequence number, canonical JSON of the value, number of its journal entry."""

    seq: int
    value: str
    number: int


@dataclass(frozen=True)
class Prepared:
    """A sitting that may begin, with what its administration says now."""

    sitting_id: int
    registration_id: str
    attempt: int
    exam_form_id: str
    seed: int
    epoch: int
    attempts: int
    rules: TimeRules


class FormDigests(NamedTuple):
    """What the first entry of a journal says of the form and of its paper."""

    exam_form: str
    paper: str


class Rows(Protocol):
    """What a batch asks the database for beyond what it was read with."""

    def entry(self, sitting_id: int, number: int) -> Entry:
        """Return an entry as it was acknowledged."""

    def bodies(self, sitting_id: int, kind: Kind, after: int) -> list[tuple[int, str]]:
        """Return number and body of a sitting's entries of one kind beyond the number `after`."""

    def form_digests(self, exam_form_id: str) -> FormDigests | None:
        """Return the digests of a form that has a paper."""


@dataclass
class Batch:
    """The sittings of a batch of requests as they stand now, and the rows to write."""

    rows: Rows
    heads: dict[int, Head]
    stored: dict[int, dict[int, Stored]] = field(default_factory=dict)
    prepared: dict[int, Prepared] = field(default_factory=dict)
    entries: dict[tuple[int, int], EntryRow] = field(default_factory=dict)
    responses: dict[tuple[int, int], Stored] = field(default_factory=dict)
    begun: dict[int, tuple[Prepared, datetime]] = field(default_factory=dict)

    def append(self, head: Head, kind: Kind, at: datetime, body: str) -> Entry:
        """Add the next entry, whose body is canonical JSON, to a sitting's journal; the head moves with it."""
        row = next_row(head, kind, at, body)
        self.entries[head.sitting_id, row.number] = row
        return Entry(row.number, at, row.digest)

    def begin(self, prepared: Prepared, at: datetime) -> Head:
        """Add the running sitting that was prepared; nothing is in its journal yet."""
        head = Head(prepared.sitting_id, OPEN, ends_at(prepared.rules, at), prepared.epoch, 0, FIRST)
        self.begun[head.sitting_id] = prepared, at
        self.heads[head.sitting_id] = head
        return head

    def store(self, sitting_id: int, slot: int, stored: Stored) -> None:
        """Make this the newest response to a slot."""
        self.stored.setdefault(sitting_id, {})[slot] = stored
        self.responses[sitting_id, slot] = stored

    def entry(self, sitting_id: int, number: int) -> Entry:
        """Return an entry as it was, or will be, acknowledged."""
        row = self.entries.get((sitting_id, number))
        return Entry(number, parse_utc(row.at), row.digest) if row else self.rows.entry(sitting_id, number)

    def bodies(self, sitting_id: int, kind: Kind, after: int = 0) -> list[tuple[int, Any]]:
        """Return number and body of every entry of one kind beyond the number `after`, those of this batch included."""
        new = [(row.number, row.body) for row in self.entries.values()
               if row.sitting_id == sitting_id and row.kind == kind.value]  # fmt: skip
        return [(number, json.loads(body)) for number, body in [*self.rows.bodies(sitting_id, kind, after), *new]]
