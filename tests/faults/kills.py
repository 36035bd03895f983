"""kill -9 under load: of the whole server, and of any process of `examapp serve`."""

import random
import tempfile
import time
from pathlib import Path

from tests.faults.ending import end
from tests.faults.hall import open_hall
from tests.faults.service import Served, Warm, running
from tests.faults.table import Row, how_soon
from tests.faults.trainees import at_work


def kill_servers(times: int, seed: int, *options: str) -> Row:
    """Kill the server `times` times while answers are saved to SQLite, each time a moment after some got through."""
    rng, waits = random.Random(seed), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        hall = open_hall(Path(folder), trainees=6, sittings=20)
        with running(Warm(hall, *options)) as service:
            with at_work(hall, service.port, seed=seed) as crowd:
                crowd.wait(3)
                for _ in range(times):
                    time.sleep(rng.uniform(0.0, 0.1))
                    service.kill()
                    service.start()
                    waits.append(crowd.wait(3))
            found = end(hall, crowd)
    return Row("kill -9, SQLite", times, found, tuple(crowd.wrong), how_soon(waits), back=max(waits))


def kill_processes(times: int, seed: int) -> Row:
    """Kill any process of `examapp serve`; it replaces those that serve, an operator the first one."""
    rng, waits, first_ones = random.Random(seed), list[float](), 0
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
                    waits.append(crowd.wait(3))
            found = end(hall, crowd)
    note = f"{first_ones} of all, {times - first_ones} of one process; {how_soon(waits)}"
    return Row("kill -9, examapp serve", times, found, tuple(crowd.wrong), note, back=max(waits))
