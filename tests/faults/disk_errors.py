"""Errors of the disk under load: flushes that fail, a disk that is full, reads that fail; and the disk heals again.

The database lies on a disk image. A call that fails does not reach the disk, so a save that was acknowledged in spite
of it is not there after a power cut: the power is cut while the errors go on.
"""

import itertools
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tests.faults.audit import NOTHING, Audit
from tests.faults.disk_image import DiskImage, disk_image
from tests.faults.ending import end
from tests.faults.failing_disk import AIMED, KINDS, FailingDisk
from tests.faults.hall import open_hall
from tests.faults.power_cuts import after_cut
from tests.faults.service import Served, Warm, frozen, running
from tests.faults.table import Row, how_soon
from tests.faults.trainees import STUCK_SECONDS, Crowd, at_work

# so many errors, or so many seconds, of one kind
BURST = 20
LONGEST_BURST_SECONDS = 2.0


@dataclass
class _Tally:
    """What came of the bursts: errors that count and calls that failed, by kind, and an audit for each power cut."""

    counted: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    audits: list[Audit] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


def fail_disk(times: int, seed: int, *options: str, is_served: bool = False) -> Row:
    """Let calls to the disk fail, in bursts of each kind in turn, below one server that is never restarted.

    Of the calls that failed one counts if something was acknowledged since the last that counted, until `times` did.
    """
    with disk_image(256) as disk:
        hall = open_hall(disk.mounted, trainees=6, sittings=60)
        failing = FailingDisk(disk.mounted.parent / "faults")
        service: Warm | Served
        if is_served:
            kinds, service = KINDS, Served(hall, environment=failing.environment)
        else:
            kinds, service = AIMED, Warm(hall, "checkpoint-often", *options, environment=failing.environment)
        with running(service):
            with at_work(hall, service.port, seed=seed) as crowd:
                crowd.wait(5)
                begun = {process.pid for process in service.processes()}
                tally = _bursts(times, random.Random(seed), kinds, failing, disk, service, crowd)
                assert {process.pid for process in service.processes()} == begun, "a process was restarted"
            ended = end(hall, crowd)
    note = ", ".join(f"{count} {kind}" for kind, count in tally.counted.items())
    note += f"; {tally.calls.total()} calls failed in all; {how_soon(tally.waits)}"
    # what one image lacks the next may lack too
    lost = max(each.lost for each in (*tally.audits, ended))
    found = replace(sum((*tally.audits, ended), NOTHING), acknowledged=ended.acknowledged, lost=lost)
    fault = f"disk errors, {'examapp serve' if is_served else 'SQLite'}"
    return Row(fault, tally.counted.total(), found, tuple(crowd.wrong), note, back=max(tally.waits))


def _bursts(
    times: int, rng: random.Random, kinds: Mapping[str, tuple[bytes, int, float, int]], failing: FailingDisk,
    disk: DiskImage, service: Warm | Served, crowd: Crowd,
) -> _Tally:  # fmt: skip
    tally, cuts = _Tally(), itertools.cycle((False, False, True))
    for kind, is_cut in zip(itertools.cycle(kinds), cuts, strict=True):
        if tally.counted.total() >= times and tally.counted.keys() >= kinds.keys():
            break
        before = failing.injected
        with failing.failing(*kinds[kind]):
            tally.counted[kind] += _burst(failing, crowd, rng.uniform(0.2, LONGEST_BURST_SECONDS))
            if is_cut:
                with frozen(service.processes()):
                    time.sleep(0.02)
                    tally.audits.append(after_cut(disk, crowd.trainees))
        tally.calls[kind] += failing.injected - before
        tally.waits.append(crowd.wait(3))
    return tally


def _burst(failing: FailingDisk, crowd: Crowd, seconds: float) -> int:
    """Wait so long, or until enough errors count, in any case until one does; return how many do."""
    begun, calls, acknowledged, counted = time.monotonic(), failing.injected, crowd.acknowledged - 1, 0
    while not counted or (counted < BURST and time.monotonic() < begun + seconds):
        if time.monotonic() > begun + STUCK_SECONDS:
            raise TimeoutError("the disk was not asked for anything that could fail")
        if failing.injected > calls and crowd.acknowledged > acknowledged:
            calls, acknowledged, counted = failing.injected, crowd.acknowledged, counted + 1
        time.sleep(0.002)
    return counted
