"""Who is let in when more come than can be served: every kind of request has a lane of its own.

In a lane a few run at a time, some wait, and whoever comes beyond that is told at once when to try again: programs by
a problem with Retry-After, people by a small page that reloads itself. Saves and hand-ins of the gate pass by all
lanes, which together hold fewer threads than the server has. Seconds to wait are drawn, so that those turned away
together do not come back together.

A body is received before a turn is taken: who sends it slowly holds a thread, of which only a part is there for that,
but holds up nobody's turn. A proxy in front that buffers requests makes even that impossible.
"""

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from io import BytesIO
from typing import Any

from flask import Flask, render_template
from flask_babel import force_locale, gettext
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from examapp import clock
from examapp.config import Config
from examapp.errors import N_, Unavailable
from examapp.web import HEADERS, JSON_PREFIXES, LANGUAGES
from examapp.web.incoming import REFUSAL
from examapp.web.problems import RETRY_SECONDS, drawn_seconds
from examapp.web.session_api import stamp

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

# asked by whoever watches the service, most of all when it is busy
WATCHED = frozenset({"/healthz", "/readyz", "/metrics"})
MESSAGE = N_("Many people are here at this moment. Please try again in a few seconds.")
PATIENCE_SECONDS = 20


class Saturated(Exception):
    """A lane is full."""


class Lane:
    """A kind of request: how many run at a time, and how many more may wait for that."""

    def __init__(self, running: int, waiting: int) -> None:
        self._running = threading.Semaphore(running)
        self._inside = threading.Semaphore(running + waiting)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn and hold it; `Saturated` at once when too many wait already."""
        if not self._inside.acquire(blocking=False):
            raise Saturated
        try:
            if not self._running.acquire(timeout=PATIENCE_SECONDS):
                raise Saturated
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._inside.release()


class Readers:
    """How many requests of one sitting may be receiving their body at a time."""

    def __init__(self, each: int) -> None:
        self._each, self._reading, self._lock = each, dict[int, int](), threading.Lock()

    def begin(self, sitting_id: int) -> None:
        """Count one more until it ends; `Saturated` when so many receive already."""
        with self._lock:
            others = self._reading.get(sitting_id, 0)
            if others >= self._each:
                raise Saturated
            self._reading[sitting_id] = others + 1

    def end(self, sitting_id: int) -> None:
        """Count one less."""
        with self._lock:
            others = self._reading.pop(sitting_id) - 1
            if others:
                self._reading[sitting_id] = others


class Admission:
    """A WSGI application that lets requests through to `app` by lanes."""

    def __init__(self, app: Flask, config: Config) -> None:
        self._app, self._flask = app, app.wsgi_app
        cores, threads = os.cpu_count() or 1, config.threads
        # so many that a slow disk takes many in with one commit
        self.starts = Lane(running=96, waiting=threads // 2)
        self._sign_ins = Lane(running=2 * cores, waiting=threads // 16)
        self._saves = Lane(running=8, waiting=threads // 16)
        self._others = Lane(running=8, waiting=threads // 32)
        self._receiving = Lane(running=threads // 32, waiting=0)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Let Flask answer when it is this request's turn."""
        if environ["PATH_INFO"] in WATCHED or REFUSAL in environ:
            return self._flask(environ, start_response)
        try:
            self._receive(environ)
            with self._lane(environ["REQUEST_METHOD"], environ["PATH_INFO"]).turn():
                return self._flask(environ, start_response)
        except Saturated:
            return self.refuse(environ, start_response)

    def _receive(self, environ: Environ) -> None:
        """Take in the whole body, unless it is so large that Flask refuses it unread."""
        size = _announced_size(environ, self._app.config["MAX_CONTENT_LENGTH"])
        if size and not isinstance(environ["wsgi.input"], BytesIO):
            with self._receiving.turn():
                environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(size))

    def _lane(self, method: str, path: str) -> Lane:
        if path.startswith("/api/sittings/") and method in ("PUT", "POST"):
            return self._saves
        if path.startswith(("/api/sittings", "/api/papers", "/registrations/", "/sittings/")):
            return self.starts
        return self._sign_ins if method == "POST" and path in ("/sign-in", "/api/session") else self._others

    def refuse(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Say when to come again: nothing is looked up for that."""
        self._app.extensions["examapp_meters"].refused("service.busy")
        accepted = parse_accept_header(environ.get("HTTP_ACCEPT_LANGUAGE"), LanguageAccept)
        language = accepted.best_match(LANGUAGES, default="zh") or "zh"
        seconds = drawn_seconds()
        if environ["PATH_INFO"].startswith(JSON_PREFIXES):
            problem = {**self._problems[language], "server_now": stamp(clock.now())}
            kind, content = "application/problem+json", json.dumps(problem, separators=(",", ":")).encode()
        else:
            again = seconds if environ["REQUEST_METHOD"] == "GET" else 0
            kind, content = "text/html; charset=utf-8", self._pages[language, again]
        headers = {
            "Content-Type": kind, "Content-Length": str(len(content)), "Retry-After": str(seconds), **HEADERS,
            "Cache-Control": "no-store", "Vary": "Accept-Language",
        }  # fmt: skip
        start_response("503 SERVICE UNAVAILABLE", list(headers.items()))
        return [content]

    @cached_property
    def _problems(self) -> dict[str, dict[str, Any]]:
        return {language: self._in(language, _problem) for language in LANGUAGES}

    @cached_property
    def _pages(self) -> dict[tuple[str, int], bytes]:
        """The waiting pages by language and the seconds after which they reload themselves, 0 for never."""
        return {
            (language, seconds): self._in(language, lambda: _page(language, seconds))  # noqa: B023 - called at once
            for language in LANGUAGES
            for seconds in (0, *RETRY_SECONDS)
        }

    def _in(self, language: str, make: Callable[[], Any]) -> Any:
        with self._app.test_request_context(), force_locale(language):
            return make()


def _announced_size(environ: Environ, most: int) -> int:
    """Return how many bytes to read of a body; of one that comes in chunks, enough to see that it is too large."""
    if environ.get("wsgi.input_terminated") and "HTTP_TRANSFER_ENCODING" in environ:
        return most + 1
    length = environ.get("CONTENT_LENGTH") or ""
    return int(length) if length.isdecimal() and len(length) < 10 and int(length) <= most else 0


def _problem() -> dict[str, Any]:
    return {
        "type": "urn:examapp:service.busy", "code": "service.busy", "title": gettext(Unavailable.title),
        "detail": gettext(MESSAGE), "status": 503,
    }  # fmt: skip


def _page(language: str, seconds: int) -> bytes:
    return render_template("waiting.html", seconds=seconds, message=gettext(MESSAGE), shown_in=language).encode()
