"""No acknowledged answer is lost, stored twice or invented, whatever fails; `make faults` runs the same, longer."""

import pytest

from tests.cluster import programs
from tests.faults.hall import open_hall
from tests.faults.series import SERIES
from tests.faults.service import Warm, running
from tests.faults.trainees import at_work
from tests.faults.unflushed import die_in_a_flush

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SEED = 7
BREAKABLE = [name for name, series in SERIES.items() if series.breaks]


def _needs(name: str) -> None:
    if "postgres" in name or name == "restart":
        programs() or pytest.skip("no PostgreSQL here")


@pytest.mark.feature("T4")
@pytest.mark.parametrize("name", SERIES)
def test_nothing_acknowledged_is_lost_duplicated_or_invented(name):
    _needs(name)
    row = SERIES[name].run(SERIES[name].short, SEED)
    assert row.problems(SERIES[name].short) == [], f"seed {SEED}"


def test_a_save_found_after_a_crash_is_flushed_before_it_is_acknowledged():
    assert die_in_a_flush().is_clean


def test_a_save_found_after_a_crash_is_lost_where_it_is_not_flushed():
    assert die_in_a_flush("leave-unflushed").lost == 1, "the control must lose, or the test above shows nothing"


def test_many_first_saves_at_once_are_acknowledged_soon_after_a_start(tmp_path):
    hall = open_hall(tmp_path, trainees=40, sittings=1)
    with running(Warm(hall)) as service, at_work(hall, service.port, seed=SEED) as crowd:
        assert crowd.wait(1) < 10


@pytest.mark.parametrize("name", BREAKABLE)
def test_a_service_that_acknowledges_too_early_loses(name):
    _needs(name)
    row = SERIES[name].run(SERIES[name].control, SEED, SERIES[name].breaks)
    assert row.loses, "the control must lose, or the test above shows nothing"
