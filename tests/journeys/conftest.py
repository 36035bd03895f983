"""Fixtures of the journeys: a browser, and a running service with one registered trainee."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from examapp import clock
from examapp.app import create_app
from examapp.db import db
from tests.conftest import make_config
from tests.journeys.live import Service, form_of_every_type, serve

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
# a page that is loaded answers in milliseconds; a machine that runs everything else too may not
PATIENCE = 30_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium of the system; nothing is downloaded."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield chromium
        chromium.close()


@contextmanager
def application(folder: Path, database: Path) -> Iterator[Flask]:
    """An application that a browser can use over plain HTTP, with a grace that a busy machine keeps too."""
    shutil.copyfile(database, folder / "examapp.db")
    app = create_app(make_config(folder, secure_cookies=False, grace_seconds=60))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def live_app(tmp_path: Path, empty_database: Path) -> Iterator[Flask]:
    """The application of one test."""
    with application(tmp_path, empty_database) as app:
        yield app


@pytest.fixture
def service(live_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The application served on a port of its own, with a trainee registered for a form of every item type."""
    with serve(live_app) as running:
        with live_app.app_context():
            running.prepare(form_of_every_type())
        monkeypatch.setattr(clock, "now", running.now)
        yield running


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[Service]:
    """A service that a module's tests use one after the other, each as a trainee of its own."""
    with application(tmp_path_factory.mktemp("hall"), empty_database) as app, serve(app) as running:
        yield running


@pytest.fixture
def place(hall: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The module's service as `service` is: on time, with a trainee who has not begun."""
    hall.renew()
    monkeypatch.setattr(clock, "now", hall.now)
    return hall


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile that prefers English."""
    fresh = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    fresh.set_default_timeout(PATIENCE)
    yield fresh
    fresh.close()


@pytest.fixture
def page(service: Service, context: BrowserContext) -> Page:
    """An empty page of the signed-in trainee."""
    return service.sign_in(context)


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> str:
    """One language after the other."""
    return str(request.param)
