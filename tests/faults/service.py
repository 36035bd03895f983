"""The service under faults, as processes of its own: a warm one that is up in milliseconds, and `examapp serve`."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psutil

from tests.faults.hall import Hall

ROOT = Path(__file__).resolve().parents[2]


class Warm:
    """Servers forked from a process that has imported everything; they inherit one listening socket."""

    def __init__(self, hall: Hall, *options: str, environment: dict[str, str] | None = None) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._socket.getsockname()[1]
        number = self._socket.fileno()
        self._log = _log()
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.server", str(number), *options], cwd=ROOT, pass_fds=[number],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True,
            env={**os.environ, **hall.environment(), **(environment or {})},
        )  # fmt: skip
        self._child = 0
        self._expect("ready")

    def start(self) -> None:
        """Fork a new server."""
        assert self._parent.stdin
        self._parent.stdin.write("start\n")
        self._parent.stdin.flush()
        self._child = int(self._line())

    def kill(self) -> None:
        """Kill the server with -9 and wait for its end."""
        os.kill(self._child, signal.SIGKILL)
        self.wait()

    def wait(self) -> None:
        """Wait for the server's end."""
        self._expect("gone")

    def processes(self) -> list[psutil.Process]:
        """Return the server's process."""
        return [psutil.Process(self._child)]

    def close(self) -> None:
        """End everything."""
        with suppress(ProcessLookupError):
            os.kill(self._child or self._parent.pid, signal.SIGKILL)
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.close()
        self._parent.wait(60)
        self._parent.stdout.close()
        self._socket.close()
        self._log.close()

    def _line(self) -> str:
        assert self._parent.stdout
        return self._parent.stdout.readline().strip()

    def _expect(self, word: str) -> None:
        said = self._line()
        if said != word:
            raise RuntimeError(f"the server said {said!r}, not {word!r}:\n{_tail(self._log)}")


class Served:
    """`examapp serve`, as an operator starts it."""

    def __init__(self, hall: Hall, *options: str, environment: dict[str, str] | None = None) -> None:
        self.port = _free_port()
        self._command = [Path(sys.executable).with_name("examapp"), "serve", "--bind", f"127.0.0.1:{self.port}",
                         *options]  # fmt: skip
        self._environment = {**os.environ, **hall.environment(), **(environment or {})}
        self._log = _log()
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server in a process group of its own."""
        self._server = subprocess.Popen(self._command, cwd=ROOT, env=self._environment, start_new_session=True,
                                        stdout=self._log, stderr=self._log)  # fmt: skip

    def kill(self) -> None:
        """Kill all of it with -9 and wait for its end."""
        if self._server is None:
            return
        found = self.processes()
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._server.wait(60)
        psutil.wait_procs(found, 60)
        self._server = None

    def processes(self) -> list[psutil.Process]:
        """Return the server's processes, the first one first."""
        assert self._server
        first = psutil.Process(self._server.pid)
        return [first, *first.children(recursive=True)]

    def close(self) -> None:
        """End everything."""
        self.kill()
        self._log.close()


@contextmanager
def running(service: Warm | Served) -> Iterator[Warm | Served]:
    """Start a service, and end it when the block ends."""
    try:
        service.start()
        yield service
    finally:
        service.close()


@contextmanager
def frozen(processes: list[psutil.Process]) -> Iterator[None]:
    """Hold processes still, as the moment before the power goes; let them go on afterwards.

    One that has ended by itself is still enough, whether somebody has asked for its end or not.
    """
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    while any(_goes_on(process) for process in processes):
        time.sleep(0.001)
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def _goes_on(process: psutil.Process) -> bool:
    try:
        return process.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _free_port() -> int:
    """Return a port that stays free until the service listens: none of those that connections are given meanwhile."""
    lowest_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = lowest_given // 2 + secrets.randbelow(lowest_given // 2)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _log() -> IO[bytes]:
    """Return a file for what a server says, outside any faulted disk."""
    return tempfile.TemporaryFile()


def _tail(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read()[-2000:].decode(errors="replace")
