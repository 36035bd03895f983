"""Requests to a running sitting, read from the WSGI environment alone: what plainly holds, and nothing else.

Whatever is not plainly right (an odd cookie, another content type, JSON that does not parse) is `Ordinary`: the Flask
view looks at it, and says what is wrong.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.sansio.utils import get_host
from werkzeug.wrappers import Request

from examapp.config import Config
from examapp.delivery import sittings, tickets
from examapp.errors import ExamappError
from examapp.web.incoming import FORMS, LARGEST_JSON, exact_object, is_own_page

Environ = dict[str, Any]

_OWN_HOST = lru_cache(maxsize=64)(get_host)
_PLAIN = re.compile(r"[\w.-]*", re.ASCII)
_JSON = frozenset({"application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8"})


class Ordinary(Exception):
    """The request is not plainly a hot one: Flask takes it."""


class Hot(NamedTuple):
    """A request to a sitting whose ticket proved right."""

    environ: Environ
    ticket: tickets.Ticket
    slot: int
    at: datetime


def checked(environ: Environ, public_id: str, slot: int, config: Config, *, at: datetime) -> Hot:
    """Return a request whose ticket is good, of this sitting, and of the browser session that sends it.

    Whoever only looks may be signed in instead; whoever sends something has a ticket, or is refused.
    """
    is_looking = environ["REQUEST_METHOD"] == "GET"
    if not is_looking:
        check_own_page(environ, config)
        check_no_form(environ)
    text = cookie(environ, "ticket")
    try:
        ticket = tickets.check(text, config.secret_key, at=at)
        sittings.check_sitting(ticket, public_id)
        if not is_looking:
            tickets.check_csrf(environ.get("HTTP_X_CSRF_TOKEN", ""), ticket.csrf_digest, config.secret_key)
    except ExamappError as error:
        # what is quoted or escaped may be a good ticket all the same
        if is_looking or not _PLAIN.fullmatch(text):
            raise Ordinary from error
        raise
    return Hot(environ, ticket, slot, at)


def checked_places(environ: Environ, config: Config, *, at: datetime) -> tickets.PlaceTicket:
    """Return the place ticket of a start, which is good and of the browser session that sends it."""
    try:
        ticket = tickets.check_places(cookie(environ, "places"), config.secret_key, at=at)
        check_own_page(environ, config)
        tickets.check_csrf(environ.get("HTTP_X_CSRF_TOKEN", ""), ticket.csrf_digest, config.secret_key)
    except ExamappError as error:
        raise Ordinary from error
    return ticket


def check_own_page(environ: Environ, config: Config) -> None:
    """Require that a page of ours sends the request."""
    host = _OWN_HOST(environ["wsgi.url_scheme"], environ.get("HTTP_HOST"))
    site, origin = environ.get("HTTP_SEC_FETCH_SITE", "none"), environ.get("HTTP_ORIGIN")
    if environ.get("QUERY_STRING") or not is_own_page(site, origin, host, config.public_url):
        raise Ordinary


def session_of(app: Flask, environ: Environ) -> Mapping[str, Any]:
    """Return what the browser session holds; nothing if there is none that we signed."""
    asked: Any = Request(environ, populate_request=False)
    return app.session_interface.open_session(app, asked) or {}


def cookie(environ: Environ, name: str) -> str:
    """Return the one cookie of this name as it stands, nothing if there is none."""
    sign = f"{name}="
    before, found, after = str(environ.get("HTTP_COOKIE", "")).partition(sign)
    if not found:
        return ""
    if sign in after or not (not before or before.endswith((";", "; "))):
        raise Ordinary
    return after.partition(";")[0]


def body(environ: Environ, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the JSON object that was sent; Flask, should it have to look, can read it again."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not (length.isdecimal() and length.isascii()) or len(length) > 6 or environ.get("CONTENT_TYPE") not in _JSON:
        raise Ordinary
    if int(length) > LARGEST_JSON:
        raise Ordinary
    data = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = BytesIO(data)
    try:
        return exact_object(data, required, optional)
    except ExamappError as error:
        raise Ordinary from error


def check_no_form(environ: Environ) -> None:
    """Require that no form was sent, whose fields Flask would look at."""
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() in FORMS:
        raise Ordinary
