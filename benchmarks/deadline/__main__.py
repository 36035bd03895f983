"""How long one worker core takes to close and score a whole hall of sittings that end in the same second.

    python -m benchmarks.deadline [--sittings 10000] [--answered 15] [--poison 3] [--database URL] [--seed 2026]

Seeds running sittings on the demo's theory forms (90 items), each with some responses, whose time is over; spoils a
few; then lets one pass of the due work, pinned to one core, do the rest. Exits 1 when a sitting that was not spoilt is
not scored, when a spoilt one is, or when 10,000 sittings would take more than a minute.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
from flask import current_app
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select, update

from benchmarks.deadline import hall
from benchmarks.demo.__main__ import service
from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.cli.demo_service import prepare_exam
from examapp.cli.due import run_due
from examapp.cli.steps import Pass
from examapp.config import Config
from examapp.credentials import key_store
from examapp.db import db, transaction
from examapp.delivery import closing
from examapp.delivery.models import Sitting, StoredResponse
from examapp.delivery.state import EXPIRED
from examapp.scoring.models import Mark, Result

MOST_SECONDS_FOR_10_000 = 60


def main() -> int:
    """Run the benchmark and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sittings", type=int, default=10_000)
    parser.add_argument("--answered", type=int, default=15, help="responses of each sitting")
    parser.add_argument("--poison", type=int, default=3, help="sittings whose stored responses differ from the journal")
    parser.add_argument("--database", help="an empty database; SQLite in a temporary folder if none is named")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--json", type=Path, help="also write seconds and CPU here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="examapp-") as folder, service(Path(folder), options.database):
        spoilt = _seed(options)
        return 0 if _report(options, spoilt, *_timed_pass()) else 1


def _seed(options: argparse.Namespace) -> set[int]:
    """Seed the hall and return the ids of the sittings that were spoilt."""
    config: Config = current_app.config["EXAMAPP"]
    prepared = prepare_exam(config.bank_folder, at=clock.now())
    with transaction():
        store = key_store.KeyStore(config.key_folder, config.public_url, config.log_origin)
        key_store.create_missing(OPERATOR, store, at=clock.now())
    ended = clock.now() - timedelta(seconds=config.grace_seconds) - closing.IN_QUEUE
    rng = np.random.default_rng(options.seed)
    seeded = hall.seed(prepared.exam, prepared.forms["theory"], options.sittings, options.answered, ended, rng)
    spoilt = set(seeded.sitting_ids[: options.poison])
    with transaction():
        changed = update(StoredResponse).where(StoredResponse.sitting_id.in_(spoilt)).values(value='"spoilt"')
        db.session.execute(changed.execution_options(synchronize_session=False))
    db.session.remove()
    return spoilt


def _timed_pass() -> tuple[Pass, float, float]:
    """Return what one pass on one core did, its seconds, and its seconds of CPU."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    began, worked = time.monotonic(), time.process_time()
    done = run_due()
    return done, time.monotonic() - began, time.process_time() - worked


def _report(options: argparse.Namespace, spoilt: set[int], done: Pass, seconds: float, cpu: float) -> bool:
    size, good = options.sittings, options.sittings - len(spoilt)
    counts = {
        "closed": db.session.scalar(select(func.count()).where(Sitting.status == EXPIRED)),
        "marked": db.session.scalar(select(func.count(func.distinct(Mark.sitting_id)))),
        "scored": db.session.scalar(select(func.count()).select_from(Result)),
    }
    if options.json:
        figures = {"sittings": size, "answered": options.answered, "seconds": seconds, "cpu_ms": 1000 * cpu / size}
        options.json.write_text(json.dumps(figures))
    table = Table(title=f"{size} sittings of 90 items, {options.answered} responses each, {len(spoilt)} spoilt")
    table.add_column("what")
    table.add_column("measured", justify="right")
    median, most, longest = 1000 * np.quantile(done.locked, [0.5, 0.99, 1])
    rows = {
        **counts,
        "named failures": len(done.failures),
        "seconds in all": f"{seconds:.1f}",
        "seconds for 10,000": f"{10_000 * seconds / size:.1f}",
        "CPU seconds for 10,000": f"{10_000 * cpu / size:.1f}",
        "CPU ms a sitting": f"{1000 * cpu / size:.2f}",
        "write lock, ms: median, 99 %, longest": f"{median:.0f}, {most:.0f}, {longest:.0f}",
    }
    for name, value in rows.items():
        table.add_row(name, str(value))
    console = Console(width=100)
    console.print(table)
    console.print(
        f"one core of {os.cpu_count()}, {platform.machine()}, Python {platform.python_version()},"
        f" {db.engine.dialect.name}, load {os.getloadavg()[0]:.1f}, seed {options.seed}"
    )
    scored = set(db.session.scalars(select(Result.sitting_id)))
    is_right = counts == {"closed": size, "marked": good, "scored": good} and not scored & spoilt
    return is_right and len(done.failures) == len(spoilt) and 10_000 * seconds / size <= MOST_SECONDS_FOR_10_000


if __name__ == "__main__":
    sys.exit(main())
