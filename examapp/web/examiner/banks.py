"""Banks and items, shown as trainees see them and as authors wrote them."""

from flask import Blueprint

from examapp.web.signed_in import admit

bp = Blueprint("examiner_banks", __name__, url_prefix="/examiner/banks")


@bp.before_request
def _only_examiners():  # type: ignore[no-untyped-def]
    return admit("examiner")
