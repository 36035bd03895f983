"""`examapp doctor`: looks at everything that a service stands on, and says of each what to do about it."""

import ctypes
import json
import resource
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import click
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from examapp import clock, heartbeats
from examapp.config import Config
from examapp.credentials import key_store
from examapp.db import check_durable, db, transaction
from examapp.errors import ExamappError

OK, WARNING, PROBLEM = "ok", "warning", "problem"
LARGEST_OFFSET_SECONDS = 1.0
LONGEST_SILENCE = timedelta(seconds=60)
ALARM_STANDS = timedelta(hours=24)
SLOW_COMMIT_SECONDS = 0.05
LEAST_FREE_BYTES = 2**30
ENOUGH_FILES = 10_000
UNSYNCHRONISED = 0x40  # STA_UNSYNC of linux/timex.h
STATUS_AT, TIMEX_BYTES = 40, 208


@dataclass(frozen=True)
class Finding:
    """What was looked at, where, how it is, and what to do about it."""

    subject: str
    state: str
    place: str
    told: str
    remedy: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_appcontext
def doctor(as_json: bool) -> None:
    """Check configuration, database, keys, clock, disk, limits, permissions and worker; exit 1 when one needs help.

    Example: examapp doctor

    Example: examapp doctor --json | jq '.[] | select(.state != "ok")'
    """
    findings = examine(current_app.config["EXAMAPP"])
    if as_json:
        click.echo(json.dumps([asdict(each) for each in findings], indent=2))
    else:
        for each in findings:
            click.echo(f"{each.state:8} {each.subject:14} {each.place}: {each.told}")
            if each.remedy:
                click.echo(f"{'':23} {each.remedy}")
    sys.exit(1 if any(each.state == PROBLEM for each in findings) else 0)


def examine(config: Config) -> list[Finding]:
    """Return what there is to say of every subject; a database that does not answer leaves out what is in it."""
    findings = [Finding("configuration", OK, "environment", "every setting holds")]
    findings += [*_keys(config), _synchronised(), *_files(config), _file_limit()]
    answers = _database(config)
    findings.append(answers)
    if answers.state == OK:
        findings += [_durable(config), _commit(config), _offset(), _alarm(), _worker()]
    return findings


def _database(config: Config) -> Finding:
    place = make_url(config.database_url).render_as_string(hide_password=True)
    try:
        stored = set(MigrationContext.configure(db.session.connection()).get_current_heads())
    except SQLAlchemyError as error:
        told = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        return Finding("database", PROBLEM, place, told, "start it, or correct EXAMAPP_DATABASE_URL")
    wanted = set(ScriptDirectory(current_app.extensions["migrate"].directory).get_heads())
    if stored != wanted:
        told = f"has the tables of {', '.join(stored) or 'nothing'}, not of {', '.join(wanted)}"
        return Finding("database", PROBLEM, place, told, "examapp upgrade")
    return Finding("database", OK, place, f"answers, has the tables of {', '.join(stored)}")


def _durable(config: Config) -> Finding:
    place = make_url(config.database_url).get_backend_name()
    try:
        check_durable(db.session.connection())
    except RuntimeError as error:
        return Finding("durability", PROBLEM, place, str(error), "set fsync=on and synchronous_commit=on, reload")
    return Finding("durability", OK, place, "what is committed is on the disk")


def _commit(config: Config) -> Finding:
    """Measure what a save waits for at least: the median of seven durable transactions."""
    seconds = []
    for _ in range(7):
        began = time.perf_counter()
        with transaction():
            heartbeats.leave(heartbeats.DOCTOR, {}, at=clock.now())
        seconds.append(time.perf_counter() - began)
    told = f"{statistics.median(seconds) * 1000:.1f} ms, longest {max(seconds) * 1000:.1f} ms"
    if statistics.median(seconds) > SLOW_COMMIT_SECONDS:
        return Finding("commit", PROBLEM, "a transaction", told, "put the database on a faster disk")
    return Finding("commit", OK, "a transaction", told)


def _offset() -> Finding:
    offset = heartbeats.clock_offset(clock.now)
    told = f"the database server's clock is {offset:+.3f} s from ours"
    if abs(offset) > LARGEST_OFFSET_SECONDS:
        return Finding("clock", PROBLEM, "offset", told, "let one time server set both machines (chrony)")
    return Finding("clock", OK, "offset", told)


def _alarm() -> Finding:
    last = heartbeats.last(heartbeats.CLOCK)
    if last is None or clock.now() - last.at > ALARM_STANDS:
        return Finding("clock", OK, "steps", "none seen in the last 24 hours")
    told = f"was set by {last.body['seconds']} s at {last.at:%Y-%m-%d %H:%M:%S} UTC"
    remedy = "look at sittings that ran then (page Live, add time or credit an outage); slew the clock, never set it"
    return Finding("clock", PROBLEM, "steps", told, remedy)


def _synchronised() -> Finding:
    """Ask the kernel whether something keeps its clock."""
    timex = ctypes.create_string_buffer(TIMEX_BYTES)
    ctypes.CDLL(None).adjtimex(timex)
    if int.from_bytes(timex.raw[STATUS_AT : STATUS_AT + 4], sys.byteorder) & UNSYNCHRONISED:
        return Finding("clock", WARNING, "kernel", "nothing keeps it in time", "run chrony or systemd-timesyncd")
    return Finding("clock", OK, "kernel", "is kept in time")


def _worker() -> Finding:
    last = heartbeats.last(heartbeats.WORKER)
    if last is None:
        return Finding("worker", PROBLEM, "last pass", "never", "examapp worker")
    silence = clock.now() - last.at
    told = f"{silence.total_seconds():.0f} s ago, {last.body['failures']} pieces of work set aside"
    if silence > LONGEST_SILENCE:
        return Finding("worker", PROBLEM, "last pass", told, "examapp worker")
    return Finding("worker", WARNING if last.body["failures"] else OK, "last pass", told)


def _keys(config: Config) -> Iterator[Finding]:
    folder = config.key_folder
    store = key_store.KeyStore(folder, config.public_url, config.log_origin)
    try:
        key_store.load(store)
        yield Finding("keys", OK, str(folder), "all there, and their public halves published")
    except ExamappError as error:
        yield Finding("keys", PROBLEM, str(folder), str(error), "examapp keys create")
    except SQLAlchemyError:
        yield Finding("keys", PROBLEM, str(folder), "cannot be compared without the database", "see database")
    yield _private("keys", folder, 0o077)


def _files(config: Config) -> Iterator[Finding]:
    url = make_url(config.database_url)
    folders = {config.key_folder}
    if url.get_backend_name() == "sqlite" and url.database:
        yield _private("database", Path(url.database), 0o007)
        folders.add(Path(url.database).parent)
    for folder in sorted(folders):
        yield _space(folder)


def _private(subject: str, path: Path, others: int) -> Finding:
    """Say whether accounts that have no business here are kept out of a file, or a folder and what is in it."""
    open_to_others = [each for each in (path, *_inside(path)) if each.exists() and each.stat().st_mode & others]
    if open_to_others:
        told = f"other accounts of this machine may use it (mode {open_to_others[0].stat().st_mode & 0o777:o})"
        remedy = f"chmod {'go' if others & 0o070 else 'o'}-rwx {open_to_others[0]}"
        return Finding(subject, PROBLEM, str(open_to_others[0]), told, remedy)
    return Finding(subject, OK, str(path), "private")


def _inside(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path.with_name(path.name + end) for end in ("-wal", "-shm")]


def _space(folder: Path) -> Finding:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("disk", PROBLEM, str(folder), error.strerror or "cannot be read", f"mkdir -m 700 {folder}")
    told = f"{free / 2**30:.1f} GiB free"
    if free < LEAST_FREE_BYTES:
        return Finding("disk", PROBLEM, str(folder), told, "make room: an exam of 5,000 writes about 1 GiB")
    return Finding("disk", OK, str(folder), told)


def _file_limit() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = f"a process may have {soft} open files and connections"
    if soft < ENOUGH_FILES:
        return Finding("limits", WARNING, "open files", told, f"ulimit -n {ENOUGH_FILES * 2}")
    return Finding("limits", OK, "open files", told)
