import numpy as np
import pytest

from benchmarks.oracle import calibration, classification, item_analysis, multigroup, simulation
from benchmarks.oracle.compare import cases, missed, read
from benchmarks.oracle.slips import model_fit_as_reference, score_group_fit_as_reference
from examapp.psychometrics.irt import Items, grid
from examapp.psychometrics.model_fit import model_fit
from examapp.psychometrics.score_group_fit import score_group_fit
from examapp.psychometrics.simulation import simulate_responses

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


THREE_STEPS = Items.of("grm", a=[1.5, 1.2, 1.8] * 3, b=[[-0.7, 0.7], [-0.4, 1.0], [-1.0, 0.4]] * 3)


def test_the_slips_of_the_reference_change_nothing_where_it_has_none(rng):
    people = simulate_responses(rng, rng.normal(size=3000), THREE_STEPS)
    for name in ("M2", "C2"):
        right = model_fit(people, THREE_STEPS, statistic=name).statistic
        theirs = model_fit_as_reference(name, people, THREE_STEPS, 0.0, 1.0, grid(points=121)).statistic
        assert theirs == pytest.approx(right, abs=1e-6)
    ours, (statistic, freedom) = (fit(people, THREE_STEPS) for fit in (score_group_fit, score_group_fit_as_reference))
    assert np.allclose(statistic, ours.statistic)
    assert (freedom == ours.degrees_of_freedom).all()


def test_below_a_lone_score_the_reference_merges_categories_that_are_not_sparse(rng):
    people = simulate_responses(rng, rng.normal(size=3000), THREE_STEPS)
    lowest = np.flatnonzero(people.sum(axis=1) == 2)
    one_at_two = np.delete(people, lowest[1:], axis=0)
    one_at_two = one_at_two[one_at_two.sum(axis=1) != 1]
    ours = score_group_fit(one_at_two, THREE_STEPS)
    statistic, freedom = score_group_fit_as_reference(one_at_two, THREE_STEPS)
    assert min(table[table > 0].min() for table in ours.expected) >= 1.0
    assert (freedom < ours.degrees_of_freedom).any()
    assert not np.allclose(statistic, ours.statistic)
