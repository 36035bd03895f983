"""A hall for the fault runs: an exam that is open, and trainees who have signed in and begun, each with a few sittings.

Everything is made through the service's own doors, so a trainee holds exactly the cookies that a browser would hold.
"""

from dataclasses import dataclass
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.app import MIGRATIONS, create_app
from examapp.config import Config
from examapp.credentials import key_store
from examapp.db import db
from tests.conftest import make_config
from tests.makers import PASSWORD, make_administration, make_content, make_exam_form, make_registration, make_user

SLOTS = 8


@dataclass(frozen=True)
class Seat:
    """A running sitting and what its trainee's browser sends with each request."""

    sitting: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Hall:
    """The settings of the service, and each trainee's seats in the order in which they are sat."""

    config: Config
    seats: list[list[Seat]]

    def environment(self) -> dict[str, str]:
        """Return what the service's own processes read their settings from."""
        return {
            "EXAMAPP_SECRET_KEY": self.config.secret_key, "EXAMAPP_DATABASE_URL": self.config.database_url,
            "EXAMAPP_KEY_FOLDER": str(self.config.key_folder), "EXAMAPP_SECURE_COOKIES": "0",
        }  # fmt: skip


def open_hall(folder: Path, url: str | None = None, *, trainees: int = 4, sittings: int = 2) -> Hall:
    """Make a migrated database (a file in `folder` unless `url` names another) with trainees who have begun."""
    config = make_config(folder, secure_cookies=False, **({"database_url": url} if url else {}))
    app = create_app(config)
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
        # the worker signs
        store = key_store.KeyStore(config.key_folder, config.public_url, config.log_origin)
        key_store.create_missing(OPERATOR, store, at=clock.now())
        registrations = _invite(trainees, sittings)
        db.session.remove()
    seats = [_begin(app, username, own) for username, own in registrations.items()]
    with app.app_context():
        db.engine.dispose()
    return Hall(config, seats)


def _invite(trainees: int, sittings: int) -> dict[str, list[str]]:
    """Register everybody for as many administrations of one form as there are sittings; return it by username."""
    exam_form = make_exam_form(contents=[make_content("numeric") for _ in range(SLOTS)])
    window = {"opens_at": clock.now() - timedelta(minutes=1), "closes_at": clock.now() + timedelta(hours=6)}
    administrations = [make_administration(exam_form, **window, minutes=300) for _ in range(sittings)]
    people = [make_user() for _ in range(trainees)]
    registrations = {
        each.username: [make_registration(each, administration).id for administration in administrations]
        for each in people
    }
    db.session.commit()
    return registrations


def _begin(app: Flask, username: str, registrations: list[str]) -> list[Seat]:
    browser = app.test_client()
    signed_in = browser.post("/api/session", json={"username": username, "password": PASSWORD})
    headers = {"X-CSRF-Token": signed_in.json["csrf_token"], "Content-Type": "application/json"}
    seats = []
    for registration in registrations:
        begun = browser.post("/api/sittings", json={"registration": registration}, headers=headers)
        assert begun.status_code == 201, begun.text
        cookies = SimpleCookie()
        for text in [*signed_in.headers.getlist("Set-Cookie"), *begun.headers.getlist("Set-Cookie")]:
            cookies.load(text)
        sent = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
        seats.append(Seat(begun.json["sitting"], {**headers, "Cookie": sent}))
    return seats
