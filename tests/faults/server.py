"""A server to kill: imports the application once, then forks a whole new server process for each line it reads.

    python -m tests.faults.server PORT [acknowledge-early]

The forked process is the complete server (HTTP, committer, database connections); killing it with -9 leaves nothing of
it. `acknowledge-early` is the control: a committer that answers before it commits.
"""

import os
import sys
import time
from datetime import timedelta

from flask import Flask
from werkzeug.serving import make_server

from examapp.app import create_app_from_env
from examapp.db import db
from examapp.delivery.acceptance import Accepted
from examapp.delivery.committer import Committer, _Waiting
from examapp.delivery.journal import FIRST, Entry


class EarlyCommitter(Committer):
    """Breaks the one promise of its parent: it acknowledges, and commits a moment later."""

    def _settle(self, batch: list[_Waiting]) -> None:
        for request, future in batch:
            slot, seq = request.action.slot, request.action.seq  # type: ignore[union-attr]
            body = {"slot": slot, "seq": seq}
            future.set_result(Accepted(Entry(0, request.received_at, FIRST), request.received_at, body))
        time.sleep(0.02)
        self._write([request for request, _ in batch])


def serve(app: Flask, port: int, is_early: bool) -> None:
    """Serve until killed."""
    with app.app_context():
        kind = EarlyCommitter if is_early else Committer
        app.extensions["examapp_committer"] = kind(db.engine, timedelta(seconds=5))
    make_server("127.0.0.1", port, app, threaded=True).serve_forever()


def main() -> None:
    app = create_app_from_env()
    port, is_early = int(sys.argv[1]), "acknowledge-early" in sys.argv
    print("ready", flush=True)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            serve(app, port, is_early)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    main()
