"""What trainees see of a form: bytes built once from each item type's allow-list, the same for everybody.

The paper knows nothing of a key: built from content in which the keys were permuted it would have the same bytes. So
it does not name its form by digest either, which covers the keys.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from examapp.banks.content import ItemContent, StimulusContent, Variant
from examapp.banks.figures import present_stimulus
from examapp.banks.item_types import ITEM_TYPES
from examapp.canonical import canonical_bytes, digest_of_bytes, loads
from examapp.db import db, seal_of
from examapp.delivery.models import Paper
from examapp.delivery.once import once
from examapp.delivery.routing import Place
from examapp.errors import N_, InvalidInput, NotFound
from examapp.exams.models import ExamForm, FormSlot

SCHEMA = 1
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True)
class Seat:
    """A slot of a published form, with what is needed to read a response to it."""

    place: Place
    content: ItemContent


def build(exam_form: ExamForm) -> bytes:
    """Return the paper of a form: canonical JSON in both languages."""
    exam = exam_form.exam
    paper = {
        "schema": SCHEMA,
        "part": exam_form.part,
        "title": {"zh": exam.title_zh, "en": exam.title_en},
        "slots": [_present(slot) for slot in exam_form.slots],
        "stimuli": _present_stimuli(exam_form.slots),
    }
    return canonical_bytes(paper)


def variant_of(slot: FormSlot) -> Variant:
    """Return the numbers and option order that a form fixed for a slot."""
    return Variant(values=slot.variant, option_order=tuple(slot.option_order))


def _present(slot: FormSlot) -> dict[str, Any]:
    content = ItemContent.from_json(slot.item_version.content)
    shown = ITEM_TYPES[content.type].present(content, variant_of(slot))
    place = {"slot": slot.number, "item_type": content.type, "points": slot.points, "stimulus": content.stimulus}
    return {**shown, **place}


def _present_stimuli(slots: Sequence[FormSlot]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for slot in slots:
        if slot.stimulus_version is not None:
            content = StimulusContent.from_json(slot.stimulus_version.content)
            shown.setdefault(content.id, present_stimulus(content, slot.variant))
    return shown


def is_published(exam_form_id: str) -> bool:
    """Say whether a form has its paper: building one takes longer than anybody should hold up those who save."""
    return db.session.scalar(select(Paper.exam_form_id).where(Paper.exam_form_id == exam_form_id)) is not None


def publish(exam_form: ExamForm, content: bytes = b"") -> Paper:
    """Return the stored paper of a form, the first time from `content`, which is built if it is not given."""
    paper = db.session.get(Paper, exam_form.id)
    if paper is None:
        content = content or build(exam_form)
        row = {"exam_form_id": exam_form.id, "digest": digest_of_bytes(content), "content": content}
        # another process may publish the same at the same time
        insert = _INSERT[db.engine.dialect.name](Paper).on_conflict_do_nothing()
        db.session.flush()
        db.session.execute(insert, [{**row, "seal": seal_of(row)}])
        paper = db.session.get_one(Paper, exam_form.id)
    return paper


def of_form(exam_form_id: str) -> Paper:
    """Return the paper of a form that was published."""
    paper = db.session.get(Paper, exam_form_id)
    if paper is None:
        raise NotFound("paper.unknown", N_("This form has no paper yet."))
    return paper


# a published form never changes, so what is read from it once holds for as long as the process lives
@once(64)
def seats(exam_form_id: str) -> dict[int, Seat]:
    """Return the slots of a form by number."""
    exam_form = db.session.get(ExamForm, exam_form_id)
    if exam_form is None:
        raise NotFound("form.unknown", N_("There is no such form."))
    shown = {each["slot"]: each for each in loads(of_form(exam_form_id).content)["slots"]}
    return {slot.number: _seat(slot, shown[slot.number]) for slot in exam_form.slots}


def _seat(slot: FormSlot, shown: dict[str, Any]) -> Seat:
    options = tuple(option["id"] for option in shown.get("options", ()))
    content = ItemContent.from_json(slot.item_version.content)
    return Seat(Place(slot.number, content.type, content.stimulus, options), content)


# what gives the slots of a form
Seats = Callable[[str], Mapping[int, Seat]]


def read_response(exam_form_id: str, slot: int, value: Any, seats: Seats = seats) -> Any:
    """Return `value` as it will be stored, or refuse what the item at `slot` cannot take."""
    seat = seats(exam_form_id).get(slot)
    if seat is None:
        raise InvalidInput("response.slot", N_("This form has no item %(slot)s."), slot=slot)
    return None if value is None else ITEM_TYPES[seat.content.type].read_response(seat.content, value)
