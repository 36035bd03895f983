"""`examapp backup` and `examapp restore`: a consistent copy while the service runs, and the way back.

SQLite is copied by its own online backup, in one read transaction that holds up nobody. PostgreSQL is dumped by pg_dump
in one snapshot; to go back to any moment, archive its write-ahead log as well (README, "Operating"). Private keys are
not in a backup of the database: keep the key folder apart.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import URL, make_url, text

from examapp import clock
from examapp.cli.doors import door
from examapp.config import Config
from examapp.credentials import kept_checkpoint, key_store
from examapp.credentials.verification import verify_storage
from examapp.db import db
from examapp.errors import N_, ExamappError, Refused

SQLITE, POSTGRESQL = b"SQLite format 3\0", b"PGDMP"
# where Debian puts programs that are not on the path, the newest last
FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
OWNER_ONLY = 0o600


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
@door
def backup(file: Path) -> None:
    """Write a consistent copy of the database to FILE while the service runs.

    Example: examapp backup /backups/exam-2026-11-22.backup
    """
    url = _url()
    with _complete(file) as partial:
        if url.get_backend_name() == "sqlite":
            copy_sqlite(Path(str(url.database)), partial)
        else:
            _run("pg_dump", url, "--format=custom", f"--file={partial}")
    click.echo(f"{file}: {file.stat().st_size} bytes")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Put it in the place of a database that holds something.")
@with_appcontext
@door
def restore(file: Path, replace: bool) -> None:
    """Put the database back to what FILE holds, then verify all of it; stop server and worker before.

    A SQLite database that is replaced stays beside the new one. Exits 1 when anything does not hold, or when the copy
    is older than what was published since: the log's newest checkpoint, kept with the keys, shows it.

    Example: examapp restore /backups/exam-2026-11-22.backup --replace
    """
    url = _url()
    kind = SQLITE if url.get_backend_name() == "sqlite" else POSTGRESQL
    with file.open("rb") as opened:
        if not opened.read(len(kind)).startswith(kind):
            raise Refused("backup.kind", N_("%(file)s is no backup of this kind of database."), file=str(file))
    if kind == SQLITE:
        restore_sqlite(file, Path(str(url.database)), replace, at=clock.now())
    else:
        restore_postgresql(file, url, replace)
    _verify()


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database that is in use, as of one moment, and check the copy."""
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as original,
        closing(sqlite3.connect(target)) as copy,
    ):
        # in one step: page by page it would begin again with each save beside it
        original.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode=DELETE")
        if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise Refused("backup.broken", N_("The copy is not whole: %(file)s."), file=str(target))


def restore_sqlite(file: Path, target: Path, replace: bool, *, at: datetime) -> None:
    """Put a copy of `file` in the place of `target`, which nobody may have open."""
    if target.exists() and not _is_empty(target):
        if not replace:
            raise Refused("backup.not_empty", N_("%(place)s is not empty; --replace puts it aside."), place=str(target))
        _close_for_good(target)
        target.replace(target.with_name(f"{target.name}.replaced-{at:%Y%m%dT%H%M%SZ}"))
    with _complete(target) as partial:
        copy_sqlite(file, partial)


def _is_empty(database: Path) -> bool:
    with closing(sqlite3.connect(database)) as connection:
        return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def _close_for_good(database: Path) -> None:
    """Move what its write-ahead log holds into the database; only the last one who has it open can."""
    with closing(sqlite3.connect(database, timeout=0)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            message = N_("%(place)s is in use; stop server and worker first.")
            raise Refused("backup.in_use", message, place=str(database)) from error


def restore_postgresql(file: Path, url: URL, replace: bool) -> None:
    """Put what was dumped into a database without tables."""
    with db.engine.begin() as connection:
        query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        if connection.execute(text(query)).scalar():
            if not replace:
                raise Refused("backup.not_empty", N_("%(place)s is not empty; --replace puts it aside."),
                              place=str(url.database))  # fmt: skip
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    _run("pg_restore", url, "--single-transaction", "--exit-on-error", "--no-owner", str(file))


def _run(program: str, url: URL, *options: str) -> None:
    """Run one of PostgreSQL's programs on the database; the password goes by the environment, which is private."""
    found = shutil.which(program) or next((str(each / program) for each in reversed(FOLDERS)), None)
    if found is None:
        raise Refused("backup.no_program", N_("%(program)s is not here: install PostgreSQL's client programs."),
                      program=program)  # fmt: skip
    address = url.set(drivername="postgresql", password=None).render_as_string()
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    done = subprocess.run(
        [found, f"--dbname={address}", *options], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Refused("backup.failed", N_("%(program)s failed: %(told)s"), program=program, told=done.stderr.strip())


@contextmanager
def _complete(file: Path) -> Iterator[Path]:
    """Give a place to write to; what was written appears under its name when it is complete and on the disk."""
    partial = file.with_name(f"{file.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=OWNER_ONLY)
    try:
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _verify() -> None:
    """Recompute all that was restored, and compare it with the checkpoint that was kept outside."""
    db.session.remove()
    db.engine.dispose()
    config: Config = current_app.config["EXAMAPP"]
    try:
        keys = key_store.load(key_store.KeyStore(config.key_folder, config.public_url, config.log_origin))
    except ExamappError:
        keys = None
    findings = verify_storage(keys, kept_checkpoint.notes(config.key_folder))
    for finding in findings:
        click.echo(str(finding), err=True)
    if findings:
        raise Refused("backup.findings", N_("Restored, but %(count)s things do not hold (above)."), count=len(findings))
    click.echo("Restored; everything holds.")


def _url() -> URL:
    config: Config = current_app.config["EXAMAPP"]
    return make_url(config.database_url)
