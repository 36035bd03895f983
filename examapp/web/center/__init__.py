"""The examination center's pages: administrations, registrations, live sittings, results and programs."""

from flask import Blueprint
from werkzeug.wrappers import Response

from examapp.web.signed_in import admit

bp = Blueprint("center", __name__, url_prefix="/center")


@bp.before_request
def _only_center_staff() -> Response | None:
    return admit("center")
