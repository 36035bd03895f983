"""The people of `tests.cast` at a stopped clock, and a running sitting of the first trainee."""

from datetime import datetime

import pytest
from flask import Flask

from examapp import clock
from tests import makers
from tests.cast import Cast, make_cast, register


@pytest.fixture
def cast(app: Flask, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """Everybody signed in, at the fixed instant."""
    monkeypatch.setattr(clock, "now", lambda: at)
    return make_cast(app)


@pytest.fixture
def sitting(cast: Cast) -> str:
    """The address of the first trainee's running sitting, whose ticket their browser holds."""
    public_id = makers.make_sitting(register(cast.trainee)).public_id
    cast.trainee.get(f"/api/sittings/{public_id}", headers={"X-CSRF-Token": cast.trainee.token})
    return f"/api/sittings/{public_id}"
