"""A hall of running sittings whose time was over a moment ago, written straight into the tables.

The rows are those that the service itself writes (a test verifies them), only without a request for each.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import insert

from examapp.accounts.access import OPERATOR
from examapp.accounts.models import User
from examapp.banks.item_types import ITEM_TYPES
from examapp.canonical import canonical_bytes, utc_string
from examapp.db import db, new_id, transaction
from examapp.delivery import journal, paper
from examapp.delivery.models import JournalEntry, Sitting, StoredResponse
from examapp.delivery.state import OPEN, Kind
from examapp.exams import administrations
from examapp.exams.models import Administration, Exam, ExamForm, Registration

BATCH = 500
MINUTES = 90


@dataclass(frozen=True)
class Hall:
    """The administration of the sittings, and their ids."""

    administration_id: str
    sitting_ids: list[int]


def seed(
    exam: Exam, exam_forms: list[ExamForm], size: int, answered: int, ends_at: datetime, rng: np.random.Generator
) -> Hall:
    """Return `size` running sittings with `answered` responses each, all of which end at `ends_at`."""
    started_at = ends_at - timedelta(minutes=MINUTES)
    with transaction():
        administration = administrations.schedule(
            OPERATOR, exam, exam_forms[0].part, exam_forms, opens_at=started_at, closes_at=ends_at, minutes=MINUTES
        )
        for exam_form in exam_forms:
            paper.publish(exam_form)
    makers = [_Maker(administration, exam_form, started_at, rng) for exam_form in exam_forms]
    sitting_ids: list[int] = []
    for first in range(0, size, BATCH):
        count = min(BATCH, size - first)
        rows = [makers[number % len(makers)].rows(number, answered) for number in range(first, first + count)]
        _write(rows)
        sitting_ids += [row[Sitting][0]["id"] for row in rows]
    return Hall(administration.id, sitting_ids)


Rows = dict[Any, list[dict[str, Any]]]


def _write(people: list[Rows]) -> None:
    with transaction():
        for model in (User, Registration, Sitting, JournalEntry, StoredResponse):
            db.session.execute(insert(model), [row for rows in people for row in rows[model]])


class _Maker:
    """Makes the rows of one trainee after another on one form."""

    def __init__(
        self, administration: Administration, exam_form: ExamForm, started_at: datetime, rng: np.random.Generator
    ) -> None:
        self._administration, self._form, self._started_at, self._rng = administration, exam_form, started_at, rng
        self._paper = paper.of_form(exam_form.id).digest
        seats = paper.seats(exam_form.id)
        self._choices = {slot.number: _responses(seats[slot.number], slot) for slot in exam_form.slots}
        self._run = secrets.token_hex(3)

    def rows(self, number: int, answered: int) -> Rows:
        """Return a trainee's rows of every table, by model."""
        trainee_id, registration_id, started_at = new_id(), new_id(), self._started_at
        sitting_id, seed = secrets.randbits(63), secrets.randbits(62)
        entries = list(self._entries(sitting_id, registration_id, seed, answered))
        name = f"hall-{self._run}-{number:06}"
        return {
            User: [{
                "id": trainee_id, "username": name, "name": name, "role": "trainee", "password_hash": "",
                "created_at": started_at,
            }],
            Registration: [{
                "id": registration_id, "administration_id": self._administration.id, "trainee_id": trainee_id,
                "center_id": None, "exam_form_id": self._form.id, "created_at": started_at,
            }],
            Sitting: [{
                "id": sitting_id, "registration_id": registration_id, "attempt": 1, "exam_form_id": self._form.id,
                "seed": seed, "status": OPEN, "started_at": started_at, "ends_at": self._administration.closes_at,
                "last_number": len(entries), "last_digest": entries[-1]["digest"],
            }],
            JournalEntry: entries,
            StoredResponse: [_stored(entry, body) for entry in entries[1:] if (body := entry.pop("given"))],
        }  # fmt: skip

    def _entries(self, sitting_id: int, registration_id: str, seed: int, answered: int) -> Iterator[dict[str, Any]]:
        at, window = self._started_at, self._administration
        body = {
            "registration": registration_id, "attempt": 1, "exam_form": self._form.digest, "paper": self._paper,
            "seed": str(seed), "opens_at": utc_string(window.opens_at), "closes_at": utc_string(window.closes_at),
            "minutes": window.minutes, "extra_minutes": 0,
        }  # fmt: skip
        entry = _entry(sitting_id, 1, Kind.STARTED, at, body, journal.FIRST)
        yield entry
        for number, slot in enumerate(self._rng.permutation(list(self._choices))[:answered].tolist(), start=2):
            at += timedelta(seconds=20)
            choices = self._choices[slot]
            value = choices[int(self._rng.integers(len(choices)))]
            given = {"slot": slot, "seq": 1, "value": value, "client_time": None}
            entry = _entry(sitting_id, number, Kind.RESPONDED, at, given, entry["digest"])
            yield {**entry, "given": given}


def _entry(sitting_id: int, number: int, kind: Kind, at: datetime, body: Any, previous: str) -> dict[str, Any]:
    stamp = utc_string(at)
    return {
        "sitting_id": sitting_id, "number": number, "kind": kind.value, "at": stamp,
        "body": canonical_bytes(body).decode(), "previous": previous,
        "digest": journal.entry_digest(sitting_id, number, kind.value, stamp, body, previous),
    }  # fmt: skip


def _stored(entry: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return {
        "sitting_id": entry["sitting_id"], "slot": given["slot"], "seq": given["seq"], "number": entry["number"],
        "value": canonical_bytes(given["value"]).decode(),
    }  # fmt: skip


def _responses(seat: paper.Seat, slot: Any) -> list[Any]:
    """Return one response for each score category of an item."""
    kind, variant = ITEM_TYPES[seat.content.type], paper.variant_of(slot)
    return [kind.response_for(seat.content, variant, category) for category in range(kind.highest(seat.content) + 1)]
