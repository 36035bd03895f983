"""What running sittings are refused, said without Flask and in the words of its error handlers, to the byte.

In a storm of saves that come too late a refusal must not cost more than a save. Each text is translated once; the
language is that of the browser session, else of the account, else the browser's, as on every page, and is looked up
once a minute: who signs out meanwhile may be refused in the language of before.
"""

import time

from flask import Flask
from flask_babel import force_locale, gettext
from sqlalchemy import bindparam, select
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import HTTP_STATUS_CODES, parse_accept_header

from examapp import clock
from examapp.accounts.models import User
from examapp.db import db
from examapp.errors import ExamappError, InvalidInput
from examapp.web import LANGUAGES, problems
from examapp.web.hot_request import Environ, session_of

REMEMBERED, REMEMBERED_SECONDS = 8192, 60
_LANGUAGE = select(User.language).where(User.id == bindparam("user"), User.session_epoch == bindparam("epoch"))


class Refusals:
    """Says refusals to the senders of hot requests; nothing else that Flask does is needed for that."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._texts: dict[tuple[str, str], str] = {}
        self._languages: dict[tuple[str, str], tuple[str, float]] = {}

    def answer(self, environ: Environ, refusal: ExamappError) -> tuple[bytes, str, dict[str, str]]:
        """Return what is sent, the status line, and the headers besides those of every answer."""
        self._app.extensions["examapp_meters"].refused(refusal.code)
        language, parameters = self._language(environ), refusal.parameters
        detail = self._text(language, refusal.message)
        listed = refusal.problems if isinstance(refusal, InvalidInput) else []
        content = problems.content(
            refusal.status, refusal.code, self._text(language, refusal.title),
            detail % parameters if parameters else detail,
            problems=[(field, self._text(language, text)) for field, text in listed],
            parameters={**parameters, "server_now": clock.now()},
        )  # fmt: skip
        return content, f"{refusal.status} {HTTP_STATUS_CODES[refusal.status].upper()}", problems.retry_after(refusal)

    def _text(self, language: str, message: str) -> str:
        found = self._texts.get((language, message))
        if found is None:
            with self._app.test_request_context(), force_locale(language):
                found = self._texts[language, message] = gettext(message)
        return found

    def _language(self, environ: Environ) -> str:
        sender, now = (environ.get("HTTP_COOKIE", ""), environ.get("HTTP_ACCEPT_LANGUAGE", "")), time.monotonic()
        known = self._languages.get(sender)
        if known is None or known[1] < now:
            if len(self._languages) >= REMEMBERED:
                self._languages.clear()
            known = self._languages[sender] = self._looked_up(environ), now + REMEMBERED_SECONDS
        return known[0]

    def _looked_up(self, environ: Environ) -> str:
        session = session_of(self._app, environ)
        chosen = session.get("language")
        if chosen in LANGUAGES:
            return str(chosen)
        with self._app.app_context():
            account = _of_account(str(session.get("_user_id", "")))
        accepted = parse_accept_header(environ.get("HTTP_ACCEPT_LANGUAGE"), LanguageAccept)
        return account or accepted.best_match(LANGUAGES, default="zh") or "zh"


def _of_account(session_id: str) -> str | None:
    """Return the language of the account that a browser session is signed in to."""
    user, _, epoch = session_id.partition(".")
    if not epoch.isdecimal():
        return None
    with db.engine.connect() as connection:
        return connection.execute(_LANGUAGE, {"user": user, "epoch": int(epoch)}).scalar()
