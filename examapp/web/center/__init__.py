"""The examination center's pages: administrations, registrations, live sittings, results and programs."""

from flask import Blueprint
from werkzeug.wrappers import Response

from examapp.accounts.access import CENTER
from examapp.web.center import (
    accommodations,
    administrations,
    clients,
    late_answers,
    live,
    registrations,
    results,
    staff_actions,
    whole_hall,
)
from examapp.web.signed_in import admit

bp = Blueprint("center", __name__, url_prefix="/center")
for pages in (
    administrations, registrations, accommodations, live, staff_actions, late_answers, whole_hall, results, clients,
):  # fmt: skip
    bp.register_blueprint(pages.bp)


@bp.before_request
def check_role() -> Response | None:
    """Admit center staff."""
    return admit(CENTER)
