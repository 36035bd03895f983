"""Tables of exams; forms, their slots and cut scores are sealed."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from examapp.accounts.models import Center, User
from examapp.banks.models import ItemVersion, StimulusVersion
from examapp.db import Base, CanonicalJson, Sealed, UtcDateTime, new_id


class Exam(Base):
    """A certification exam of one field and level; `plan` is its `ExamPlan`: bank, scale, blueprints of its parts."""

    __tablename__ = "exam"

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(80), unique=True)
    field: Mapped[str] = mapped_column(String(80))
    level: Mapped[str] = mapped_column(String(20))
    title_zh: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    plan: Mapped[Any] = mapped_column(CanonicalJson)

    def title(self, language: str) -> str:
        """Return the title in zh or en."""
        return self.title_zh if language == "zh" else self.title_en


class ExamForm(Sealed, Base):
    """The chosen items of one part, in order; `digest` covers every slot and is what records and papers name."""

    __tablename__ = "exam_form"
    __table_args__ = (UniqueConstraint("exam_id", "part", "code"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    exam_id: Mapped[str] = mapped_column(ForeignKey("exam.id"))
    part: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(40))
    digest: Mapped[str] = mapped_column(String(71))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    exam: Mapped[Exam] = relationship()
    slots: Mapped[list["FormSlot"]] = relationship(order_by="FormSlot.number")


class FormSlot(Sealed, Base):
    """One place of a form: which item version, worth how much, with which numbers.

    `variant` holds the drawn variables of a parametric item as decimal strings, `option_order` the order in which the
    paper lists options; both are drawn when the form is made and know nothing of the key.
    """

    __tablename__ = "form_slot"

    exam_form_id: Mapped[str] = mapped_column(ForeignKey("exam_form.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    item_version_id: Mapped[str] = mapped_column(ForeignKey("item_version.id"))
    stimulus_version_id: Mapped[str | None] = mapped_column(ForeignKey("stimulus_version.id"))
    points: Mapped[str] = mapped_column(String(10))
    variant: Mapped[Any] = mapped_column(CanonicalJson)
    option_order: Mapped[Any] = mapped_column(CanonicalJson)

    item_version: Mapped[ItemVersion] = relationship()
    stimulus_version: Mapped[StimulusVersion | None] = relationship()


class CutScore(Sealed, Base):
    """The pass mark of one part of an exam on its ability scale; the newest counts and maps to 60 on the report."""

    __tablename__ = "cut_score"
    __table_args__ = (UniqueConstraint("exam_id", "part", "number"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    exam_id: Mapped[str] = mapped_column(ForeignKey("exam.id"))
    part: Mapped[str] = mapped_column(String(20))
    number: Mapped[int]
    scale: Mapped[str] = mapped_column(String(80))
    theta: Mapped[str] = mapped_column(String(40))
    method: Mapped[str] = mapped_column(String(80))
    decided_on: Mapped[datetime] = mapped_column(UtcDateTime)


class Administration(Base):
    """A scheduled offering of one part of an exam: its window, its minutes and its forms.

    A rehearsal runs like any other; its results are shown at once and are never released, recorded or certified.
    """

    __tablename__ = "administration"

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    exam_id: Mapped[str] = mapped_column(ForeignKey("exam.id"))
    part: Mapped[str] = mapped_column(String(20))
    opens_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closes_at: Mapped[datetime] = mapped_column(UtcDateTime)
    minutes: Mapped[int]
    attempts: Mapped[int] = mapped_column(default=1)
    is_rehearsal: Mapped[bool] = mapped_column(default=False, server_default=false())

    exam: Mapped[Exam] = relationship()
    forms: Mapped[list["AdministrationForm"]] = relationship(order_by="AdministrationForm.number")


class AdministrationForm(Base):
    """A form that an administration hands out; registrations take turns over its forms."""

    __tablename__ = "administration_form"

    administration_id: Mapped[str] = mapped_column(ForeignKey("administration.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    exam_form_id: Mapped[str] = mapped_column(ForeignKey("exam_form.id"))

    exam_form: Mapped[ExamForm] = relationship()


class Registration(Base):
    """A trainee's place in an administration, with the extra time that was granted before it."""

    __tablename__ = "registration"
    __table_args__ = (UniqueConstraint("administration_id", "trainee_id"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    administration_id: Mapped[str] = mapped_column(ForeignKey("administration.id"))
    trainee_id: Mapped[str] = mapped_column(ForeignKey("user.id"))
    center_id: Mapped[str | None] = mapped_column(ForeignKey("center.id"))
    exam_form_id: Mapped[str] = mapped_column(ForeignKey("exam_form.id"))
    seat: Mapped[str] = mapped_column(String(20), default="")
    extra_minutes: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    administration: Mapped[Administration] = relationship()
    trainee: Mapped[User] = relationship()
    center: Mapped[Center | None] = relationship()
    exam_form: Mapped[ExamForm] = relationship()


class ExtraTime(Sealed, Base):
    """A decision on a trainee's extra time before the start; the newest counts and is copied to the registration.

    `factor` is the decimal by which the limit was made longer, empty where minutes were given as such.
    """

    __tablename__ = "extra_time"

    registration_id: Mapped[str] = mapped_column(ForeignKey("registration.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    minutes: Mapped[int]
    factor: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(500))
    decided_by: Mapped[str] = mapped_column(String(24))
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)
