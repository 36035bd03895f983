from dataclasses import replace

import numpy as np
import pytest

from benchmarks import oracle_table
from benchmarks.oracle import calibration, classification, item_analysis, multigroup, scoring, simulation
from benchmarks.oracle.compare import cases, consecutive, missed, read
from benchmarks.oracle.held import Watched, reason
from benchmarks.oracle.maximum import stopped_early
from benchmarks.oracle.slips import model_fit_as_reference, score_group_fit_as_reference
from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.irt import Items, grid
from examapp.psychometrics.model_fit import model_fit
from examapp.psychometrics.score_group_fit import score_group_fit
from examapp.psychometrics.simulation import simulate_responses

pytestmark = pytest.mark.reference


@pytest.mark.parametrize(
    ("kind", "judge", "least"),
    [
        ("calibration", calibration.checks, 4000),
        ("calibration", scoring.checks, 6000),
        ("classification", classification.checks, 1000),
        ("item_analysis", item_analysis.checks, 1000),
        ("multigroup", multigroup.checks, 300),
    ],
    ids=["calibration", "scoring", "classification", "item analysis", "multigroup"],
)
def test_every_number_agrees_with_the_reference(reference, kind, judge, least):
    assert missed(reference, kind, judge, least=least) == []


OF_EVERY_KIND = """
    lsat6_rasch lsat7_3pl_prior science_gpcm scored_irtoys_3pl_full_prior sat12_na_2pl cat_tcals_3pl
    classify_science_gpcm verbagg_gender sat12_item_analysis est2pl_chain_meansigma est3pl_form2_to_form3
    neat_2pl_link sim_neat_2pl asvab_sex_white personfit_lsat7 sim_2pl_n1000
"""


@pytest.mark.parametrize("name", OF_EVERY_KIND.split())
def test_what_a_case_holds_is_compared_or_there_is_a_reason(reference, name):
    (entry,) = [entry for entry in oracle_table.entries(reference) if entry["id"] == name]
    row = oracle_table.judge(reference, entry, oracle_table.judges())
    assert row["passed"]
    assert [path for path in row["left"] if not reason(path)] == []


def test_what_nobody_asked_for_is_found():
    case = Watched({"fit": {"logLik": -1.0, "extra": 2.0}, "items": [{"a": 1.0, "new": 2.0}], "none": None})
    assert [row["a"] for row in case["items"]] == [case["fit"]["logLik"] * -1]
    assert case.left() == {"/fit/extra", "/items/new"}
    assert reason("/items/new") == ""


def test_a_reference_that_stopped_early_is_judged_at_the_maximum_and_no_other_is(reference):
    case = read(reference, "calibration/lsat7_3pl_prior.json")
    (data, _), priors = calibration.case_data(reference, case), calibration.case_priors(case)
    fit = calibrate(data, "3pl", priors=priors)
    assert stopped_early(case, fit, data, None, priors, ["a"]) is None
    early = case | {"items": [row | {"a": 0.9 * row["a"]} for row in case["items"]]}
    assert [check.passed for check in stopped_early(early, fit, data, None, priors, ["a"])] == [True, True]
    lower = replace(fit, log_likelihood=fit.log_likelihood - 0.05)
    assert [check.passed for check in stopped_early(early, lower, data, None, priors, ["a"])] == [False, True]


def test_categories_that_nobody_used_are_counted_out():
    data = np.array([[0.0, 1.0], [2.0, 2.0], [np.nan, 3.0]])
    assert np.array_equal(consecutive(data, [2, 3]), [[0, 0], [1, 1], [np.nan, 2]], equal_nan=True)
    assert np.array_equal(consecutive(data, [3, 4]), data, equal_nan=True)


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
