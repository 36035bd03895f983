"""Encrypted papers: fetched while waiting for the start, opened with the key that the start gives.

Whoever knows a paper's name may fetch it, so that any cache between may keep it: without the key it says nothing.
"""

from flask import Blueprint, current_app
from werkzeug.wrappers import Response

from examapp.db import transaction
from examapp.delivery import paper, sealed_paper
from examapp.exams.models import ExamForm
from examapp.web.signed_in import settings

bp = Blueprint("papers", __name__, url_prefix="/api/papers")


@bp.get("/<name>")
def show(name: str) -> Response:
    """Give an encrypted paper; under its name it never changes."""
    found = sealed_paper.named(name, settings().secret_key)
    answer = current_app.response_class(found.ciphertext, mimetype="application/octet-stream")
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


def publish_before(exam_form: ExamForm) -> None:
    """Publish the paper of a form that somebody is about to sit and no worker prepared: built before the write."""
    if not paper.is_published(exam_form.id):
        content = paper.build(exam_form)
        with transaction():
            paper.publish(exam_form, content)
