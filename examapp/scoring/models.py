"""Tables of scoring; everything here is sealed: a corrected score is a new result."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from examapp.db import Base, CanonicalJson, Sealed, UtcDateTime, new_id
from examapp.delivery.models import Sitting


class Mark(Sealed, Base):
    """A marked response: `category` of `highest` on the item's score scale."""

    __tablename__ = "mark"

    sitting_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sitting.id"), primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    category: Mapped[int]
    highest: Mapped[int]
    marker: Mapped[str] = mapped_column(String(40))
    marked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Result(Sealed, Base):
    """The scored outcome of a sitting; numbers are decimal strings, `evidence` is all that recomputes them."""

    __tablename__ = "result"
    __table_args__ = (UniqueConstraint("sitting_id", "number"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    sitting_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sitting.id"))
    number: Mapped[int]
    raw_points: Mapped[str] = mapped_column(String(20))
    highest_points: Mapped[str] = mapped_column(String(20))
    theta: Mapped[str] = mapped_column(String(40))
    standard_error: Mapped[str] = mapped_column(String(40))
    cut_theta: Mapped[str] = mapped_column(String(40))
    scaled: Mapped[str] = mapped_column(String(20))
    is_passed: Mapped[int]
    # that the ability truly lies on the side of the cut that was decided
    probability: Mapped[str] = mapped_column(String(40))
    scorer: Mapped[str] = mapped_column(String(80))
    evidence: Mapped[Any] = mapped_column(CanonicalJson)
    evidence_digest: Mapped[str] = mapped_column(String(71))
    scored_at: Mapped[datetime] = mapped_column(UtcDateTime)

    sitting: Mapped[Sitting] = relationship()


class Release(Sealed, Base):
    """An examiner's decision that a result may be seen."""

    __tablename__ = "result_release"
    __table_args__ = (Index("releases_by_time", "released_at"),)

    result_id: Mapped[str] = mapped_column(ForeignKey("result.id"), primary_key=True)
    released_by: Mapped[str] = mapped_column(ForeignKey("user.id"))
    released_at: Mapped[datetime] = mapped_column(UtcDateTime)

    result: Mapped[Result] = relationship()


class CalibrationRun(Sealed, Base):
    """One calibration: what went in, whether it converged, and what came out."""

    __tablename__ = "calibration_run"

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    scale: Mapped[str] = mapped_column(String(80))
    model: Mapped[str] = mapped_column(String(20))
    settings: Mapped[Any] = mapped_column(CanonicalJson)
    report: Mapped[Any] = mapped_column(CanonicalJson)
    run_at: Mapped[datetime] = mapped_column(UtcDateTime)
