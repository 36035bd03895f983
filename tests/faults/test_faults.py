"""No acknowledged answer is lost, stored twice or invented, whatever fails; `make faults` runs the same, longer."""

import pytest

from tests.cluster import programs
from tests.faults.series import SERIES

SEED = 7
BREAKABLE = [name for name, series in SERIES.items() if series.breaks]


def _needs(name: str) -> None:
    if "postgres" in name or name == "restart":
        programs() or pytest.skip("no PostgreSQL here")


@pytest.mark.slow
@pytest.mark.feature("T4")
@pytest.mark.parametrize("name", SERIES)
def test_nothing_acknowledged_is_lost_duplicated_or_invented(name):
    _needs(name)
    row = SERIES[name].run(SERIES[name].short, SEED)
    assert row.problems(SERIES[name].short) == [], f"seed {SEED}"


@pytest.mark.slow
@pytest.mark.parametrize("name", BREAKABLE)
def test_a_service_that_acknowledges_too_early_loses(name):
    _needs(name)
    row = SERIES[name].run(SERIES[name].control, SEED, SERIES[name].breaks)
    assert row.loses, "the control must lose, or the test above shows nothing"
