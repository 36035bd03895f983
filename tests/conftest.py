"""Fixtures that every test may use: an application on its own copy of an empty database, and a fixed instant.

Tests of what must hold on both databases (`ON_BOTH`) run twice wherever they use `config`: on SQLite and on PostgreSQL.
"""

import io
import itertools
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
from hypothesis import HealthCheck, settings

from examapp.app import MIGRATIONS, create_app
from examapp.config import Config
from examapp.db import db
from tests.cluster import Cluster, programs, running_cluster

# how long something takes says little on a machine that does other things
settings.register_profile("examapp", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("examapp")

SECRET = "a secret of the tests that is long enough"
CATALOG = Path(__file__).resolve().parent.parent / "examapp/web/translations/zh/LC_MESSAGES/messages.po"
REFERENCE = Path(__file__).resolve().parent.parent.parent / "shared" / "reference"
DATABASES = ("sqlite", "postgresql")
# files and folders beside this one
ON_BOTH = (
    "delivery", "contracts/test_migrations.py", "scoring/test_marking.py", "scoring/test_results.py",
    "web/test_trainee.py", "web/test_sitting", "web/test_gate.py", "web/test_center_live.py", "cli/test_due.py",
    "cli/test_load.py", "cli/test_credentials.py", "credentials/test_issuing.py", "credentials/test_log.py",
    "test_db.py", "test_sealed_rows.py",
)  # fmt: skip
_numbers = itertools.count(1)


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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of `ON_BOTH` that uses a database on both."""
    place = metafunc.definition.path.relative_to(Path(__file__).parent).as_posix()
    is_given = any("database" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "database" in metafunc.fixturenames and not is_given and any(place.startswith(prefix) for prefix in ON_BOTH):
        metafunc.parametrize("database", DATABASES, indirect=True)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database without rows, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("empty")
    migrate(make_config(folder))
    return folder / "examapp.db"


def migrate(config: Config) -> None:
    """Bring an empty database to the newest tables."""
    with create_app(config).app_context():
        upgrade(directory=str(MIGRATIONS))
        if db.engine.dialect.name == "sqlite":
            with db.engine.connect() as connection:
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A PostgreSQL cluster of this test process with a migrated database `template_of_tests` without rows."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with running_cluster() as running:
        running.run("CREATE DATABASE template_of_tests")
        migrate(make_config(tmp_path_factory.mktemp("template"), database_url=running.url("template_of_tests")))
        yield running


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database of this test."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def config(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Config]:
    """Settings whose database is a fresh copy."""
    if database == "sqlite":
        shutil.copyfile(request.getfixturevalue("empty_database"), tmp_path / "examapp.db")
        yield make_config(tmp_path)
        return
    server: Cluster = request.getfixturevalue("cluster")
    name = f"test_{next(_numbers)}"
    server.run(f"CREATE DATABASE {name} TEMPLATE template_of_tests")
    yield make_config(tmp_path, database_url=server.url(name))
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


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
