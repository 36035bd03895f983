"""A database that is gone: pages and JSON say so, with 503, and need nothing of it to say it."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from examapp import clock
from examapp.db import db
from examapp.web import problems
from tests import makers
from tests.web.test_trainee import sign_in

NAME = "王小明"
TOLD = {
    "zh": ("请稍候", "系统暂时无法访问数据，请几秒后重试。"),
    "en": ("Please wait", "The service cannot reach its data at the moment. Please try again in a few seconds."),
}


@contextmanager
def gone(app: Flask) -> Iterator[None]:
    """Let every statement fail, as the driver's errors do."""
    with app.app_context():
        engine = db.engine
    event.listen(engine, "do_execute", _failing)
    try:
        yield
    finally:
        event.remove(engine, "do_execute", _failing)


def _failing(*_: Any) -> None:
    raise sqlite3.OperationalError("disk I/O error")


@pytest.mark.feature("O1")
@pytest.mark.parametrize("language", ["zh", "en"])
def test_page_says_that_the_data_cannot_be_reached(
    app: Flask, client: FlaskClient, at: datetime, monkeypatch: pytest.MonkeyPatch, language: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(clock, "now", lambda: at)
    trainee = makers.make_user(name=NAME, language=language)
    db.session.commit()
    sign_in(client, trainee)
    with gone(app), caplog.at_level(logging.ERROR):
        answer = client.get("/", headers={"Accept-Language": language})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (503, "no-store")
    assert int(answer.headers["Retry-After"]) in problems.RETRY_SECONDS
    assert [text in answer.text for text in (*TOLD[language], NAME)] == [True, True, False]
    assert ["the database failed" in str(record.msg) for record in caplog.records] == [True]
    assert NAME in client.get("/").text
