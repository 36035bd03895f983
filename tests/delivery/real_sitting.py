"""A sitting of the real service behind the words of `sitting_model`: requests over WSGI, staff by their verbs."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask

from examapp import clock
from examapp.accounts.access import OPERATOR, Operator
from examapp.canonical import parse_utc
from examapp.config import Config
from examapp.db import db, transaction
from examapp.delivery import closing, histories, interventions, journal, sittings, tickets
from examapp.delivery.acceptance import Accepted, Flag, HandIn, Outcome, Request, Save
from examapp.delivery.hot_rows import rows_of, settle
from examapp.delivery.interventions import Outage
from examapp.delivery.models import Sitting
from examapp.delivery.timing import NO_END
from examapp.errors import Refused
from examapp.exams.models import Administration
from tests import makers
from tests.conftest import SECRET
from tests.delivery.sitting_model import GRACE, Said

TOKEN = "the token of a browser session"
CSRF = tickets.csrf_token(TOKEN, SECRET)
FAR = int(makers.AT.timestamp()) + 10**6
MOST_SECONDS = timedelta(seconds=GRACE)
COLLEAGUE = Operator("somebody else")


def instant(seconds: float) -> datetime:
    """Return the time so many seconds after the window opened."""
    return makers.AT + timedelta(seconds=seconds)


def seconds(at: datetime) -> float:
    """Return how long after the opening that is; what has no end is infinitely far."""
    return float("inf") if at == NO_END else (at - makers.AT).total_seconds()


class Hall:
    """A running application whose clock the test holds, with one administration."""

    def __init__(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        self.app = app
        self.config: Config = app.config["EXAMAPP"]
        self.now = makers.AT
        monkeypatch.setattr(clock, "now", lambda: self.now)
        self._administration = makers.make_administration().id
        db.session.commit()

    def begin(self, began: float) -> "RealSitting":
        """Begin a sitting of a new trainee."""
        administration = db.session.get(Administration, self._administration)
        registration = makers.make_registration(administration=administration)
        return RealSitting(self, makers.make_sitting(registration, at=instant(began)))

    def send(self, method: str, path: str, ticket: str, body: Any, at: float) -> tuple[int, dict[str, Any]]:
        """Send one request that arrives at `at`; return status and JSON."""
        self.now = instant(at)
        content = b"" if body is None else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": "",
            "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000",
            "HTTP_HOST": "127.0.0.1:8000", "HTTP_COOKIE": f"ticket={ticket}", "HTTP_X_CSRF_TOKEN": CSRF,
            "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(content)), "REMOTE_ADDR": "127.0.0.1",
            "wsgi.input": BytesIO(content), "wsgi.url_scheme": "http", "wsgi.errors": BytesIO(),
            "wsgi.version": (1, 0), "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
        }  # fmt: skip
        said: list[str] = []
        answer = self.app.wsgi_app(environ, lambda status, headers, error=None: said.append(status))  # type: ignore[arg-type, return-value]
        try:
            return int(said[0][:3]), json.loads(b"".join(answer))
        finally:
            getattr(answer, "close", lambda: None)()


class RealSitting:
    """One sitting of the service."""

    def __init__(self, hall: Hall, sitting: Sitting) -> None:
        self._hall, self.id, self._path = hall, sitting.id, f"/api/sittings/{sitting.public_id}"
        self._form = sitting.exam_form_id

    def _send(self, epoch: int, method: str, path: str, body: Any, at: float) -> Said:
        digest = tickets.csrf_digest(TOKEN)
        ticket = tickets.sign(tickets.Ticket(self.id, self._form, epoch, digest, FAR), SECRET)
        status, answer = self._hall.send(method, self._path + path, ticket, body, at)
        number = answer.get("stored_seq") or int(answer.get("receipt", "0:").split(":")[0]) or None
        # a paused sitting is told no end
        end = seconds(parse_utc(answer["ends_at"]) if answer["ends_at"] else NO_END) if status == 200 else None
        return Said(status, answer.get("code", ""), number, end)

    def save(self, epoch: int, slot: int, seq: int, value: Any, at: float) -> Said:
        return self._send(epoch, "PUT", f"/responses/{slot}", {"seq": seq, "value": value}, at)

    def flag(self, epoch: int, slot: int, is_flagged: bool, at: float) -> Said:
        return self._send(epoch, "PUT", f"/flags/{slot}", {"flagged": is_flagged}, at)

    def hand_in(self, epoch: int, at: float) -> Said:
        return self._send(epoch, "POST", "/submission", None, at)

    def burst(self, requests: Sequence[tuple[str, tuple[Any, ...]]]) -> list[Said]:
        """Settle requests that waited together, in one transaction."""
        batch = [Request(self.id, _action(name, details), instant(details[-1]), details[0])
                 for name, details in requests]  # fmt: skip
        with db.engine.connect() as connection:
            rows = rows_of(connection)
            rows.begin()
            return [_said(each) for each in settle(rows, batch, MOST_SECONDS, commit=True)]

    def expire(self, at: float) -> bool:
        return self._staff(lambda sitting: closing.expire(OPERATOR, sitting, MOST_SECONDS, at=instant(at)))

    def pause(self, at: float) -> bool:
        return self._staff(lambda sitting: interventions.pause(OPERATOR, sitting, "an alarm", at=instant(at)))

    def resume(self, at: float) -> bool:
        return self._staff(lambda sitting: interventions.resume(OPERATOR, sitting, at=instant(at)))

    def add_time(self, minutes: int, at: float) -> bool | None:
        try:
            return self._staff(
                lambda sitting: interventions.add_time(OPERATOR, sitting, minutes, "an alarm", at=instant(at))
            )
        except Refused:
            return None

    def confirm(self, number: int, at: float) -> bool:
        return self._unless_refused(
            lambda sitting: interventions.confirm_time(COLLEAGUE, sitting, number, at=instant(at))
        )

    def credit(self, outage: str, minutes: int, at: float) -> bool:
        lost = Outage(outage, minutes, "the network was down")
        return self._staff(lambda sitting: interventions.credit_outage(OPERATOR, sitting, lost, at=instant(at)))

    def void(self, at: float) -> bool:
        return self._unless_refused(lambda sitting: interventions.void(OPERATOR, sitting, "an alarm", at=instant(at)))

    def sign_out(self) -> None:
        return self._staff(lambda sitting: sittings.end_tickets(sitting.registration.trainee))

    def start_again(self, at: float) -> bool:
        """Say whether starting again gives this sitting."""

        def start(sitting: Sitting) -> bool:
            trainee = sitting.registration.trainee
            again, is_new = sittings.start(trainee, sitting.registration, at=instant(at))
            return again.id == self.id and not is_new

        return self._staff(start)

    def _unless_refused(self, verb: Callable[[Sitting], object]) -> bool:
        try:
            self._staff(verb)
        except Refused:
            return False
        return True

    def _staff(self, verb: Callable[[Sitting], Any]) -> Any:
        with transaction():
            sitting = db.session.get(Sitting, self.id, populate_existing=True)
            assert sitting is not None
            return verb(sitting)

    @contextmanager
    def read(self) -> Iterator[Sitting]:
        """Give the sitting's row as it is now."""
        db.session.rollback()
        sitting = db.session.get(Sitting, self.id, populate_existing=True)
        assert sitting is not None
        yield sitting
        db.session.rollback()

    def picture(self) -> dict[str, Any]:
        """Return all that the service holds of the sitting; what it holds twice must agree."""
        with self.read() as sitting:
            state = journal.read(sitting.id)
            stored = {
                each.slot: (each.seq, each.value, each.entry.number) for each in sittings.stored_responses(sitting)
            }
            assert stored == {slot: (each.seq, each.value, each.number) for slot, each in state.responses.items()}
            assert (sitting.status, sitting.closed_at, sitting.ends_at) == (
                state.status,
                state.closed_at,
                state.ends_at,
            )
            assert histories.broken(sitting.id) == []
            return {
                "status": sitting.status, "closed_at": sitting.closed_at, "epoch": sitting.epoch, "stored": stored,
                "flags": set(state.flags), "ends_at": sitting.ends_at,
                "journal": [row.kind for row in journal.entries(sitting.id)],
            }  # fmt: skip


def _action(name: str, details: tuple[Any, ...]) -> Save | Flag | HandIn:
    _, *own, _ = details
    if name == "save":
        return Save(*own, None)
    return Flag(*own) if name == "flag" else HandIn()


def _said(outcome: Outcome) -> Said:
    if isinstance(outcome, Accepted):
        number = None if "flagged" in outcome.body else outcome.entry.number
        return Said(200, number=number, end=seconds(outcome.ends_at))
    status = {"Refused": 409, "NotAllowed": 403}[type(outcome).__name__]
    return Said(status, outcome.code, outcome.parameters.get("stored_seq"))
