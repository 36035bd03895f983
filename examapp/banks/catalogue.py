"""What examiners find in banks: items with their numbers, counted and filtered, and every version of an item."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from examapp.accounts import access
from examapp.banks import markup
from examapp.banks.authoring import newest_items, newest_stimuli
from examapp.banks.content import ItemContent, StimulusContent
from examapp.banks.models import Item, ItemBank, ItemParameters, ItemVersion, Stimulus, StimulusVersion
from examapp.banks.parameters import rows_on_scale
from examapp.db import db
from examapp.errors import N_, NotFound


@dataclass(frozen=True)
class Entry:
    """The newest version of an item, what it says, and its parameters on the bank's scale."""

    version: ItemVersion
    content: ItemContent
    parameters: ItemParameters | None

    @property
    def begins(self) -> dict[str, str]:
        """The first line of the stem as HTML, the {names} of its numbers left in place."""
        zh, en = (text.strip().splitlines()[0] for text in (self.content.stem.zh, self.content.stem.en))
        return {"zh": markup.inline(zh), "en": markup.inline(en)}

    @property
    def location(self) -> float | None:
        """The mean threshold: where on the ability scale the item is of medium difficulty."""
        if self.parameters is None:
            return None
        thresholds = [float(threshold) for threshold in self.parameters.parameters["b"]]
        return sum(thresholds) / len(thresholds)


def banks(actor: access.Actor) -> list[ItemBank]:
    """Return every bank, by code."""
    access.require(actor, "bank.read")
    return list(db.session.scalars(select(ItemBank).order_by(ItemBank.code)))


def entries(actor: access.Actor, bank: ItemBank) -> list[Entry]:
    """Return the newest version of each item of a bank, retired ones included, by code."""
    access.require(actor, "bank.read")
    versions = newest_items(bank, with_retired=True)
    rows = rows_on_scale([version.id for version in versions], str(bank.content.get("scale", "")))
    parameters = {row.item_version_id: row for row in rows}
    return [Entry(each, ItemContent.from_json(each.content), parameters.get(each.id)) for each in versions]


def matching(found: Iterable[Entry], area: str = "", type: str = "", text: str = "") -> list[Entry]:
    """Return the entries of this area and type whose code or wording contains `text`; empty means any."""
    wanted = text.casefold().strip()
    return [
        entry
        for entry in found
        if area in ("", entry.content.area) and type in ("", entry.content.type) and wanted in _wording(entry.content)
    ]


def _wording(content: ItemContent) -> str:
    texts = [content.stem, *content.options, *content.rows, *content.choices]
    return "\n".join([content.id, *(text.zh for text in texts), *(text.en for text in texts)]).casefold()


def counts(found: Iterable[Entry]) -> Mapping[str, Mapping[str, int]]:
    """Return how many items each area has of each type, by area."""
    listed = Counter((entry.content.area, entry.content.type) for entry in found if not entry.version.item.is_retired)
    table: dict[str, dict[str, int]] = {area: {} for area in sorted({area for area, _ in listed})}
    for (area, type), count in listed.items():
        table[area][type] = count
    return table


def versions_of(actor: access.Actor, bank: ItemBank, code: str) -> list[ItemVersion]:
    """Return all versions of an item, the newest first."""
    access.require(actor, "bank.read")
    query = select(ItemVersion).join(Item).where(Item.bank_id == bank.id, Item.code == code)
    found = list(db.session.scalars(query.order_by(ItemVersion.version.desc())))
    if not found:
        raise NotFound("item.unknown", N_("There is no item %(code)s in this bank."), code=code)
    return found


def item_version(actor: access.Actor, bank: ItemBank, code: str, version: int | None = None) -> ItemVersion:
    """Return one version of an item, the newest unless told."""
    found = versions_of(actor, bank, code)
    chosen = found[0] if version is None else next((each for each in found if each.version == version), None)
    if chosen is None:
        raise NotFound("item.version", N_("This item has no version %(version)s."), version=version)
    return chosen


def parameters_of(version: ItemVersion) -> list[ItemParameters]:
    """Return every set of parameters of an item version, by scale, the newest first."""
    query = select(ItemParameters).where(ItemParameters.item_version_id == version.id)
    return list(db.session.scalars(query.order_by(ItemParameters.scale, ItemParameters.number.desc())))


def stimulus_version(actor: access.Actor, bank: ItemBank, code: str) -> StimulusVersion:
    """Return the newest version of a stimulus."""
    access.require(actor, "bank.read")
    query = select(StimulusVersion).join(Stimulus).where(Stimulus.bank_id == bank.id, Stimulus.code == code)
    found = db.session.scalar(query.order_by(StimulusVersion.version.desc()).limit(1))
    if found is None:
        raise NotFound("stimulus.unknown", N_("There is no stimulus %(code)s in this bank."), code=code)
    return found


def stimuli(actor: access.Actor, bank: ItemBank) -> list[StimulusVersion]:
    """Return the newest version of each stimulus of a bank, by code."""
    access.require(actor, "bank.read")
    return newest_stimuli(bank)


def stimulus_for(actor: access.Actor, bank: ItemBank, content: ItemContent) -> StimulusContent | None:
    """Return what the stimulus of an item says now; None for an item that stands alone."""
    if content.stimulus is None:
        return None
    return StimulusContent.from_json(stimulus_version(actor, bank, content.stimulus).content)
