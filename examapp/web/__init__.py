"""Pages and JSON by audience: whom each blueprint admits, language, security headers, errors as page or problem."""

from typing import Any

from flask import Flask, Response, current_app, render_template, request, session
from flask_babel import Babel, gettext
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException

from examapp import clock
from examapp.accounts.models import User
from examapp.db import db
from examapp.errors import ExamappError, InvalidInput
from examapp.meters import Meters
from examapp.scoring.rules import percent
from examapp.web import (
    api,
    center,
    examiner,
    health,
    help,
    metrics,
    papers,
    problems,
    public,
    request_log,
    session_api,
    sign_in,
    signed_in,
    sitting_api,
    trainee,
)
from examapp.web.incoming import check_request
from examapp.web.labels import area_name

LANGUAGES = ("zh", "en")
# where the WSGI environment of a request keeps its own
LANGUAGE = "examapp.language"
BLUEPRINTS = (
    sign_in.bp, session_api.bp, sitting_api.bp, papers.bp, trainee.bp, *examiner.BLUEPRINTS, center.bp, help.bp,
    public.bp, api.bp, health.bp, metrics.bp,
)  # fmt: skip
# routes that carry their own proof of origin (a bearer token, a signed assertion, a sitting ticket)
CSRF_EXEMPT = (api.bp, sitting_api.bp, session_api.bp)
# what is sent without a look at who asks
SAME_FOR_ALL = ("static", "papers.show")
JSON_PREFIXES = (
    "/api/", "/v1/", "/oauth/", "/.well-known/", "/openapi.json", "/status/", "/healthz", "/readyz", "/metrics",
)  # fmt: skip

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")


def init_app(app: Flask) -> None:
    """Give `app` its pages, its languages, its sign-in and its error pages."""
    app.extensions["examapp_meters"] = Meters()
    request_log.init_app(app)
    app.before_request(check_request)
    csrf = CSRFProtect(app)
    for bp in BLUEPRINTS:
        app.register_blueprint(bp)
    for bp in CSRF_EXEMPT:
        csrf.exempt(bp)
    Babel(app, default_locale="zh", default_translation_directories="web/translations", locale_selector=language)
    app.jinja_env.globals.update(language=language, LANGUAGES=LANGUAGES, area_name=area_name)
    app.jinja_env.filters["percent"] = percent
    app.after_request(_add_headers)
    _add_login(app)
    app.register_error_handler(ExamappError, _show_expected)
    app.register_error_handler(CSRFError, _show_http)
    app.register_error_handler(HTTPException, _show_http)


def language() -> str:
    """Return zh or en: what the person chose here, else their account's, else the browser's; once a request."""
    found: str = request.environ.get(LANGUAGE) or request.environ.setdefault(LANGUAGE, _asked_for())
    return found


def _asked_for() -> str:
    chosen = session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    if current_user and current_user.is_authenticated:
        return str(current_user.language)
    return request.accept_languages.best_match(LANGUAGES, default="zh") or "zh"


def _add_login(app: Flask) -> None:
    login = LoginManager(app)
    login.login_view = "sign_in.sign_in"
    login.login_message = None
    login.session_protection = None
    login.user_loader(_load_user)


def _load_user(token: str) -> "signed_in.SignedIn | None":
    user_id, _, epoch = token.partition(".")
    user = db.session.get(User, user_id)
    return signed_in.SignedIn(user) if user and str(user.session_epoch) == epoch else None


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    # an error page under /static names who is signed in, as every page does
    if request.endpoint not in SAME_FOR_ALL or response.status_code >= 400:
        response.headers.setdefault("Cache-Control", "no-store")
        response.vary.add("Cookie")
    elif not session.modified:
        # Flask-Login looks into the session of every request, but nothing of it is in this answer
        session.accessed = False
    if request.is_secure:
        response.headers.setdefault(*HTTPS_ONLY)
    return response


def _wants_json() -> bool:
    return request.path.startswith(JSON_PREFIXES)


def _show_expected(error: ExamappError) -> tuple[Any, int, dict[str, str]]:
    message = gettext(error.message) % error.parameters if error.parameters else gettext(error.message)
    listed = error.problems if isinstance(error, InvalidInput) else []
    listed = [(field, gettext(text)) for field, text in listed]
    headers = problems.retry_after(error)
    return _shown(error.status, error.code, gettext(error.title), message, headers, listed, error.parameters)


def _show_http(error: HTTPException) -> tuple[Any, int, dict[str, str]]:
    status = error.code or 500
    titles = {
        400: gettext("The request could not be read"), 401: gettext("Proof of identity needed"),
        403: gettext("Not allowed"), 404: gettext("Not found"),
        405: gettext("Not possible"), 413: gettext("Too large"), 500: gettext("Something went wrong"),
    }  # fmt: skip
    message = gettext("Your session has changed. Go back, reload the page and try again.")
    if status == 401:
        message = gettext("Please sign in, then try again.")
    elif not isinstance(error, CSRFError):
        message = gettext("Please check the address, or go back to the start page.")
    code = "csrf.failed" if isinstance(error, CSRFError) else f"http.{status}"
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return _shown(status, code, titles.get(status, gettext("Something went wrong")), message, headers, [], {})


def _shown(
    status: int, code: str, title: str, message: str, headers: dict[str, str], listed: Any, parameters: dict[str, Any]
) -> tuple[Any, int, dict[str, str]]:
    metrics.meters().refused(code)
    if not _wants_json():
        page = render_template("error.html", status=status, title=title, message=message, problems=listed)
        return page, status, headers
    if request.path.startswith("/api/"):
        # every answer lets the exam page correct its clock
        parameters = {**parameters, "server_now": clock.now()}
    content = problems.content(status, code, title, message, problems=listed, parameters=parameters)
    answer = current_app.response_class(content, mimetype=problems.JSON)
    return answer, status, headers
