import importlib
import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from examapp import clock, heartbeats
from examapp.cli.clock_alarm import look
from examapp.cli.doctor import Finding, examine
from examapp.clock import ClockWatch
from examapp.config import Config
from examapp.db import db, transaction
from tests import makers

Run = Callable[..., Result]
# by name: `examapp.cli.doctor` is also what the package calls the command
module = importlib.import_module("examapp.cli.doctor")
doctor = module.doctor


@pytest.fixture
def healthy(app: Flask, config: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A service with keys, private files and a worker that was there a moment ago, on a disk that is fast enough."""
    monkeypatch.setattr(module, "SLOW_COMMIT_SECONDS", math.inf)
    makers.make_store(config.key_folder)
    beat(0)
    for file in Path(config.database_url.removeprefix("sqlite:///")).parent.glob("examapp.db*"):
        file.chmod(0o600)
    return config


def beat(seconds_ago: float, failures: int = 0) -> None:
    db.session.commit()
    with transaction():
        at = clock.now() - timedelta(seconds=seconds_ago)
        heartbeats.leave(heartbeats.WORKER, {"failures": failures}, at=at)


def problems(config: Config) -> list[tuple[str, str]]:
    """Return subject and remedy of what is wrong, the machine's own clock aside."""
    return [(each.subject, each.remedy) for each in examine(config) if each.state == "problem"]


@pytest.mark.feature("O4")
def test_healthy_service_has_no_problem_and_exits_0(app: Flask, healthy: Config) -> None:
    assert problems(healthy) == []
    outcome = app.test_cli_runner().invoke(doctor)
    assert (outcome.exit_code, "problem" in outcome.output) == (0, False)


def test_findings_for_programs(app: Flask, healthy: Config) -> None:
    found = json.loads(app.test_cli_runner().invoke(doctor, ["--json"]).stdout)
    assert {each["subject"] for each in found} >= {
        "configuration", "database", "durability", "commit", "keys", "clock", "disk", "limits", "worker",
    }  # fmt: skip
    assert all(Finding(**each) for each in found)


@pytest.mark.parametrize("seconds_ago", [61, 3600])
def test_silent_worker_is_named(app: Flask, healthy: Config, seconds_ago: int) -> None:
    beat(seconds_ago)
    assert problems(healthy) == [("worker", "examapp worker")]
    assert app.test_cli_runner().invoke(doctor).exit_code == 1


def test_missing_keys_and_open_files_are_named_with_their_remedy(app: Flask, healthy: Config) -> None:
    key = next(healthy.key_folder.iterdir())
    key.chmod(0o644)
    assert problems(healthy) == [("keys", f"chmod go-rwx {key}")]
    key.unlink()
    assert ("keys", "examapp keys create") in problems(healthy)


def test_database_with_older_tables_or_none_is_named(app: Flask, healthy: Config) -> None:
    db.session.execute(db.text("UPDATE alembic_version SET version_num = '0001'"))
    db.session.commit()
    assert problems(healthy) == [("database", "examapp upgrade")]


def test_database_whose_commits_may_be_lost_is_named(app: Flask, healthy: Config) -> None:
    db.session.connection().exec_driver_sql("PRAGMA foreign_keys=ON")
    db.session.rollback()
    raw = db.engine.raw_connection()
    raw.driver_connection.execute("PRAGMA synchronous=OFF")  # type: ignore[union-attr]
    raw.close()
    assert "durability" in [subject for subject, _ in problems(healthy)]


def test_slow_disk_is_named(app: Flask, healthy: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLOW_COMMIT_SECONDS", 0)
    assert problems(healthy) == [("commit", "put the database on a faster disk")]


def test_password_of_the_database_is_not_shown(app: Flask, config: Config) -> None:
    other = replace(config, database_url="postgresql+psycopg://exam:hunter2@db/exam")
    assert not [each for each in examine(other) if "hunter2" in each.place + each.told]


def test_clock_that_was_set_is_counted_told_and_named_by_doctor(
    app: Flask, healthy: Config, caplog: pytest.LogCaptureFixture
) -> None:
    walls, steadies = iter([100.0, 103.0, 3706.0]), iter([5.0, 8.0, 11.0])
    watch = ClockWatch(walls.__next__, steadies.__next__)
    look(app, watch)
    assert problems(healthy) == []
    look(app, watch)
    assert app.extensions["examapp_meters"].sum("clock_steps") == 1
    assert "the clock was set" in caplog.text
    [(subject, remedy)] = problems(healthy)
    assert (subject, "slew" in remedy) == ("clock", True)
    assert app.test_client().get("/readyz").status_code == 200
