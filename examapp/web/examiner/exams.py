"""Exams, their forms and their cut scores."""

from flask import Blueprint

from examapp.web.signed_in import admit

bp = Blueprint("examiner_exams", __name__, url_prefix="/examiner/exams")


@bp.before_request
def _only_examiners():  # type: ignore[no-untyped-def]
    return admit("examiner")
