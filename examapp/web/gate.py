"""A WSGI gate before Flask: it answers the requests that running sittings send all the time.

A request that is plainly one of these (a good ticket, its CSRF token, our own page, exact JSON) is handed to the
committer and answered here, without browser session, ORM or Flask. Everything else goes on to the Flask view of the
same route, with its body and its time of arrival: the views are the reference, and the gate may only be quicker. An
alarm found here is raised there, which logs it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from flask import Flask
from sqlalchemy import bindparam, select

from examapp import clock
from examapp.config import Config
from examapp.db import db
from examapp.delivery import devices, interventions, paper, sealed_paper, sittings
from examapp.delivery.acceptance import NotPrepared
from examapp.delivery.committer import Committer
from examapp.delivery.models import Sitting
from examapp.delivery.once import Once
from examapp.delivery.state import OPEN
from examapp.delivery.tickets import PlaceTicket
from examapp.delivery.timing import NO_END, counts
from examapp.errors import ExamappError, Tampered
from examapp.web import HEADERS, HTTPS_ONLY, problems, resuming, sitting_answers
from examapp.web.admission import Admission, Readers, Saturated
from examapp.web.hot_request import Environ, Hot, Ordinary, body, checked, checked_places
from examapp.web.incoming import ARRIVED, REFUSAL
from examapp.web.refusals import Refusals
from examapp.web.sitting_api import committer

T = TypeVar("T")
START = ("POST", "/api/sittings")
_ADDRESS = re.compile(
    r"/api/sittings/([0-7][0-9a-f]{15})(?:/(?:(responses|flags)/([1-9][0-9]{0,3})|(submission|clock|paper)))?\Z",
    re.ASCII,
)
_STANDING = select(
    Sitting.id, Sitting.exam_form_id, Sitting.status, Sitting.ends_at, Sitting.closed_at, Sitting.epoch,
    devices.NEWEST_OPENING.label("newest_opening"),
).where(Sitting.id == bindparam("sitting"))  # fmt: skip
_ALWAYS = (*HEADERS.items(), ("Cache-Control", "no-store"))
_VARY = (("Vary", "Cookie"),)


class Answer(NamedTuple):
    """What is sent besides the headers that every answer has."""

    content: bytes
    headers: tuple[tuple[str, str], ...] = _VARY
    status: str = "200 OK"
    kind: str = sitting_answers.JSON


class Gate:
    """The WSGI application in front of that of `app`."""

    def __init__(self, app: Flask, config: Config, admission: Admission) -> None:
        self._app, self._config, self._admission = app, config, admission
        self._readers, self._refusals = Readers(each=8), Refusals(app)
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
        at = environ[ARRIVED] = clock.now()
        try:
            answer = self._answer(environ, at)
        except (Ordinary, NotPrepared):
            return self._admission(environ, start_response)
        except Saturated:
            return self._admission.refuse(environ, start_response)
        except Tampered as alarm:
            environ[REFUSAL] = alarm
            return self._admission(environ, start_response)
        except ExamappError as refusal:
            answer = self._refused(environ, refusal)
        return _send(environ, start_response, answer)

    def _refused(self, environ: Environ, refusal: ExamappError) -> Answer:
        content, status, headers = self._refusals.answer(environ, refusal)
        return Answer(content, (*_VARY, *headers.items()), status, problems.JSON)

    def _answer(self, environ: Environ, at: datetime) -> Answer:
        """Answer a hot request whose ticket has proved right; every other one is `Ordinary`."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if (method, path) == START:
            return self._start(environ, checked_places(environ, self._config, at=at), at)
        match = _ADDRESS.match(path)
        if not match:
            raise Ordinary
        sitting, kind, slot, other = match.groups()
        if method == "GET" and not kind and not other:
            return self._resume(environ, sitting, at)
        answer = self._answers.get((method, kind or other))
        if not answer:
            raise Ordinary
        return answer(checked(environ, sitting, int(slot or 0), self._config, at=at))

    @cached_property
    def _committer(self) -> Committer:
        with self._app.app_context():
            return committer()

    def _kept(self, known: Once[T], *key: str) -> T:
        """Return what is read once; an application context costs a tenth of a save, and only the first needs one."""
        found = known.kept(*key)
        if found is None:
            with self._app.app_context():
                found = known(*key)
        return found

    def _seats(self, exam_form_id: str) -> Mapping[int, paper.Seat]:
        return self._kept(paper.seats, exam_form_id)

    def _sent(self, environ: Environ, sitting_id: int, *fields: tuple[str, ...]) -> dict[str, Any]:
        """Return the JSON object of a request of this sitting; too many slow ones of it are not for the gate."""
        try:
            self._readers.begin(sitting_id)
        except Saturated as error:
            raise Ordinary from error
        try:
            return body(environ, *fields)
        finally:
            self._readers.end(sitting_id)

    def _start(self, environ: Environ, ticket: PlaceTicket, at: datetime) -> Answer:
        secret, first = self._config.secret_key, ticket.places[0].sitting_id if ticket.places else 0
        place = ticket.place(self._sent(environ, first, ("registration",))["registration"])
        if place is None:
            raise Ordinary
        with self._admission.starts.turn():
            begun, is_new = sittings.begin(self._committer, place, devices.name_of(ticket.csrf_digest), at=at)
            if begun.ends_at == NO_END:
                raise Ordinary
            found = self._kept(sealed_paper.of_form, begun.exam_form_id, secret)
            places = sittings.places(begun, self._seats)
            is_open = begun.status == OPEN and counts(begun.ends_at, at, self._grace)
            keys = sitting_answers.keys(begun.id, found, secret, is_open=is_open)
            shown = sitting_answers.running(begun, found.part, begun.ends_at, at=at)
            cookie = sitting_answers.ticket_cookie(begun, begun.ends_at, ticket.csrf_digest, self._config)
            content = sitting_answers.with_slots({**shown, **keys}, places)
        return Answer(content, (("Set-Cookie", cookie), *_VARY), "201 CREATED" if is_new else "200 OK")

    def _resume(self, environ: Environ, public_id: str, at: datetime) -> Answer:
        with self._app.app_context(), self._admission.starts.turn():
            standing, digest = resuming.standing_of(self._app, environ, public_id, self._config.secret_key)
            cookie = resuming.ticket_cookie(standing, digest, self._config, at=at)
            return Answer(resuming.whole(standing, self._config, at=at), (("Set-Cookie", cookie), *_VARY))

    def _save(self, hot: Hot) -> Answer:
        sent = self._sent(hot.environ, hot.ticket.sitting_id, ("seq", "value"), ("client_time",))
        accepted = sittings.respond(
            self._committer, hot.ticket, hot.slot, sent["seq"], sent["value"], sent.get("client_time"), at=hot.at,
            seats=self._seats,
        )  # fmt: skip
        return Answer(sitting_answers.saved(hot.slot, accepted, at=clock.now()))

    def _flag(self, hot: Hot) -> Answer:
        sent = self._sent(hot.environ, hot.ticket.sitting_id, ("flagged",))
        flagged = sent["flagged"]
        accepted = sittings.flag(self._committer, hot.ticket, hot.slot, flagged, at=hot.at, seats=self._seats)
        return Answer(sitting_answers.flagged(hot.slot, accepted, at=clock.now()))

    def _hand_in(self, hot: Hot) -> Answer:
        accepted = sittings.hand_in(self._committer, hot.ticket, at=hot.at)
        return Answer(sitting_answers.handed_in(accepted, at=clock.now()))

    def _clock(self, hot: Hot) -> Answer:
        with self._app.app_context():
            standing = self._standing(hot)
            part = sealed_paper.of_form(standing.exam_form_id, self._config.secret_key).part
            ends_at, paused_since = interventions.clock_of(standing, at=hot.at)
            device = devices.name_of(hot.ticket.csrf_digest)
            elsewhere = devices.opened_elsewhere(standing.id, standing.newest_opening, device)
        shown = sitting_answers.running(standing, part, ends_at, paused_since, elsewhere, at=hot.at)
        renewed = sitting_answers.renewed_ticket(hot.ticket, standing, ends_at, self._config)
        return Answer(sitting_answers.encoded(shown), (*renewed, *_VARY))

    def _paper(self, hot: Hot) -> Answer:
        with self._app.app_context():
            standing = self._standing(hot)
            if standing.status != OPEN or not counts(standing.ends_at, hot.at, self._grace):
                raise Ordinary
            found = sealed_paper.of_form(standing.exam_form_id, self._config.secret_key)
        return Answer(*sitting_answers.paper(found, hot.environ.get("HTTP_ACCEPT_ENCODING", "")))

    def _standing(self, hot: Hot) -> Any:
        """Return the row of the ticket's sitting: one read by its key."""
        with db.engine.connect() as connection:
            row = connection.execute(_STANDING, {"sitting": hot.ticket.sitting_id}).one_or_none()
        if row is None or row.epoch != hot.ticket.epoch:
            raise Ordinary
        return row


def _send(environ: Environ, start_response: Callable[..., Any], answer: Answer) -> Iterable[bytes]:
    size = ("Content-Length", str(len(answer.content)))
    secure = (HTTPS_ONLY,) if environ["wsgi.url_scheme"] == "https" else ()
    start_response(answer.status, [("Content-Type", answer.kind), size, *_ALWAYS, *answer.headers, *secure])
    return [answer.content]
