"""The register of certificates, as a center may list it."""

from sqlalchemy import select

from examapp.accounts import access
from examapp.credentials.models import Certificate
from examapp.db import db
from examapp.delivery.models import Sitting
from examapp.exams.models import Registration
from examapp.scoring.models import Result


def certificates(actor: access.Actor) -> list[Certificate]:
    """Return the certificates that rest on a sitting at the actor's center, the newest first."""
    access.require(actor, "result.read", actor.center_id)
    query = select(Certificate).order_by(Certificate.issued_at.desc(), Certificate.number.desc())
    if actor.center_id is not None:
        own = (
            select(Result.id)
            .join(Sitting, Sitting.id == Result.sitting_id)
            .join(Registration, Registration.id == Sitting.registration_id)
            .where(Registration.center_id == actor.center_id)
        )
        query = query.where(Certificate.theory_result_id.in_(own) | Certificate.practical_result_id.in_(own))
    return list(db.session.scalars(query))
