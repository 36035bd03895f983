"""What monitoring asks: is the process alive, and can it serve."""

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, current_app, jsonify
from sqlalchemy.exc import DBAPIError
from werkzeug.wrappers import Response

from examapp.credentials import key_store
from examapp.db import db
from examapp.errors import N_, ExamappError, Unavailable
from examapp.web.api import store

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Response:
    """Say that the process answers; nothing else is looked at."""
    return jsonify({"status": "alive"})


@bp.get("/readyz")
def ready() -> Response:
    """Say that everything is there to serve; 503 with what is missing otherwise."""
    missing = _missing()
    if missing:
        raise Unavailable("service.not_ready", N_("Not ready: %(missing)s"), missing=", ".join(missing))
    return jsonify({"status": "ready"})


def _missing() -> list[str]:
    """Return what keeps the service from serving: database, migrations, keys."""
    try:
        stored = MigrationContext.configure(db.session.connection()).get_current_heads()
    except DBAPIError:
        return ["database"]
    scripts = ScriptDirectory.from_config(current_app.extensions["migrate"].migrate.get_config())
    # without its tables the database knows no keys either
    if set(stored) != set(scripts.get_heads()):
        return ["migrations"]
    try:
        key_store.load(store())
    except ExamappError:
        return ["keys"]
    return []
