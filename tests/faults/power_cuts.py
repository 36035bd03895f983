"""Power cuts: the disk as it is at one moment under load, mounted anew and opened again."""

import random
import signal
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from tests.cluster import Cluster
from tests.faults.audit import NOTHING, Audit, audit
from tests.faults.disk_image import DiskImage, disk_image, power_back
from tests.faults.ending import end
from tests.faults.hall import open_hall
from tests.faults.postgres import cluster_in, tree
from tests.faults.service import Warm, frozen, running
from tests.faults.table import Row, how_soon
from tests.faults.trainees import Crowd, Trainee, at_work

PER_DISK = 20


# the audit of each image of one disk and of the end, and what was said that may not be said
Disk = tuple[list[Audit], Audit, list[str]]


def cut_sqlite(times: int, seed: int, *options: str) -> Row:
    """Cut the power `times` times below a service on SQLite, with a fresh disk every `PER_DISK` images."""
    disks = [_one_disk(min(PER_DISK, times - begun), seed + begun, *options) for begun in range(0, times, PER_DISK)]
    return row_of("power cut, SQLite", disks)


def _one_disk(times: int, seed: int, *options: str) -> Disk:
    rng = random.Random(seed)
    with disk_image(96) as disk:
        hall = open_hall(disk.mounted, trainees=6, sittings=4)
        with running(Warm(hall, *options)) as service:
            audits = []
            with at_work(hall, service.port, seed=seed) as crowd:
                for _ in range(times):
                    _work_a_little(crowd, rng)
                    with frozen(service.processes()):
                        # what was said before is read by now; nothing more is said while the server stands still
                        time.sleep(0.02)
                        audits.append(after_cut(disk, crowd.trainees))
            return audits, end(hall, crowd), crowd.wrong


def _work_a_little(crowd: Crowd, rng: random.Random) -> None:
    crowd.wait(10)
    time.sleep(rng.uniform(0.0, 0.2))


def after_cut(disk: DiskImage, trainees: list[Trainee]) -> Audit:
    """Return what a database on SQLite holds after the power of its disk was cut now; its writers stand still."""
    with power_back(disk.cut()) as mounted:
        database = mounted / "examapp.db"
        with closing(sqlite3.connect(database)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return audit(f"sqlite:///{database}", trainees)


def cut_postgres(times: int, seed: int, *options: str) -> Row:
    """Cut the power `times` times below PostgreSQL."""
    rng = random.Random(seed)
    with disk_image(256) as disk, cluster_in(disk.mounted / "pg") as cluster:
        cluster.run("CREATE DATABASE exam")
        hall = open_hall(disk.mounted.parent, cluster.url("exam"), trainees=6, sittings=20)
        for statement in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()") if options else ():
            cluster.run(statement)
        with running(Warm(hall, *options)) as service:
            audits = []
            with at_work(hall, service.port, seed=seed) as crowd:
                for _ in range(times):
                    _work_a_little(crowd, rng)
                    with frozen([*tree(cluster), *service.processes()]):
                        time.sleep(0.02)
                        audits.append(after_postgres(disk, crowd))
            ended = end(hall, crowd)
    return row_of("power cut, PostgreSQL", [(audits, ended, crowd.wrong)])


def row_of(fault: str, disks: list[Disk], waits: Sequence[float] = ()) -> Row:
    """Each image was audited for all that was acknowledged before it; what the end was asked for is counted."""
    images = tuple(each for audits, _, _ in disks for each in audits)
    ends = [ended for _, ended, _ in disks]
    found = replace(sum((*images, *ends), NOTHING), acknowledged=sum(each.acknowledged for each in ends))
    wrong = tuple(each for *_, wrong in disks for each in wrong)
    note = how_soon(waits) if waits else ""
    return Row(fault, len(images), found, wrong, note, images, max(waits, default=0.0))


def after_postgres(disk: DiskImage, crowd: Crowd) -> Audit:
    """Return what a cluster holds after the power of its disk was cut now; its processes and the writers stand still.

    A disk that was full is given room before the cluster starts again.
    """
    with power_back(disk.cut()) as mounted:
        # a machine that starts again has no such process
        for left in [mounted / "pg/data/postmaster.pid", mounted / "ballast", *(mounted / "pg").glob(".s.PGSQL*")]:
            left.unlink(missing_ok=True)
        recovered = Cluster(mounted / "pg")
        recovered.start()
        try:
            return audit(recovered.url("exam"), crowd.trainees)
        finally:
            recovered.stop(signal.SIGQUIT)
