"""A disk that is really full below PostgreSQL, and has room again; the power goes while it is full."""

import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.faults.audit import Audit
from tests.faults.disk_image import disk_image
from tests.faults.ending import end
from tests.faults.hall import open_hall
from tests.faults.postgres import cluster_in, start_if_ended, tree
from tests.faults.power_cuts import after_postgres, row_of
from tests.faults.service import Warm, frozen, running
from tests.faults.table import Row
from tests.faults.trainees import STUCK_SECONDS, Crowd, at_work

LONGEST_SECONDS = 1.0


def fill_disk(times: int, seed: int, *options: str) -> Row:
    """Fill PostgreSQL's disk `times` times until saves are refused, cut its power then, and make room again."""
    rng, waits, audits = random.Random(seed), list[float](), list[Audit]()
    with disk_image(256) as disk, cluster_in(disk.mounted / "pg") as cluster:
        cluster.run("CREATE DATABASE exam")
        hall = open_hall(disk.mounted.parent, cluster.url("exam"), trainees=6, sittings=20)
        with running(Warm(hall, *options)) as service:
            with at_work(hall, service.port, seed=seed) as crowd:
                for _ in range(times):
                    crowd.wait(len(crowd.trainees))
                    with _full(disk.mounted):
                        if options:
                            # a control refuses nothing
                            time.sleep(LONGEST_SECONDS)
                        else:
                            _wait_for_refusals(crowd)
                        time.sleep(rng.uniform(0.0, LONGEST_SECONDS))
                        with frozen([*tree(cluster), *service.processes()]):
                            time.sleep(0.02)
                            audits.append(after_postgres(disk, crowd))
                    start_if_ended(cluster)
                    waits.append(crowd.wait(3))
            ended = end(hall, crowd)
    return row_of("full disk, PostgreSQL", [(audits, ended, crowd.wrong)], waits)


@contextmanager
def _full(disk: Path) -> Iterator[None]:
    """Leave a disk no room while the block runs."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(shutil.disk_usage(disk).free // 2 or 4096)):
            pass
    try:
        yield
    finally:
        ballast.unlink()


def _wait_for_refusals(crowd: Crowd) -> None:
    """Wait until the service refused a save: something that PostgreSQL had to write found no room."""
    begun, before = time.monotonic(), crowd.outcomes["503"]
    while crowd.outcomes["503"] == before:
        if time.monotonic() > begun + STUCK_SECONDS:
            raise TimeoutError(f"nothing was refused on a full disk; met {dict(crowd.outcomes)}")
        time.sleep(0.01)
