"""Sittings while they run: the board, what staff did, and what happened in one sitting."""

from flask import Blueprint, render_template

from examapp import clock
from examapp.delivery import board, interventions, late_answers
from examapp.exams import extra_time
from examapp.scoring import overview
from examapp.web.center.own import own_sitting, person
from examapp.web.labels import ALARMS, EVENTS, PARTS, STATUSES
from examapp.web.signed_in import actor

bp = Blueprint("live", __name__)


@bp.get("/administrations/<administration_id>/live")
def show(administration_id: str) -> str:
    """Show every place of an administration; a small program renews the rows every ten seconds."""
    found = overview.administration(administration_id)
    at = clock.now()
    return render_template(
        "center/live.html", administration=found, places=board.places(actor(), found, at=at), parts=PARTS,
        statuses=STATUSES, alarms=ALARMS, at=at,
    )  # fmt: skip


@bp.get("/administrations/<administration_id>/live/rows")
def rows(administration_id: str) -> str:
    """Return only the rows of the board."""
    found = overview.administration(administration_id)
    return render_template(
        "center/live_rows.html", places=board.places(actor(), found, at=clock.now()), statuses=STATUSES, alarms=ALARMS
    )


@bp.get("/administrations/<administration_id>/incidents")
def incidents(administration_id: str) -> str:
    """List what staff did in an administration, and why."""
    found = overview.administration(administration_id)
    return render_template(
        "center/incidents.html", administration=found, incidents=board.incidents(actor(), found), parts=PARTS,
        events=EVENTS, name=person,
    )  # fmt: skip


@bp.get("/sittings/<public_id>")
def journal(public_id: str) -> str:
    """Show everything that happened in a sitting."""
    sitting, at = own_sitting(public_id), clock.now()
    entries = board.events(actor(), sitting)
    uncounted = late_answers.waiting(entries)
    ends_at, paused_since = interventions.clock_of(sitting, at=at)
    return render_template(
        "center/journal.html", sitting=sitting, entries=entries, events=EVENTS, parts=PARTS, statuses=STATUSES,
        name=person, decisions=extra_time.history(sitting.registration_id), registered=extra_time.REGISTERED,
        ends_at=ends_at, paused_since=paused_since,
        can_count=bool(late_answers.countable(entries)) and not uncounted, uncounted=uncounted,
        waiting={event.number for event in interventions.waiting(entries)} if sitting.status == "open" else set(),
    )  # fmt: skip
