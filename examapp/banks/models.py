"""Tables of item banks; versions and parameters are sealed, so what was published never changes."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from examapp.db import Base, CanonicalJson, Sealed, UtcDateTime, new_id


class ItemBank(Base):
    """A set of items on one field and level, with the folder's `bank.yaml` as `content`."""

    __tablename__ = "item_bank"

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(80), unique=True)
    content: Mapped[Any] = mapped_column(CanonicalJson)


class Item(Base):
    """An item over all its versions; a retired one is chosen for no new form."""

    __tablename__ = "item"
    __table_args__ = (UniqueConstraint("bank_id", "code"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    bank_id: Mapped[str] = mapped_column(ForeignKey("item_bank.id"))
    code: Mapped[str] = mapped_column(String(80))
    is_retired: Mapped[bool] = mapped_column(default=False)

    bank: Mapped[ItemBank] = relationship()


class ItemVersion(Sealed, Base):
    """One wording of an item, with its key; `content` is an `ItemContent`, `digest` the digest of it."""

    __tablename__ = "item_version"
    __table_args__ = (UniqueConstraint("item_id", "version"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"))
    version: Mapped[int]
    type: Mapped[str] = mapped_column(String(20))
    area: Mapped[str] = mapped_column(String(80))
    content: Mapped[Any] = mapped_column(CanonicalJson)
    digest: Mapped[str] = mapped_column(String(71))
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)

    item: Mapped[Item] = relationship()


class Stimulus(Base):
    """Text or a figure that several items share, over all its versions."""

    __tablename__ = "stimulus"
    __table_args__ = (UniqueConstraint("bank_id", "code"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    bank_id: Mapped[str] = mapped_column(ForeignKey("item_bank.id"))
    code: Mapped[str] = mapped_column(String(80))


class StimulusVersion(Sealed, Base):
    """One wording of a stimulus; `content` is a `StimulusContent`."""

    __tablename__ = "stimulus_version"
    __table_args__ = (UniqueConstraint("stimulus_id", "version"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    stimulus_id: Mapped[str] = mapped_column(ForeignKey("stimulus.id"))
    version: Mapped[int]
    content: Mapped[Any] = mapped_column(CanonicalJson)
    digest: Mapped[str] = mapped_column(String(71))
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)

    stimulus: Mapped[Stimulus] = relationship()


class ItemParameters(Sealed, Base):
    """Parameters of an item version on a named scale; the newest row of a scale counts.

    `parameters` holds decimal strings: {"a": "1.0", "b": ["-0.31"], "c": "0.0", "d": "1.0"}, thresholds under b.
    """

    __tablename__ = "item_parameters"
    __table_args__ = (UniqueConstraint("item_version_id", "scale", "number"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    item_version_id: Mapped[str] = mapped_column(ForeignKey("item_version.id"))
    scale: Mapped[str] = mapped_column(String(80))
    number: Mapped[int]
    model: Mapped[str] = mapped_column(String(20))
    parameters: Mapped[Any] = mapped_column(CanonicalJson)
    source: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
