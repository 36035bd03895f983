"""A PostgreSQL cluster of the tests' own: made in a folder, gone with the test run, reached over a socket in it.

It is durable like a real one (fsync stays on). PostgreSQL refuses to run as root; there it runs as Debian's user.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

# where Debian puts what is not on the path, the newest last
FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
USER = "examapp"
PATIENCE_SECONDS = 60


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, None where it is not installed."""
    if FOLDERS:
        return FOLDERS[-1]
    found = shutil.which("initdb")
    return Path(found).parent if found else None


def _owner(*options: str) -> list[str]:
    """What to put before a command so that it runs as somebody whom PostgreSQL accepts."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *options]


class Cluster:
    """A cluster whose data lie in `folder`; its server can be started, stopped and killed again and again."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.folder = folder
        self._settings = settings
        self._server: subprocess.Popen[bytes] | None = None
        found = programs()
        if found is None:
            raise RuntimeError("no PostgreSQL here")
        self._programs = found

    def create(self) -> None:
        """Make an empty cluster."""
        self._make("initdb", "-U", USER, "--auth=trust", "-E", "UTF8", "--locale=C")

    def follow(self, other: "Cluster") -> None:
        """Make a copy of a running cluster that will follow its changes once it is started."""
        self._make(
            "pg_basebackup", "-h", str(other.folder), "-U", USER, "-R", "-X", "stream", "-c", "fast", "--no-sync"
        )

    def _make(self, program: str, *options: str) -> None:
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        command = [self._programs / program, "-D", self.folder / "data", *options]
        subprocess.run([*_owner(), *command], check=True, stdout=subprocess.DEVNULL)

    def start(self) -> int:
        """Start the server, wait until it answers, and return its process id; it ends when the calling thread does."""
        settings = ["listen_addresses=", "shared_buffers=32MB", *self._settings]
        command = [self._programs / "postgres", "-D", self.folder / "data", "-k", self.folder,
                   *(part for setting in settings for part in ("-c", setting))]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen([*_owner("--pdeathsig=QUIT"), *command], stdout=log, stderr=log)
        self._wait()
        return self._server.pid

    def stop(self, how: signal.Signals) -> None:
        """Send the server a signal (SIGINT: fast, SIGQUIT: at once, SIGKILL: as a crash) and wait for its end."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(PATIENCE_SECONDS)
            self._server = None

    def url(self, database: str) -> str:
        """Return the address of a database as the service's settings want it."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def run(self, statement: str) -> None:
        """Run one statement of administration, outside any transaction."""
        with psycopg.connect(self._address(), autocommit=True) as connection:
            connection.execute(statement)

    def _address(self) -> str:
        return f"host={self.folder} user={USER} dbname=postgres"

    def _wait(self) -> None:
        patience = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                psycopg.connect(self._address()).close()
            except psycopg.OperationalError:
                if time.monotonic() > patience or self._server is None or self._server.poll() is not None:
                    raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}") from None
                time.sleep(0.02)
            else:
                return


@contextmanager
def running_cluster(*settings: str) -> Iterator[Cluster]:
    """Give a new cluster that runs, and remove it afterwards."""
    # not below pytest's folders, which only their owner may enter; and a socket's path must be short
    folder = Path(tempfile.mkdtemp(prefix="examapp-pg-"))
    cluster = Cluster(folder, *settings)
    try:
        cluster.create()
        cluster.start()
        yield cluster
    finally:
        cluster.stop(signal.SIGQUIT)
        shutil.rmtree(folder)
