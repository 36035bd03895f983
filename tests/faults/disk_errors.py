"""Errors of the disk under load: flushes that fail, a disk that is full, reads that fail; and the disk heals again.

The database lies on a disk image. A call that fails does not reach the disk, so a save that was acknowledged in spite
of it is not there after a power cut: the power is cut while the errors go on.
"""

import itertools
import random
import time
from collections import Counter
from dataclasses import replace

from tests.faults.audit import NOTHING, Audit, audit
from tests.faults.disk_image import disk_image
from tests.faults.failing_disk import KINDS, FailingDisk
from tests.faults.hall import open_hall
from tests.faults.power_cuts import after_cut
from tests.faults.service import Served, Warm, frozen, running
from tests.faults.table import Row
from tests.faults.trainees import STUCK_SECONDS, at_work

BURST = 40
LONGEST_BURST_SECONDS = 2.0
CUT_EVERY = 3


def fail_disk(times: int, seed: int, *options: str, is_served: bool = False) -> Row:
    """Let `times` calls to the disk fail, in bursts of each kind in turn, below one server that is never restarted."""
    rng, injected, slowest = random.Random(seed), Counter[str](), 0.0
    audits: list[Audit] = []
    with disk_image(256) as disk:
        hall = open_hall(disk.mounted, trainees=6, sittings=60)
        failing = FailingDisk(disk.mounted.parent / "faults")
        kind_of_service = Served if is_served else Warm
        server = kind_of_service(hall, *options, environment=failing.environment)
        with running(server) as service, at_work(hall, server.port, seed=seed) as crowd:
            crowd.wait(5)
            begun = {process.pid for process in service.processes()}
            for number, kind in enumerate(itertools.cycle(KINDS), start=1):
                before = failing.injected
                with failing.failing(*KINDS[kind]):
                    _burst(failing, rng.uniform(0.2, LONGEST_BURST_SECONDS))
                    if number % CUT_EVERY == 0:
                        with frozen(service.processes()):
                            time.sleep(0.02)
                            audits.append(after_cut(disk, crowd.trainees))
                injected[kind] += failing.injected - before
                slowest = max(slowest, crowd.wait(3))
                if injected.total() >= times and number >= len(KINDS):
                    break
            assert all(injected[kind] for kind in KINDS), f"nothing was injected of some kind: {injected}"
            assert {process.pid for process in service.processes()} == begun, "a process was restarted"
        audits.append(audit(hall.config.database_url, crowd.trainees))
    note = ", ".join(f"{count} {kind}" for kind, count in injected.items())
    # what one image lacks the next may lack too
    last = audits[-1].acknowledged
    found = replace(sum(audits, NOTHING), acknowledged=last, lost=max(each.lost for each in audits))
    return Row("disk errors, SQLite", injected.total(), found, tuple(crowd.wrong), note, back=slowest)


def _burst(failing: FailingDisk, seconds: float) -> None:
    """Wait so long, or until enough calls have failed; in any case until one has."""
    before, begun = failing.injected, time.monotonic()
    while failing.injected == before or (failing.injected < before + BURST and time.monotonic() < begun + seconds):
        if time.monotonic() > begun + STUCK_SECONDS:
            raise TimeoutError("the disk was not asked for anything that could fail")
        time.sleep(0.005)
