"""Results that wait for release."""

from flask import Blueprint

from examapp.web.signed_in import admit

bp = Blueprint("examiner_results", __name__, url_prefix="/examiner/results")


@bp.before_request
def _only_examiners():  # type: ignore[no-untyped-def]
    return admit("examiner")
