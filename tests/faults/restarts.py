"""Restarts of PostgreSQL under load: stopped at once or in order, killed with -9, or one of its backends killed."""

import random
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from tests.cluster import Cluster
from tests.faults.disk_image import memory
from tests.faults.ending import end
from tests.faults.hall import open_hall
from tests.faults.postgres import cluster_in, start_again, start_if_ended, tree
from tests.faults.service import Served, Warm, running
from tests.faults.table import Row, how_soon
from tests.faults.trainees import STUCK_SECONDS, Crowd, at_work

# so often an operator looks whether PostgreSQL runs
OPERATOR_SECONDS = 1.0
WAYS = {"immediate": signal.SIGQUIT, "fast": signal.SIGINT}


def restart_database(times: int, seed: int, *options: str, is_served: bool = False) -> Row:
    """Restart PostgreSQL `times` times below servers that are never restarted: one, or `serve` with two."""
    return _break("database restarts", _restart, times, seed, *options, is_served=is_served)


def kill_database(times: int, seed: int, *options: str, is_served: bool = False) -> Row:
    """Kill one of PostgreSQL's processes, any, with -9, `times` times."""
    return _break("kill -9, PostgreSQL", _kill, times, seed, *options, is_served=is_served)


def _break(fault, breaks, times: int, seed: int, *options: str, is_served: bool) -> Row:
    rng, waits, ways = random.Random(seed), list[float](), list[str]()
    with (
        tempfile.TemporaryDirectory(prefix="examapp-", dir=memory()) as folder,
        cluster_in(Path(folder) / "pg") as cluster,
    ):
        cluster.run("CREATE DATABASE exam")
        hall = open_hall(Path(folder), cluster.url("exam"), trainees=6, sittings=20)
        server = Served(hall, "--processes", "2") if is_served else Warm(hall, *options)
        with running(server) as service:
            with at_work(hall, server.port, seed=seed) as crowd:
                crowd.wait(3)
                begun = _all_of(service, 3 if is_served else 1)
                for _ in range(times):
                    time.sleep(rng.uniform(0.0, 0.15))
                    ways.append(breaks(cluster, rng))
                    waits.append(_with_an_operator(cluster, crowd, partial(crowd.wait, len(crowd.trainees))))
                assert {process.pid for process in service.processes()} == begun, "a server process was restarted"
                # a control acknowledges also while the database is down, so it may have ended since
                _with_an_operator(cluster, crowd, partial(crowd.wait_for_everybody, time.monotonic()))
            found = end(hall, crowd)
    note = ", ".join(f"{ways.count(way)} {way}" for way in sorted(set(ways)))
    if is_served:
        fault += ", two processes"
    return Row(fault, len(ways), found, tuple(crowd.wrong), f"{note}; {how_soon(waits)}", back=max(waits))


def _all_of(service: Warm | Served, number: int) -> set[int]:
    """Return the ids of so many processes, once all are there: the first may serve before the last is made."""
    begun = time.monotonic()
    while len(found := {process.pid for process in service.processes()}) != number:
        if time.monotonic() > begun + STUCK_SECONDS:
            raise TimeoutError(f"{len(found)} processes, not {number}")
        time.sleep(0.01)
    return found


def _with_an_operator(cluster: Cluster, crowd: Crowd, wait: Callable[[float], object]) -> float:
    """Return after how many seconds what `wait` waits for came; an operator looks at PostgreSQL meanwhile."""
    begun = time.monotonic()
    while time.monotonic() < begun + STUCK_SECONDS:
        with suppress(TimeoutError):
            wait(OPERATOR_SECONDS)
            return time.monotonic() - begun
        # it ends by itself when a process that recovers is killed
        start_if_ended(cluster)
    raise TimeoutError(f"nobody was told anything for {STUCK_SECONDS} s; met {dict(crowd.outcomes)}")


def _restart(cluster: Cluster, rng: random.Random) -> str:
    way = rng.choice(list(WAYS))
    cluster.stop(WAYS[way])
    cluster.start()
    return way


def _kill(cluster: Cluster, rng: random.Random) -> str:
    """Kill a process; PostgreSQL itself restarts after the loss of a backend, an operator after that of all of it."""
    processes = tree(cluster)
    victim = rng.choice(processes) if processes else None
    if victim is None or victim == processes[0]:
        cluster.stop(signal.SIGKILL)
        psutil.wait_procs(processes, 30)
        # it may have made another process just then
        start_again(cluster)
        return "of all"
    with suppress(psutil.NoSuchProcess, IndexError):
        name = victim.cmdline()[0].split()[1]
        victim.kill()
        return "of a backend" if name == "examapp" else "of a helper"
    return _kill(cluster, rng)
