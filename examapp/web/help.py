"""Help for each audience on one page."""

from flask import Blueprint, render_template

bp = Blueprint("help", __name__)


@bp.get("/help")
def show() -> str:
    """Show what each audience does here."""
    return render_template("help/show.html")
