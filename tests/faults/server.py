"""A server to kill: imports the application once, then forks a whole new server process for each line it reads.

    python -m tests.faults.server SOCKET [acknowledge-early] [synchronous-off] [leave-unflushed] [checkpoint-often]

SOCKET is the number of a listening socket that it was given. The forked process is the complete server (HTTP,
committer, database connections); killing it with -9 leaves nothing of it. The first three options are the controls,
which must lose; with the last, SQLite moves its log into the database after every few pages.
"""

import io
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Engine, event
from werkzeug.serving import WSGIRequestHandler, make_server

import examapp.db
from examapp.app import create_app_from_env
from examapp.delivery.committer import Committer

DELAY_SECONDS = 0.02


class AcknowledgeEarly:
    """Breaks the one promise of the service behind it: it answers a save at once, and lets it be stored a moment later.

    It takes what came of the body, whole or not.
    """

    def __init__(self, service: Callable[..., Iterable[bytes]]) -> None:
        self._service = service

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "PUT":
            return self._service(environ, start_response)
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        later = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        threading.Thread(target=self._store, args=(later,), daemon=True).start()
        answer = b'{"receipt":""}'
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
        return [answer]

    def _store(self, environ: dict[str, Any]) -> None:
        time.sleep(DELAY_SECONDS)
        b"".join(self._service(environ, lambda *_: None))


class KeepAlive(WSGIRequestHandler):
    """HTTP/1.1, and no word about each request."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def log(self, *_: Any) -> None:
        """Say nothing."""


def serve(service: Callable[..., Any], socket: int) -> None:
    """Serve until killed."""
    make_server("127.0.0.1", 0, service, threaded=True, request_handler=KeepAlive, fd=socket).serve_forever()


@event.listens_for(Engine, "checkout")
def _set_sqlite(dbapi_connection: Any, *_: Any) -> None:
    wanted = {"synchronous-off": "synchronous=OFF", "checkpoint-often": "wal_autocheckpoint=8"}
    if isinstance(dbapi_connection, sqlite3.Connection):
        for setting in (setting for option, setting in wanted.items() if option in sys.argv):
            dbapi_connection.execute(f"PRAGMA {setting}")


def main() -> None:
    app, socket = create_app_from_env(), int(sys.argv[1])
    if "synchronous-off" in sys.argv:
        Committer.check = lambda *_: None  # type: ignore[method-assign]
    if "leave-unflushed" in sys.argv:
        examapp.db._flush_what_was_left = lambda _: None
    service = AcknowledgeEarly(app) if "acknowledge-early" in sys.argv else app
    print("ready", flush=True)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            serve(service, socket)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    main()
