"""Extra time granted before the start: each decision is a sealed row with who, when and why."""

from datetime import datetime

from sqlalchemy import select

from examapp.accounts import access
from examapp.db import db
from examapp.errors import N_, InvalidInput
from examapp.exams.models import ExtraTime, Registration

LONGEST_EXTRA = 240
# the reason of extra time that came with the registration, where a roster has no room for one
REGISTERED = "registered with it"


def check(minutes: int) -> None:
    """Refuse minutes beyond the bounds."""
    if not 0 <= minutes <= LONGEST_EXTRA:
        message = N_("Give 0 to 240 extra minutes.")
        raise InvalidInput("registration.extra", message, [("extra_minutes", message)])


def decide(
    actor: access.Actor, registration: Registration, minutes: int, *, factor: str = "", reason: str, at: datetime
) -> ExtraTime:
    """Set the extra minutes of a registration whose sitting has not begun."""
    access.require(actor, "registration.manage", registration.center_id)
    check(minutes)
    decision = ExtraTime(
        registration_id=registration.id, number=len(history(registration.id)) + 1, minutes=minutes, factor=factor,
        reason=reason, decided_by=actor.id, decided_at=at,
    )  # fmt: skip
    registration.extra_minutes = minutes
    db.session.add(decision)
    return decision


def history(registration_id: str) -> list[ExtraTime]:
    """Return the decisions on a registration's extra time, in order."""
    query = select(ExtraTime).where(ExtraTime.registration_id == registration_id).order_by(ExtraTime.number)
    return list(db.session.scalars(query))
