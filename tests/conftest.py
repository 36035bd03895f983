"""Fixtures that every test may use: an application on its own copy of an empty database, and a fixed instant."""

import io
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from examapp.app import MIGRATIONS, create_app
from examapp.config import Config
from examapp.db import db

SECRET = "a secret of the tests that is long enough"
CATALOG = Path(__file__).resolve().parent.parent / "examapp/web/translations/zh/LC_MESSAGES/messages.po"
REFERENCE = Path(__file__).resolve().parent.parent.parent / "shared" / "reference"


def make_config(folder: Path, **overrides: object) -> Config:
    """Return the settings of a service whose files all lie in `folder`."""
    values: dict[str, object] = {
        "secret_key": SECRET, "database_url": f"sqlite:///{folder / 'examapp.db'}", "key_folder": folder / "keys",
        "public_url": "http://127.0.0.1:8000",
    }  # fmt: skip
    return Config(**{**values, **overrides})  # type: ignore[arg-type]


@pytest.fixture(scope="session", autouse=True)
def compiled_catalog() -> None:
    """The compiled Chinese catalog, made again if its source changed since; other processes never see half of it."""
    compiled = CATALOG.with_suffix(".mo")
    if compiled.exists() and compiled.stat().st_mtime >= CATALOG.stat().st_mtime:
        return
    content = io.BytesIO()
    write_mo(content, read_po(io.BytesIO(CATALOG.read_bytes()), locale="zh"))
    part = compiled.with_suffix(f".{os.getpid()}")
    part.write_bytes(content.getvalue())
    part.replace(compiled)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without rows, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("empty")
    app = create_app(make_config(folder))
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
        with db.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
    return folder / "examapp.db"


@pytest.fixture
def config(tmp_path: Path, empty_database: Path) -> Config:
    """Settings whose database is a fresh copy."""
    shutil.copyfile(empty_database, tmp_path / "examapp.db")
    return make_config(tmp_path)


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The application, with its context pushed."""
    application = create_app(config)
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is not signed in."""
    return app.test_client()


@pytest.fixture
def at() -> datetime:
    """A fixed instant."""
    return datetime(2026, 5, 16, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of reference data that lies beside the project; tests marked `reference` read it."""
    if not REFERENCE.is_dir():
        pytest.skip(f"no reference data at {REFERENCE}")
    return REFERENCE


def pytest_sessionfinish(session: pytest.Session) -> None:
    """On CI nothing may be skipped: what a test needs is installed there, or the run fails."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and os.environ.get("CI") and reporter.stats.get("skipped"):
        reporter.write_line("tests were skipped on CI", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
