"""The worker's loop, and two of them at once on each database."""

import os
import signal
import threading
import time
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from examapp import clock, heartbeats
from examapp.app import create_app
from examapp.cli import operations, steps
from examapp.cli.due import run_due
from examapp.cli.operations import UntilStopped, serve, stopped, work_until, worker
from examapp.cli.steps import Pass
from examapp.config import Config
from examapp.credentials import kept_checkpoint
from examapp.db import db
from examapp.delivery import closing, histories
from examapp.delivery.models import JournalEntry
from examapp.delivery.state import EXPIRED
from examapp.scoring import marking
from examapp.scoring.models import Mark, Result
from tests import makers
from tests.conftest import DATABASES

SITTINGS = 30


@pytest.mark.slow
@pytest.mark.feature("O4")
@pytest.mark.parametrize("database", DATABASES, indirect=True)
def test_two_workers_do_each_piece_of_work_once(app: Flask, config: Config) -> None:
    makers.make_store(config.key_folder)
    long_ago = clock.now() - timedelta(hours=5)
    exam_form = makers.make_exam_form()
    window = {"opens_at": long_ago, "closes_at": long_ago + timedelta(hours=3)}
    administration = makers.make_administration(exam_form, **window)
    for _ in range(SITTINGS):
        makers.make_sitting(makers.make_registration(administration=administration), at=long_ago)
    db.session.commit()
    workers = [os.fork() or _work(config) for _ in range(2)]
    assert [os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in workers] == [0, 0]
    expired = select(func.count()).where(JournalEntry.kind == EXPIRED)
    assert (db.session.scalar(expired), count(Result)) == (SITTINGS, SITTINGS)
    assert count(Mark) == SITTINGS * len(exam_form.slots)


def _work(config: Config) -> int:
    """Work in a forked process as `examapp worker` does, until all is done; never return."""
    done = 1
    try:
        app, stop = create_app(config), threading.Event()
        deadline = time.monotonic() + 60
        with app.app_context():
            work_until(stop, app, lambda: count(Result) < SITTINGS and time.monotonic() < deadline)
            done = 0
    finally:
        os._exit(done)


def count(table: type) -> int:
    """Return how many rows a table has."""
    found = db.session.scalar(select(func.count()).select_from(table)) or 0
    db.session.rollback()
    return found


def test_pass_that_fails_is_logged_and_ends_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    passes = iter([ValueError("broken"), Pass(marked=1)])

    def run(patience: object) -> Pass:
        found = next(passes)
        if isinstance(found, Exception):
            raise found
        stop.set()
        return found

    stop = threading.Event()
    monkeypatch.setattr(operations, "run_due", run)
    monkeypatch.setattr(operations, "PAUSE_SECONDS", 0)
    work_until(stop, app)
    assert "a pass of due work failed" in caplog.text


def test_worker_rests_no_longer_than_until_the_next_sitting_may_be_closed(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes, rests = iter([Pass(), Pass(marked=1), Pass(), Pass()]), list[float]()
    ends = iter([None, None, timedelta(seconds=0.3), timedelta(seconds=9)])
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    monkeypatch.setattr(operations, "_work_once", lambda patience: next(passes))
    monkeypatch.setattr(closing, "next_end", lambda grace, at: (left := next(ends)) and at + left)
    stop = threading.Event()
    monkeypatch.setattr(stop, "wait", lambda seconds: rests.append(seconds))
    work_until(stop, app, lambda: len(rests) < 4)
    assert rests == [2.0, 0.5, 0.3, 2.0]


def test_worker_that_is_told_to_stop_ends_with_the_sitting_that_it_is_at(
    app: Flask, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    makers.make_store(config.key_folder)
    stop, seen, long_ago = threading.Event(), list[int](), clock.now() - timedelta(hours=5)
    administration = makers.make_administration(opens_at=long_ago, closes_at=long_ago + timedelta(hours=3))
    for _ in range(5):
        makers.make_sitting(makers.make_registration(administration=administration), at=long_ago)
    db.session.commit()

    def marks_of(history: histories.History, *, at: datetime) -> marking.Marked:
        seen.append(history.sitting.id)
        if len(seen) == 2:
            stop.set()
        return worked_out(history, at=at)

    worked_out = marking.marks_of
    monkeypatch.setattr(marking, "marks_of", marks_of)
    # a pass begins with the first sitting, so that all five are of one page
    monkeypatch.setattr(steps.secrets, "randbits", lambda bits: 0)
    done = run_due(UntilStopped(stop))
    assert (done.expired, len(seen), done.marked, done.recorded) == (5, 2, 0, 0)
    assert run_due().marked == 5


def test_worker_leaves_a_sign_of_life(app: Flask, config: Config) -> None:
    makers.make_store(config.key_folder)
    db.session.commit()
    assert app.test_cli_runner().invoke(worker, ["--once"]).exit_code == 0
    last = heartbeats.last(heartbeats.WORKER)
    assert last is not None
    assert clock.now() - last.at < timedelta(seconds=30)


def test_newest_checkpoint_is_kept_beside_the_keys(app: Flask, config: Config) -> None:
    makers.make_store(config.key_folder)
    makers.make_both_results()
    db.session.commit()
    app.test_cli_runner().invoke(worker, ["--once"])
    [note] = kept_checkpoint.notes(config.key_folder)
    assert note.split("\n")[1] == "2"


def test_sigterm_is_heard() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        stop = stopped()
        signal.raise_signal(signal.SIGTERM)
        assert stop.is_set()
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)


@pytest.mark.parametrize("database", DATABASES, indirect=True)
def test_service_does_not_start_on_a_database_that_forgets(app: Flask) -> None:
    runner = app.test_cli_runner()
    assert runner.invoke(serve, ["--check"]).exit_code == 0
    off = {"sqlite": "PRAGMA synchronous=OFF", "postgresql": "SET synchronous_commit TO off"}[db.engine.dialect.name]
    db.engine.dispose()
    event.listen(db.engine, "connect", lambda connection, _: connection.execute(off))
    refused = runner.invoke(serve, ["--check"])
    assert refused.exit_code == 1
    assert "does not keep what it commits: synchronous" in refused.output
