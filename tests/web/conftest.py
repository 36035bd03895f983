"""The people of `tests.cast` at a stopped clock."""

from datetime import datetime

import pytest
from flask import Flask

from examapp import clock
from tests.cast import Cast, make_cast


@pytest.fixture
def cast(app: Flask, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """Everybody signed in, at the fixed instant."""
    monkeypatch.setattr(clock, "now", lambda: at)
    return make_cast(app)
