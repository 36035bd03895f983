"""A service to try out: bank, exam, forms, one account per role, and an administration that is open now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click
from sqlalchemy import select

from examapp.accounts import people
from examapp.accounts.access import OPERATOR
from examapp.accounts.models import Center, User
from examapp.banks.authoring import import_bank
from examapp.banks.bank_files import BankFiles, read_bank
from examapp.db import db, transaction
from examapp.delivery import sittings
from examapp.delivery.state import OPEN
from examapp.errors import Refused
from examapp.exams import administrations, exam_forms, form_assembly
from examapp.exams.models import Administration, Exam, ExamForm, Registration
from examapp.exams.plan_files import read_plan

BANK = "ic-materials"
SEED = 2026
# known to everybody who reads this: the demo's accounts must never be made on a real service
PASSWORD = "materials-2026"  # noqa: S105
PROVISIONAL_CUT = -0.6
ACCOUNTS = (("trainee", "li.ming", "李明"), ("examiner", "wang.fang", "王芳"), ("center", "zhao.lei", "赵磊"))


@dataclass(frozen=True)
class Prepared:
    """The exam of the demo with the forms of its parts."""

    exam: Exam
    forms: dict[str, list[ExamForm]]


def prepare_exam(bank_folder: Path, *, at: datetime) -> Prepared:
    """Import bank and exam, assemble two forms a part, decide the provisional cut; what is there already stays."""
    folder = bank_folder / BANK
    plan, bank_files = read_plan(folder), read_bank(folder)
    _import(bank_files, at)
    with transaction():
        exam = exam_forms.import_plan(OPERATOR, plan)
    for part in plan.parts:
        if not exam_forms.forms_of(exam, part):
            _assemble(exam, part, at)
    return Prepared(exam, {part: exam_forms.forms_of(exam, part) for part in plan.parts})


def _import(bank_files: BankFiles, at: datetime) -> None:
    """Take in what is new; a bank with a file that changed without its version stays as it is stored."""
    try:
        with transaction():
            import_bank(OPERATOR, bank_files, at=at)
    except Refused as error:
        if error.code != "bank.version_changed":
            raise
        click.echo(f"The bank stays as it is stored. {error}", err=True)


def _assemble(exam: Exam, part: str, at: datetime) -> None:
    chosen = form_assembly.choose_forms(OPERATOR, exam, part, ["A", "B"], seed=SEED)
    with transaction():
        form_assembly.store_forms(OPERATOR, exam, chosen, at=at)
        exam_forms.decide_cut(OPERATOR, exam, part, PROVISIONAL_CUT, "expert shares (modified Angoff)", at=at)


def prepare_people(*, at: datetime) -> dict[str, User]:
    """Return one account per role at one center, made the first time."""
    center = db.session.scalar(select(Center).where(Center.code == "demo"))
    if center is None:
        center = people.add_center(OPERATOR, "demo", "演示考点", "Demo center")
        db.session.flush()
    known = {user.username: user for user in db.session.scalars(select(User))}
    return {
        role: known.get(username)
        or people.add_user(OPERATOR, username=username, name=name, role=role, password=PASSWORD, center=center, at=at)
        for role, username, name in ACCOUNTS
    }


def prepare_administrations(prepared: Prepared, trainee: User, *, at: datetime) -> None:
    """Open each part for the trainee for the next eight hours, unless one is open that can still be sat."""
    for part, forms in prepared.forms.items():
        if not any(_can_be_sat(each, at) for each in _open_for_long(trainee, part, at)):
            minutes = exam_forms.plan_of(prepared.exam).parts[part].minutes  # type: ignore[index]
            administration = administrations.schedule(
                OPERATOR,
                prepared.exam,
                part,
                forms,
                opens_at=at - timedelta(minutes=5),
                closes_at=at + timedelta(hours=8),
                minutes=minutes,
            )
            administrations.register(OPERATOR, administration, trainee, seat="A01", at=at)


def _open_for_long(trainee: User, part: str, at: datetime) -> Iterable[Registration]:
    query = select(Registration).join(Administration).where(Registration.trainee_id == trainee.id)
    in_time = Administration.closes_at > at + timedelta(hours=2)
    return db.session.scalars(query.where(Administration.part == part, in_time))


def _can_be_sat(registration: Registration, at: datetime) -> bool:
    sitting = sittings.newest(registration.id)
    return sitting is None or (sitting.status == OPEN and sitting.ends_at > at)
