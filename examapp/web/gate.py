"""A WSGI gate before Flask: it answers the requests that running sittings send all the time.

A request that is plainly one of these (a good ticket, its CSRF token, our own page, exact JSON) is handed to the
committer and answered here, without browser session, ORM or Flask. Everything else goes on to the Flask view of the
same route, with its body and its time of arrival: the views are the reference, and the gate may only be quicker. A
refusal found here is raised there, so that errors are shown in one place.
"""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import bindparam, select

from examapp import clock
from examapp.config import Config
from examapp.db import db
from examapp.delivery import sealed_paper, sittings
from examapp.delivery.models import Sitting
from examapp.delivery.state import OPEN
from examapp.delivery.timing import NO_END, counts
from examapp.errors import ExamappError
from examapp.web import HEADERS, sitting_answers
from examapp.web.hot_request import Environ, Hot, Ordinary, body, check_no_form, checked
from examapp.web.incoming import ARRIVED, REFUSAL
from examapp.web.sitting_api import committer

_ADDRESS = re.compile(
    r"/api/sittings/([0-9a-f]{16})/(?:(responses|flags)/([1-9][0-9]{0,3})|(submission|clock|paper))\Z", re.ASCII
)
_STANDING = select(Sitting.id, Sitting.exam_form_id, Sitting.status, Sitting.ends_at, Sitting.epoch).where(
    Sitting.id == bindparam("sitting")
)
_ALWAYS = (*HEADERS.items(), ("Cache-Control", "no-store"))
_HTTPS = ("Strict-Transport-Security", "max-age=31536000")

Headers = tuple[tuple[str, str], ...]
Answer = tuple[bytes, Headers]
VARY: Headers = (("Vary", "Cookie"),)


class Gate:
    """The WSGI application in front of that of `app`."""

    def __init__(self, app: Flask, config: Config) -> None:
        self._app, self._flask, self._config = app, app.wsgi_app, config
        self._grace = timedelta(seconds=config.grace_seconds)
        self._answers: dict[tuple[str, str], Callable[[Hot], Answer]] = {
            ("PUT", "responses"): self._save,
            ("PUT", "flags"): self._flag,
            ("POST", "submission"): self._hand_in,
            ("GET", "clock"): self._clock,
            ("GET", "paper"): self._paper,
        }

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a hot request, or let Flask answer."""
        match = _ADDRESS.match(environ["PATH_INFO"])
        answer = match and self._answers.get((environ["REQUEST_METHOD"], match[2] or match[4]))
        if not match or not answer:
            return self._flask(environ, start_response)
        at = environ[ARRIVED] = clock.now()
        try:
            hot = checked(environ, match[1], int(match[3] or 0), self._config, at=at)
            with self._app.app_context():
                content, headers = answer(hot)
        except Ordinary:
            return self._flask(environ, start_response)
        except ExamappError as refusal:
            environ[REFUSAL] = refusal
            return self._flask(environ, start_response)
        return _send(environ, start_response, content, headers)

    def _save(self, hot: Hot) -> Answer:
        sent = body(hot.environ, ("seq", "value"), ("client_time",))
        accepted = sittings.respond(
            committer(), hot.ticket, hot.slot, sent["seq"], sent["value"], sent.get("client_time"), at=hot.at
        )
        return sitting_answers.saved(hot.slot, accepted, at=clock.now()), VARY

    def _flag(self, hot: Hot) -> Answer:
        sent = body(hot.environ, ("flagged",))
        accepted = sittings.flag(committer(), hot.ticket, hot.slot, sent["flagged"], at=hot.at)
        return sitting_answers.flagged(hot.slot, accepted, at=clock.now()), VARY

    def _hand_in(self, hot: Hot) -> Answer:
        check_no_form(hot.environ)
        return sitting_answers.handed_in(sittings.hand_in(committer(), hot.ticket, at=hot.at), at=clock.now()), VARY

    def _clock(self, hot: Hot) -> Answer:
        standing = self._standing(hot)
        if standing.ends_at == NO_END:
            raise Ordinary
        part = sealed_paper.of_form(standing.exam_form_id, self._config.secret_key).part
        return sitting_answers.encoded(sitting_answers.running(standing, part, standing.ends_at, at=hot.at)), VARY

    def _paper(self, hot: Hot) -> Answer:
        standing = self._standing(hot)
        if standing.status != OPEN or not counts(standing.ends_at, hot.at, self._grace):
            raise Ordinary
        found = sealed_paper.of_form(standing.exam_form_id, self._config.secret_key)
        return sitting_answers.paper(found, hot.environ.get("HTTP_ACCEPT_ENCODING", ""))

    def _standing(self, hot: Hot) -> Any:
        """Return the row of the ticket's sitting: one read by its key."""
        with db.engine.connect() as connection:
            row = connection.execute(_STANDING, {"sitting": hot.ticket.sitting_id}).one_or_none()
        if row is None or row.epoch != hot.ticket.epoch:
            raise Ordinary
        return row


def _send(environ: Environ, start_response: Callable[..., Any], content: bytes, headers: Headers) -> Iterable[bytes]:
    secure = (_HTTPS,) if environ["wsgi.url_scheme"] == "https" else ()
    start_response(
        "200 OK",
        [("Content-Type", sitting_answers.JSON), ("Content-Length", str(len(content))), *_ALWAYS, *headers, *secure],
    )
    return [content]
