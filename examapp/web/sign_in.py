"""Signing in and out, and the language of the pages."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from flask import Blueprint, redirect, render_template, request, session
from flask_babel import lazy_gettext as _l
from flask_login import current_user, login_user, logout_user
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from examapp import clock
from examapp.accounts.models import User
from examapp.accounts.sign_in import begin, succeed, wrong
from examapp.db import db, transaction
from examapp.delivery.sittings import end_tickets
from examapp.errors import NotAllowed, Throttled
from examapp.web import known_browser, places
from examapp.web.forms import BaseForm
from examapp.web.signed_in import SignedIn

bp = Blueprint("sign_in", __name__)
START_PAGES = {"trainee": "/", "examiner": "/examiner/banks", "center": "/center/"}


class SignInForm(BaseForm):
    """User name and password; pasting is welcome and there is no puzzle."""

    username = StringField(_l("User name"), [InputRequired(_l("Enter your user name"))])
    password = PasswordField(_l("Password"), [InputRequired(_l("Enter your password"))])


@bp.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> str | Response:
    """Sign somebody in and go on to where they wanted to go."""
    form = SignInForm()
    if form.validate_on_submit():
        try:
            user = enter(form.username.data or "", form.password.data or "")
        except NotAllowed as error:
            form.take(error)
        except Throttled as error:
            form.take(error)
            return Response(page(form), 429, {"Retry-After": str(error.retry_after)}, mimetype="text/html")
        else:
            return redirect(_next_page(START_PAGES[user.role]))
    return page(form)


def page(form: SignInForm) -> str:
    """Return the sign-in page."""
    return render_template("sign_in.html", form=form)


def enter(username: str, password: str) -> User:
    """Sign a person in under a new session; the slow look at the password holds no transaction."""
    with transaction():
        attempt = begin(username, known_browser.source_of(username), at=clock.now())
    if not _hashing(os.getpid()).submit(attempt.is_right, password).result():
        raise wrong()
    with transaction():
        user = succeed(attempt)
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    login_user(SignedIn(user))
    known_browser.remember(user.username)
    places.remember()
    return user


@lru_cache(maxsize=1)
def _hashing(process: int) -> ThreadPoolExecutor:
    """Return the threads that hash in this process: as many as cores, of 20 ms and 19 MiB each; saves go first."""
    return ThreadPoolExecutor(os.cpu_count() or 1, "password", initializer=os.nice, initargs=(10,))


@bp.post("/sign-out")
def sign_out() -> Response:
    """End every session and sitting ticket of the person, on all devices."""
    leave()
    return redirect("/sign-in")


def leave() -> None:
    """Sign the present person out everywhere."""
    if current_user.is_authenticated:
        with transaction():
            user = db.session.get_one(User, current_user.user.id)
            user.session_epoch += 1
            end_tickets(user)
    logout_user()
    session.clear()


@bp.post("/language")
def choose_language() -> Response:
    """Show pages in the chosen language from now on."""
    if request.form.get("language") in ("zh", "en"):
        session["language"] = request.form["language"]
    return redirect(_next_page("/"))


def _next_page(default: str) -> str:
    wanted = request.values.get("next", "")
    # only a path of this service: no other scheme or host, also not in a browser's own reading of \ or tabs
    is_path = wanted.startswith("/") and wanted.isprintable() and not {"//", "/\\"} & {wanted[:2]}
    return wanted if is_path and "\\" not in wanted else default
