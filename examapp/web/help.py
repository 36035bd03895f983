"""Help: one page for all audiences, without sign-in, the reader's own part first."""

from flask import Blueprint, render_template
from flask_babel import lazy_gettext as _l
from flask_login import current_user

bp = Blueprint("help", __name__)
AUDIENCES = {"trainee": _l("For trainees"), "examiner": _l("For examiners"), "center": _l("For examination centers")}


@bp.get("/help")
def show() -> str:
    """Say what each audience does here; who is signed in reads their own part first."""
    role = current_user.role if current_user.is_authenticated else ""
    pages = [(audience, name, f"help/{audience}.html") for audience, name in AUDIENCES.items()]
    return render_template("help/show.html", pages=sorted(pages, key=lambda page: page[0] != role))
