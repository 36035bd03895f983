from datetime import timedelta

import pytest

from examapp.delivery import devices, histories, journal
from examapp.delivery.models import Sitting
from tests import makers
from tests.makers import AT

FIRST, SECOND = "a" * 12, "b" * 12
LATER = AT + timedelta(minutes=9)


@pytest.fixture
def sitting(app) -> Sitting:
    """A sitting that began on the first device."""
    return makers.make_sitting(device=FIRST)


def open_on(sitting: Sitting, device: str) -> None:
    if devices.is_news(sitting, device):
        devices.open_on(sitting, device, at=LATER)


def told(sitting: Sitting, device: str) -> bool:
    """Say whether the page on this device is told of another one."""
    return devices.opened_elsewhere(sitting.id, devices.newest_opening(sitting), device) is not None


def kinds(sitting: Sitting) -> list[str]:
    return [row.kind for row in journal.entries(sitting.id)]


@pytest.mark.feature("T11")
def test_device_that_began_may_open_its_sitting_again_unnoticed(sitting):
    open_on(sitting, FIRST)
    assert (kinds(sitting), told(sitting, FIRST)) == (["started"], False)


@pytest.mark.feature("T11")
def test_opening_on_another_device_is_written_down_once_and_told_to_the_first(sitting):
    open_on(sitting, SECOND)
    open_on(sitting, SECOND)
    assert kinds(sitting) == ["started", "opened"]
    assert (told(sitting, FIRST), told(sitting, SECOND)) == (True, False)
    assert devices.opened_elsewhere(sitting.id, devices.newest_opening(sitting), FIRST) == LATER
    assert histories.broken(sitting.id) == []


def test_whoever_opens_it_last_is_told_nothing(sitting):
    for device in (SECOND, FIRST):
        open_on(sitting, device)
    assert kinds(sitting) == ["started", "opened", "opened"]
    assert (told(sitting, FIRST), told(sitting, SECOND)) == (False, True)


def test_two_openings_at_once_are_written_down_once(sitting):
    for _ in range(2):
        devices.open_on(sitting, SECOND, at=LATER)
    assert kinds(sitting) == ["started", "opened"]


def test_a_sitting_that_is_over_may_be_looked_at_anywhere(sitting):
    makers.answer(sitting, {})
    open_on(sitting, SECOND)
    devices.open_on(sitting, SECOND, at=LATER)
    assert kinds(sitting) == ["started", "submitted"]
