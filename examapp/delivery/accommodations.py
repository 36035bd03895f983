"""Extra time for one trainee, granted in minutes or as a factor of the limit, before the sitting begins."""

from datetime import datetime
from decimal import Decimal, InvalidOperation

from sqlalchemy import select

from examapp.accounts import access
from examapp.db import db
from examapp.delivery.interventions import check_reason
from examapp.delivery.models import Sitting
from examapp.delivery.timing import extra_minutes
from examapp.errors import N_, InvalidInput, Refused
from examapp.exams import extra_time
from examapp.exams.models import ExtraTime, Registration

_FACTOR = N_("Give a factor from 1 to 3, such as 1.25.")


def grant(
    actor: access.Actor, registration: Registration, reason: str, *, minutes: int | None = None, factor: str = "",
    at: datetime,
) -> ExtraTime:  # fmt: skip
    """Decide on a trainee's extra time, given as minutes or as a factor; 0 minutes take it away."""
    access.require(actor, "registration.manage", registration.center_id)
    check_reason(reason)
    if (minutes is None) == (not factor):
        message = N_("Give either minutes or a factor.")
        raise InvalidInput("registration.extra", message, [("extra_minutes", message)])
    _lock_unstarted(registration)
    wanted = _minutes_of(factor, registration.administration.minutes) if minutes is None else minutes
    return extra_time.decide(actor, registration, wanted, factor=factor, reason=reason.strip(), at=at)


def _lock_unstarted(registration: Registration) -> None:
    """Hold off the start of this registration's sittings; once one began, time is added to the sitting itself."""
    # a start locks the registration too, before anything else, and reads its minutes behind that lock
    db.session.execute(select(Registration.id).where(Registration.id == registration.id).with_for_update())
    if db.session.scalar(select(Sitting.id).where(Sitting.registration_id == registration.id).limit(1)) is not None:
        raise Refused("registration.started", N_("The sitting has begun. Add time on the page of live sittings."))


def _minutes_of(factor: str, limit: int) -> int:
    try:
        wanted = Decimal(factor)
    except InvalidOperation as error:
        raise _wrong_factor() from error
    if len(factor) > 10 or not wanted.is_finite() or not 1 <= wanted <= 3:
        raise _wrong_factor()
    return extra_minutes(limit, wanted)


def _wrong_factor() -> InvalidInput:
    return InvalidInput("registration.factor", _FACTOR, [("factor", _FACTOR)])
