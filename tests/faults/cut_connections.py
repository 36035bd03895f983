"""Connections that break in the middle of a request or of its answer; trainees try again with the same number."""

import tempfile
import time
from pathlib import Path

from tests.faults.bad_network import bad_network
from tests.faults.ending import end
from tests.faults.hall import open_hall
from tests.faults.service import Served, Warm, running
from tests.faults.table import Row
from tests.faults.trainees import EXPECTED, at_work

# shorter than a black hole is deep
PATIENCE_SECONDS = 1.0
# half a request may be called what it is, besides
EXPECTED_OF_HALVES = EXPECTED | {400, 403, 408, 422}


def cut_connections(times: int, seed: int, *options: str, is_served: bool = False) -> Row:
    """Cut connections between the trainees and a service on SQLite, until `times` cuts count."""
    with tempfile.TemporaryDirectory() as folder:
        hall = open_hall(Path(folder), trainees=8, sittings=20)
        server = (Served if is_served else Warm)(hall, *options)
        with running(server), bad_network(server.port, seed) as network:
            with at_work(
                hall, network.port, seed=seed, patience=PATIENCE_SECONDS, expected=EXPECTED_OF_HALVES
            ) as crowd:
                while network.cuts < times:
                    crowd.wait(1)
                    time.sleep(0.02)
            found = end(hall, crowd)
    note = ", ".join(f"{count} {fate}" for fate, count in sorted(network.met.items()))
    fault = f"cut connections, {'examapp serve' if is_served else 'SQLite'}"
    return Row(fault, network.cuts, found, tuple(crowd.wrong), note)
