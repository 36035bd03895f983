"""A service on a port of its own, in this process, with a trainee who may sit an exam; and a browser to use it."""

import asyncio
import itertools
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from granian._granian import WorkerSignal
from playwright.sync_api import BrowserContext, Page

from examapp.banks.item_types import ITEM_TYPES
from examapp.cli.server import PATIENCE_SECONDS, begin_to_serve
from examapp.db import WRITES, db
from examapp.delivery import journal, sittings
from examapp.exams.models import ExamForm, Registration
from tests import makers

MINUTES = 90
THREADS = 32
_NUMBERS = itertools.count(1)


class Service:
    """What a test needs to know of a running service."""

    def __init__(self, url: str, app: Flask) -> None:
        self.url, self.app = url, app
        self.username = "li.ming"
        self.registration = ""
        self._exam_form = ""
        self.is_failing = False
        self.failure_headers: list[tuple[str, str]] = []
        self.asked: list[tuple[str, str]] = []
        self.ahead = timedelta(0)
        self._stands_at: datetime | None = None
        app.wsgi_app = self._failing(app.wsgi_app)  # type: ignore[method-assign]

    def now(self) -> datetime:
        """Return the service's time, which a test may move ahead."""
        return (self._stands_at or datetime.now(UTC)) + self.ahead

    def pass_time(self, page: Page, seconds: int) -> None:
        """Let this much time pass at once, for the service and for a page with an installed clock."""
        self.ahead += timedelta(seconds=seconds)
        page.clock.fast_forward(seconds * 1000)

    def stop_time(self, page: Page) -> None:
        """From now on let time pass only by `pass_time`, for the service and for a page with an installed clock."""
        # the page can only be stopped at a moment to come; it had better not do anything until then
        self.ahead += timedelta(seconds=30)
        self._stands_at = datetime.now(UTC)
        page.clock.pause_at(self.now())

    def _failing(self, app: WSGIApplication) -> WSGIApplication:
        """Refuse to save for as long as the test says so."""

        def run(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
            if self.is_failing and environ["REQUEST_METHOD"] == "PUT":
                start_response("503 SERVICE UNAVAILABLE", [("Content-Type", "application/json"), *self.failure_headers])
                return [b'{"code": "busy"}']
            return app(environ, start_response)

        return run

    def renew(self) -> None:
        """Forget what the last test did: nothing fails, it is now, and another trainee waits for the same form."""
        self.is_failing, self.failure_headers, self.ahead, self._stands_at = False, [], timedelta(0), None
        self.asked.clear()
        self.username = f"trainee-{next(_NUMBERS)}"
        with self._writing():
            self._exam_form = self._exam_form or form_of_every_type().id
            self.prepare(db.session.get_one(ExamForm, self._exam_form))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Take the write lock at once, as the service does: what turns writer after a read fails where pages write."""
        with self.app.app_context():
            db.session.connection(execution_options={WRITES: True})
            yield

    def speak(self, language: str) -> None:
        """Give the trainee this language."""
        with self._writing():
            registration = db.session.get_one(Registration, self.registration)
            registration.trainee.language = language
            db.session.commit()

    def prepare(self, exam_form: ExamForm, **overrides: Any) -> None:
        """Register the trainee for an administration of `exam_form` that is open now."""
        now = datetime.now(UTC)
        administration = makers.make_administration(
            exam_form, opens_at=now - timedelta(hours=3), closes_at=now + timedelta(hours=3), minutes=MINUTES
        )
        trainee = makers.make_user(username=self.username, language="en")
        self.registration = makers.make_registration(trainee, administration, **overrides).id
        db.session.commit()

    def opens_in(self, seconds: int) -> None:
        """Move the opening of the trainee's administration to this many seconds from now."""
        with self._writing():
            registration = db.session.get_one(Registration, self.registration)
            registration.administration.opens_at = datetime.now(UTC) + timedelta(seconds=seconds)
            db.session.commit()

    def begin(self, seconds_left: float = MINUTES * 60, device: str = "") -> str:
        """Begin the trainee's sitting so that this much time is left; return its public id."""
        with self._writing():
            registration = db.session.get_one(Registration, self.registration)
            started = datetime.now(UTC) - timedelta(minutes=MINUTES) + timedelta(seconds=seconds_left)
            return makers.make_sitting(registration, device=device, at=started).public_id

    def result(self) -> str:
        """Return the id of a released result of another exam of the trainee."""
        with self._writing():
            trainee = db.session.get_one(Registration, self.registration).trainee
            return makers.make_result(makers.make_registration(trainee)).id

    def stored(self, public_id: str) -> dict[int, Any]:
        """Return what is stored of a sitting now: slot to value."""
        with self.app.app_context():
            return {each.slot: each.value for each in sittings.stored_responses(sittings.by_public_id(public_id))}

    def kinds(self, public_id: str) -> list[str]:
        """Return the kinds of the journal's entries, in order."""
        with self.app.app_context():
            return [row.kind for row in journal.entries(int(public_id, 16))]

    def sign_in(self, context: BrowserContext) -> Page:
        """Sign the trainee in and return an empty page."""
        data = {"username": self.username, "password": makers.PASSWORD}
        assert context.request.post(f"{self.url}/api/session", data=data).ok
        return context.new_page()


@contextmanager
def serve(app: Flask) -> Iterator[Service]:
    """Serve `app` on a free port, as `examapp serve` does but in this process, until the block ends."""
    listener, told, ended = socket.create_server(("127.0.0.1", 0)), WorkerSignal(), threading.Event()
    listener.setblocking(False)
    told.add_cb(ended.set)
    port = listener.getsockname()[1]
    with closing(asyncio.new_event_loop()) as loop:
        begin_to_serve(app, listener.detach(), THREADS, told, loop)
        try:
            yield Service(f"http://127.0.0.1:{port}", app)
        finally:
            told.set()
            assert ended.wait(PATIENCE_SECONDS)


def form_of_every_type() -> ExamForm:
    """Return a form with an item of every type, and two more that share a text and a figure."""
    contents = [makers.make_content(kind) for kind in ITEM_TYPES]
    contents += [makers.make_content(kind, stimulus="stimulus-one") for kind in ("true_false", "single_choice")]
    return makers.make_exam_form(contents=contents, stimuli={"stimulus-one": makers.make_stimulus_version()})
