"""PostgreSQL under faults: a cluster in a folder of the harness's choice, and the processes that it consists of."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.cluster import Cluster

# so long may processes outlive the first one, which was killed
ORPHANS_SECONDS = 30.0


@contextmanager
def cluster_in(folder: Path, *settings: str) -> Iterator[Cluster]:
    """Give a running cluster whose data lie in `folder`; it is ended, not removed."""
    folder.mkdir()
    # PostgreSQL's user must be able to pass
    folder.parent.chmod(0o755)
    cluster = Cluster(folder, "min_wal_size=64MB", "max_wal_size=96MB", *settings)
    cluster.create()
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop(signal.SIGQUIT)


def tree(cluster: Cluster) -> list[psutil.Process]:
    """Return a cluster's processes, the first one (which makes the others) first; none when it is down."""
    try:
        first = psutil.Process(int((cluster.folder / "data/postmaster.pid").read_text().split()[0]))
        return [] if first.status() == psutil.STATUS_ZOMBIE else [first, *first.children(recursive=True)]
    except (FileNotFoundError, psutil.NoSuchProcess):
        return []


def start_if_ended(cluster: Cluster) -> None:
    """Start a cluster as an operator does, if it ended by itself."""
    if not tree(cluster):
        cluster.stop(signal.SIGKILL)
        start_again(cluster)


def start_again(cluster: Cluster) -> None:
    """Start a cluster that was killed, again and again while what is left of the former one holds its memory."""
    patience = time.monotonic() + ORPHANS_SECONDS
    while True:
        try:
            cluster.start()
        except RuntimeError as error:
            if time.monotonic() > patience or "is still in use" not in str(error):
                raise
            time.sleep(0.05)
        else:
            return
