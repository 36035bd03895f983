"""kill -9 under load: of the whole server, and of any process of `examapp serve`."""

import random
import tempfile
import time
from pathlib import Path

from tests.faults.audit import audit
from tests.faults.hall import open_hall
from tests.faults.service import Served, Warm, running
from tests.faults.table import Row
from tests.faults.trainees import at_work


def kill_servers(times: int, seed: int, *options: str) -> Row:
    """Kill the server `times` times while answers are saved to SQLite, each time a moment after some got through."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        hall = open_hall(Path(folder), trainees=6, sittings=6)
        with running(Warm(hall, *options)) as service, at_work(hall, service.port, seed=seed) as crowd:
            for _ in range(times):
                crowd.wait(3)
                time.sleep(rng.uniform(0.0, 0.1))
                service.kill()
                service.start()
            crowd.wait(3)
        return Row("kill -9, SQLite", times, audit(hall.config.database_url, crowd.trainees), tuple(crowd.wrong))


def kill_processes(times: int, seed: int) -> Row:
    """Kill any process of `examapp serve`; it replaces those that serve, an operator the first one."""
    rng, slowest, first_ones = random.Random(seed), 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        hall = open_hall(Path(folder), trainees=6, sittings=6)
        service = Served(hall, "--processes", "2")
        with running(service), at_work(hall, service.port, seed=seed) as crowd:
            for _ in range(times):
                crowd.wait(3)
                time.sleep(rng.uniform(0.0, 0.3))
                first, *others = service.processes()
                victim = rng.choice([first, *others])
                if victim == first:
                    first_ones += 1
                    service.kill()
                    service.start()
                else:
                    victim.kill()
                slowest = max(slowest, crowd.wait(3))
        found = audit(hall.config.database_url, crowd.trainees)
    note = f"{first_ones} of all, {times - first_ones} of one process; back in {slowest:.1f} s at most"
    return Row("kill -9, examapp serve", times, found, tuple(crowd.wrong), note, back=slowest)
