"""How long several processes wait that write to one SQLite file: in turn, and as SQLite alone lets them.

    python -m benchmarks.save_cost.turns [--processes 4] [--seconds 4]

Each process commits one small durable transaction after another. SQLite's own waiting lets some starve: look at the
longest wait, and at the commits of the slowest and of the fastest process.
"""

import argparse
import multiprocessing
import sqlite3
import tempfile
import time
from multiprocessing.queues import Queue
from pathlib import Path

from rich.console import Console
from rich.table import Table

from examapp.one_writer import OneWriter


def main() -> None:
    """Print one row for each way of waiting."""
    parser = argparse.ArgumentParser(prog="benchmarks.save_cost.turns", description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    table = Table("waiting", "commits", "p50 ms", "p99 ms", "longest ms", "slowest process", "fastest process")
    for name, in_turn in (("in turn", True), ("SQLite alone", False)):
        waits = _run(options.processes, options.seconds, in_turn)
        every = sorted(wait for each in waits for wait in each)
        table.add_row(
            name, str(len(every)), *(f"{every[int(share * (len(every) - 1))] * 1e3:.1f}" for share in (0.5, 0.99, 1)),
            str(min(map(len, waits))), str(max(map(len, waits))),
        )  # fmt: skip
    Console(width=110).print(table)


def _run(processes: int, seconds: float, in_turn: bool) -> list[list[float]]:
    """Return how long each commit of each process took."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "turns.db")
        opened = _open(path)
        opened.execute("CREATE TABLE line (id INTEGER PRIMARY KEY, text TEXT)")
        opened.close()
        told: Queue[list[float]] = multiprocessing.Queue()
        arguments = (path, seconds, in_turn, told)
        workers = [multiprocessing.Process(target=_write, args=arguments) for _ in range(processes)]
        for worker in workers:
            worker.start()
        waits = [told.get() for _ in workers]
        for worker in workers:
            worker.join()
    return waits


def _open(path: str) -> OneWriter:
    writer = sqlite3.connect(path, timeout=30, isolation_level=None, factory=OneWriter)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("PRAGMA synchronous=FULL")
    return writer


def _write(path: str, seconds: float, in_turn: bool, told: "Queue[list[float]]") -> None:
    writer, waits, end = _open(path), [], time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        if in_turn:
            writer.begin_immediate()
        else:
            writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO line (text) VALUES ('a small row')")
        writer.commit()
        waits.append(time.monotonic() - began)
    told.put(waits)


if __name__ == "__main__":
    main()
