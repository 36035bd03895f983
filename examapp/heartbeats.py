"""What the processes of a service know of each other by way of the database: signs of life, and whose clock is off."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from examapp.db import Base, CanonicalJson, UtcDateTime, db

WORKER, CLOCK, DOCTOR = "worker", "clock", "doctor"
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Heartbeat(Base):
    """The newest sign of life of one kind."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    body: Mapped[Any] = mapped_column(CanonicalJson)


def leave(name: str, body: Any, *, at: datetime) -> None:
    """Leave a sign of life in the place of the last one."""
    row = {"at": at, "body": body}
    insert = _INSERT[db.engine.dialect.name](Heartbeat).values(name=name, **row)
    db.session.execute(insert.on_conflict_do_update(index_elements=[Heartbeat.name], set_=row))


def last(name: str) -> Heartbeat | None:
    """Return the newest sign of life of this kind."""
    return db.session.get(Heartbeat, name)


def clock_offset(now: Callable[[], datetime]) -> float:
    """Return the seconds by which the database server's clock is ahead of ours; SQLite has ours."""
    if db.engine.dialect.name == "sqlite":
        return 0.0
    before = now()
    theirs: datetime = db.session.execute(select(func.clock_timestamp())).scalar_one()
    return (theirs.astimezone(UTC) - before - (now() - before) / 2).total_seconds()
