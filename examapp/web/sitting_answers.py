"""What the routes of a running sitting answer, as bytes: the views and the gate before them send the same.

Every answer carries the server's time, so that the exam page can correct its clock.
"""

import base64
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from werkzeug.http import dump_cookie

from examapp.config import Config
from examapp.delivery import emergency
from examapp.delivery.acceptance import Accepted
from examapp.delivery.routing import Place
from examapp.delivery.sealed_paper import SealedPaper
from examapp.delivery.state import OPEN
from examapp.delivery.tickets import Ticket, sign
from examapp.delivery.timing import NO_END
from examapp.web.session_api import stamp

JSON = "application/json"
# a ticket lives so long after the end as it stands when the ticket is given, or renewed: after so much more time
TICKET_DAYS, RENEWED_SECONDS = 2, 3600
_ENCODER = json.JSONEncoder(separators=(",", ":"))


class Standing(Protocol):
    """What a sitting's row says of its state."""

    @property
    def id(self) -> int: ...
    @property
    def exam_form_id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def epoch(self) -> int: ...


def encoded(body: dict[str, Any]) -> bytes:
    """Return a JSON object as it is sent."""
    return _ENCODER.encode(body).encode()


def with_slots(body: dict[str, Any], places: Sequence[Place]) -> bytes:
    """Return a JSON object as it is sent, with the slots in the trainee's own order in front.

    They are written out here: at the bell, encoding them as objects would take longer than all else of a start.
    """
    slots = ",".join(
        [f'{{"slot":{each.slot},"item_type":"{each.item_type}","options":{_list(each.options)}}}' for each in places]
    )
    return f'{{"slots":[{slots}],'.encode() + encoded(body)[1:]


def _list(plain: Sequence[str]) -> str:
    # item types and the numbers of options hold nothing that JSON would escape
    listed = '","'.join(plain)
    return f'["{listed}"]' if plain else "[]"


def saved(slot: int, accepted: Accepted, *, at: datetime) -> bytes:
    """Answer a save that is durable now: the one answer that is given all the time, so it is written out here."""
    ends_at, entry = _end(accepted), accepted.entry
    end = f'"{ends_at}"' if ends_at else "null"
    return (
        f'{{"slot":{slot},"seq":{accepted.body["seq"]},"stored_at":"{stamp(entry.at)}","receipt":"{entry.receipt}",'
        f'"ends_at":{end},"server_now":"{stamp(at)}"}}'
    ).encode()


def flagged(slot: int, accepted: Accepted, *, at: datetime) -> bytes:
    """Answer a mark for review."""
    times = {"ends_at": _end(accepted), "server_now": stamp(at)}
    return encoded({"slot": slot, "flagged": accepted.body["flagged"], **times})


def handed_in(accepted: Accepted, *, at: datetime) -> bytes:
    """Answer a hand-in."""
    return encoded(
        {"status": "submitted", "submitted_at": stamp(accepted.entry.at), "answered": accepted.body["answered"],
         "receipt": accepted.entry.receipt, "ends_at": _end(accepted), "server_now": stamp(at)}
    )  # fmt: skip


def _end(accepted: Accepted) -> str | None:
    """Return when the sitting ends; while it is paused there is no such time, and the clock route says more."""
    return stamp(accepted.ends_at) if accepted.ends_at != NO_END else None


def running(
    standing: Standing,
    part: str,
    ends_at: datetime,
    paused_since: datetime | None = None,
    opened_elsewhere: datetime | None = None,
    *,
    at: datetime,
) -> dict[str, Any]:
    """Return what every look at a sitting shows of it; a pause moves its end on as time goes by."""
    return {
        "sitting": f"{standing.id:016x}", "status": standing.status, "ends_at": stamp(ends_at),
        "paused_since": stamp(paused_since) if paused_since else None, "server_now": stamp(at),
        "epoch": standing.epoch, "part": part,
        "opened_elsewhere": stamp(opened_elsewhere) if opened_elsewhere else None,
    }  # fmt: skip


def paper(found: SealedPaper, accept_encoding: str) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """Return a paper in an encoding that the browser reads, and the headers that say which."""
    vary = ("Vary", "Accept-Encoding, Cookie")
    if "gzip" not in accept_encoding or "q=0" in accept_encoding:
        return found.content, (vary,)
    return found.compressed, (("Content-Encoding", "gzip"), vary)


def keys(sitting_id: int, found: SealedPaper, secret: str, *, is_open: bool) -> dict[str, Any]:
    """Return what a page needs to show a sitting besides its slots: the keys to its paper and its emergency file."""
    key = {"name": found.name, "key": _text(found.key), "digest": found.digest}
    return {
        "paper": key if is_open else None,
        "emergency_key": emergency.key_text(secret, f"{sitting_id:016x}"),
    }  # fmt: skip


def _text(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def renewed_ticket(
    ticket: Ticket, standing: Standing, ends_at: datetime, config: Config
) -> tuple[tuple[str, str], ...]:
    """Return the header with a fresh ticket where the end has moved since a good one was given, as a pause moves it."""
    if standing.status != OPEN or ticket.expires + RENEWED_SECONDS > _expiry(ends_at).timestamp():
        return ()
    return (("Set-Cookie", ticket_cookie(standing, ends_at, ticket.csrf_digest, config)),)


def _expiry(ends_at: datetime) -> datetime:
    return ends_at + timedelta(days=TICKET_DAYS)


def ticket_cookie(standing: Standing, ends_at: datetime, csrf_digest: str, config: Config) -> str:
    """Return the cookie that lets a browser session act on a sitting without being looked up."""
    expires = _expiry(ends_at)
    ticket = Ticket(standing.id, standing.exam_form_id, standing.epoch, csrf_digest, int(expires.timestamp()))
    return dump_cookie(
        "ticket", sign(ticket, config.secret_key), expires=expires, httponly=True, samesite="Strict",
        secure=config.secure_cookies, path=f"/api/sittings/{standing.id:016x}",
    )  # fmt: skip
