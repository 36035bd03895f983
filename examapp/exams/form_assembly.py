"""Forms built from a blueprint and a bank by an integer program, with numbers and option orders drawn once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import select

from examapp.accounts import access
from examapp.banks.content import ItemContent, StimulusContent, Variant
from examapp.banks.models import Item, ItemBank, ItemVersion, Stimulus, StimulusVersion
from examapp.banks.parameters import THETA_C, items_on_scale
from examapp.banks.variants import draw_testlet, draw_variant
from examapp.db import db
from examapp.errors import N_, Refused
from examapp.exams.blueprint import ExamBlueprint, Unit, constraints
from examapp.exams.exam_forms import digest_of, forms_of, plan_of
from examapp.exams.models import Exam, ExamForm, FormSlot
from examapp.psychometrics.assembly import assemble
from examapp.psychometrics.irt import information

TYPE_ORDER = ("single_choice", "true_false", "multiple_choice", "numeric", "ordering", "matching", "fault_finding")


@dataclass(frozen=True)
class Candidate:
    """An item version that may be chosen, with what it says."""

    version: ItemVersion
    content: ItemContent


@dataclass(frozen=True)
class Task:
    """What is chosen as a whole: a single item, or a stimulus with all its items."""

    unit: Unit
    candidates: tuple[Candidate, ...]
    stimulus: StimulusVersion | None


@dataclass(frozen=True)
class ChosenSlot:
    """One place of a form that is not stored yet, with the numbers and the option order drawn for it."""

    item_version_id: str
    stimulus_version_id: str | None
    points: str
    variant: Variant


@dataclass(frozen=True)
class ChosenForm:
    """A form that is chosen and drawn, and not stored yet."""

    part: str
    code: str
    slots: tuple[ChosenSlot, ...]


def choose_forms(actor: access.Actor, exam: Exam, part: str, codes: Sequence[str], *, seed: int) -> list[ChosenForm]:
    """Choose one form per code that meets the blueprint, overlapping no more than it allows, equal at the cut.

    Every draw follows from `seed`. A blueprint that the bank cannot meet is refused with the constraints that clash.
    Nothing is written: the program takes seconds, so it is solved before the transaction that stores what it chose.
    """
    access.require(actor, "form.assemble")
    plan = plan_of(exam)
    blueprint = plan.parts[part]  # type: ignore[index]
    _refuse_known(exam, part, codes)
    tasks = _tasks(plan.bank, blueprint)
    chosen = _choose(tasks, blueprint, plan.scale, len(codes), seed)
    return [
        ChosenForm(part, code, _drawn(_in_order(tasks, row), blueprint, np.random.default_rng([seed, index])))
        for index, (code, row) in enumerate(zip(codes, chosen, strict=True))
    ]


def store_forms(actor: access.Actor, exam: Exam, chosen: Sequence[ChosenForm], *, at: datetime) -> list[ExamForm]:
    """Store forms that were chosen beforehand; a code that was taken meanwhile is refused."""
    access.require(actor, "form.assemble")
    for part in {each.part for each in chosen}:
        _refuse_known(exam, part, [each.code for each in chosen if each.part == part])
    return [_store(exam, each, at) for each in chosen]


def _refuse_known(exam: Exam, part: str, codes: Sequence[str]) -> None:
    known = {each.code for each in forms_of(exam, part)} & set(codes)
    if known:
        raise Refused("form.exists", N_("There is a form %(code)s already."), code=", ".join(sorted(known)))


def _tasks(bank_code: str, blueprint: ExamBlueprint) -> list[Task]:
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in _candidates(bank_code):
        if candidate.content.area in blueprint.areas:
            groups[candidate.content.stimulus or f"item {candidate.content.id}"].append(candidate)
    stimuli = _stimuli(bank_code)
    return [
        Task(_unit(name, members, blueprint), tuple(members), stimuli.get(name))
        for name, members in sorted(groups.items())
    ]


def _candidates(bank_code: str) -> list[Candidate]:
    """Return the newest version of every item that is not retired."""
    query = (
        select(ItemVersion)
        .join(Item)
        .join(ItemBank)
        .where(ItemBank.code == bank_code, Item.is_retired.is_(False))
        .order_by(Item.code, ItemVersion.version)
    )
    newest = {version.item_id: version for version in db.session.scalars(query)}
    return [Candidate(version, ItemContent.from_json(version.content)) for version in newest.values()]


def _stimuli(bank_code: str) -> dict[str, StimulusVersion]:
    query = (
        select(StimulusVersion)
        .join(Stimulus)
        .join(ItemBank, Stimulus.bank_id == ItemBank.id)
        .where(ItemBank.code == bank_code)
        .order_by(StimulusVersion.version)
    )
    return {version.stimulus.code: version for version in db.session.scalars(query)}


def _unit(name: str, members: Sequence[Candidate], blueprint: ExamBlueprint) -> Unit:
    contents = [member.content for member in members]
    return Unit(
        name=name.removeprefix("item "),
        areas=tuple(content.area for content in contents),
        item_types=tuple(content.type for content in contents),
        cognitive=tuple(content.cognitive for content in contents),
        points=tuple(_points(content, blueprint) for content in contents),
        expected_shares=tuple(float(content.expected_share) for content in contents),
    )


def _points(content: ItemContent, blueprint: ExamBlueprint) -> float:
    if blueprint.is_of_tasks:
        return float(content.points or 0)
    wanted = blueprint.item_types.get(content.type)
    return wanted.points if wanted else 0.0


def _choose(tasks: Sequence[Task], blueprint: ExamBlueprint, scale: str, forms: int, seed: int) -> np.ndarray:
    """Return which tasks each form takes, (forms, tasks); refuse with the names of what clashes."""
    at_cut = np.array([_information(task, scale) for task in tasks])
    rules = constraints(blueprint, [task.unit for task in tasks])
    size = len(blueprint.areas) if blueprint.is_of_tasks else sum(t.count for t in blueprint.item_types.values())
    overlap = int(blueprint.max_overlap_share * size)
    outcome = assemble(
        at_cut[:, None],
        np.array([size * at_cut.mean()]),
        rules,
        forms=forms,
        max_overlap=overlap if forms > 1 else None,
        rng=np.random.default_rng(seed),
    )
    if not outcome.is_feasible:
        message = N_("No form can meet the blueprint: these clash: %(conflicts)s")
        raise Refused("form.infeasible", message, conflicts="; ".join(outcome.conflicts))
    return np.asarray(outcome.selected)


def _information(task: Task, scale: str) -> float:
    items = items_on_scale([candidate.version.id for candidate in task.candidates], scale)
    return float(information(items, np.array([THETA_C])).sum())


def _in_order(tasks: Sequence[Task], chosen: np.ndarray) -> list[Task]:
    """Return the chosen tasks in the order of the paper: by item type, then area; tasks in the blueprint's order."""
    own = [task for task, is_in in zip(tasks, chosen, strict=True) if is_in]
    return sorted(own, key=lambda task: (TYPE_ORDER.index(task.unit.item_types[0]) if task.stimulus is None else 0,
                                         task.unit.areas[0], task.unit.name))  # fmt: skip


def _drawn(tasks: Sequence[Task], blueprint: ExamBlueprint, rng: np.random.Generator) -> tuple[ChosenSlot, ...]:
    slots = []
    for task in tasks:
        variants = _draw(task, rng)
        for candidate in task.candidates:
            points = f"{_points(candidate.content, blueprint):g}"
            stimulus_id = task.stimulus.id if task.stimulus else None
            slots.append(ChosenSlot(candidate.version.id, stimulus_id, points, variants[candidate.content.id]))
    return tuple(slots)


def _draw(task: Task, rng: np.random.Generator) -> dict[str, Variant]:
    contents = [candidate.content for candidate in task.candidates]
    if task.stimulus is None:
        return {content.id: draw_variant(content, rng) for content in contents}
    return draw_testlet(StimulusContent.from_json(task.stimulus.content), contents, rng)[1]


def _store(exam: Exam, chosen: ChosenForm, at: datetime) -> ExamForm:
    exam_form = ExamForm(exam=exam, part=chosen.part, code=chosen.code, digest="", created_at=at)
    versions = _by_id(ItemVersion, {slot.item_version_id for slot in chosen.slots})
    stimuli = _by_id(StimulusVersion, {slot.stimulus_version_id for slot in chosen.slots})
    for number, slot in enumerate(chosen.slots, start=1):
        exam_form.slots.append(
            FormSlot(
                number=number,
                item_version=versions[slot.item_version_id],
                stimulus_version=stimuli.get(slot.stimulus_version_id),
                points=slot.points,
                variant=dict(slot.variant.values),
                option_order=list(slot.variant.option_order),
            )
        )
    exam_form.digest = digest_of(exam_form)
    db.session.add(exam_form)
    return exam_form


def _by_id(table: Any, ids: Iterable[str | None]) -> dict[str | None, Any]:
    return {row.id: row for row in db.session.scalars(select(table).where(table.id.in_(ids)))}
