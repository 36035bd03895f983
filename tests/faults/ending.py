"""The end of an exam that met faults: everybody hands in, the worker marks and scores, and the audit goes that far."""

from examapp.app import create_app
from examapp.cli.due import run_due
from examapp.db import db
from tests.faults.audit import Audit, audit
from tests.faults.hall import Hall
from tests.faults.trainees import Crowd


def end(hall: Hall, crowd: Crowd) -> Audit:
    """Return what holds after all that; the service runs, the trainees have stopped."""
    for each in crowd.trainees:
        each.hand_in()
    app = create_app(hall.config)
    with app.app_context():
        done = run_due()
        db.session.remove()
        db.engine.dispose()
    if done.failures:
        raise RuntimeError(f"the worker could not do its work: {done.failures[:3]}")
    return audit(hall.config.database_url, crowd.trainees, is_scored=True)
