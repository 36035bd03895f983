"""Commands that run the service: database, server, due work, and a demo on a fresh machine."""

import os
import signal
import subprocess
import sys
import time

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.cli import demo_service
from examapp.cli.doors import door
from examapp.cli.due import Pass, run_due
from examapp.cli.server import Server, listen
from examapp.config import Config
from examapp.credentials import key_store
from examapp.db import db, transaction

PAUSE_SECONDS = 2
THREADS = 128


@click.command("upgrade")
@with_appcontext
@door
def upgrade_database() -> None:
    """Bring the database to the newest tables.

    Example: examapp upgrade
    """
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
    """Do what is due every two seconds until stopped.

    Example: examapp worker
    """
    while True:
        _work_once()
        if once:
            return
        time.sleep(PAUSE_SECONDS)


@click.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True)
@click.option("--processes", type=click.IntRange(1), help="Default: 1 on SQLite, one a core on PostgreSQL.")
@click.option("--threads", type=click.IntRange(1), default=THREADS, show_default=True, help="Of each process, at most.")
@click.option("--check", is_flag=True, help="Only see whether the service would start.")
@with_appcontext
def serve(bind: str, processes: int | None, threads: int, check: bool) -> None:
    """Serve the application: processes of many threads, the saves of each committed together.

    SIGHUP takes in new code and settings without losing a request; SIGTERM finishes what has begun and ends.

    Example: examapp serve --bind 0.0.0.0:8000
    """
    if check:
        return
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    config: Config = app.config["EXAMAPP"]
    # no connection may be shared with the processes to come
    db.engine.dispose()
    own = 1 if config.database_url.startswith("sqlite") else os.cpu_count() or 1
    Server(app, listen(bind), processes or own, threads).run()


@click.command("demo-service")
@click.option("--bind", default="127.0.0.1:8000", show_default=True)
@with_appcontext
@door
def demo_service_command(bind: str) -> None:
    """Prepare a demo on an empty database and serve it until Ctrl-C.

    Example: examapp demo-service
    """
    config: Config = current_app.config["EXAMAPP"]
    upgrade(directory=current_app.extensions["migrate"].directory)
    prepared = demo_service.prepare_exam(config.bank_folder, at=clock.now())
    with transaction():
        people = demo_service.prepare_people(at=clock.now())
        demo_service.prepare_administrations(prepared, people["trainee"], at=clock.now())
        store = key_store.KeyStore(config.key_folder, config.public_url, config.log_origin)
        key_store.create_missing(OPERATOR, store, at=clock.now())
    db.session.remove()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = subprocess.Popen([sys.executable, sys.argv[0], "serve", "--bind", bind])
    _introduce(bind)
    try:
        while server.poll() is None:
            _work_once()
            time.sleep(PAUSE_SECONDS)
    except KeyboardInterrupt:
        click.echo("\nStopping.")
    finally:
        server.terminate()
        server.wait(10)


def _introduce(bind: str) -> None:
    click.echo(f"\n  http://{bind}\n")
    for role, username, _ in demo_service.ACCOUNTS:
        click.echo(f"  {role:9} {username:10} {demo_service.PASSWORD}")
    click.echo("\n  Results wait for release by the examiner. Ctrl-C stops the service.\n")


def _work_once() -> None:
    done = run_due()
    db.session.remove()
    if not done.is_empty or done.failures:
        click.echo(_told(done))


def _told(done: Pass) -> str:
    return (
        f"expired {done.expired}, marked {done.marked}, scored {done.scored}, recorded {done.recorded}, "
        f"certified {done.certified}, failed {len(done.failures)}"
    )
