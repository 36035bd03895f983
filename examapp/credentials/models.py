"""Tables of credentials. The log is append-only; its index is the cursor of the pull API."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from examapp.accounts.models import User
from examapp.db import Base, CanonicalJson, Sealed, UtcDateTime, new_id
from examapp.exams.models import Exam
from examapp.scoring.models import Result


class PublicKey(Sealed, Base):
    """The public half of a signing key; it stays for as long as something that it signed is valid."""

    __tablename__ = "public_key"

    # did:web of the issuer, "#", RFC 7638 thumbprint: the id that stands in signed headers
    kid: Mapped[str] = mapped_column(String(200), primary_key=True)
    use: Mapped[str] = mapped_column(String(20))
    algorithm: Mapped[str] = mapped_column(String(20))
    jwk: Mapped[Any] = mapped_column(CanonicalJson)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LogEntry(Sealed, Base):
    """A leaf of the transparency log: a signed record, byte for byte."""

    __tablename__ = "log_entry"

    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    result_id: Mapped[str] = mapped_column(ForeignKey("result.id"), unique=True)
    record_id: Mapped[str] = mapped_column(String(60), unique=True)
    record: Mapped[str] = mapped_column(Text)
    leaf_hash: Mapped[str] = mapped_column(String(64))
    logged_at: Mapped[datetime] = mapped_column(UtcDateTime)

    result: Mapped[Result] = relationship()


class Checkpoint(Sealed, Base):
    """A signed tree head: the note that says how long the log was and what its root was."""

    __tablename__ = "checkpoint"

    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    root_hash: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Certificate(Sealed, Base):
    """The credential of a trainee who passed both parts; `number` carries an ISO 7064 check character."""

    __tablename__ = "certificate"
    __table_args__ = (UniqueConstraint("trainee_id", "exam_id", "number"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    trainee_id: Mapped[str] = mapped_column(ForeignKey("user.id"))
    holder_name: Mapped[str] = mapped_column(String(200))
    exam_id: Mapped[str] = mapped_column(ForeignKey("exam.id"))
    theory_result_id: Mapped[str] = mapped_column(ForeignKey("result.id"))
    practical_result_id: Mapped[str] = mapped_column(ForeignKey("result.id"))
    # that both abilities truly reach their cuts
    probability: Mapped[str] = mapped_column(String(40))
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)

    trainee: Mapped[User] = relationship()
    exam: Mapped[Exam] = relationship()
    theory_result: Mapped[Result] = relationship(foreign_keys=[theory_result_id])
    practical_result: Mapped[Result] = relationship(foreign_keys=[practical_result_id])


class Acknowledgement(Base):
    """What a center says it has: records up to a log index, under a checkpoint it saw."""

    __tablename__ = "acknowledgement"

    client_id: Mapped[str] = mapped_column(ForeignKey("api_client.id"), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(String(200), primary_key=True)
    body_digest: Mapped[str] = mapped_column(String(71))
    up_to: Mapped[int]
    checkpoint: Mapped[str] = mapped_column(Text)
    acknowledged_at: Mapped[datetime] = mapped_column(UtcDateTime)
