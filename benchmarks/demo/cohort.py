"""Simulated trainees with known abilities who sit both parts through the service's verbs."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from sqlalchemy import select

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.accounts.models import User
from examapp.accounts.sign_in import hash_password
from examapp.banks.item_types import ITEM_TYPES
from examapp.banks.parameters import items_on_scale
from examapp.cli.demo_service import PASSWORD, Prepared
from examapp.db import db, transaction
from examapp.delivery import paper, sittings
from examapp.delivery.committer import Committer
from examapp.delivery.tickets import Ticket
from examapp.exams import administrations
from examapp.exams.exam_forms import plan_of
from examapp.exams.models import ExamForm, Registration
from examapp.psychometrics.simulation import simulate_responses
from examapp.scoring import results

CORRELATION = 0.8
THREADS = 16


@dataclass
class Cohort:
    """The trainees, their true abilities by part, and where they are registered."""

    size: int
    abilities: dict[str, np.ndarray]
    administrations: dict[str, str]
    registrations: dict[str, list[str]]
    scale: str
    saves: int = 0
    records: int = 0
    certificates: int = 0
    sittings: dict[str, list[int]] = field(default_factory=dict)

    def decisions(self, part: str, cut: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return who truly passes, who was passed, and the stated probability of each decision."""
        found = [results.released(sitting_id) for sitting_id in self.sittings[part]]
        decided = np.array([bool(result.is_passed) for result in found])
        return self.abilities[part] >= cut, decided, np.array([float(result.probability) for result in found])

    def recovery(self, part: str) -> tuple[float, float, float]:
        """Return bias and RMSE of the ability estimates, and the mean standard error stated for them."""
        found = [results.released(sitting_id) for sitting_id in self.sittings[part]]
        errors = np.array([float(result.theta) for result in found]) - self.abilities[part]
        stated = np.mean([float(result.standard_error) for result in found])
        return float(errors.mean()), float(np.sqrt((errors**2).mean())), float(stated)


def enrol(prepared: Prepared, trainees: int, rng: np.random.Generator) -> Cohort:
    """Make trainees with correlated abilities in both parts and register them for administrations that are open."""
    common, *own = rng.standard_normal((3, trainees))
    abilities = {
        part: np.sqrt(CORRELATION) * common + np.sqrt(1 - CORRELATION) * extra
        for part, extra in zip(prepared.forms, own, strict=True)
    }
    people = _people(trainees)
    registrations, scheduled = {}, {}
    for part, forms in prepared.forms.items():
        at = clock.now()
        administration = administrations.schedule(
            OPERATOR, prepared.exam, part, forms, opens_at=at - timedelta(minutes=1), closes_at=at + timedelta(hours=4),
            minutes=plan_of(prepared.exam).parts[part].minutes,  # type: ignore[index]
        )  # fmt: skip
        scheduled[part] = administration.id
        registrations[part] = [
            administrations.register(OPERATOR, administration, person, seat=f"{number:03}", at=at)
            for number, person in enumerate(people, start=1)
        ]
    db.session.flush()
    ids = {part: [each.id for each in rows] for part, rows in registrations.items()}
    return Cohort(trainees, abilities, scheduled, ids, plan_of(prepared.exam).scale)


def _people(count: int) -> list[User]:
    # one slow password hash for all: nobody signs in here
    password_hash, at = hash_password(PASSWORD), clock.now()
    people = [
        User(username=f"trainee-{number:04}", name=f"考生{number:04}", role="trainee", password_hash=password_hash,
             created_at=at)
        for number in range(1, count + 1)
    ]  # fmt: skip
    db.session.add_all(people)
    db.session.flush()
    return people


def sit(cohort: Cohort, committer: Committer, rng: np.random.Generator) -> None:
    """Let everybody start, answer every item, and hand in; each response waits for its durable acknowledgement."""
    for part, ids in cohort.registrations.items():
        begun = _start(ids)
        cohort.sittings[part] = [ticket.sitting_id for ticket in begun]
        categories = _categories(cohort, part, begun, rng)
        with ThreadPoolExecutor(THREADS) as pool:
            counts = pool.map(lambda pair: _answer(committer, *pair), zip(begun, categories, strict=True))
            cohort.saves += sum(counts)


def _start(registration_ids: list[str]) -> list[Ticket]:
    tickets = []
    with transaction():
        for registration_id in registration_ids:
            registration = db.session.get_one(Registration, registration_id)
            sitting, _ = sittings.start(registration.trainee, registration, at=clock.now())
            tickets.append(Ticket(sitting.id, sitting.exam_form_id, sitting.epoch, "", 0))
    for exam_form_id in {ticket.exam_form_id for ticket in tickets}:
        paper.seats(exam_form_id)
    return tickets


def _categories(cohort: Cohort, part: str, begun: list[Ticket], rng: np.random.Generator) -> list[dict[int, object]]:
    """Return for each trainee the response to each slot, drawn from the item parameters at the true ability."""
    forms = {form.id: form for form in db.session.scalars(select(ExamForm).where(ExamForm.part == part))}
    drawn: list[dict[int, object]] = []
    for ticket, theta in zip(begun, cohort.abilities[part], strict=True):
        slots = forms[ticket.exam_form_id].slots
        items = items_on_scale([slot.item_version_id for slot in slots], cohort.scale)
        (categories,) = simulate_responses(rng, np.array([theta]), items)
        seats = paper.seats(ticket.exam_form_id)
        drawn.append(
            {slot.number: _response(seats[slot.number], paper.variant_of(slot), int(category))
             for slot, category in zip(slots, categories, strict=True)}
        )  # fmt: skip
    return drawn


def _response(seat: paper.Seat, variant: paper.Variant, category: int) -> object:
    return ITEM_TYPES[seat.content.type].response_for(seat.content, variant, category)


def _answer(committer: Committer, ticket: Ticket, responses: dict[int, object]) -> int:
    for slot, value in responses.items():
        sittings.respond(committer, ticket, slot, 1, value, None, at=clock.now())
    sittings.hand_in(committer, ticket, at=clock.now())
    return len(responses)
