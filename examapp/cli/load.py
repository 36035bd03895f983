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
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import select

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.accounts.models import User
from examapp.accounts.people import NewPassword, add_trainee, new_password
from examapp.cli.demo_service import prepare_exam
from examapp.cli.doors import door
from examapp.config import Config
from examapp.db import db, transaction
from examapp.delivery import paper, preparation, tickets
from examapp.delivery.models import PreparedSitting
from examapp.delivery.tickets import PlaceTicket, PreparedPlace
from examapp.exams import administrations
from examapp.exams.models import Administration, ExamForm, Registration

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
@click.option("--signed-in", is_flag=True, help="Also write browser sessions, as signing in hours before leaves them.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The JSON file to write.")
@with_appcontext
@door
def seed(
    trainees: int, opens_in: int, minutes: int, window: int | None, part: str, signed_in: bool, out: Path
) -> None:  # fmt: skip
    """Make an administration of the demo's exam with new trainees, and write whom a load generator may sign in as.

    All of them share one password, which is new, and one hash of it: hashing each would take minutes. Never seed a
    service that real trainees use. Papers are published and sittings prepared. A window shorter than the time limit
    ends all sittings at one instant.

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
    _prepare(administration)
    if signed_in:
        _sign_in(administration, people)
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


def _prepare(administration: Administration) -> None:
    """Publish the papers and prepare the sittings, which the worker would do in time."""
    forms = [db.session.get_one(ExamForm, each.exam_form_id) for each in administration.forms]
    built = [(each, paper.build(each)) for each in forms]
    with transaction():
        for exam_form, content in built:
            paper.publish(exam_form, content)
    count = BATCH
    while count:
        with transaction():
            count = preparation.prepare(OPERATOR, administration, limit=BATCH)


def _sign_in(administration: Administration, people: list[dict[str, Any]]) -> None:
    """Add to each trainee the cookies and the CSRF token of a browser session."""
    query = (
        select(User, PreparedSitting)
        .join(Registration, Registration.trainee_id == User.id)
        .join(PreparedSitting, PreparedSitting.registration_id == Registration.id)
        .where(Registration.administration_id == administration.id)
    )
    found = {place.registration_id: (user, place) for user, place in db.session.execute(query)}
    for person in people:
        person.update(_session(*found[person["registration"]]))


def _session(user: User, prepared: PreparedSitting) -> dict[str, Any]:
    secret, token = current_app.config["EXAMAPP"].secret_key, secrets.token_hex(20)
    place = PreparedPlace(prepared.registration_id, prepared.sitting_id, prepared.exam_form_id, prepared.epoch)
    expires = int((clock.now() + timedelta(days=2)).timestamp())
    sessions = SecureCookieSessionInterface().get_signing_serializer(current_app)
    content = {"_user_id": user.session_id, "_fresh": True, "csrf_token": token}
    return {
        "csrf_token": tickets.csrf_token(token, secret),
        "cookies": {
            "session": sessions.dumps(content) if sessions else "",
            "places": tickets.sign_places(PlaceTicket((place,), tickets.csrf_digest(token), expires), secret),
        },
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
