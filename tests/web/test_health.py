import shutil

from flask import Flask
from flask.testing import FlaskClient

from examapp.config import Config
from examapp.db import db
from tests import makers


def missing(client: FlaskClient) -> str:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert answer.headers["Retry-After"]
    assert answer.json["code"] == "service.not_ready"
    return answer.json["missing"]


def test_service_with_database_migrations_and_keys_is_ready(client: FlaskClient, config: Config) -> None:
    makers.make_store(config.key_folder)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready"})


def test_missing_keys_are_named(client: FlaskClient, config: Config) -> None:
    assert missing(client) == "keys"
    makers.make_store(config.key_folder)
    shutil.rmtree(config.key_folder)
    assert missing(client) == "keys"


def test_older_tables_are_named(client: FlaskClient) -> None:
    db.session.execute(db.text("UPDATE alembic_version SET version_num = '0001'"))
    db.session.commit()
    assert missing(client) == "migrations"


def test_alive_does_not_need_a_database_and_ready_does(app: Flask, config: Config, client: FlaskClient) -> None:
    db.session.remove()
    db.engine.dispose()
    path = config.database_url.removeprefix("sqlite:///")
    shutil.move(path, f"{path}.away")
    (config.key_folder.parent / "examapp.db").mkdir()
    assert client.get("/healthz").json == {"status": "alive"}
    assert missing(client) == "database"
