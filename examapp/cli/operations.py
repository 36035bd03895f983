"""Commands that run the service: database, server, due work, and a demo on a fresh machine."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import click
import structlog
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade
from sqlalchemy.exc import DBAPIError

from examapp import clock, heartbeats
from examapp.accounts.access import OPERATOR
from examapp.cli import clock_alarm, demo_service
from examapp.cli.doors import door
from examapp.cli.due import run_due
from examapp.cli.server import Server, listen
from examapp.cli.steps import Pass, Patience
from examapp.config import Config
from examapp.credentials import kept_checkpoint, key_store
from examapp.db import check_durable, db, snapshot, transaction
from examapp.delivery import closing
from examapp.meters import PROCESSES

# after a pass that found nothing to do, and after one that did: while a hall hands in, its work comes in small passes
PAUSE_SECONDS, PAUSE_AT_WORK_SECONDS = 2.0, 0.5
# what the database's files are closed to
OTHERS = 0o077
BEAT = timedelta(seconds=10)
log = structlog.stdlib.get_logger("examapp.worker")


@click.command("upgrade")
@with_appcontext
@door
def upgrade_database() -> None:
    """Bring the database to the newest tables.

    Example: examapp upgrade
    """
    os.umask(OTHERS)
    upgrade(directory=current_app.extensions["migrate"].directory)


@click.command("run-due")
@with_appcontext
@door
def run_due_once() -> None:
    """Close, mark, score and certify everything that is due, once; safe to repeat.

    Example: examapp run-due
    """
    done = run_due()
    click.echo(_told(done))
    for failure in done.failures:
        click.echo(failure, err=True)
    sys.exit(1 if done.failures else 0)


@click.command()
@click.option("--once", is_flag=True, help="One pass, then end.")
@with_appcontext
@door
def worker(once: bool) -> None:
    """Look every two seconds for what is due, and do it; SIGTERM lets it finish its sitting. Two may run at once.

    Example: examapp worker
    """
    if once:
        _work_once(Patience())
        return
    app = _this_app()
    os.umask(OTHERS)
    clock_alarm.start(app)
    work_until(stopped(), app)


@click.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True)
@click.option("--processes", type=click.IntRange(1, PROCESSES), help="Default: 1 on SQLite, one a core on PostgreSQL.")
@click.option("--check", is_flag=True, help="Only see whether the service would start.")
@with_appcontext
def serve(bind: str, processes: int | None, check: bool) -> None:
    """Serve the application: processes of many threads, the saves of each committed together.

    SIGHUP takes in new code and settings without losing a request; SIGTERM finishes what has begun and ends.

    Example: examapp serve --bind 0.0.0.0:8000
    """
    os.umask(OTHERS)
    _refuse_unsafe_database()
    if check:
        return
    app, config = _this_app(), _config()
    # no connection may be shared with the processes to come
    db.engine.dispose()
    own = 1 if config.database_url.startswith("sqlite") else min(os.cpu_count() or 1, PROCESSES)

    def begin(number: int) -> None:
        app.extensions["examapp_meters"].take(number)
        clock_alarm.start(app)

    Server(app, listen(bind), processes or own, config.threads, begin).run()


def _refuse_unsafe_database() -> None:
    try:
        with db.engine.connect() as connection:
            check_durable(connection)
    except DBAPIError as error:
        # it may come later; nothing is acknowledged before the committer has asked the same
        log.warning("database.unreachable", kind=type(error).__name__)
    except RuntimeError as error:
        raise click.ClickException(str(error)) from error


@click.command("demo-service")
@click.option("--bind", default="127.0.0.1:8000", show_default=True)
@with_appcontext
@door
def demo_service_command(bind: str) -> None:
    """Prepare a demo on an empty database and serve it until Ctrl-C.

    Example: examapp demo-service
    """
    config = _config()
    os.umask(OTHERS)
    upgrade(directory=current_app.extensions["migrate"].directory)
    prepared = demo_service.prepare_exam(config.bank_folder, at=clock.now())
    with transaction():
        people = demo_service.prepare_people(at=clock.now())
        demo_service.prepare_administrations(prepared, people["trainee"], at=clock.now())
        store = key_store.KeyStore(config.key_folder, config.public_url, config.log_origin)
        key_store.create_missing(OPERATOR, store, at=clock.now())
    db.session.remove()
    server = subprocess.Popen([sys.executable, sys.argv[0], "serve", "--bind", bind])
    _introduce(bind)
    try:
        work_until(stopped(), _this_app(), while_true=lambda: server.poll() is None)
    finally:
        click.echo("\nStopping.")
        server.terminate()
        server.wait(10)


def _introduce(bind: str) -> None:
    click.echo(f"\n  http://{bind}\n")
    for role, username, _ in demo_service.ACCOUNTS:
        click.echo(f"  {role:9} {username:10} {demo_service.PASSWORD}")
    click.echo("\n  Results wait for release by the examiner. Ctrl-C stops the service.\n")


def stopped() -> threading.Event:
    """Return what SIGTERM and Ctrl-C set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


class UntilStopped(Patience):
    """A worker's patience: it is over once the worker is told to stop, so that a long pass ends with its sitting."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop

    @property
    def is_over(self) -> bool:
        """As its parent says."""
        return self._stop.is_set()


def work_until(stop: threading.Event, app: Flask, while_true: Callable[[], bool] = lambda: True) -> None:
    """Do what is due, pass after pass, until told to stop; a pass that fails is logged and ends nothing."""
    patience = UntilStopped(stop)
    while not stop.is_set() and while_true():
        pause = PAUSE_SECONDS
        try:
            with app.app_context():
                pause = _pause_after(_work_once(patience), at=clock.now())
        except Exception:
            log.exception("a pass of due work failed")
        stop.wait(pause)


def _pause_after(done: Pass, *, at: datetime) -> float:
    """Return for how many seconds nothing is missed: a hall that ends together is closed as soon as it may be."""
    with snapshot():
        next_end = closing.next_end(timedelta(seconds=_config().grace_seconds), at=at)
    usual = PAUSE_SECONDS if done.is_empty else PAUSE_AT_WORK_SECONDS
    return usual if next_end is None else min(usual, (next_end - at).total_seconds())


def _work_once(patience: Patience) -> Pass:
    done = run_due(patience)
    last, at = heartbeats.last(heartbeats.WORKER), clock.now()
    if last is None or abs(at - last.at) > BEAT:
        with transaction():
            heartbeats.leave(heartbeats.WORKER, {"failures": len(done.failures)}, at=at)
    if done.recorded:
        kept_checkpoint.keep(_config().key_folder)
    db.session.remove()
    if not done.is_empty or done.failures:
        click.echo(_told(done))
    return done


def _this_app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


def _config() -> Config:
    config: Config = current_app.config["EXAMAPP"]
    return config


def _told(done: Pass) -> str:
    return (
        f"expired {done.expired}, marked {done.marked}, scored {done.scored}, recorded {done.recorded}, "
        f"certified {done.certified}, prepared {done.prepared}, failed {len(done.failures)}"
    )
