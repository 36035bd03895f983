import pytest

from benchmarks.oracle import calibration, classification, item_analysis, multigroup, simulation
from benchmarks.oracle.compare import cases, missed, read

pytestmark = pytest.mark.reference


@pytest.mark.parametrize(
    ("kind", "judge", "least"),
    [
        ("calibration", calibration.checks, 10_000),
        ("classification", classification.checks, 1000),
        ("item_analysis", item_analysis.checks, 1000),
        ("multigroup", multigroup.checks, 300),
    ],
    ids=["calibration", "classification", "item analysis", "multigroup"],
)
def test_every_number_agrees_with_the_reference(reference, kind, judge, least):
    assert missed(reference, kind, judge, least=least) == []


@pytest.mark.slow
@pytest.mark.parametrize("size", ["n1000.", "2pl_n10000.", "3pl_n10000."])
def test_known_parameters_are_recovered_as_well_as_by_the_reference(reference, size):
    names = [name for name in cases(reference, "simulation") if size in name]
    found = [check for name in names for check in simulation.checks(reference, read(reference, name))]
    assert len(found) >= 8
    assert [check for check in found if not check.passed] == []
