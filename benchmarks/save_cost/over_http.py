"""A save over HTTP: the whole service on one core, its load on the other."""

import asyncio
import json
import random
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from benchmarks.exam_load.service import Service
from benchmarks.save_cost.processor import family_seconds

CONNECTIONS = 32
RATE = 500
LUA = Path(__file__).with_name("saves.lua")


@dataclass(frozen=True)
class Line:
    """A trainee who sits: the address of the sitting, what proves who it is, and the items with one choice of many."""

    path: str
    cookie: str
    token: str
    slots: list[int]


@dataclass(frozen=True)
class HttpFigure:
    """What was asked, how often, processor microseconds of service and database, and milliseconds to the answer."""

    name: str
    requests: int
    errors: int
    cpu_us: float
    database_us: float
    p50_ms: float
    p99_ms: float
    database: str = ""


def begin_sittings(service: Service, people: list[dict[str, object]]) -> list[Line]:
    """Start everybody's sitting, over HTTP like a browser that signed in before."""
    return [_begin(service, person) for person in people]


def _begin(service: Service, person: dict[str, object]) -> Line:
    cookies, token = person["cookies"], str(person["csrf_token"])
    assert isinstance(cookies, dict)
    headers = {
        "Content-Type": "application/json", "X-CSRF-Token": token,
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }  # fmt: skip
    body = json.dumps({"registration": person["registration"]}).encode()
    asked = urllib.request.Request(f"{service.url}/api/sittings", body, headers, method="POST")  # noqa: S310 - loopback
    with urllib.request.urlopen(asked) as answer:  # noqa: S310
        said, cookie = json.load(answer), answer.headers["Set-Cookie"].split(";")[0]
    slots = [slot["slot"] for slot in said["slots"] if slot["item_type"] == "single_choice"]
    return Line(f"/api/sittings/{said['sitting']}/responses/", cookie, token, slots)


def costs(service: Service, database_pid: int | None) -> "Costs":
    """Return what tells the processor time of a service and of its database's server."""
    assert service.server is not None
    return Costs(partial(family_seconds, service.server.pid), partial(family_seconds, database_pid))


@dataclass(frozen=True)
class Costs:
    """How much processor time service and database have taken until now, in seconds."""

    service: Callable[[], float]
    database: Callable[[], float]

    def now(self) -> tuple[float, float]:
        """Return both."""
        return self.service(), self.database()

    def since(self, before: tuple[float, float], requests: int) -> tuple[float, float]:
        """Return the microseconds of one request, when so many were made since."""
        service, database = ((now - then) / requests * 1e6 for now, then in zip(self.now(), before, strict=True))
        return service, database


def closed_loop(
    service: Service, costs: Costs, lines: list[Line], first_seq: int, seconds: int, core: int
) -> HttpFigure:
    """Return what saves cost when 32 connections each send the next one as soon as the last is answered."""
    told = service.folder / "lines.json"
    told.write_text(json.dumps([asdict(line) for line in lines]))
    rows = "\n".join("\t".join((line.path, line.cookie, line.token, *map(str, line.slots))) for line in lines)
    told.with_suffix(".tsv").write_text(rows + "\n")
    script = ["-s", str(LUA), service.url, "--", str(told.with_suffix(".tsv")), str(first_seq)]
    return wrk("save, 32 connections", costs, script, seconds, core)


def wrk(name: str, costs: Costs, rest: list[str], seconds: int, core: int) -> HttpFigure:
    """Return what the requests of wrk cost that 32 connections make, each as soon as the last is answered."""
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *rest]
    before = costs.now()
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    requests, errors = _number(r"(\d+) requests in", done), _number(r"Non-2xx or 3xx responses: (\d+)", done)
    used = costs.since(before, requests)
    return HttpFigure(name, requests, errors, *used, _latency("50%", done), _latency("99%", done))


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


def _latency(name: str, text: str) -> float:
    found = re.search(rf"{name}\s+([\d.]+)(us|ms|s)\b", text)
    return float(found[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[found[2]] if found else float("nan")


def open_loop(service: Service, costs: Costs, lines: list[Line], first_seq: int, seconds: int) -> HttpFigure:
    """Return what saves cost that arrive at random moments, 500 a second, whatever becomes of those before."""
    before = costs.now()
    taken, errors = asyncio.run(_arrivals(service.port, lines, first_seq, seconds))
    used = costs.since(before, len(taken))
    taken.sort()
    p50, p99 = (taken[int(len(taken) * share)] * 1e3 for share in (0.5, 0.99))
    return HttpFigure(f"save, {RATE} a second", len(taken), errors, *used, p50, p99)


async def _arrivals(port: int, lines: list[Line], first_seq: int, seconds: int) -> tuple[list[float], int]:
    rng, taken, errors = random.Random(2026), list[float](), 0
    # a trainee's page has one connection, and one request at a time on it
    free: asyncio.Queue[tuple[Line, asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for line in lines:
        free.put_nowait((line, *await asyncio.open_connection("127.0.0.1", port)))

    async def save(number: int, due: float) -> None:
        nonlocal errors
        line, reader, writer = await free.get()
        writer.write(_save_bytes(line, number, first_seq + number))
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))  # type: ignore[index]
        errors += not head.startswith(b"HTTP/1.1 200")
        taken.append(time.monotonic() - due)
        free.put_nowait((line, reader, writer))

    began, due, tasks = time.monotonic(), 0.0, list[asyncio.Task[None]]()
    while (due := due + rng.expovariate(RATE)) < seconds:
        await asyncio.sleep(max(0.0, began + due - time.monotonic()))
        tasks.append(asyncio.create_task(save(len(tasks), began + due)))
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait()[2].close()
    return taken, errors


def _save_bytes(line: Line, number: int, seq: int) -> bytes:
    body = b'{"seq":%d,"value":"2","client_time":"2026-05-16T01:00:00.000Z"}' % seq
    slot = line.slots[number % len(line.slots)]
    head = (
        f"PUT {line.path}{slot} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {line.cookie}\r\nX-CSRF-Token: {line.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
