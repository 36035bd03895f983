"""What the signed-in staff may open; what belongs to another center is as unknown to them as what is not there."""

from examapp.accounts import access
from examapp.accounts.models import User
from examapp.db import db
from examapp.delivery import sittings
from examapp.delivery.models import Sitting
from examapp.errors import N_, NotFound
from examapp.exams.models import Registration
from examapp.web.signed_in import actor


def own_sitting(public_id: str) -> Sitting:
    """Return the sitting that an address names."""
    sitting = sittings.by_public_id(public_id)
    if not access.may(actor(), "sitting.invigilate", sitting.registration.center_id):
        raise sittings.unknown()
    return sitting


def own_registration(registration_id: str) -> Registration:
    """Return the registration that an address names."""
    found = db.session.get(Registration, registration_id)
    if found is None or not access.may(actor(), "registration.manage", found.center_id):
        raise NotFound("registration.unknown", N_("There is no such registration."))
    return found


def person(user_id: str) -> str:
    """Return the name of whoever did something; the command line has none."""
    user = db.session.get(User, user_id)
    return user.name if user else user_id
