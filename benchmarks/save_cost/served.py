"""Instructions of a save over HTTP, from socket to durable answer, and of a bare hello behind the same server.

    valgrind --tool=callgrind --instr-atstart=no ... python -m benchmarks.save_cost.served HOST:PORT

serves both; instructions are counted only once it is loaded and warm. They hardly change on a busy machine, so a test
can hold them. Saves come one after the other: each is a transaction of its own, the dearest that a save can be.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count as count_up
from pathlib import Path
from typing import Any

from benchmarks.save_cost.hello import hello
from examapp.app import create_app_from_env
from examapp.cli.server import listen, serve_here
from tests.faults.hall import SLOTS, Hall, Seat

ROOT = Path(__file__).resolve().parents[2]
HELLO_PATH = "/hello"
WARM, COUNTED = 30, 100
THREADS = 64
PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Instructions:
    """Instructions of the serving process for one request, without those of the kernel."""

    save: float
    hello: float


def count(hall: Hall, seat: Seat, folder: Path, **settings: str) -> Instructions:
    """Return what a hello takes, and a save to a seat to which nothing was saved; `settings` are of the environment."""
    save, hi = _saves(seat), _request("GET", HELLO_PATH)
    with _counted_server({**hall.environment(), **settings}, folder) as (address, pid), Client(address) as client:
        client.ask(hi)
        for _ in range(WARM):
            client.ask(next(save))
        _control("-i", "on", pid)
        return Instructions(_each(pid, lambda: client.ask(next(save))), _each(pid, lambda: client.ask(hi)))


def _each(pid: int, ask: Callable[[], object]) -> float:
    """Return the instructions of one request."""
    for _ in range(WARM):
        ask()
    before = _total(pid)
    for _ in range(COUNTED):
        ask()
    return (_total(pid) - before) / COUNTED


def _saves(seat: Seat) -> Iterator[bytes]:
    for seq in count_up(1):
        body = b'{"seq":%d,"value":"%d","client_time":"2026-05-16T01:00:00.000Z"}' % (seq, seq)
        yield _request("PUT", f"/api/sittings/{seat.sitting}/responses/{1 + seq % SLOTS}", seat.headers, body)


def _request(method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    fields = {"Host": "127.0.0.1", **(headers or {}), **({"Content-Length": str(len(body))} if body else {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode() + body


class Client:
    """One connection that stays open."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, PATIENCE_SECONDS)
        self._answers = self._socket.makefile("rb")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> None:
        """Send a request and read its answer, which must be a good one."""
        self._socket.sendall(request)
        head = b"".join(iter(self._answers.readline, b"\r\n"))
        size = re.search(rb"(?i)content-length: (\d+)", head)
        body = self._answers.read(int(size[1]) if size else 0)
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"refused: {head!r} {body!r}")


@contextmanager
def _counted_server(settings: dict[str, str], folder: Path) -> Iterator[tuple[tuple[str, int], int]]:
    """Serve under valgrind until the block ends; give address and process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address: tuple[str, int] = free.getsockname()
    command = [
        "valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/counts", sys.executable,
        "-m", "benchmarks.save_cost.served", "{}:{}".format(*address),
    ]  # fmt: skip
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(address, server)
        yield address, server.pid
    finally:
        server.kill()
        server.wait()


def _wait(address: tuple[str, int], server: "subprocess.Popen[bytes]") -> None:
    began = time.monotonic()
    while True:
        try:
            socket.create_connection(address, 1).close()
        except OSError:
            if time.monotonic() > began + PATIENCE_SECONDS or server.poll() is not None:
                raise
            time.sleep(0.1)
        else:
            return


def _control(*options: object) -> str:
    command = ["callgrind_control", *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _total(pid: int) -> int:
    """Return the instructions of all threads until now."""
    return sum(int(each.replace(",", "")) for each in re.findall(r"Th \d+ +([\d,]+)", _control("-e", pid)))


def main() -> None:
    """Serve the service, and the hello beside it."""
    service = create_app_from_env()

    def both(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        return (hello if environ["PATH_INFO"] == HELLO_PATH else service)(environ, start_response)

    serve_here(both, listen(sys.argv[1]), THREADS)


if __name__ == "__main__":
    main()
