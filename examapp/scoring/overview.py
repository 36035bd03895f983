"""Where the administrations stand, and what an examiner weighs before releasing results."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, case, distinct, func, select
from sqlalchemy.orm import defer, joinedload

from examapp.accounts import access
from examapp.db import db
from examapp.delivery.models import Sitting
from examapp.delivery.state import OPEN
from examapp.errors import N_, NotFound
from examapp.exams.models import Administration, Registration
from examapp.scoring.models import Release, Result

# below this probability a decision could as well have gone the other way for one trainee in ten
SURE = 0.9
BAND = 10


@dataclass(frozen=True)
class Standing:
    """An administration in numbers: people registered and started, sittings running, closed, scored and released."""

    administration: Administration
    registered: int = 0
    started: int = 0
    running: int = 0
    closed: int = 0
    scored: int = 0
    released: int = 0


@dataclass(frozen=True)
class Band:
    """How many reported scores lie from `low` up to but not including `high` (the last band includes 100)."""

    low: int
    high: int
    count: int


def standings(actor: access.Actor) -> list[Standing]:
    """Return every administration, the newest window first; center staff see the numbers of their own center."""
    access.require(actor, "result.read", actor.center_id)
    counts: dict[str, tuple[int, ...]] = {row[0]: tuple(row[1:]) for row in db.session.execute(_counts(actor))}
    administrations = db.session.scalars(select(Administration).order_by(Administration.opens_at.desc()))
    return [Standing(each, *counts.get(each.id, ())) for each in administrations]


def standing(actor: access.Actor, administration: Administration) -> Standing:
    """Return one administration in numbers."""
    access.require(actor, "result.read", actor.center_id)
    row = db.session.execute(_counts(actor).where(Registration.administration_id == administration.id)).first()
    return Standing(administration, *(tuple(row[1:]) if row else ()))


def _counts(actor: access.Actor) -> Select[str, int, int, int, int, int, int]:
    own = [] if actor.center_id is None else [Registration.center_id == actor.center_id]
    return (
        select(
            Registration.administration_id,
            func.count(distinct(Registration.id)),
            func.count(distinct(Sitting.registration_id)),
            func.count(distinct(case((Sitting.status == OPEN, Sitting.id)))),
            func.count(distinct(case((Sitting.status != OPEN, Sitting.id)))),
            func.count(distinct(Result.sitting_id)),
            func.count(distinct(case((Release.result_id.is_not(None), Result.sitting_id)))),
        )
        .outerjoin(Sitting, Sitting.registration_id == Registration.id)
        .outerjoin(Result, Result.sitting_id == Sitting.id)
        .outerjoin(Release, Release.result_id == Result.id)
        .where(*own)
        .group_by(Registration.administration_id)
    )


def administration(administration_id: str) -> Administration:
    """Return the administration that an address names."""
    found = db.session.get(Administration, administration_id)
    if found is None:
        raise NotFound("administration.unknown", N_("There is no such administration."))
    return found


@dataclass(frozen=True)
class Outcome:
    """A registration with its newest sitting and that sitting's newest result, where they are; and its release."""

    registration: Registration
    sitting: Sitting | None
    result: Result | None
    is_released: bool


def outcomes(actor: access.Actor, administration: Administration) -> list[Outcome]:
    """Return how every registration of an administration ended, by seat; center staff see their own center's."""
    access.require(actor, "result.read", actor.center_id)
    own = [] if actor.center_id is None else [Registration.center_id == actor.center_id]
    query = (
        select(Registration, Sitting, Result, Release)
        .outerjoin(Sitting, Sitting.registration_id == Registration.id)
        .outerjoin(Result, Result.sitting_id == Sitting.id)
        .outerjoin(Release, Release.result_id == Result.id)
        .where(Registration.administration_id == administration.id, *own)
        .order_by(Registration.seat, Registration.id, Sitting.attempt, Result.number)
        .options(joinedload(Registration.trainee), defer(Result.evidence))
    )
    # the last row of a registration is its newest result of its newest sitting
    newest = {row.Registration.id: row for row in db.session.execute(query)}
    return [
        Outcome(row.Registration, row.Sitting, row.Result, _may_be_seen(administration, row)) for row in newest.values()
    ]


def _may_be_seen(administration: Administration, row: Any) -> bool:
    return row.Release is not None or (administration.is_rehearsal and row.Result is not None)


def is_borderline(result: Result) -> bool:
    """Say whether the decision is less sure than nine in ten."""
    return float(result.probability) < SURE


def distribution(results: Iterable[Result]) -> list[Band]:
    """Return how many reported scores lie in each band of ten points, from 0 to 100."""
    tops = 100 // BAND - 1
    places = [min(int(float(result.scaled)) // BAND, tops) for result in results]
    return [Band(BAND * place, BAND * (place + 1), places.count(place)) for place in range(tops + 1)]
