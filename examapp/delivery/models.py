"""Tables of sittings. The journal is the truth; the rest are copies for speed that `examapp log verify` compares."""

import secrets
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from examapp.db import Base, Sealed, UtcDateTime
from examapp.exams.models import ExamForm, Registration


def new_sitting_id() -> int:
    """Return 63 random bits; hot keys begin with it, so rows of different sittings spread over shards."""
    return secrets.randbits(63)


def new_seed() -> int:
    """Return 62 random bits, from which a trainee's own order of items and options follows."""
    return secrets.randbits(62)


class Sitting(Base):
    """One timed run of a registration; `status`, `ends_at` and the chain head are copies of what the journal says."""

    __tablename__ = "sitting"
    __table_args__ = (
        UniqueConstraint("registration_id", "attempt"),
        Index(
            "one_open_sitting",
            "registration_id",
            unique=True,
            sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
        # the worker asks every two seconds what is over, and what was closed lately
        Index(
            "open_sittings_by_end", "ends_at", sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
        Index("sittings_by_closing", "closed_at"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, default=new_sitting_id, autoincrement=False)
    registration_id: Mapped[str] = mapped_column(ForeignKey("registration.id"))
    attempt: Mapped[int]
    exam_form_id: Mapped[str] = mapped_column(ForeignKey("exam_form.id"))
    seed: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(String(10))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # tickets of an older epoch are refused: raised when the trainee signs out
    epoch: Mapped[int] = mapped_column(default=1)
    last_number: Mapped[int]
    last_digest: Mapped[str] = mapped_column(String(71))

    registration: Mapped[Registration] = relationship()
    exam_form: Mapped[ExamForm] = relationship()

    @property
    def public_id(self) -> str:
        """The sitting's id as it is written in addresses."""
        return f"{self.id:016x}"


class PreparedSitting(Base):
    """A sitting that may begin: its id and seed, drawn hours before the bell, so that starting is one small insert."""

    __tablename__ = "prepared_sitting"
    __table_args__ = (UniqueConstraint("registration_id", "attempt"),)

    sitting_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, default=new_sitting_id, autoincrement=False)
    registration_id: Mapped[str] = mapped_column(ForeignKey("registration.id"))
    attempt: Mapped[int]
    exam_form_id: Mapped[str] = mapped_column(ForeignKey("exam_form.id"))
    seed: Mapped[int] = mapped_column(BigInteger, default=new_seed)
    # as in `Sitting`, which takes it over at the start
    epoch: Mapped[int] = mapped_column(default=1)


class JournalEntry(Base):
    """One thing that happened in a sitting; only ever inserted, each carries the digest of the one before."""

    __tablename__ = "journal_entry"

    sitting_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(20))
    at: Mapped[str] = mapped_column(String(27))
    body: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(71))
    digest: Mapped[str] = mapped_column(String(71))


class StoredResponse(Base):
    """The newest response to one slot, a copy of its journal entry `number`."""

    __tablename__ = "stored_response"

    sitting_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    value: Mapped[str] = mapped_column(Text)
    number: Mapped[int]


class Paper(Sealed, Base):
    """What trainees see of a form, as bytes built once."""

    __tablename__ = "paper"

    exam_form_id: Mapped[str] = mapped_column(ForeignKey("exam_form.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(71))
    content: Mapped[bytes] = mapped_column(LargeBinary)
