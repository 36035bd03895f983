"""Machine marks: each response of a closed sitting, marked once by its item type."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from examapp.accounts import access
from examapp.banks.content import ItemContent
from examapp.banks.item_types import ITEM_TYPES
from examapp.db import db
from examapp.delivery import journal, paper
from examapp.delivery.models import Sitting
from examapp.delivery.state import EXPIRED, SUBMITTED, SittingState
from examapp.exams.models import FormSlot
from examapp.scoring.models import Mark

MACHINE = "machine"


@dataclass(frozen=True)
class MarkedSlot:
    """A slot with what was given and what it earned."""

    slot: FormSlot
    content: ItemContent
    value: object
    category: int
    highest: int


def unmarked(limit: int = 100) -> list[Sitting]:
    """Return closed sittings that have no marks yet."""
    has_marks = select(Mark.sitting_id).where(Mark.sitting_id == Sitting.id).exists()
    query = (
        select(Sitting)
        .where(Sitting.status.in_((SUBMITTED, EXPIRED)), ~has_marks)
        .order_by(Sitting.closed_at)
        .limit(limit)
    )
    return list(db.session.scalars(query))


def mark(actor: access.Actor, sitting: Sitting, *, at: datetime) -> list[Mark]:
    """Mark every slot of a closed sitting; a journal that does not hold is an alarm, not a score."""
    access.require(actor, "work.run_due")
    marks = [
        Mark(sitting_id=sitting.id, slot=each.slot.number, number=1, category=each.category, highest=each.highest,
             marker=MACHINE, marked_at=at)
        for each in marked_slots(sitting, journal.verified(sitting))
    ]  # fmt: skip
    db.session.add_all(marks)
    return marks


def marked_slots(sitting: Sitting, state: SittingState) -> list[MarkedSlot]:
    """Return every slot of a sitting's form with the response that counts and the category it earns."""
    seats = paper.seats(sitting.exam_form_id)
    return [_marked(slot, seats[slot.number].content, state) for slot in sitting.exam_form.slots]


def _marked(slot: FormSlot, content: ItemContent, state: SittingState) -> MarkedSlot:
    kind = ITEM_TYPES[content.type]
    given = state.responses.get(slot.number)
    value = given.value if given else None
    return MarkedSlot(slot, content, value, kind.mark(content, paper.variant_of(slot), value), kind.highest(content))


def newest_marks(sitting_id: int) -> dict[int, Mark]:
    """Return the mark that counts for each slot."""
    newest = (
        select(Mark.slot, func.max(Mark.number).label("number"))
        .where(Mark.sitting_id == sitting_id)
        .group_by(Mark.slot)
        .subquery()
    )
    query = (
        select(Mark)
        .join(newest, (Mark.slot == newest.c.slot) & (Mark.number == newest.c.number))
        .where(Mark.sitting_id == sitting_id)
    )
    return {mark.slot: mark for mark in db.session.scalars(query)}
