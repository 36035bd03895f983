"""Rosters: a pasted table of trainees becomes registrations, all of it or nothing.

A line is user name, name, seat, extra minutes, split by tabs (as spreadsheets copy it) or commas; what follows the user
name may be left out. A trainee without an account gets one of the actor's center, with a password that was made
beforehand. Whatever is wrong is named with its line.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from examapp.accounts import access
from examapp.accounts.models import User
from examapp.accounts.people import UNSEEN_CHARACTERS, NewPassword, add_trainee, has_unseen, new_password
from examapp.accounts.sign_in import fold_username
from examapp.db import db
from examapp.errors import N_, InvalidInput
from examapp.exams.administrations import register
from examapp.exams.extra_time import LONGEST_EXTRA
from examapp.exams.models import Administration, Registration

HEADINGS = frozenset({"username", "user name", "user", "用户名", "账号"})
LONGEST_ROSTER = 2000
LONGEST_SEAT = 20
LONGEST_LINE = 2000

Problems = list[tuple[str, str]]


@dataclass(frozen=True)
class Row:
    """One trainee of a roster: the line it stands on, the folded user name, and what to register."""

    line: int
    username: str
    name: str = ""
    seat: str = ""
    extra_minutes: int = 0


@dataclass(frozen=True)
class Enrolled:
    """A new registration; `password` is the text of the password made for a trainee who had no account."""

    registration: Registration
    password: str | None


@dataclass(frozen=True)
class Roster:
    """What a table says, and what is wrong with it: pairs of a line (or "table") and a message."""

    rows: list[Row]
    problems: Problems


def read(text: str) -> Roster:
    """Return the rows of a pasted table, wrong ones included, so that all problems can be named at once."""
    delimiter = "\t" if "\t" in text else ","
    lines = text.replace("，", ",").splitlines() if delimiter == "," else text.splitlines()
    rows, problems = [], []
    for number, line in enumerate(lines, start=1):
        # cells are short, so a longer line is wrong in any case, and beyond what the reader takes
        cells = [cell.strip() for cell in next(csv.reader([line[:LONGEST_LINE]], delimiter=delimiter), [])]
        if not any(cells) or (number == 1 and cells[0].casefold() in HEADINGS):
            continue
        username, name, seat, extra = (cells + [""] * 4)[:4]
        found = _problems_of(cells)
        problems += [(str(number), message) for message in found]
        rows.append(Row(number, fold_username(username), name, seat, 0 if found else int(extra or 0)))
    if not 1 <= len(rows) <= LONGEST_ROSTER:
        return Roster([], [("table", N_("Paste 1 to 2000 trainees."))])
    return Roster(rows, problems + _repeated(rows))


def _problems_of(cells: Sequence[str]) -> list[str]:
    found = []
    if len(cells) > 4:
        found.append(N_("There are more than four columns; keep user name, name, seat, extra minutes."))
    username, name, seat, extra = ([*cells] + [""] * 4)[:4]
    if not 1 <= len(fold_username(username)) <= 80:
        found.append(N_("Give a user name of 1 to 80 characters."))
    if len(name) > 200:
        found.append(N_("The name is longer than 200 characters."))
    if len(seat) > LONGEST_SEAT:
        found.append(N_("The seat is longer than 20 characters."))
    if has_unseen(username + name + seat):
        found.append(UNSEEN_CHARACTERS)
    if extra and not (extra.isascii() and extra.isdigit() and len(extra) <= 9 and int(extra) <= LONGEST_EXTRA):
        found.append(N_("The extra minutes must be a whole number from 0 to 240."))
    return found


def _repeated(rows: Iterable[Row]) -> Problems:
    problems, usernames, seats = [], set(), set()
    for row in rows:
        if row.username and row.username in usernames:
            problems.append((str(row.line), N_("This user name stands on an earlier line too.")))
        if row.seat and row.seat in seats:
            problems.append((str(row.line), N_("This seat stands on an earlier line too.")))
        usernames.add(row.username)
        seats.add(row.seat)
    return problems


def check(actor: access.Actor, administration: Administration, roster: Roster) -> None:
    """Refuse a roster with the line of everything that keeps it from being imported."""
    access.require(actor, "registration.manage", actor.center_id)
    known = _known([row.username for row in roster.rows])
    _refuse(roster.problems + _conflicts(actor, administration, [row for row in roster.rows if row.username], known))


def new_passwords(rows: Iterable[Row]) -> dict[str, NewPassword]:
    """Make a password for each row without an account, by user name; slow, so called before the transaction."""
    wanted = [row.username for row in rows]
    known = _known(wanted)
    return {username: new_password() for username in wanted if username not in known}


def enrol(
    actor: access.Actor, administration: Administration, rows: Sequence[Row], passwords: Mapping[str, NewPassword], *,
    at: datetime,
) -> list[Enrolled]:  # fmt: skip
    """Register every row, or refuse the whole roster with the line of each one that cannot be."""
    access.require(actor, "registration.manage", actor.center_id)
    known = _known([row.username for row in rows])
    _refuse(_conflicts(actor, administration, rows, known))
    return [_enrol(actor, administration, row, known.get(row.username), passwords, at) for row in rows]


def _enrol(
    actor: access.Actor, administration: Administration, row: Row, trainee: User | None,
    passwords: Mapping[str, NewPassword], at: datetime,
) -> Enrolled:  # fmt: skip
    password = None
    if trainee is None:
        password = passwords.get(row.username) or new_password()
        trainee = add_trainee(
            actor, username=row.username, name=row.name, password=password, center_id=actor.center_id, at=at
        )
    registration = register(actor, administration, trainee, seat=row.seat, extra_minutes=row.extra_minutes, at=at)
    return Enrolled(registration, password.text if password else None)


def _conflicts(
    actor: access.Actor, administration: Administration, rows: Sequence[Row], known: Mapping[str, User]
) -> Problems:
    """Return what keeps rows from being registered: whose account it is, its name, a place or seat that is taken."""
    taken = select(Registration.trainee_id, Registration.seat, Registration.center_id).where(
        Registration.administration_id == administration.id
    )
    places = db.session.execute(taken).all()
    registered = {place.trainee_id for place in places}
    seats = {place.seat for place in places if place.seat and place.center_id == actor.center_id}
    problems = []
    for row in rows:
        message = _account_problem(actor, row, known.get(row.username), registered)
        if message:
            problems.append((str(row.line), message))
        if row.seat in seats:
            problems.append((str(row.line), N_("This seat is taken in this administration.")))
    return problems


def _account_problem(actor: access.Actor, row: Row, trainee: User | None, registered: set[str]) -> str | None:
    if trainee is None:
        return None if row.name else N_("There is no trainee with this user name; give the name to add one.")
    is_own = actor.center_id is None or trainee.center_id in (None, actor.center_id)
    if trainee.role != access.TRAINEE or not is_own:
        return N_("This user name belongs to somebody who is not a trainee of this center.")
    if trainee.id in registered:
        return N_("This trainee is registered already.")
    if row.name and row.name != trainee.name:
        return N_("This user name belongs to a trainee with another name.")
    return None


def _known(usernames: Sequence[str]) -> dict[str, User]:
    users = db.session.scalars(select(User).where(User.username.in_(usernames)))
    return {user.username: user for user in users}


def _refuse(problems: Problems) -> None:
    if problems:
        ordered = sorted(problems, key=lambda problem: int(problem[0]) if problem[0].isdigit() else 0)
        raise InvalidInput("roster.invalid", N_("Nothing was imported; correct these lines."), ordered)
