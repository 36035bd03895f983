"""kill -9 under load: of the whole server, and of any process of `examapp serve`."""

import random
import tempfile
import time
from pathlib import Path

from tests.faults.ending import end
from tests.faults.hall import open_hall
from tests.faults.service import Served, Warm, running
from tests.faults.table import Row
from tests.faults.trainees import at_work


def kill_servers(times: int, seed: int, *options: str) -> Row:
    """Kill the server `times` times while answers are saved to SQLite, each time a moment after some got through."""
    rng, slowest = random.Random(seed), 0.0
    with tempfile.TemporaryDirectory() as folder:
        hall = open_hall(Path(folder), trainees=6, sittings=20)
        with running(Warm(hall, *options)) as service:
            with at_work(hall, service.port, seed=seed) as crowd:
                crowd.wait(3)
                for _ in range(times):
                    time.sleep(rng.uniform(0.0, 0.1))
                    service.kill()
                    service.start()
                    slowest = max(slowest, crowd.wait(3))
            found = end(hall, crowd)
    note = f"back in {slowest:.1f} s at most"
    return Row("kill -9, SQLite", times, found, tuple(crowd.wrong), note, back=slowest)


def kill_processes(times: int, seed: int) -> Row:
    """Kill any process of `examapp serve`; it replaces those that serve, an operator the first one."""
    rng, slowest, first_ones = random.Random(seed), 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        hall = open_hall(Path(folder), trainees=6, sittings=6)
        service = Served(hall, "--processes", "2")
        with running(service):
            with at_work(hall, service.port, seed=seed) as crowd:
                crowd.wait(3)
                for _ in range(times):
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
            found = end(hall, crowd)
    note = f"{first_ones} of all, {times - first_ones} of one process; back in {slowest:.1f} s at most"
    return Row("kill -9, examapp serve", times, found, tuple(crowd.wrong), note, back=slowest)
