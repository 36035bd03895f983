"""Machine marks: each response of a closed sitting, marked once by its item type."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from examapp.accounts import access
from examapp.banks.content import ItemContent, Variant
from examapp.banks.item_types import ITEM_TYPES
from examapp.banks.models import ItemVersion
from examapp.canonical import utc_string
from examapp.db import db, insert_sealed
from examapp.delivery import histories
from examapp.delivery.histories import History
from examapp.delivery.models import Sitting
from examapp.delivery.state import EXPIRED, SUBMITTED
from examapp.exams.models import FormSlot
from examapp.scoring.models import Mark

Rows = list[dict[str, Any]]

MACHINE = "machine"
# different responses to the items of one form whose categories are remembered
MOST_KNOWN = 50_000


@dataclass(frozen=True)
class KeyedSlot:
    """A slot of a form with all that marks a response to it; `content` holds the key."""

    number: int
    item_version_id: str
    item: str
    version: int
    digest: str
    area: str
    points: str
    variant: Any
    option_order: Any
    content: ItemContent
    highest: int

    def category(self, given: str | None) -> int:
        """Return the category that a response earns, given as its JSON; none is the lowest."""
        value = None if given is None else json.loads(given)
        return ITEM_TYPES[self.content.type].mark(self.content, Variant(self.variant, tuple(self.option_order)), value)


class MarkingKey:
    """How the responses to one form are marked; a response that many people gave is marked once."""

    def __init__(self, exam_form_id: str) -> None:
        slots = (
            select(FormSlot)
            .where(FormSlot.exam_form_id == exam_form_id)
            .options(joinedload(FormSlot.item_version).joinedload(ItemVersion.item))
            .order_by(FormSlot.number)
        )
        self.slots = tuple(_keyed(slot) for slot in db.session.scalars(slots))
        self._known: dict[tuple[int, str | None], int] = {}

    def categories(self, given: dict[int, str]) -> list[int]:
        """Return the category of each slot, in order, from the JSON of the responses by slot."""
        return [self._category(slot, given.get(slot.number)) for slot in self.slots]

    def _category(self, slot: KeyedSlot, given: str | None) -> int:
        category = self._known.get((slot.number, given))
        if category is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            category = self._known[slot.number, given] = slot.category(given)
        return category


def _keyed(slot: FormSlot) -> KeyedSlot:
    version = slot.item_version
    content = ItemContent.from_json(version.content)
    return KeyedSlot(
        slot.number, version.id, version.item.code, version.version, version.digest, version.area, slot.points,
        slot.variant, slot.option_order, content, ITEM_TYPES[content.type].highest(content),
    )  # fmt: skip


# a published form never changes, so what is read from it once holds for as long as the process lives
@lru_cache(maxsize=64)
def key_of(exam_form_id: str) -> MarkingKey:
    """Return the marking key of a published form."""
    return MarkingKey(exam_form_id)


def unmarked(*, since: datetime | None = None, after: int = -1, limit: int = 200) -> list[int]:
    """Return ids of closed sittings without marks beyond `after`, in order; with `since` only those closed later."""
    has_marks = select(Mark.sitting_id).where(Mark.sitting_id == Sitting.id).exists()
    return closed_beyond(since, after, limit, ~has_marks)


def closed_beyond(since: datetime | None, after: int, limit: int, *conditions: Any) -> list[int]:
    """Return ids beyond `after` of sittings that were handed in or ran out of time and meet conditions, in order."""
    query = select(Sitting.id).where(Sitting.status.in_((SUBMITTED, EXPIRED)), Sitting.id > after, *conditions)
    if since is not None:
        query = query.where(Sitting.closed_at >= since)
    return list(db.session.scalars(query.order_by(Sitting.id).limit(limit)))


def mark(actor: access.Actor, sitting: Sitting, *, at: datetime) -> list[Mark]:
    """Mark every slot of a closed sitting; a journal that does not hold is an alarm, not a score."""
    (history,) = histories.of([sitting.id])
    store(actor, [marks_of(history, at=at)])
    return list(newest_marks(sitting.id).values())


def marks_of(history: History, *, at: datetime) -> Rows:
    """Return the machine marks of a closed sitting as they will be stored, one for each slot."""
    key, given, marked_at = key_of(history.sitting.exam_form_id), history.given, utc_string(at)
    return [
        {"sitting_id": history.sitting.id, "slot": slot.number, "number": 1, "category": category,
         "highest": slot.highest, "marker": MACHINE, "marked_at": marked_at}
        for slot, category in zip(key.slots, key.categories(given), strict=True)
    ]  # fmt: skip


def store(actor: access.Actor, marked: Sequence[Rows]) -> int:
    """Store the marks of several sittings and return of how many: those that somebody marked meanwhile stay."""
    access.require(actor, "work.run_due")
    by_sitting = {rows[0]["sitting_id"]: rows for rows in marked}
    histories.lock(by_sitting)
    known = set(db.session.scalars(select(Mark.sitting_id).where(Mark.sitting_id.in_(by_sitting)).distinct()))
    new = [rows for sitting_id, rows in by_sitting.items() if sitting_id not in known]
    insert_sealed(Mark, [row for rows in new for row in rows])
    return len(new)


def mark_again(actor: access.Actor, sitting: Sitting, *, at: datetime) -> None:
    """Add a mark where a marked sitting's response earns another category now; the marks before it stay."""
    access.require(actor, "work.run_due")
    (history,) = histories.of([sitting.id])
    known = newest_marks(sitting.id)
    rows = [row for row in marks_of(history, at=at) if known and known[row["slot"]].category != row["category"]]
    insert_sealed(Mark, [{**row, "number": known[row["slot"]].number + 1} for row in rows])


def newest_marks(sitting_id: int) -> dict[int, Mark]:
    """Return the mark that counts for each slot."""
    query = select(Mark).where(Mark.sitting_id == sitting_id).order_by(Mark.slot, Mark.number)
    return {mark.slot: mark for mark in db.session.scalars(query)}


def newest_categories(sitting_ids: Iterable[int]) -> dict[int, dict[int, tuple[int, int]]]:
    """Return category and highest of the mark that counts, by sitting and slot."""
    found: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    query = select(Mark.sitting_id, Mark.slot, Mark.category, Mark.highest).where(Mark.sitting_id.in_(sitting_ids))
    for sitting_id, slot, category, highest in db.session.execute(query.order_by(Mark.number)):
        found[sitting_id][slot] = (category, highest)
    return found
