"""A server that runs out of files or of memory: it may refuse, it may not lose what it acknowledged."""

import resource
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from tests.faults.ending import end
from tests.faults.hall import open_hall
from tests.faults.service import Served, running
from tests.faults.table import Row
from tests.faults.trainees import STUCK_SECONDS, Crowd, at_work

FILES = 64
SPARE_BYTES = 1 << 20


def run_out_of_files(times: int, seed: int) -> Row:
    """Hold connections open until the server has no file left, let the trainees work, let go; `times` times."""
    with tempfile.TemporaryDirectory() as folder:
        hall = open_hall(Path(folder), trainees=6, sittings=6)
        service = Served(hall)
        with running(service):
            with at_work(hall, service.port, seed=seed) as crowd:
                crowd.wait(10)
                with _limited(service, resource.RLIMIT_NOFILE, lambda process: FILES):
                    injected = sum(_hold_connections(service, crowd) for _ in range(times))
                crowd.wait_for_everybody(time.monotonic())
            found = end(hall, crowd)
    return Row("no files left", injected, found, tuple(crowd.wrong), f"{FILES} files a process")


def _hold_connections(service: Served, crowd: Crowd) -> bool:
    """Return whether a process had no file left meanwhile."""
    with ExitStack() as held:
        for _ in range(2 * FILES):
            with suppress(OSError):
                held.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=0.5))
        patience = time.monotonic() + STUCK_SECONDS
        while not (is_full := any(process.num_fds() >= FILES for process in service.processes())):
            if time.monotonic() > patience:
                break
            time.sleep(0.05)
        for each in crowd.trainees:
            each.disconnect()
        time.sleep(0.5)
    crowd.wait(6)
    return is_full


def run_out_of_memory(times: int, seed: int) -> Row:
    """Leave the server no memory to speak of while the trainees work, then give it back; `times` times."""
    with tempfile.TemporaryDirectory() as folder:
        hall = open_hall(Path(folder), trainees=6, sittings=6)
        service = Served(hall)
        injected = 0
        with running(service):
            with at_work(hall, service.port, seed=seed) as crowd:
                for _ in range(times):
                    crowd.wait(10)
                    with _limited(service, resource.RLIMIT_AS, lambda process: process.memory_info().vms + SPARE_BYTES):
                        injected += _is_starved(service)
                        time.sleep(0.2)
                    crowd.wait(6)
                crowd.wait_for_everybody(time.monotonic())
            found = end(hall, crowd)
    return Row("no memory left", injected, found, tuple(crowd.wrong), "bodies of 900 kB went unanswered")


def _is_starved(service: Served) -> bool:
    """Send large bodies; say whether one of them was not answered as usual."""
    body = b"PUT /api/sittings/0/responses/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" + b"x" * 900_000
    said = []
    with ExitStack() as held:
        for _ in range(8):
            with suppress(OSError):
                line = held.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=2))
                line.sendall(body)
                said.append(line)
        return len(said) < 8 or any(not _answers(line) for line in said)


def _answers(line: socket.socket) -> bool:
    try:
        return b" 4" in line.recv(64)[:16]
    except OSError:
        return False


@contextmanager
def _limited(service: Served, kind: int, most: Callable[[psutil.Process], int]) -> Iterator[None]:
    """Lower a limit of each of the service's processes while the block runs."""
    before = {process: process.rlimit(kind) for process in service.processes()}
    for process, (_, hard) in before.items():
        process.rlimit(kind, (most(process), hard))
    try:
        yield
    finally:
        for process, limit in before.items():
            with suppress(psutil.NoSuchProcess):
                process.rlimit(kind, limit)
