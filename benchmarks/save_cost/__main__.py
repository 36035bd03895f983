"""What one durable save costs.

    python -m benchmarks.save_cost [--database sqlite,postgresql] [--http] [--instructions] [--seconds 4] [--runs 3]
                                   [--json FILE]

Prints processor time, database time and bytes written of a save by size of its batch; with `--http` also what a save
costs over HTTP beside a bare hello behind the same server: the server on the first core, the load on the second.
"""

import argparse
import json
import logging
import os
import secrets
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from flask_migrate import upgrade
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from benchmarks.exam_load.service import running, seed
from benchmarks.save_cost import hello, over_http, served
from benchmarks.save_cost.in_process import Figure, bytes_written, measure, steady, vacuum
from benchmarks.save_cost.over_http import HttpFigure
from benchmarks.save_cost.processor import family_seconds
from benchmarks.save_cost.rows import saves
from benchmarks.save_cost.rows import seed as seed_rows
from benchmarks.save_cost.served import Instructions
from examapp.app import MIGRATIONS, create_app
from examapp.config import Config
from examapp.db import db
from tests.cluster import running_cluster
from tests.faults.hall import open_hall

# saves in a batch, and how many saves are measured
SIZES = ((1, 500), (2, 1000), (8, 4000), (32, 8000), (128, 12800))
TRAINEES = 200
SEATS = 64
BARE, OWN = "bare hello, 32 connections", "hello of the service, 32 connections"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="benchmarks.save_cost", description=__doc__.splitlines()[0])
    parser.add_argument("--database", default="sqlite,postgresql", help="which databases")
    parser.add_argument("--http", action="store_true", help="over HTTP too, with wrk")
    parser.add_argument("--instructions", action="store_true", help="of a save and of a hello over HTTP, with valgrind")
    parser.add_argument("--seconds", type=int, default=4, help="of each HTTP run")
    parser.add_argument("--runs", type=int, default=3, help="each figure is the median of so many")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    found: dict[str, list[Any]] = {"committer": [], "http": [], "instructions": []}
    for name in options.database.split(","):
        with database(name) as (url, server_pid):
            found["committer"] += in_process(url, server_pid, options.runs)
            if options.http:
                figures = http(url, server_pid, options.seconds, options.runs)
                found["http"] += [replace(each, database=name) for each in figures]
    if options.instructions:
        found["instructions"] = instructions()
    _print(found)
    if options.json:
        options.json.write_text(json.dumps({name: [asdict(each) for each in rows] for name, rows in found.items()}))


@contextmanager
def database(name: str) -> Iterator[tuple[str, int | None]]:
    """Give the address of an empty database, and the process of its server if it has one."""
    if name == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/examapp.db", None
        return
    with running_cluster() as cluster:
        cluster.run("CREATE DATABASE save_cost")
        pid = int((cluster.folder / "data" / "postmaster.pid").read_text().split()[0])
        yield cluster.url("save_cost"), pid


def in_process(url: str, server_pid: int | None, runs: int) -> list[Figure]:
    """Return the committer's share by size of the batch."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Config(secrets.token_hex(32), url, key_folder=Path(folder), secure_cookies=False))
        with app.app_context():
            upgrade(directory=str(MIGRATIONS))
            requests = saves(seed_rows(TRAINEES))
            written = _wal_bytes(db.engine) if server_pid else bytes_written
            server = partial(family_seconds, server_pid)
            figures = [
                _median([measure(db.engine, requests, size, number, server, written) for _ in range(runs)])
                for size, number in SIZES
            ]
            if server_pid:
                figures.append(vacuum(db.engine, server, written))
            figures.append(_median([steady(db.engine, requests, 3, server, written) for _ in range(runs)]))
            db.session.remove()
            db.engine.dispose()
    return figures


def _wal_bytes(engine: Engine) -> Callable[[], float]:
    def written() -> float:
        with engine.connect() as connection:
            return float(connection.scalar(text("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")) or 0)

    return written


def http(url: str, server_pid: int | None, seconds: int, runs: int) -> list[HttpFigure]:
    """Return what saves cost over HTTP, and what a bare hello of the same server and one of the service cost."""
    cores = sorted(os.sched_getaffinity(0))
    figures: dict[str, list[HttpFigure]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        hello.serving(cores[0]) as (bare, bare_pid),
        running(Path(folder), url, cores[0], 1) as service,
    ):
        service.start()
        lines = over_http.begin_sittings(service, seed(service, SEATS, 0, 3600, "theory")["trainees"])
        costs = over_http.costs(service, server_pid)
        bare_costs = over_http.Costs(partial(family_seconds, bare_pid), float)
        for run in range(runs):
            for figure in (
                over_http.wrk(BARE, bare_costs, [bare], seconds, cores[-1]),
                over_http.wrk(OWN, costs, [f"{service.url}/healthz"], seconds, cores[-1]),
                over_http.closed_loop(service, costs, lines, 10**6 * (2 * run + 1), seconds, cores[-1]),
                over_http.open_loop(service, costs, lines, 10**6 * (2 * run + 2), seconds),
            ):
                figures.setdefault(figure.name, []).append(figure)
    return [_median(each) for each in figures.values()]


def instructions() -> list[Instructions]:
    """Return the instructions of a save over HTTP through the gate, and through the view."""
    with tempfile.TemporaryDirectory() as folder:
        hall = open_hall(Path(folder), trainees=1, sittings=2)
        gate, view = hall.seats[0]
        return [
            served.count(hall, gate, Path(folder)), served.count(hall, view, Path(folder), EXAMAPP_GATE="0"),
        ]  # fmt: skip


def _median(figures: list[Any]) -> Any:
    """Return the median of every number; what is no number is the same in all."""
    values = {name: [getattr(each, name) for each in figures] for name in asdict(figures[0])}
    return type(figures[0])(
        **{name: each[0] if isinstance(each[0], str) else statistics.median(each) for name, each in values.items()}
    )


def _print(found: dict[str, list[Any]]) -> None:
    console, over = Console(width=110), found["http"]
    console.print(_table("The committer alone, a save", found["committer"]))
    if over:
        console.print(_table("Over HTTP, a request", over))
        for bare, _, save, _ in zip(*[iter(over)] * 4, strict=True):
            console.print(f"a save costs {save.cpu_us / bare.cpu_us:.1f} bare hellos; {1e6 / save.cpu_us:.0f}/s a core")
    for way, each in zip(("gate", "view"), found["instructions"], strict=False):
        console.print(
            f"instructions of a save through the {way}: {each.save:,.0f}, of a bare hello {each.hello:,.0f}:"
            f" {each.save / each.hello:.1f} hellos"
        )


def _table(title: str, rows: list[Any]) -> Table:
    table = Table(*asdict(rows[0]), title=title)
    for row in rows:
        table.add_row(*(f"{value:.1f}" if isinstance(value, float) else str(value) for value in asdict(row).values()))
    return table


main()
