"""The main job by itself: simulated trainees sit a real exam, are scored, certified, and checked by a stranger.

    python -m benchmarks.demo [--trainees 200] [--seed 2026]

Everything goes through the service's own verbs on a fresh embedded database; the center's client and the verifier are a
program of their own (`benchmarks/demo/center_client.py`) that imports nothing of the service and pulls over HTTP.
Prints what was true of the simulated trainees against what the service decided, and exits 1 if anything does not hold.
"""

import argparse
import logging
import platform
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
from flask import Flask
from flask_migrate import upgrade
from rich.console import Console
from rich.table import Table
from werkzeug.serving import make_server

from benchmarks.demo import center_client
from benchmarks.demo.cohort import Cohort, enrol, sit
from examapp import clock
from examapp.accounts import people
from examapp.accounts.access import OPERATOR
from examapp.accounts.models import User
from examapp.app import MIGRATIONS, create_app
from examapp.cli.demo_service import PROVISIONAL_CUT, prepare_exam, prepare_people
from examapp.cli.due import run_due
from examapp.config import Config
from examapp.credentials import key_store
from examapp.db import db, transaction
from examapp.delivery.committer import Committer
from examapp.scoring import results

BANKS = Path(__file__).resolve().parent.parent.parent / "question_banks"
PARTS = ("theory", "practical")


def main() -> int:
    """Run the demo and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trainees", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="examapp-demo-") as folder, service(Path(folder)) as app:
        cohort, seconds = _run_exam(app, options.trainees, np.random.default_rng(options.seed))
        checked = _pull_and_check(app, Path(folder))
        is_right = _report(cohort, seconds, checked, time.monotonic() - began, options.seed)
    return 0 if is_right else 1


@contextmanager
def service(folder: Path, database_url: str | None = None) -> Iterator[Flask]:
    """A whole service on a fresh database, in `folder` if none is named."""
    config = Config(
        secret_key=secrets.token_urlsafe(48),
        database_url=database_url or f"sqlite:///{folder / 'examapp.db'}",
        key_folder=folder / "keys",
        bank_folder=BANKS,
    )
    app = create_app(config)
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
        yield app
        db.session.remove()
        db.engine.dispose()


def _run_exam(app: Flask, trainees: int, rng: np.random.Generator) -> tuple[Cohort, dict[str, float]]:
    seconds: dict[str, float] = {}
    config: Config = app.config["EXAMAPP"]
    with _timed(seconds, "bank, forms"):
        prepared = prepare_exam(config.bank_folder, at=clock.now())
    with _timed(seconds, "accounts"), transaction():
        staff = prepare_people(at=clock.now())
        store = key_store.KeyStore(config.key_folder, config.public_url, config.log_origin)
        key_store.create_missing(OPERATOR, store, at=clock.now())
        cohort = enrol(prepared, trainees, rng)
    with _timed(seconds, "sittings"):
        sit(cohort, Committer(db.engine, timedelta(seconds=config.grace_seconds)), rng)
    with _timed(seconds, "marks and scores"):
        _expect_no_failure(run_due().failures)
    with _timed(seconds, "release, records, certificates"):
        _release(cohort, db.session.get_one(User, staff["examiner"].id))
        done = run_due()
        _expect_no_failure(done.failures)
        cohort.records, cohort.certificates = done.recorded, done.certified
    return cohort, seconds


def _release(cohort: Cohort, examiner: User) -> None:
    for administration_id in cohort.administrations.values():
        with transaction():
            waiting = results.waiting_for_release(administration_id)
            results.release(examiner, waiting, at=clock.now())


def _expect_no_failure(failures: list[str]) -> None:
    if failures:
        sys.exit("due work failed: " + "; ".join(failures[:3]))


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    seconds[name] = time.monotonic() - began


def _pull_and_check(app: Flask, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Serve on loopback, register the center's key, and let the center's own program pull and check."""
    key_file = folder / "center-key.pem"
    public_jwk = center_client.create_key(key_file)
    with transaction():
        client = people.add_api_client(
            OPERATOR, name="center", public_jwk=public_jwk, scopes=["results.read", "results.ack"], center=None,
            at=clock.now(),
        )  # fmt: skip
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [
        sys.executable, center_client.__file__, f"http://127.0.0.1:{server.server_port}",
        "--audience", app.config["EXAMAPP"].public_url, "--client", client.id, "--key", str(key_file),
    ]  # fmt: skip
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=300)
    finally:
        server.shutdown()


def _report(
    cohort: Cohort, seconds: dict[str, float], checked: "subprocess.CompletedProcess[str]", total: float, seed: int
) -> bool:
    console = Console(width=100)
    table = Table(title=f"{cohort.size} simulated trainees: what was true, what was decided")
    for heading in ("part", "true pass", "decided pass", "both pass", "both fail", "accuracy", "stated"):
        table.add_column(heading, justify="left" if heading == "part" else "right")
    for part in PARTS:
        true, decided, stated = cohort.decisions(part, PROVISIONAL_CUT)
        table.add_row(
            part, str(true.sum()), str(decided.sum()), str((true & decided).sum()), str((~true & ~decided).sum()),
            f"{(true == decided).mean():.3f}", f"{stated.mean():.3f}",
        )  # fmt: skip
    console.print(table)
    for part in PARTS:
        bias, rmse, error = cohort.recovery(part)
        console.print(f"{part}: ability bias {bias:+.3f}, RMSE {rmse:.3f}, mean stated standard error {error:.3f}")
    console.print(f"saves acknowledged {cohort.saves}, records {cohort.records}, certificates {cohort.certificates}")
    console.print("a verifier that imports nothing of the service: " + (checked.stdout + checked.stderr).strip())
    phases = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    console.print(f"{phases}; {total:.1f} s in all; seed {seed}, {platform.python_version()}, {platform.machine()}")
    return checked.returncode == 0 and cohort.records == 2 * cohort.size and cohort.certificates > 0


if __name__ == "__main__":
    sys.exit(main())
