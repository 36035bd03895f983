"""The plan on paper: how many cores, connections and bytes a number of trainees takes, from what one request costs.

A save costs a busy process less than an idle one, as commits are shared: up to `FEW` saves a second at the moment asked
about the cost measured at that rate counts, beyond it that of a process with all it can do. Up to `FEW` saves a second
all is one node on SQLite, beyond it nodes over PostgreSQL.
"""

import math
from typing import Any

from sqlalchemy.pool import QueuePool

from examapp.app import create_app
from examapp.config import Config
from examapp.db import db

# cores are busy so much of their time: the rest is for what no plan knew
BUSY = 0.6
SAVE_EVERY = 20
# arrivals after the bell are exponential with this mean; hand-ins fall on the last minute, densest at its end
BELL_MEAN, RUSH_MEAN = 20, 30
SIZES = (5_000, 10_000, 100_000, 1_000_000)
HOURS = 2
SCORED_WITHIN = 600
FEW = 500
# what one start asks for besides: the page, or the list of registrations
REQUESTS_OF_A_START = 2
# batches of a busy service
BATCH = 32


def table(run: dict[str, Any]) -> list[list[str]]:
    """Return the plan: a row each of rates, cores, connections and bytes, a column for each number of trainees."""
    plans = [_column(run, size) for size in SIZES]
    return [["", *[f"{size:,}" for size in SIZES]], *[[name, *[each[name] for each in plans]] for name in plans[0]]]


def _column(run: dict[str, Any], size: int) -> dict[str, str]:
    saves, starts, end = size / SAVE_EVERY, size / BELL_MEAN, size * (2 / RUSH_MEAN + 1 / SAVE_EVERY)
    database = "sqlite" if saves <= FEW else "postgresql"
    bell = starts * REQUESTS_OF_A_START * run["scenarios"]["hall"]["us_per_request"] / 1e6
    bell += saves * _save(run, database, saves)
    steady, rush = saves * _save(run, database, saves), end * _save(run, database, end)
    own = next(each for each in run["save"]["committer"] if (each["database"], each["size"]) == (database, BATCH))
    nodes = math.ceil(max(bell, rush) / BUSY)
    is_shared = database == "postgresql"
    return {
        "database": {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database],
        "saves/s, steady": f"{saves:,.0f}",
        "starts/s at the bell": f"{starts:,.0f}",
        "requests/s at the densest of the end": f"{end:,.0f}",
        "service cores, steady": _cores(steady),
        "service cores at the bell": _cores(bell),
        "service cores at the densest of the end": _cores(rush),
        "PostgreSQL cores at the densest of the end": _cores(end * own["server_us"] / 1e6) if is_shared else "-",
        "connections to PostgreSQL at most": f"{nodes * run['connections']:,}" if is_shared else "-",
        "written to the log at the densest, MB/s": f"{end * own['bytes'] / 1e6:,.1f}",
        f"worker cores to score all in {SCORED_WITHIN // 60} minutes": _cores(
            size * run["deadline"]["cpu_ms"] / 1000 / SCORED_WITHIN
        ),
        f"journal entries in {HOURS} h, million": f"{size * HOURS * 3600 / SAVE_EVERY / 1e6:,.1f}",
        "idle connections of browsers, GB": _idle(run, size),
    }


def _save(run: dict[str, Any], database: str, rate: float) -> float:
    """Return the processor seconds of a save, of all server processes, where so many come each second."""
    wanted = f"save, {FEW} a second" if rate <= FEW else "save, 32 connections"
    costs = {(each["name"], each["database"]): each["cpu_us"] for each in run["save"]["http"]}
    return float(costs[wanted, database]) / 1e6


def _idle(run: dict[str, Any], size: int) -> str:
    found = [each for each in run["scenarios"].values() if each["idle_connections"]]
    if not found:
        return "not measured"
    return f"{size * max(each['idle_bytes'] / each['idle_connections'] for each in found) / 1e9:,.2f}"


def connections_each() -> int:
    """Return how many connections one serving process may hold: its pool, and the one of its committer."""
    app = create_app(Config("for a look at the pool, no connection is made", "postgresql+psycopg://nobody@/none"))
    with app.app_context():
        pool = db.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.size() + pool._max_overflow + 1


def _cores(seconds_a_second: float) -> str:
    return f"{seconds_a_second / BUSY:,.1f}"
