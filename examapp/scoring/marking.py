"""Machine marks: each response of a closed sitting, marked once by its item type."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain, repeat
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from examapp import sealed_rows
from examapp.accounts import access
from examapp.banks.content import ItemContent, Variant
from examapp.banks.item_types import ITEM_TYPES
from examapp.banks.models import ItemVersion
from examapp.canonical import utc_string
from examapp.db import db
from examapp.delivery import histories
from examapp.delivery.histories import History
from examapp.delivery.models import Sitting
from examapp.delivery.state import EXPIRED, SUBMITTED
from examapp.exams.models import FormSlot
from examapp.scoring.models import Mark

MACHINE = "machine"
# different responses to the items of one form whose categories are remembered
MOST_KNOWN = 50_000
_KNOWN = select(Mark.sitting_id).where(Mark.sitting_id.in_(bindparam("ids", expanding=True))).distinct()


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
        self.numbers = tuple(slot.number for slot in self.slots)
        self.highest = tuple(slot.highest for slot in self.slots)
        self._by_number = dict(zip(self.numbers, self.slots, strict=True))
        self._category = lru_cache(MOST_KNOWN)(self._work_out)

    def categories(self, given: dict[int, str]) -> list[int]:
        """Return the category of each slot, in order, from the JSON of the responses by slot."""
        return list(map(self._category, self.numbers, map(given.get, self.numbers)))

    def _work_out(self, number: int, given: str | None) -> int:
        return self._by_number[number].category(given)


@dataclass(frozen=True)
class Marked:
    """The machine marks of one sitting as they will be stored: the category of each slot, in the key's order."""

    sitting_id: int
    key: MarkingKey
    categories: list[int]
    marked_at: str

    @property
    def by_slot(self) -> dict[int, tuple[int, int]]:
        """Category and highest of each mark, by slot."""
        return dict(zip(self.key.numbers, zip(self.categories, self.key.highest, strict=True), strict=True))


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


def marks_of(history: History, *, at: datetime) -> Marked:
    """Return the machine marks of a closed sitting."""
    key = key_of(history.sitting.exam_form_id)
    return Marked(history.sitting.id, key, key.categories(history.given), utc_string(at))


def store(actor: access.Actor, marked: Sequence[Marked]) -> int:
    """Store the marks of several sittings and return of how many: those that somebody marked meanwhile stay."""
    access.require(actor, "work.run_due")
    by_sitting = {each.sitting_id: each for each in marked}
    histories.lock(by_sitting)
    known = set(db.session.scalars(_KNOWN, {"ids": list(by_sitting)}))
    new = [each for sitting_id, each in by_sitting.items() if sitting_id not in known]
    if new:
        sealed_rows.insert_columns(Mark, _columns(new))
    return len(new)


def _columns(marked: Sequence[Marked]) -> dict[str, list[Any]]:
    """Return the columns of the rows of first marks."""
    slots = [slot for each in marked for slot in each.key.numbers]
    return {
        "sitting_id": list(chain.from_iterable(repeat(each.sitting_id, len(each.categories)) for each in marked)),
        "slot": slots, "number": [1] * len(slots),
        "category": list(chain.from_iterable(each.categories for each in marked)),
        "highest": list(chain.from_iterable(each.key.highest for each in marked)),
        "marker": [MACHINE] * len(slots),
        "marked_at": list(chain.from_iterable(repeat(each.marked_at, len(each.categories)) for each in marked)),
    }  # fmt: skip


def mark_again(actor: access.Actor, sitting: Sitting, *, at: datetime) -> None:
    """Add a mark where a marked sitting's response earns another category now; the marks before it stay."""
    access.require(actor, "work.run_due")
    (history,) = histories.of([sitting.id])
    known, marked = newest_marks(sitting.id), marks_of(history, at=at)
    rows = [
        {"sitting_id": sitting.id, "slot": slot, "number": known[slot].number + 1, "category": category,
         "highest": highest, "marker": MACHINE, "marked_at": marked.marked_at}
        for slot, (category, highest) in marked.by_slot.items() if known and known[slot].category != category
    ]  # fmt: skip
    sealed_rows.insert_rows(Mark, rows)


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
