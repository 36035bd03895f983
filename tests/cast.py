"""The same few people everywhere, each at a browser of their own: two trainees, an examiner, two centers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from examapp.accounts.models import Center, User
from examapp.db import db
from tests import makers


class Member:
    """A person at a browser. Rows made before a request are committed, so that the request sees them."""

    def __init__(self, app: Flask, user: User | None) -> None:
        self.app, self.user, self.browser, self.token = app, user, app.test_client(), ""
        if user is not None:
            self.send("POST", "/api/session", json={"username": user.username, "password": makers.PASSWORD})
        self.renew()

    def renew(self) -> None:
        """Take the token that the present session's forms carry."""
        self.token = self.get("/api/session").json["csrf_token"]

    def get(self, path: str, **arguments: Any) -> TestResponse:
        """Open a page."""
        return self.send("GET", path, **arguments)

    def post(self, path: str, **fields: Any) -> TestResponse:
        """Send a form, with the token that its page carries."""
        return self.send("POST", path, data=fields, headers={"X-CSRF-Token": self.token})

    def send(self, method: str, path: str, **arguments: Any) -> TestResponse:
        """Send a request in a context of its own: what Flask keeps for one request must not reach the next."""
        db.session.commit()
        with self.app.app_context():
            return self.browser.open(path, method=method, buffered=True, **arguments)


@dataclass(frozen=True)
class Cast:
    """Everybody whom the pages know."""

    stranger: Member
    trainee: Member
    other_trainee: Member
    examiner: Member
    center: Member
    other_center: Member

    def by_role(self) -> dict[str, Member]:
        """Return one member of each role, strangers included."""
        return {"stranger": self.stranger, "trainee": self.trainee, "examiner": self.examiner, "center": self.center}


def make_cast(app: Flask) -> Cast:
    """Sign everybody in; the trainees and the first center's staff belong to one center."""
    home, away = makers.make_center(), makers.make_center()
    people = [
        _user("trainee", home),
        _user("trainee", home, name="王芳"),
        _user("examiner", None, name="陈静"),
        _user("center", home, name="赵磊"),
        _user("center", away, name="周敏"),
    ]
    db.session.commit()
    return Cast(Member(app, None), *(Member(app, person) for person in people))


def _user(role: str, center: Center | None, **overrides: Any) -> User:
    return makers.make_user(role, center_id=center.id if center else None, language="en", **overrides)


def register(member: Member, at: datetime = makers.AT, **overrides: Any) -> Any:
    """Give a trainee of the cast a place at their own center in a new administration."""
    return makers.make_registration(member.user, center_id=member.user.center_id, created_at=at, **overrides)
