"""Every series of faults: how many make the long and the short run, and the control that must lose."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.faults.cut_connections import cut_connections
from tests.faults.disk_errors import fail_disk
from tests.faults.full_disk import fill_disk
from tests.faults.kills import kill_processes, kill_servers
from tests.faults.limits import run_out_of_files, run_out_of_memory
from tests.faults.power_cuts import cut_postgres, cut_sqlite
from tests.faults.restarts import kill_database, restart_database
from tests.faults.table import Row

EARLY, OFF = "acknowledge-early", "synchronous-off"


@dataclass(frozen=True)
class Series:
    """A series: `run(times, seed, *options)`; its control is run with `breaks`, for `control` faults."""

    run: Callable[..., Row]
    long: int
    short: int
    breaks: str | None = None
    control: int = 0


SERIES = {
    "kill": Series(kill_servers, 2000, 25, EARLY, 10),
    "kill-serve": Series(kill_processes, 60, 3),
    "power": Series(cut_sqlite, 200, 5, OFF, 3),
    "power-postgres": Series(cut_postgres, 30, 2, OFF, 2),
    "disk": Series(fail_disk, 4000, 60, EARLY, 60),
    "disk-serve": Series(partial(fail_disk, is_served=True), 1000, 60),
    "full-postgres": Series(fill_disk, 30, 1, EARLY, 1),
    "connections": Series(cut_connections, 1500, 40, EARLY, 40),
    "connections-serve": Series(partial(cut_connections, is_served=True), 500, 40),
    "restart": Series(restart_database, 250, 4, EARLY, 6),
    "restart-serve": Series(partial(restart_database, is_served=True), 250, 4),
    "kill-postgres": Series(kill_database, 200, 4, EARLY, 6),
    "files": Series(run_out_of_files, 10, 1),
    "memory": Series(run_out_of_memory, 10, 1),
}
