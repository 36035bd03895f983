"""Compare WSGI servers on the same application: CPU of all their processes per request, slow senders, idle connections.

    python -m benchmarks.servers [--seconds 4] [--idle 8000] [--json FILE]

Server on one core, load (wrk) on the other. CPU per request and the ratios hold on a busy machine; rates and latencies
are only comparable within one run. `/healthz` is the whole application's hello, `save` a durable save through the gate.
"""

import argparse
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from benchmarks.exam_load.idle import Idle
from tests.faults.hall import SLOTS, Hall, Seat, open_hall

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
HALF_SENT = 40
CONNECTIONS = 32
# 40 half-sent requests hold 40 threads of a server that hands them to threads
THREADS = 64
# a journal takes only so many entries, and what overtakes another save of its slot is stale: the saves go around
SEATS = 40
SCRIPT = """
local seq, seats = {start}, {seats}
request = function()
  seq = seq + 1
  local seat = seats[seq % #seats + 1]
  local body = string.format('{{"seq":%d,"value":"%d"}}', seq, seq)
  local slot = math.floor(seq / #seats) % {slots} + 1
  return wrk.format("PUT", "/api/sittings/" .. seat.sitting .. "/responses/" .. slot, seat.headers, body)
end
"""


@dataclass
class Row:
    """What one server did; CPU in microseconds per request, memory in MB, times in milliseconds."""

    server: str
    hello_cpu: float
    save_cpu: float
    saves_per_second: float
    save_p99: float
    beside_half_sent_p99: float
    idle_held: int
    idle_usable: int
    idle_mb: float
    beside_idle_cpu: float
    beside_idle_p99: float
    failed_saves: int


def commands(port: int) -> dict[str, list[str]]:
    """Return how each server is started on a port."""
    bind = f"127.0.0.1:{port}"
    return {
        "granian (examapp serve)": [str(BIN / "examapp"), "serve", "--bind", bind],
        "gunicorn gthread": [
            str(BIN / "gunicorn"), "wsgi:app", "--bind", bind, "--worker-class", "gthread", "--workers", "1",
            "--threads", str(THREADS), "--keep-alive", "75", "--worker-connections", "20000", "--backlog", "4096",
            "--log-level", "warning", "--no-control-socket",
        ],
    }  # fmt: skip


@contextmanager
def running(command: list[str], hall: Hall, port: int) -> Iterator[psutil.Process]:
    """Run a server on the second core until the block ends."""
    environment = {**os.environ, **hall.environment(), "EXAMAPP_LOG_LEVEL": "error", "EXAMAPP_THREADS": str(THREADS)}
    server = psutil.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    server.cpu_affinity([os.cpu_count() - 1])  # type: ignore[operator]
    try:
        _wait(port)
        yield server
    finally:
        server.terminate()
        server.wait(30)


def _wait(port: int) -> None:
    for _ in range(600):
        try:
            ask(port, "/healthz")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server did not start")


def ask(port: int, path: str) -> None:
    """Make one request over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    connection.getresponse().read()
    connection.close()


def cpu(server: psutil.Process) -> float:
    """Return the seconds of CPU that a server's processes have used."""
    used = 0.0
    for process in [server, *server.children(recursive=True)]:
        times = process.cpu_times()
        used += times.user + times.system
    return used


def memory(server: psutil.Process) -> float:
    """Return the private memory of a server's processes in MB."""
    return sum(each.memory_full_info().uss for each in [server, *server.children(recursive=True)]) / 1e6


@dataclass
class Load:
    """What a run of wrk says."""

    requests: int
    seconds: float
    p99_ms: float
    failed: int
    cpu_us: float


def load(server: psutil.Process, port: int, seconds: int, script: Path | None = None) -> Load:
    """Load a server from the first core, with as much as it takes."""
    command = ["taskset", "-c", "0", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "--timeout", "20s"]
    before = cpu(server)
    told = subprocess.run(
        [*command, *(["-s", str(script)] if script else []), f"http://127.0.0.1:{port}/healthz"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    used = cpu(server) - before
    requests, took = re.search(r"(\d+) requests in ([\d.]+)", told).groups()  # type: ignore[union-attr]
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", told).groups()  # type: ignore[union-attr]
    p99 = float(value) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]
    bad = sum(int(each) for each in re.findall(r"(?:Non-2xx or 3xx responses: |timeout )(\d+)", told))
    return Load(int(requests), float(took), p99, bad, used / max(1, int(requests)) * 1e6)


def script_of(hall: Hall, folder: Path, start: int) -> Path:
    """Return a wrk script that saves in the hall's sittings, with numbers from `start`."""
    file = folder / "save.lua"
    seats = "{" + ", ".join(_in_lua(seat) for own in hall.seats for seat in own) + "}"
    file.write_text(SCRIPT.format(start=start, seats=seats, slots=SLOTS), encoding="utf-8")
    return file


def _in_lua(seat: Seat) -> str:
    headers = ", ".join(f'["{name}"]={json.dumps(value)}' for name, value in seat.headers.items())
    return f'{{sitting="{seat.sitting}", headers={{{headers}}}}}'


@contextmanager
def half_sent(seat: Seat, port: int) -> Iterator[None]:
    """Hold requests open of which the body has only begun."""
    held = []
    headers = "".join(f"{name}: {value}\r\n" for name, value in seat.headers.items())
    for _ in range(HALF_SENT):
        one = socket.create_connection(("127.0.0.1", port))
        path = f"/api/sittings/{seat.sitting}/responses/2"
        one.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 40\r\n\r\n{{".encode())
        held.append(one)
    try:
        yield
    finally:
        for one in held:
            one.close()


def measure(name: str, hall: Hall, folder: Path, seconds: int, idle: int, start: int) -> Row:
    """Measure one server on a hall's database."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seat = hall.seats[0][0]
    with running(commands(port)[name], hall, port) as server:
        load(server, port, 1)
        hello = load(server, port, seconds)
        saves = load(server, port, seconds, script_of(hall, folder, start))
        with half_sent(seat, port):
            beside = load(server, port, seconds, script_of(hall, folder, start + 10**5))
        before = memory(server)
        connections = Idle(port, idle)
        connections.open()
        grown = memory(server) - before
        quiet = load(server, port, seconds, script_of(hall, folder, start + 2 * 10**5))
        usable = sum(_is_usable(one) for one in connections.held[:: max(1, idle // 200)][:200])
        connections.close()
    failed = saves.failed + beside.failed + quiet.failed
    return Row(name, hello.cpu_us, saves.cpu_us, saves.requests / saves.seconds, saves.p99_ms, beside.p99_ms,
               len(connections.held), usable, grown, quiet.cpu_us, quiet.p99_ms, failed)  # fmt: skip


def _is_usable(held: socket.socket) -> bool:
    """Say whether a connection answers again; the body of its first answer may still lie in it."""
    told = b""
    held.settimeout(10)
    try:
        held.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        while b"HTTP/1.1 200" not in told:
            part = held.recv(4096)
            if not part:
                return False
            told += part
    except OSError:
        return False
    return True


def main() -> None:
    """Print the table; exit 1 when the server that `examapp serve` is failed a save."""
    parser = argparse.ArgumentParser(description="Compare WSGI servers on the same application.")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--idle", type=int, default=8000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        hall = open_hall(Path(folder), trainees=SEATS, sittings=1)
        rows = [
            measure(name, hall, Path(folder), options.seconds, options.idle, start)
            for start, name in zip((1, 500_000), commands(0), strict=True)
        ]
    for label in asdict(rows[0]):
        cells = (f"{value:>26.1f}" if isinstance(value, float) else f"{value:>26}"
                 for value in (getattr(row, label) for row in rows))  # fmt: skip
        print(f"{label:24}{''.join(cells)}")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2), encoding="utf-8")
    sys.exit(1 if rows[0].failed_saves else 0)


if __name__ == "__main__":
    main()
