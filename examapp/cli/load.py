"""Commands for load tests: an administration of the demo's exam with many trainees."""

import json
import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.accounts.people import NewPassword, add_trainee, new_password
from examapp.cli.demo_service import prepare_exam
from examapp.cli.doors import door
from examapp.config import Config
from examapp.db import db, transaction
from examapp.exams import administrations
from examapp.exams.models import Administration

# one transaction for so many trainees, so that saves of other sittings are not held up for long
BATCH = 250


@click.group()
def load() -> None:
    """Load tests."""


@load.command("seed")
@click.option("--trainees", type=click.IntRange(1, 100_000), required=True, help="How many trainees to register.")
@click.option("--opens-in", type=click.IntRange(0), required=True, help="Seconds until the window opens.")
@click.option("--minutes", type=click.IntRange(1, administrations.LONGEST_MINUTES), required=True, help="Time limit.")
@click.option(
    "--window", type=click.IntRange(1), help="Seconds until the window closes; twice the time limit if not given."
)
@click.option("--part", type=click.Choice(["theory", "practical"]), default="theory", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The JSON file to write.")
@with_appcontext
@door
def seed(trainees: int, opens_in: int, minutes: int, window: int | None, part: str, out: Path) -> None:
    """Make an administration of the demo's exam with new trainees, and write whom a load generator may sign in as.

    All of them share one password, which is new, and one hash of it: hashing each would take minutes. Never seed a
    service that real trainees use. A window shorter than the time limit ends all sittings at one instant.

    \b
    Example: examapp load seed --trainees 500 --opens-in 60 --minutes 20 --out seed.json
    """
    config: Config = current_app.config["EXAMAPP"]
    prepared = prepare_exam(config.bank_folder, at=clock.now())
    password = new_password()
    with transaction():
        opens_at = clock.now() + timedelta(seconds=opens_in)
        closes_at = opens_at + timedelta(seconds=window or 120 * minutes)
        administration = administrations.schedule(
            OPERATOR, prepared.exam, part, prepared.forms[part], opens_at=opens_at, closes_at=closes_at, minutes=minutes
        )
    people = _register(administration, trainees, password)
    _write(out, {
        "target": config.public_url, "exam": prepared.exam.code, "part": part, "administration": administration.id,
        "opens_at": administration.opens_at.isoformat(), "trainees": people,
    })  # fmt: skip
    click.echo(f"{len(people)} trainees with one shared password: {out}", err=True)


def _register(administration: Administration, trainees: int, password: NewPassword) -> list[dict[str, Any]]:
    """Add and register trainees in batches; return what a load generator needs of each."""
    run, people = secrets.token_hex(3), []
    with click.progressbar(range(0, trainees, BATCH), label="Registering", hidden=not os.isatty(2)) as batches:
        for first in batches:
            with transaction():
                for number in range(first + 1, min(first + BATCH, trainees) + 1):
                    people.append(_add(administration, f"load-{run}-{number:05}", password))
            db.session.expunge_all()
            administration = db.session.get_one(Administration, administration.id)
    return people


def _add(administration: Administration, username: str, password: NewPassword) -> dict[str, Any]:
    at = clock.now()
    trainee = add_trainee(OPERATOR, username=username, name=username, password=password, center_id=None, at=at)
    db.session.flush()
    registration = administrations.register(OPERATOR, administration, trainee, at=at)
    db.session.flush()
    return {"username": username, "password": password.text, "registration": registration.id}


def _write(path: Path, content: dict[str, Any]) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
