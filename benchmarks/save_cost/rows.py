"""Running sittings to save to, written straight into the tables of an empty database."""

import itertools
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from examapp.accounts.models import User
from examapp.db import db, new_id, transaction
from examapp.delivery.acceptance import Request, Save
from examapp.delivery.journal import FIRST
from examapp.delivery.models import Sitting, new_seed, new_sitting_id
from examapp.delivery.state import OPEN
from examapp.exams.models import Administration, Exam, ExamForm, Registration

# every sitting began then, and lasts an hour
AT = datetime(2026, 5, 16, 1, 0, tzinfo=UTC)
SLOTS = 90


def seed(size: int) -> list[int]:
    """Return the ids of `size` running sittings, whose journals are empty."""
    hour = {"opens_at": AT, "closes_at": AT + timedelta(hours=1)}
    exam = Exam(code=secrets.token_hex(4), field="", level="", title_zh="", title_en="", plan={})
    form = ExamForm(exam=exam, part="theory", code="A", digest="", created_at=AT)
    with transaction():
        administration = Administration(exam=exam, part="theory", minutes=60, **hour)
        db.session.add_all([form, administration])
        db.session.flush()
        people = [(new_id(), new_id(), new_sitting_id()) for _ in range(size)]
        for model, rows in (
            (User, [_user(person) for person, _, _ in people]),
            (Registration, [_registration(person, place, administration, form) for person, place, _ in people]),
            (Sitting, [_sitting(place, sitting, form) for _, place, sitting in people]),
        ):
            db.session.execute(insert(model), rows)
    return [sitting for _, _, sitting in people]


def _user(person: str) -> dict[str, object]:
    return {"id": person, "username": person, "name": "", "role": "trainee", "password_hash": "", "created_at": AT}


def _registration(person: str, place: str, administration: Administration, form: ExamForm) -> dict[str, object]:
    return {
        "id": place, "administration_id": administration.id, "trainee_id": person, "exam_form_id": form.id,
        "created_at": AT,
    }  # fmt: skip


def _sitting(place: str, sitting: int, form: ExamForm) -> dict[str, object]:
    return {
        "id": sitting, "registration_id": place, "attempt": 1, "exam_form_id": form.id, "seed": new_seed(),
        "status": OPEN, "started_at": AT, "ends_at": AT + timedelta(hours=1), "last_number": 0, "last_digest": FIRST,
    }  # fmt: skip


def saves(sittings: list[int]) -> Iterator[Request]:
    """Yield saves without end: each trainee answers one item after another, then thinks again."""
    for seq in itertools.count(1):
        for sitting in sittings:
            save = Save(1 + (seq - 1) % SLOTS, seq, "2", "2026-05-16T01:00:00.000Z")
            yield Request(sitting, save, AT + timedelta(milliseconds=seq), 1)
