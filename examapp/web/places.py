"""The cookie with which a browser starts sittings that were prepared for its trainee, without session or ORM.

It is given while people wait: at sign-in, with the list of exams, and whenever the page asks who is signed in.
"""

from datetime import timedelta

from flask import Response, after_this_request, request, session
from flask_login import current_user
from flask_wtf.csrf import generate_csrf

from examapp import clock
from examapp.accounts.access import TRAINEE
from examapp.delivery import preparation, tickets
from examapp.errors import NotAllowed
from examapp.web.signed_in import actor, settings

COOKIE = "places"
LIFE = timedelta(days=2)


def remember_once() -> None:
    """Give a place ticket to a browser session that has none; asking for the list of exams gives a new one."""
    try:
        ticket = tickets.check_places(request.cookies.get(COOKIE, ""), settings().secret_key, at=clock.now())
        is_known = ticket.csrf_digest == tickets.csrf_digest(session.get("csrf_token", ""))
    except NotAllowed:
        is_known = False
    if not is_known:
        remember()


def remember() -> None:
    """Let the answer to this request give the signed-in trainee's browser its place ticket."""
    if not current_user.is_authenticated or current_user.role != TRAINEE:
        return
    at = clock.now()
    prepared = preparation.of_trainee(actor().id, at=at)
    if not prepared:
        return
    generate_csrf()
    expires = int((at + LIFE).timestamp())
    ticket = tickets.PlaceTicket(prepared, tickets.csrf_digest(session["csrf_token"]), expires)
    text = tickets.sign_places(ticket, settings().secret_key)

    @after_this_request
    def give(response: Response) -> Response:
        response.set_cookie(
            COOKIE, text, max_age=int(LIFE.total_seconds()), httponly=True, samesite="Strict",
            secure=settings().secure_cookies, path="/api",
        )  # fmt: skip
        return response
