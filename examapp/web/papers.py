"""Encrypted papers: fetched while waiting for the start, opened with the key that the start gives.

Whoever knows a paper's name may fetch it, so that any cache between may keep it: without the key it says nothing.
"""

from flask import Blueprint, current_app
from werkzeug.wrappers import Response

from examapp.delivery import sealed_paper
from examapp.web.signed_in import settings

bp = Blueprint("papers", __name__, url_prefix="/api/papers")


@bp.get("/<name>")
def show(name: str) -> Response:
    """Give an encrypted paper; under its name it never changes."""
    found = sealed_paper.named(name, settings().secret_key)
    answer = current_app.response_class(found.ciphertext, mimetype="application/octet-stream")
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer
