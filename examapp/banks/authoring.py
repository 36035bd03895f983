"""Banks in the database: taken in from files, given back as the same files, compared, and items retired.

A version that is stored never changes. The same content again is skipped; other content under a stored version is
refused, and the remedy is to raise the version in the file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from examapp.accounts import access
from examapp.banks.bank_files import BANK_FILE, ITEMS, STIMULI, BankContent, BankFiles, file_name, file_of
from examapp.banks.content import Content, ItemContent, StimulusContent
from examapp.banks.item_types import ITEM_TYPES
from examapp.banks.models import Item, ItemBank, ItemVersion, Stimulus, StimulusVersion
from examapp.banks.parameters import add_expert_parameters
from examapp.db import db, new_id
from examapp.errors import N_, NotFound, Refused

NEW = "new"
NEW_VERSION = "new version"
UNCHANGED = "unchanged"

ONLY_IN_FOLDER = "only in folder"
ONLY_IN_DATABASE = "only in database"
NEWER_IN_FOLDER = "newer in folder"
NEWER_IN_DATABASE = "newer in database"
CHANGED_UNDER_VERSION = "changed under the same version"
CHANGED = "changed"

VersionRow = ItemVersion | StimulusVersion
Stored = Mapping[str, Mapping[int, VersionRow]]


@dataclass(frozen=True)
class ImportReport:
    """What an import did: codes of what is new, of what has a new version, and how much was known already."""

    bank: str
    new_items: list[str] = field(default_factory=list)
    new_item_versions: list[str] = field(default_factory=list)
    new_stimuli: list[str] = field(default_factory=list)
    new_stimulus_versions: list[str] = field(default_factory=list)
    unchanged: int = 0
    retired: list[str] = field(default_factory=list)
    only_in_database: list[str] = field(default_factory=list)
    new_parameters: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Difference:
    """How one file and the newest stored version differ; `fields` are those that say something else."""

    file: str
    kind: str
    in_folder: int | None
    in_database: int | None
    fields: tuple[str, ...] = ()


class _Taken(NamedTuple):
    row: VersionRow
    outcome: str


def import_bank(actor: access.Actor, bank_files: BankFiles, *, at: datetime) -> ImportReport:
    """Store what is new in these files, and give new items starting parameters on the bank's scale."""
    access.require(actor, "bank.publish")
    bank = _bank_for(bank_files.bank)
    stored = _stored_versions(bank)
    contents = (*bank_files.stimuli, *bank_files.items)
    _refuse_changes(stored, contents)
    taken = {file_of(content): _take_in(bank, stored, content, at) for content in contents}
    db.session.flush()
    starting = [_starting(taken[file_of(content)].row, content) for content in bank_files.items]
    return ImportReport(
        bank=bank.code,
        new_items=_having(NEW, taken, bank_files.items),
        new_item_versions=_having(NEW_VERSION, taken, bank_files.items),
        new_stimuli=_having(NEW, taken, bank_files.stimuli),
        new_stimulus_versions=_having(NEW_VERSION, taken, bank_files.stimuli),
        unchanged=len(_having(UNCHANGED, taken, contents)),
        retired=_retire_named(bank, bank_files.bank),
        only_in_database=sorted(set(stored) - set(taken)),
        new_parameters=add_expert_parameters(starting, bank_files.bank.scale, at=at),
    )


def export_bank(actor: access.Actor, code: str) -> BankFiles:
    """Return the newest version of everything in a bank, as its files hold it."""
    access.require(actor, "bank.read")
    bank = bank_named(code)
    retired = sorted(item.code for item in _items(bank) if item.is_retired)
    return BankFiles(
        bank=BankContent.model_validate({**bank.content, "retired": retired}),
        items=tuple(ItemContent.from_json(row.content) for row in newest_items(bank, with_retired=True)),
        stimuli=tuple(StimulusContent.from_json(row.content) for row in newest_stimuli(bank)),
    )


def diff(actor: access.Actor, bank_files: BankFiles) -> list[Difference]:
    """Return how the files differ from the newest stored versions, in the order of the files' names."""
    access.require(actor, "bank.read")
    bank = db.session.scalar(select(ItemBank).filter_by(code=bank_files.bank.code))
    folder = {file_of(content): content for content in (*bank_files.stimuli, *bank_files.items)}
    if bank is None:
        return [Difference(name, ONLY_IN_FOLDER, content.version, None) for name, content in sorted(folder.items())]
    stored = export_bank(actor, bank.code)
    database = {file_of(content): content for content in (*stored.stimuli, *stored.items)}
    found = [_difference(name, folder.get(name), database.get(name)) for name in sorted({*folder, *database})]
    fields = _changed_fields(bank_files.bank.model_dump(mode="json"), stored.bank.model_dump(mode="json"))
    about_bank = [Difference(BANK_FILE, CHANGED, None, None, fields)] if fields else []
    return about_bank + [difference for difference in found if difference is not None]


def retire(actor: access.Actor, bank_code: str, item_code: str, *, at: datetime) -> Item:
    """Take an item out of use: forms that have it keep it, no new form gets it."""
    access.require(actor, "bank.publish")
    item = db.session.scalar(select(Item).filter_by(bank_id=bank_named(bank_code).id, code=item_code))
    if item is None:
        raise NotFound("item.unknown", N_("There is no item %(item)s in this bank."), item=item_code)
    item.is_retired = True
    return item


def bank_named(code: str) -> ItemBank:
    """Return the bank with this code."""
    bank = db.session.scalar(select(ItemBank).filter_by(code=code))
    if bank is None:
        raise NotFound("bank.unknown", N_("There is no bank %(bank)s."), bank=code)
    return bank


def newest_items(bank: ItemBank, with_retired: bool = False) -> list[ItemVersion]:
    """Return the newest version of each item in use, in the order of the codes."""
    query = select(ItemVersion).join(ItemVersion.item).where(Item.bank_id == bank.id)
    if not with_retired:
        query = query.where(Item.is_retired.is_(False))
    rows = db.session.scalars(query.order_by(Item.code, ItemVersion.version))
    return list({row.item_id: row for row in rows}.values())


def newest_stimuli(bank: ItemBank) -> list[StimulusVersion]:
    """Return the newest version of each stimulus, in the order of the codes."""
    query = select(StimulusVersion).join(StimulusVersion.stimulus).where(Stimulus.bank_id == bank.id)
    rows = db.session.scalars(query.order_by(Stimulus.code, StimulusVersion.version))
    return list({row.stimulus_id: row for row in rows}.values())


def _bank_for(content: BankContent) -> ItemBank:
    bank = db.session.scalar(select(ItemBank).filter_by(code=content.code))
    if bank is None:
        bank = ItemBank(code=content.code, content=None)
        db.session.add(bank)
    bank.content = content.model_dump(mode="json", exclude={"retired"})
    db.session.flush()
    return bank


def _items(bank: ItemBank) -> list[Item]:
    return list(db.session.scalars(select(Item).filter_by(bank_id=bank.id).order_by(Item.code)))


def _stored_versions(bank: ItemBank) -> dict[str, dict[int, VersionRow]]:
    """Map the file name of every stored item and stimulus to its versions."""
    items = select(Item.code, ItemVersion).join(ItemVersion.item).where(Item.bank_id == bank.id)
    stimuli = select(Stimulus.code, StimulusVersion).join(StimulusVersion.stimulus).where(Stimulus.bank_id == bank.id)
    found: dict[str, dict[int, VersionRow]] = {}
    for code, stimulus_row in db.session.execute(stimuli):
        found.setdefault(file_name(STIMULI, code), {})[stimulus_row.version] = stimulus_row
    for code, item_row in db.session.execute(items):
        found.setdefault(file_name(ITEMS, code), {})[item_row.version] = item_row
    return found


def _refuse_changes(stored: Stored, contents: Iterable[Content]) -> None:
    """Refuse the whole import when a stored version would change, naming every file concerned."""
    changed = []
    for content in contents:
        versions = stored.get(file_of(content), {})
        same = versions.get(content.version)
        if same is not None and same.digest != content.digest:
            changed.append(f"{file_of(content)} (version {content.version} is stored and says something else)")
        elif versions and same is None and content.version < max(versions):
            changed.append(f"{file_of(content)} (version {content.version}, but {max(versions)} is stored)")
    if changed:
        message = N_("A stored version never changes; raise `version` in these files: %(files)s.")
        raise Refused("bank.version_changed", message, files="; ".join(changed))


def _take_in(bank: ItemBank, stored: Stored, content: Content, at: datetime) -> _Taken:
    """Return the stored version of this content and whether it is new."""
    versions = stored.get(file_of(content), {})
    if content.version in versions:
        return _Taken(versions[content.version], UNCHANGED)
    owner_id = next((_owner_id(row) for row in versions.values()), None)
    new_row = _item_row if isinstance(content, ItemContent) else _stimulus_row
    row: VersionRow = new_row(bank, owner_id, content)
    row.version, row.content, row.digest, row.published_at = content.version, content.as_json(), content.digest, at
    db.session.add(row)
    return _Taken(row, NEW_VERSION if versions else NEW)


def _item_row(bank: ItemBank, item_id: str | None, content: Any) -> ItemVersion:
    item_id = item_id or _added(Item(id=new_id(), bank_id=bank.id, code=content.id))
    return ItemVersion(item_id=item_id, type=content.type, area=content.area)


def _stimulus_row(bank: ItemBank, stimulus_id: str | None, content: Any) -> StimulusVersion:
    return StimulusVersion(stimulus_id=stimulus_id or _added(Stimulus(id=new_id(), bank_id=bank.id, code=content.id)))


def _added(owner: Item | Stimulus) -> str:
    db.session.add(owner)
    return owner.id


def _owner_id(row: VersionRow) -> str:
    return row.item_id if isinstance(row, ItemVersion) else row.stimulus_id


def _starting(row: Any, content: ItemContent) -> tuple[ItemVersion, float, int]:
    return row, float(content.expected_share), ITEM_TYPES[content.type].highest(content)


def _having(outcome: str, taken: Mapping[str, _Taken], contents: Sequence[Content]) -> list[str]:
    return [content.id for content in contents if taken[file_of(content)].outcome == outcome]


def _retire_named(bank: ItemBank, content: BankContent) -> list[str]:
    """Retire the items that the bank's file names, and return those that were in use until now."""
    retired = []
    for item in _items(bank):
        if item.code in content.retired and not item.is_retired:
            item.is_retired = True
            retired.append(item.code)
    return retired


def _difference(name: str, folder: Content | None, database: Content | None) -> Difference | None:
    if folder is None or database is None:
        kind = ONLY_IN_FOLDER if folder else ONLY_IN_DATABASE
        return Difference(name, kind, folder.version if folder else None, database.version if database else None)
    if folder.digest == database.digest:
        return None
    kind = CHANGED_UNDER_VERSION
    if folder.version != database.version:
        kind = NEWER_IN_FOLDER if folder.version > database.version else NEWER_IN_DATABASE
    fields = _changed_fields(folder.as_json(), database.as_json())
    return Difference(name, kind, folder.version, database.version, fields)


def _changed_fields(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in {**one, **other} if one.get(name) != other.get(name) and name != "version")
