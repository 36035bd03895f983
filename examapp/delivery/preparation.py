"""Sittings prepared before the bell: ids and seeds are rows and papers are built hours before the start."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects import postgresql, sqlite

from examapp.accounts import access
from examapp.db import db
from examapp.delivery import paper
from examapp.delivery.models import Paper, PreparedSitting, Sitting
from examapp.delivery.tickets import PreparedPlace
from examapp.exams.models import Administration, ExamForm, Registration

AHEAD = timedelta(hours=48)
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def unpublished(*, at: datetime) -> list[ExamForm]:
    """Return the forms without a paper that trainees will sit in the next 48 hours; `paper.publish` is for them."""
    query = (
        select(ExamForm)
        .where(ExamForm.id.in_(select(Registration.exam_form_id).join(Administration).where(_soon(at))))
        .where(ExamForm.id.not_in(select(Paper.exam_form_id)))
    )
    return list(db.session.scalars(query))


def prepare_due(actor: access.Actor, *, at: datetime, limit: int = 500) -> int:
    """Prepare first sittings of windows that are open or open within 48 hours; return how many, 0 when all are."""
    access.require(actor, "work.run_due")
    return _prepare(_soon(at), limit)


def prepare(actor: access.Actor, administration: Administration, *, limit: int = 500) -> int:
    """Prepare the first sittings of an administration; return how many, 0 when all are."""
    access.require(actor, "work.run_due")
    return _prepare(Administration.id == administration.id, limit)


def _soon(at: datetime) -> ColumnElement[bool]:
    return (Administration.opens_at <= at + AHEAD) & (Administration.closes_at > at)


def _prepare(which: ColumnElement[bool], limit: int) -> int:
    query = (
        select(Registration.id, Registration.exam_form_id)
        .join(Administration)
        .where(which)
        .where(Registration.id.not_in(select(PreparedSitting.registration_id)))
        .where(Registration.id.not_in(select(Sitting.registration_id)))
        .limit(limit)
        .with_for_update(of=Registration, skip_locked=True)
    )
    found = db.session.execute(query).all()
    _insert([(row.id, 1, row.exam_form_id) for row in found])
    return len(found)


def of_registration(registration: Registration, attempt: int) -> PreparedSitting:
    """Return the prepared sitting of a registration's attempt, made now when it was not made before."""
    paper.publish(registration.exam_form)
    _insert([(registration.id, attempt, registration.exam_form_id)])
    query = select(PreparedSitting).where(
        PreparedSitting.registration_id == registration.id, PreparedSitting.attempt == attempt
    )
    return db.session.scalars(query).one()


def of_trainee(trainee_id: str, *, at: datetime, limit: int = 4) -> tuple[PreparedPlace, ...]:
    """Return a trainee's newest prepared sittings whose window is not over, the earliest window first."""
    query = (
        select(PreparedSitting)
        .join(Registration, Registration.id == PreparedSitting.registration_id)
        .join(Administration)
        .where(Registration.trainee_id == trainee_id, Administration.closes_at > at)
        .order_by(Administration.opens_at, PreparedSitting.attempt)
    )
    newest = {each.registration_id: each for each in db.session.scalars(query)}
    return tuple(
        PreparedPlace(each.registration_id, each.sitting_id, each.exam_form_id, each.epoch)
        for each in list(newest.values())[:limit]
    )


def _insert(attempts: Sequence[tuple[str, int, str]]) -> None:
    """Add what is not there: another process may prepare the same at the same time."""
    if attempts:
        names = ("registration_id", "attempt", "exam_form_id")
        insert = _INSERT[db.engine.dialect.name](PreparedSitting).on_conflict_do_nothing()
        db.session.flush()
        db.session.execute(insert, [dict(zip(names, attempt, strict=True)) for attempt in attempts])
