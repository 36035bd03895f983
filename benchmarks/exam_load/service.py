"""A whole service on one core: server and worker as an operator starts them, with a fresh database."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import create_engine, select, update

from examapp.exams.models import Administration

ROOT = Path(__file__).resolve().parents[2]
EXAMAPP = str(Path(sys.executable).parent / "examapp")


@dataclass
class Service:
    """The running service; `core` is the only processor core that it may use."""

    folder: Path
    database_url: str
    core: int
    port: int
    processes: int = 1
    environment: dict[str, str] = field(default_factory=dict)
    server: subprocess.Popen[bytes] | None = None
    worker: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Make the settings, the tables and the keys."""
        self.environment = {
            **os.environ, "EXAMAPP_SECRET_KEY": secrets.token_urlsafe(48), "EXAMAPP_DATABASE_URL": self.database_url,
            "EXAMAPP_KEY_FOLDER": str(self.folder / "keys"), "EXAMAPP_PUBLIC_URL": self.url,
            "EXAMAPP_SECURE_COOKIES": "0", "EXAMAPP_BANK_FOLDER": str(ROOT / "question_banks"),
        }  # fmt: skip
        for command in (["upgrade"], ["keys", "create"]):
            self.run(*command)

    def run(self, *command: str) -> str:
        """Run one command of the service to its end."""
        done = subprocess.run(
            [EXAMAPP, *command], env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"examapp {' '.join(command)}: {done.stderr}")
        return done.stdout

    def start(self) -> None:
        """Start the server; return when it is ready."""
        command = ["serve", "--bind", f"127.0.0.1:{self.port}", "--processes", str(self.processes)]
        self.server = self._background("server.log", *command)
        began = time.monotonic()
        while not self.is_ready():
            if time.monotonic() - began > 60 or self.server.poll() is not None:
                raise SystemExit(f"the server did not start: {(self.folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.05)

    def start_worker(self) -> None:
        """Start the worker."""
        self.worker = self._background("worker.log", "worker")

    def _background(self, log: str, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("ab") as out:
            process = subprocess.Popen([EXAMAPP, *command], env=self.environment, cwd=ROOT, stdout=out, stderr=out)
        psutil.Process(process.pid).cpu_affinity([self.core])
        return process

    def is_ready(self) -> bool:
        """Say whether it can serve."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:  # noqa: S310 - loopback
                return bool(json.load(answer)["status"] == "ready")
        except OSError:
            return False

    def kill(self) -> None:
        """Kill the server and all its children with -9, together."""
        assert self.server is not None
        family = [*psutil.Process(self.server.pid).children(recursive=True), psutil.Process(self.server.pid)]
        for process in family:
            process.send_signal(signal.SIGSTOP)
        for process in family:
            process.kill()
        self.server.wait()

    def memory(self) -> int:
        """Return the bytes that the server's processes share or hold for themselves."""
        assert self.server is not None
        family = [psutil.Process(self.server.pid), *psutil.Process(self.server.pid).children(recursive=True)]
        return sum(each.memory_full_info().pss for each in family)

    def stop(self) -> None:
        """Stop what runs."""
        for process in (self.worker, self.server):
            if process is not None and process.poll() is None:
                process.terminate()
        for process in (self.worker, self.server):
            if process is not None:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()


@contextmanager
def running(folder: Path, database_url: str, core: int, processes: int) -> Iterator[Service]:
    """A service that is prepared but not started; stopped at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    service = Service(folder, database_url, core, port, processes)
    service.prepare()
    try:
        yield service
    finally:
        service.stop()


def seed(service: Service, trainees: int, opens_in: int, window: int, part: str) -> dict[str, Any]:
    """Register trainees for an administration that opens in `opens_in` seconds; return what the file says."""
    out = service.folder / "seed.json"
    service.run(
        "load", "seed", "--trainees", str(trainees), "--opens-in", str(opens_in), "--minutes", str(window // 60 + 1),
        "--window", str(window), "--part", part, "--signed-in", "--out", str(out),
    )  # fmt: skip
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def postpone(service: Service, seeded: dict[str, Any], seconds: float) -> None:
    """Let the window of what was seeded open, and close, so many seconds later; the file says so too."""
    columns, later = Administration.__table__.c, timedelta(seconds=seconds)
    own = columns.id == seeded["administration"]
    with create_engine(service.database_url).begin() as connection:
        opens_at, closes_at = connection.execute(select(columns.opens_at, columns.closes_at).where(own)).one()
        connection.execute(
            update(Administration).where(own).values(opens_at=opens_at + later, closes_at=closes_at + later)
        )
    opens = (datetime.fromisoformat(seeded["opens_at"]) + later).isoformat()
    (service.folder / "seed.json").write_text(json.dumps({**seeded, "opens_at": opens}))
