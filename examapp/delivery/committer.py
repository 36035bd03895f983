"""Group commit: the saves that wait together share one durable transaction, and are acknowledged after it.

One thread per process takes whatever waits, at most `LARGEST_BATCH`, without lingering: when the disk is quick batches
are small, when it is slow they grow. The queue is bounded; past it a save is refused at once (503 with Retry-After)
and stays safe in the trainee's browser. If a batch fails, each of its requests is tried alone, so that one bad request
cannot fail its neighbours.
"""

import queue
import threading
from concurrent.futures import Future
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from examapp.db import WRITES
from examapp.delivery import journal
from examapp.delivery.acceptance import Accepted, Outcome, Request, accept
from examapp.errors import N_, Unavailable

LARGEST_BATCH = 256
LARGEST_QUEUE = 2000
PATIENCE_SECONDS = 20

_Waiting = tuple[Request, "Future[Outcome]"]


class Committer:
    """The one writer of responses in this process."""

    def __init__(self, engine: Engine, grace: timedelta) -> None:
        self._engine = engine.execution_options(**{WRITES: True})
        self._grace = grace
        self._waiting: queue.Queue[_Waiting] = queue.Queue(LARGEST_QUEUE)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def commit(self, request: Request) -> Accepted:
        """Return once `request` is durable; raise the refusal it met, or `Unavailable` when the queue is full."""
        outcome: Future[Outcome] = Future()
        self._start_once()
        try:
            self._waiting.put_nowait((request, outcome))
            result = outcome.result(PATIENCE_SECONDS)
        except (queue.Full, TimeoutError) as error:
            message = N_("The service is very busy. Your answer is kept on your computer and will be sent again.")
            raise Unavailable("service.busy", message, retry_after=2) from error
        if isinstance(result, Accepted):
            return result
        raise result

    def _start_once(self) -> None:
        # not in __init__: a server may fork after the application was made, and threads do not survive that
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while len(batch) < LARGEST_BATCH:
                try:
                    batch.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            self._settle(batch)

    def _settle(self, batch: list[_Waiting]) -> None:
        try:
            outcomes = self._write([request for request, _ in batch])
        except Exception as error:
            if len(batch) > 1:
                for one in batch:
                    self._settle([one])
            else:
                batch[0][1].set_exception(_refusal(error))
            return
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            future.set_result(outcome)

    def _write(self, requests: list[Request]) -> list[Outcome]:
        with self._engine.begin() as connection:
            heads = journal.lock(connection, sorted({request.sitting_id for request in requests}))
            outcomes = [accept(connection, heads.get(each.sitting_id), each, self._grace) for each in requests]
            for head in heads.values():
                if head.is_changed:
                    journal.save_head(connection, head)
        return outcomes


def _refusal(error: Exception) -> Exception:
    if isinstance(error, DBAPIError):
        return Unavailable("service.storage", N_("The answer could not be stored yet. It will be sent again."))
    return error
