"""Commands about rosters: a file of trainees becomes accounts and registrations."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

import click
from flask.cli import with_appcontext

from examapp import clock
from examapp.accounts.access import OPERATOR, Operator
from examapp.accounts.people import center_by_code
from examapp.cli.doors import door
from examapp.db import transaction
from examapp.errors import N_, InvalidInput, Refused
from examapp.exams import rosters as roster_verbs
from examapp.exams.rosters import Enrolled
from examapp.scoring import overview

COLUMNS = ("username", "name", "seat", "password")


@click.group()
def rosters() -> None:
    """Rosters: many trainees at once."""


@rosters.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--administration", "administration_id", required=True, help="The id of the administration.")
@click.option("--center", help="The code of the center to which registrations and new accounts belong.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A new file for the passwords.")
@with_appcontext
@door
def import_roster(file: Path, administration_id: str, center: str | None, out: Path | None) -> None:
    """Register the trainees of FILE (CSV, UTF-8), all of them or none; whoever has no account gets one.

    A line is user name, name, seat, extra minutes; headings, and what follows the user name, may be left out. The new
    accounts are printed with their passwords, this once.

    \b
    Example: examapp rosters import hall.csv --administration 0f3a5c… --center beijing-01 --out passwords.csv
    """
    roster = roster_verbs.read(_text(file))
    actor = Operator(center_id=center_by_code(center).id) if center else OPERATOR
    administration = overview.administration(administration_id)
    roster_verbs.check(actor, administration, roster)
    passwords = roster_verbs.new_passwords(roster.rows)
    with transaction():
        enrolled = roster_verbs.enrol(actor, administration, roster.rows, passwords, at=clock.now())
        accounts = _as_csv(enrolled)
        if out:
            # before the commit: nobody is registered whose password was lost
            _write_secret(out, accounts)
    if not out:
        click.echo(accounts, nl=False)
    new = sum(each.password is not None for each in enrolled)
    click.echo(f"{len(enrolled)} registered, {new} of them with a new account.", err=True)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        message = N_("%(path)s is not UTF-8 text; save the table as “CSV UTF-8”.")
        raise InvalidInput("roster.encoding", message, path=str(file)) from error


def _as_csv(enrolled: Sequence[Enrolled]) -> str:
    """Return the accounts that were made, with the text of their passwords."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in enrolled:
        if each.password is not None:
            trainee = each.registration.trainee
            writer.writerow([trainee.username, trainee.name, each.registration.seat, each.password])
    return table.getvalue()


def _write_secret(path: Path, text: str) -> None:
    """Write a new file that only its owner reads."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        message = N_("%(path)s exists already; name a new file for the passwords.")
        raise Refused("roster.out", message, path=str(path)) from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
