"""The committer's share of a save, without HTTP: one transaction after another of a given number of saves."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from examapp.delivery.acceptance import Request
from examapp.delivery.committer import Committer
from examapp.delivery.hot_rows import rows_of, settle

WARM_BATCHES = 20
RATE = 1000
SENDERS = 64


@dataclass(frozen=True)
class Figure:
    """What one save costs in a batch of `size`: processor microseconds here and in the database, bytes written."""

    database: str
    size: int
    own_us: float
    server_us: float
    bytes: float


def measure(
    engine: Engine, requests: Iterator[Request], size: int, number: int, server_seconds: Callable[[], float],
    written: Callable[[], float],
) -> Figure:  # fmt: skip
    """Return the cost of a save when `number` are stored, `size` at a time."""
    with engine.connect() as connection:
        rows = rows_of(connection)
        rows.prepare()

        def store(batches: int) -> None:
            for _ in range(batches):
                rows.begin()
                settle(rows, list(itertools.islice(requests, size)), timedelta(0), commit=True)

        store(WARM_BATCHES)
        before = time.process_time(), server_seconds(), written()
        store(number // size)
        after = time.process_time(), server_seconds(), written()
        connection.invalidate()
    own, server, amount = ((end - start) / number for start, end in zip(before, after, strict=True))
    return Figure(engine.dialect.name, size, own * 1e6, server * 1e6, amount)


def steady(
    engine: Engine, requests: Iterator[Request], seconds: float, server_seconds: Callable[[], float],
    written: Callable[[], float],
) -> Figure:  # fmt: skip
    """Return the cost of a save when 1,000 a second arrive at one process; `size` is what its batches come to."""
    committer = Committer(engine, timedelta(0))
    due, lock, began = itertools.count(), threading.Lock(), time.monotonic() + 0.1

    def send() -> None:
        while True:
            with lock:
                moment, request = began + next(due) / RATE, next(requests)
            if moment > began + seconds:
                return
            time.sleep(max(0.0, moment - time.monotonic()))
            committer.commit(request)

    before = time.process_time(), server_seconds(), written()
    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    after, state = (time.process_time(), server_seconds(), written()), committer.state
    own, server, amount = ((end - start) / state.requests for start, end in zip(before, after, strict=True))
    size = round(state.requests / state.batches)
    return Figure(f"{engine.dialect.name}, {RATE}/s", size, own * 1e6, server * 1e6, amount)


def vacuum(engine: Engine, server_seconds: Callable[[], float], written: Callable[[], float]) -> Figure:
    """Return what PostgreSQL's vacuum costs for each save since the last one; `size` is how many saves those are.

    The server does it by itself once a minute. Where that falls into a few measured seconds, they pay for a minute.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        number = int(connection.scalar(text("SELECT count(*) FROM journal_entry")) or 1)
        before = server_seconds(), written()
        connection.execute(text("VACUUM ANALYZE journal_entry, stored_response, sitting"))
    server, amount = ((end - start) / number for start, end in zip(before, (server_seconds(), written()), strict=True))
    return Figure(f"{engine.dialect.name}, vacuum", number, 0.0, server * 1e6, amount)


def bytes_written() -> float:
    """Return how many bytes this process has written to files and pipes."""
    return float(Path("/proc/self/io").read_text().split("wchar: ")[1].split()[0])
