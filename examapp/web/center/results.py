"""What came out: results of an administration and the certificates that were issued."""

from flask import Blueprint, render_template

from examapp.credentials import register
from examapp.scoring import overview
from examapp.web.labels import PARTS, STATUSES
from examapp.web.signed_in import actor

bp = Blueprint("results", __name__)


@bp.get("/administrations/<administration_id>/results")
def results(administration_id: str) -> str:
    """List how the center's registrations ended; a score is shown once it is released."""
    found = overview.administration(administration_id)
    return render_template(
        "center/results.html", administration=found, outcomes=overview.outcomes(actor(), found), parts=PARTS,
        statuses=STATUSES,
    )  # fmt: skip


@bp.get("/certificates")
def certificates() -> str:
    """List the certificates that rest on sittings at this center."""
    return render_template("center/certificates.html", certificates=register.certificates(actor()))
