"""A whole exam under load, and the audit that every acknowledged answer was stored and scored.

    python -m benchmarks.exam_load hall storm tunnel power --tools ../shared/tools/exam_load --out FILE.json
                                   [--runs 3] [--database URL] [--processes N] [--trainees N,N] [--cores 0,1]

Starts the service as an operator would (`examapp serve`, `examapp worker`) on the first core and the load generator on
the second, runs each scenario, and reads the outcome back. Without `--database` each run has a fresh SQLite file. Exits
1 if the audit finds a violation, a limit is missed or the generator could not follow.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from benchmarks.exam_load.idle import Idle
from benchmarks.exam_load.lobby import Lobby
from benchmarks.exam_load.outcome import read_outcome
from benchmarks.exam_load.report import doubled, problems, table
from benchmarks.exam_load.scenarios import SCENARIOS, Scenario
from benchmarks.exam_load.service import ROOT, Service, postpone, running, seed

SEEDING_SECONDS = 40
TRAINEES_SEEDED_A_SECOND = 100
# as late as can be: the server closes what was silent for 90 seconds, and the whole load is to run beside them
IDLE_OPENS_BEFORE_LOBBY = 12
# for the generator to start before the lobby opens
STARTING_SECONDS = 3


def main() -> int:
    """Run the scenarios that were asked for."""
    options = _options()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    found: dict[str, Any] = {"machine": _machine(), "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    names = []
    for name, scenario in _sized(options):
        names.append(name)
        found[name] = []
        for number in range(1, options.runs + 1):
            found[name].append(_run(scenario, options, number))
            _write(found, options.out)
    for run in found.get("idle", []):
        run["problems"] += doubled(found)
    _write(found, options.out)
    Console(width=150).print(table(found, names))
    return 1 if any(run["problems"] for name in names for run in found[name]) else 0


def _write(found: dict[str, Any], out: Path | None) -> None:
    if out:
        out.write_text(json.dumps(found, indent=1))


def _sized(options: argparse.Namespace) -> Iterator[tuple[str, Scenario]]:
    """Each scenario with each number of trainees that was asked for, or its own."""
    for name in options.scenarios:
        if not options.trainees:
            yield name, SCENARIOS[name]
        for trainees in map(int, options.trainees.split(",") if options.trainees else ()):
            yield f"{name} {trainees}", replace(SCENARIOS[name], trainees=trainees)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="+", choices=sorted(SCENARIOS))
    parser.add_argument("--tools", type=Path, default=ROOT.parent / "shared/tools/exam_load")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--database", default="")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--trainees", default="", help="instead of the scenario's own: N or N,N,...")
    parser.add_argument("--part", default="theory", choices=["theory", "practical"])
    parser.add_argument("--cores", default="0,1", help="of the service, of the generator")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _machine() -> dict[str, Any]:
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")  # fmt: skip
    packages = ("flask", "sqlalchemy", "granian", "psycopg", "numpy")
    return {
        "processor": model, "cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform(),
        **{name: version(name) for name in packages},
    }  # fmt: skip


def _run(scenario: Scenario, options: argparse.Namespace, number: int) -> dict[str, Any]:
    own, other = map(int, options.cores.split(","))
    with tempfile.TemporaryDirectory(prefix="examapp-load-") as name:
        folder = Path(name)
        database = options.database or f"sqlite:///{folder / 'examapp.db'}"
        with running(folder, database, own, options.processes) as service:
            return _measured(scenario, options, number, service, other)


def _measured(
    scenario: Scenario, options: argparse.Namespace, number: int, service: Service, core: int
) -> dict[str, Any]:
    opens_in = SEEDING_SECONDS + scenario.trainees // TRAINEES_SEEDED_A_SECOND + scenario.lobby
    seeded = seed(service, scenario.trainees, opens_in, scenario.duration, options.part)
    service.start()
    service.start_worker()
    bell = datetime.fromisoformat(seeded["opens_at"]).timestamp() + 1
    time.sleep(max(0, bell - scenario.lobby - IDLE_OPENS_BEFORE_LOBBY - time.time()))
    idle = Idle(service.port, scenario.idle_connections)
    before = service.memory()
    idle.open()
    grown = service.memory() - before
    out = service.folder / "load.json"
    lobby = Lobby(service.port, seeded["trainees"], service.folder)
    bell += _delay(service, seeded, bell - scenario.lobby)
    lobby.open(scenario.trainees, bell - scenario.lobby, scenario.lobby)
    load = subprocess.Popen(
        _command(scenario, options, number, service, bell, out),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    psutil.Process(load.pid).cpu_affinity([core])
    kills = threading.Thread(target=_kill, args=(service, bell, scenario.kills_at))
    kills.start()
    # what the server closes later, while all is scored and read, was there beside the load
    counts = threading.Timer(bell + scenario.duration - time.time(), idle.count_open)
    counts.start()
    told, _ = load.communicate()
    kills.join()
    counts.join()
    lobby.close()
    sys.stderr.write(told)
    idle.close()
    run: dict[str, Any] = (
        json.loads(out.read_text()) if out.exists() else {"ops": {}, "tally": {}, "violation_count": -1}
    )
    run |= read_outcome(service.database_url, bell, scenario.kills_at)
    run |= {"exit": load.returncode, "idle_connections": idle.found_open, "idle_bytes": grown, "memory": before}
    run["papers_fetched"] = lobby.fetched
    run["problems"] = problems(scenario, run, load.returncode)
    return run


def _delay(service: Service, seeded: dict[str, Any], lobby_opens_at: float) -> float:
    """Return by how many seconds the exam begins later than planned: on a busy machine what comes before takes long."""
    late = max(0.0, time.time() + STARTING_SECONDS - lobby_opens_at)
    if late:
        postpone(service, seeded, late)
    return late


def _command(
    scenario: Scenario, options: argparse.Namespace, number: int, service: Service, bell: float, out: Path
) -> list[str]:
    assert service.server is not None
    assert service.worker is not None
    limits = [f"--slo={name}={most}" for name, most in scenario.limits]
    # the generator rings `lobby + pause` seconds after its own start, which takes it a third of a second
    pause = bell - time.time() - scenario.lobby - 0.3
    if pause < 0:
        raise SystemExit("seeding took longer than planned: the bell rang before the lobby opened")
    return [
        sys.executable, str(options.tools / "exam_load.py"), "--target", service.url,
        "--adapter", str(Path(__file__).parent / "adapter.py"),
        "--adapter-opt", f"lobby={service.folder}", "--adapter-opt", f"database={service.database_url}",
        "--adapter-opt", f"seed={service.folder / 'seed.json'}",
        "--trainees", str(scenario.trainees), "--duration", str(scenario.duration), "--lobby", str(scenario.lobby),
        "--pause", str(pause), "--skip-login", str(scenario.signed_in), "--seed", str(number), "--grace", "5",
        "--server-pid", str(service.server.pid), *scenario.flags, *limits, "--json", str(out),
    ]  # fmt: skip


def _kill(service: Service, bell: float, kills_at: tuple[int, ...]) -> None:
    """Kill the server with -9 at these seconds after the bell, and start it again at once."""
    for second in kills_at:
        time.sleep(max(0, bell + second - time.time()))
        service.kill()
        service.start()


if __name__ == "__main__":
    sys.exit(main())
