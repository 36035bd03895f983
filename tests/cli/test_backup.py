"""Backups while answers are saved, and the way back: what was acknowledged before is there again."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import create_engine, text

from examapp import clock
from examapp.app import create_app
from examapp.cli.backup import backup, restore
from examapp.cli.credentials import log
from examapp.config import Config
from examapp.credentials import kept_checkpoint
from examapp.db import db
from examapp.delivery.acceptance import Request, Save
from examapp.delivery.committer import Committer
from examapp.delivery.models import Sitting
from examapp.delivery.sittings import LARGEST_SEQ
from tests import makers
from tests.cluster import Cluster, programs, running_cluster
from tests.conftest import DATABASES, make_config, migrate

Run = Callable[..., Result]
Receipts = set[tuple[int, int, str]]
MOMENTS = 20
ALL = text("SELECT sitting_id, number, digest FROM journal_entry")
BOTH = pytest.mark.parametrize("database", DATABASES, indirect=True)


@pytest.fixture
def run(app: Flask) -> Run:
    return lambda command, *arguments: app.test_cli_runner().invoke(command, [str(each) for each in arguments])


@dataclass
class Saver:
    """A trainee who saves without a pause, and remembers what was acknowledged."""

    app: Flask
    sitting: Sitting
    stop: threading.Event = field(default_factory=threading.Event)
    acknowledged: Receipts = field(default_factory=set)
    failed: list[Exception] = field(default_factory=list)

    def work(self) -> None:
        """Save until told to stop."""
        with self.app.app_context():
            committer = Committer(db.engine, timedelta(seconds=5))
        for seq in range(1, LARGEST_SEQ):
            if self.stop.is_set():
                # as when the service ends: a restore wants the database for itself
                committer.close()
                return
            save = Save(1, seq, str(1 + seq % 4), None)
            try:
                accepted = committer.commit(Request(self.sitting.id, save, clock.now(), self.sitting.epoch))
            except Exception as error:
                self.failed.append(error)
                return
            self.acknowledged.add((self.sitting.id, accepted.entry.number, accepted.entry.digest))

    def wait(self, more: int) -> Receipts:
        """Wait for more acknowledgements and return all so far."""
        wanted, deadline = len(self.acknowledged) + more, time.monotonic() + 30
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < deadline, self.failed
            time.sleep(0.001)
        return set(self.acknowledged)


@contextmanager
def saving(app: Flask) -> Iterator[Saver]:
    """Let somebody save while the block runs."""
    with app.app_context():
        exam_form = makers.make_exam_form()
        window = {"opens_at": clock.now() - timedelta(minutes=1), "closes_at": clock.now() + timedelta(hours=3)}
        administration = makers.make_administration(exam_form, **window)
        sitting = makers.make_sitting(makers.make_registration(administration=administration), at=clock.now())
        db.session.commit()
        saver = Saver(app, sitting)
    thread = threading.Thread(target=saver.work)
    thread.start()
    try:
        yield saver
    finally:
        saver.stop.set()
        thread.join()
    assert saver.failed == []


def journal(url: str) -> Receipts:
    """Return the receipts of every entry that a database holds."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {tuple(row) for row in connection.execute(ALL)}
    engine.dispose()
    return found  # type: ignore[return-value]


@pytest.mark.slow
@pytest.mark.feature("O2")
def test_copies_at_twenty_moments_hold_what_was_acknowledged_before(app: Flask, run: Run, tmp_path: Path) -> None:
    copies: list[tuple[Path, Receipts]] = []
    with saving(app) as saver:
        for number in range(MOMENTS):
            before = saver.wait(1 + number % 5)
            assert run(backup, tmp_path / f"{number}.backup").exit_code == 0
            copies.append((tmp_path / f"{number}.backup", before))
    held = [journal(f"sqlite:///{copy}") for copy, _ in copies]
    assert all(before <= found for (_, before), found in zip(copies, held, strict=True))
    assert len(held[0]) < len(held[-1]), "the copies must be of different moments"


@BOTH
def test_restored_database_is_as_it_was_and_verified(app: Flask, run: Run, config: Config, tmp_path: Path) -> None:
    with saving(app) as saver:
        saver.wait(5)
        assert run(backup, tmp_path / "b").exit_code == 0, "the service goes on"
        saver.wait(5)
    db.session.remove()
    db.engine.dispose()
    assert (tmp_path / "b").stat().st_mode & 0o077 == 0
    later = journal(config.database_url)
    refused = run(restore, tmp_path / "b")
    assert (refused.exit_code, "--replace" in refused.output) == (1, True)
    outcome = run(restore, tmp_path / "b", "--replace")
    assert (outcome.exit_code, outcome.output) == (0, "Restored; everything holds.\n")
    assert journal(config.database_url) < later


def test_database_in_use_is_not_replaced(app: Flask, run: Run, tmp_path: Path) -> None:
    makers.make_user()
    db.session.commit()
    run(backup, tmp_path / "b")
    with db.engine.connect() as connection:
        connection.execute(ALL)
        refused = run(restore, tmp_path / "b", "--replace")
    assert (refused.exit_code, "stop server and worker" in refused.output) == (1, True)


def test_file_that_is_no_backup_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"PGDMP of another kind")
    assert "no backup of this kind" in run(restore, tmp_path / "b").output


def test_copy_older_than_what_was_published_is_noticed(app: Flask, run: Run, config: Config, tmp_path: Path) -> None:
    store = makers.make_store(config.key_folder)
    db.session.commit()
    run(backup, tmp_path / "old")
    makers.make_both_results()
    makers.issue(store)
    db.session.commit()
    kept_checkpoint.keep(config.key_folder)
    assert run(log, "verify").exit_code == 0
    db.session.remove()
    db.engine.dispose()
    outcome = run(restore, tmp_path / "old", "--replace")
    assert (outcome.exit_code, "the log had 2 entries" in outcome.output) == (1, True)
    assert run(log, "verify").exit_code == 1


@pytest.mark.slow
@pytest.mark.feature("O2")
def test_postgresql_goes_back_to_a_moment_by_its_archived_log(tmp_path: Path) -> None:
    if programs() is None:
        pytest.skip("PostgreSQL is not installed")
    archive = Path(tempfile.mkdtemp(prefix="examapp-wal-"))
    archive.chmod(0o777)
    settings = ("archive_mode=on", f"archive_command=cp %p {archive}/%f", "wal_level=replica")
    try:
        with running_cluster(*settings) as first:
            before, after, moment = _exam(first, tmp_path)
            with _recovered(first, archive, moment) as second:
                found = journal(second.url("exam"))
        assert before <= found
        assert not after & found, "what came after the moment is gone, as was asked"
    finally:
        shutil.rmtree(archive)


def _exam(cluster: Cluster, folder: Path) -> tuple[Receipts, Receipts, str]:
    """Save, copy the cluster, save, note the moment, save; return what was acknowledged before and after it."""
    cluster.run("CREATE DATABASE exam")
    config = make_config(folder, database_url=cluster.url("exam"))
    migrate(config)
    app = create_app(config)
    with saving(app) as saver:
        saver.wait(3)
        copy = [programs() / "pg_basebackup", "-h", cluster.folder, "-U", "examapp", "-D", cluster.folder / "copy"]  # type: ignore[operator]
        subprocess.run([*owner(), *copy, "--checkpoint=fast"], check=True)
        before = saver.wait(20)
        moment = clock.now().isoformat()
        # the one that is acknowledged next may have been sent before the moment; those after it were not
        already = saver.wait(1)
        saver.wait(20)
    with app.app_context():
        db.engine.dispose()
    cluster.run("SELECT pg_switch_wal()")
    return before, saver.acknowledged - already, moment


@contextmanager
def _recovered(first: Cluster, archive: Path, moment: str) -> Iterator[Cluster]:
    """Give a cluster made of the first one's copy and archive, up to the moment."""
    first.stop(signal.SIGINT)
    folder = Path(tempfile.mkdtemp(prefix="examapp-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    (first.folder / "copy").rename(folder / "data")
    (folder / "data" / "recovery.signal").touch()
    with (folder / "data" / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"restore_command = 'cp {archive}/%f %p'\nrecovery_target_time = '{moment}'\n"
                       "recovery_target_action = 'promote'\n")  # fmt: skip
    second = Cluster(folder)
    try:
        second.start()
        yield second
    finally:
        second.stop(signal.SIGQUIT)
        shutil.rmtree(folder)


def owner() -> list[str]:
    """What to put before one of PostgreSQL's programs here: it refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
