"""Tables of people and of the programs that act for them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from examapp.db import Base, CanonicalJson, UtcDateTime, new_id


class Center(Base):
    """A place or body that registers trainees, invigilates, and pulls results."""

    __tablename__ = "center"

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name_zh: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))


class User(Base):
    """A person: trainee, examiner or center staff. `username` is stored folded, so look-alikes are one."""

    __tablename__ = "user"

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str] = mapped_column(String(200))
    center_id: Mapped[str | None] = mapped_column(ForeignKey("center.id"))
    language: Mapped[str] = mapped_column(String(2), default="zh")
    # raised to end every session that the person has open
    session_epoch: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    center: Mapped[Center | None] = relationship()

    @property
    def session_id(self) -> str:
        """What a browser session keeps of the person it belongs to."""
        return f"{self.id}.{self.session_epoch}"


class SignInThrottle(Base):
    """Failed sign-ins of one name from one source; never of a source alone, behind which a whole hall may sit."""

    __tablename__ = "sign_in_throttle"

    username: Mapped[str] = mapped_column(String(80), primary_key=True)
    source: Mapped[str] = mapped_column(String(80), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    blocked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class ApiClient(Base):
    """A program of a center that pulls results; it proves itself with its private key (RFC 7523)."""

    __tablename__ = "api_client"

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    center_id: Mapped[str | None] = mapped_column(ForeignKey("center.id"))
    public_jwk: Mapped[Any] = mapped_column(CanonicalJson)
    scopes: Mapped[str] = mapped_column(String(200))
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    center: Mapped[Center | None] = relationship()


class AccessToken(Base):
    """A token of ten minutes for an API client, stored only as its digest."""

    __tablename__ = "access_token"

    token_digest: Mapped[str] = mapped_column(String(71), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("api_client.id"))
    scopes: Mapped[str] = mapped_column(String(200))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    client: Mapped[ApiClient] = relationship()


class UsedAssertion(Base):
    """A client assertion that was accepted once; it is kept until it would expire anyway."""

    __tablename__ = "used_assertion"

    client_id: Mapped[str] = mapped_column(ForeignKey("api_client.id"), primary_key=True)
    jti: Mapped[str] = mapped_column(String(200), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
