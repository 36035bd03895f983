"""Windows, registrations and admission."""

from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import contains_eager

from examapp.accounts import access
from examapp.accounts.models import User
from examapp.db import db
from examapp.errors import N_, InvalidInput, NotAllowed, NotFound, Refused
from examapp.exams import extra_time
from examapp.exams.models import Administration, AdministrationForm, Exam, ExamForm, Registration

LONGEST_MINUTES = 600
# time zones and extra time must not lead out of what a date can say
YEARS = range(2000, 2100)


def schedule(
    actor: access.Actor, exam: Exam, part: str, exam_forms: list[ExamForm], *, opens_at: datetime, closes_at: datetime,
    minutes: int, attempts: int = 1, is_rehearsal: bool = False,
) -> Administration:  # fmt: skip
    """Schedule an offering of one part of an exam with the forms it hands out."""
    access.require(actor, "administration.schedule")
    problems = []
    if part not in exam.plan["parts"]:
        problems.append(("part", N_("The exam has no such part.")))
    if not all(each.year in YEARS for each in (opens_at, closes_at)):
        problems.append(("opens_at", N_("Give days of this century.")))
    elif closes_at <= opens_at:
        problems.append(("closes_at", N_("The window must end after it begins.")))
    if not 1 <= minutes <= LONGEST_MINUTES:
        problems.append(("minutes", N_("Give 1 to 600 minutes.")))
    if not exam_forms or any(each.exam_id != exam.id or each.part != part for each in exam_forms):
        problems.append(("forms", N_("Choose one or more forms of this part.")))
    if problems:
        raise InvalidInput("administration.invalid", N_("The administration was not scheduled."), problems)
    administration = Administration(
        exam=exam, part=part, opens_at=opens_at, closes_at=closes_at, minutes=minutes, attempts=attempts,
        is_rehearsal=is_rehearsal,
    )  # fmt: skip
    administration.forms = [AdministrationForm(number=n, exam_form=each) for n, each in enumerate(exam_forms, 1)]
    db.session.add(administration)
    db.session.flush()
    return administration


def register(
    actor: access.Actor, administration: Administration, trainee: User, *, seat: str = "", extra_minutes: int = 0,
    at: datetime,
) -> Registration:  # fmt: skip
    """Give a trainee a place in an administration, and the form whose turn it is."""
    center_id = actor.center_id or trainee.center_id
    access.require(actor, "registration.manage", center_id)
    if trainee.role != access.TRAINEE:
        raise InvalidInput("registration.trainee", N_("Only trainees can be registered."))
    extra_time.check(extra_minutes)
    taken = db.session.scalar(
        select(Registration.id).where(
            Registration.administration_id == administration.id, Registration.trainee_id == trainee.id
        )
    )
    if taken:
        raise Refused("registration.exists", N_("%(name)s is registered already."), name=trainee.name)
    registration = Registration(
        administration=administration, trainee=trainee, center_id=center_id, seat=seat.strip(),
        extra_minutes=0, exam_form_id=_next_form(administration), created_at=at,
    )  # fmt: skip
    db.session.add(registration)
    if extra_minutes:
        db.session.flush()
        extra_time.decide(actor, registration, extra_minutes, reason=extra_time.REGISTERED, at=at)
    return registration


def _next_form(administration: Administration) -> str:
    """Forms take turns over registrations, so neighbours hold different ones and each serves as many trainees."""
    count = db.session.scalar(
        select(func.count()).select_from(Registration).where(Registration.administration_id == administration.id)
    )
    return administration.forms[(count or 0) % len(administration.forms)].exam_form_id


def rehearsed() -> Select[str]:
    """Select the registrations whose sittings are rehearsals: they belong to no statistic."""
    return select(Registration.id).join(Administration).where(Administration.is_rehearsal)


def of_trainee(trainee_id: str) -> list[Registration]:
    """Return a trainee's registrations, the newest window first."""
    query = (
        select(Registration)
        .join(Administration)
        .where(Registration.trainee_id == trainee_id)
        .order_by(Administration.opens_at.desc(), Administration.part.desc())
        .options(contains_eager(Registration.administration).joinedload(Administration.exam))
    )
    return list(db.session.scalars(query))


def own_registration(actor: access.Actor, registration_id: str) -> Registration:
    """Return the actor's own registration; one of somebody else is as unknown as one that is not there."""
    registration = db.session.get(Registration, registration_id)
    if registration is None or registration.trainee_id != actor.id:
        raise NotFound("registration.unknown", N_("There is no such registration."))
    return registration


def admit(registration: Registration, *, at: datetime) -> None:
    """Refuse a start outside the window; extra time granted beforehand moves the window's end too."""
    administration = registration.administration
    if at < administration.opens_at:
        raise NotAllowed("sitting.not_open", N_("The exam is not open yet."), opens_at=administration.opens_at)
    if at >= administration.closes_at + timedelta(minutes=registration.extra_minutes):
        raise NotAllowed("sitting.window_over", N_("The window of this exam is over."))
