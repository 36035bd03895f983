"""Who is signed in, for every page: Flask-Login's view of a `User`, and the role that a group of pages admits."""

from flask import abort, current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from examapp.accounts.models import User
from examapp.config import Config


class SignedIn:
    """A signed-in person; the session names the user and the epoch, so ending all sessions is one number."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, user: User) -> None:
        self.user = user
        self.name, self.role, self.language = user.name, user.role, user.language

    def get_id(self) -> str:
        """Return what the session cookie holds."""
        return self.user.session_id


def actor() -> User:
    """Return the signed-in user, the doer of every verb of this request."""
    if not current_user.is_authenticated:
        abort(401)
    user: User = current_user.user
    return user


def admit(*roles: str) -> Response | None:
    """Send strangers to the sign-in page and refuse other roles; for a blueprint's `before_request`."""
    if not current_user.is_authenticated:
        return redirect(url_for("sign_in.sign_in", next=request.full_path.rstrip("?")))
    if current_user.role not in roles:
        abort(403)
    return None


def settings() -> Config:
    """Return the service's settings."""
    config: Config = current_app.config["EXAMAPP"]
    return config
