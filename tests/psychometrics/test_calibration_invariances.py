"""What must not matter to a calibration, its errors and testlets: order, and what nobody saw."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics import classical
from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.irt import Items
from examapp.psychometrics.simulation import simulate_abilities, simulate_responses
from examapp.psychometrics.standard_errors import standard_errors

RNG = np.random.default_rng(21)
ITEMS = Items.of("2pl", a=RNG.uniform(0.8, 1.4, 6), b=RNG.uniform(-1, 1, 6))
RESPONSES = simulate_responses(RNG, simulate_abilities(RNG, 400), ITEMS, RNG.random((400, 6)) < 0.9).astype(float)
RESPONSES[RESPONSES < 0] = np.nan
FEW = settings(max_examples=5, deadline=None)


def fitted(responses):
    return calibrate(responses, "2pl", tolerance=1e-9)


BASE = fitted(RESPONSES)
ERRORS = standard_errors(BASE, RESPONSES)


@FEW
@given(order=st.permutations(range(6)), seed=st.integers(0, 99))
def test_the_order_of_items_and_people_does_not_matter(order, seed):
    there = RESPONSES[np.random.default_rng(seed).permutation(400)][:, order]
    fit = fitted(there)
    assert fit.items.a == pytest.approx(BASE.items.a[order], abs=1e-6)
    assert standard_errors(fit, there).a == pytest.approx(ERRORS.a[order], abs=1e-6)
    here, moved = classical.classical_statistics(RESPONSES), classical.classical_statistics(there)
    assert moved.mean == pytest.approx(here.mean[order])


@FEW
@given(rows=st.integers(1, 5))
def test_people_who_saw_nothing_do_not_matter(rows):
    there = np.concatenate([RESPONSES, np.full((rows, 6), np.nan)])
    fit = fitted(there)
    assert fit.vector == pytest.approx(BASE.vector, abs=1e-7)
    assert fit.log_likelihood == pytest.approx(BASE.log_likelihood, abs=1e-8)
    assert standard_errors(fit, there).a == pytest.approx(ERRORS.a, abs=1e-7)


def test_an_item_that_nobody_saw_does_not_matter_to_the_others():
    fit = fitted(np.column_stack([RESPONSES, np.full(400, np.nan)]))
    assert fit.items.a[:6] == pytest.approx(BASE.items.a, abs=1e-6)
    assert fit.log_likelihood == pytest.approx(BASE.log_likelihood, abs=1e-8)
