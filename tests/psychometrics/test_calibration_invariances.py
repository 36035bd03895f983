"""What must not matter to a calibration, its errors and testlets: order, names, scale, blocks, what nobody saw."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics import irt, testlet_errors, testlet_expectation, testlets
from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.expectation import Block
from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import rescale
from examapp.psychometrics.responses import codes
from examapp.psychometrics.simulation import simulate_abilities, simulate_responses
from examapp.psychometrics.standard_errors import standard_errors
from examapp.psychometrics.testlets import calibrate_testlets
from examapp.psychometrics.undetermined import as_nan

RNG = np.random.default_rng(21)
ITEMS = Items.of("2pl", a=RNG.uniform(0.8, 1.4, 6), b=RNG.uniform(-1, 1, 6))
RESPONSES = simulate_responses(RNG, simulate_abilities(RNG, 400), ITEMS, RNG.random((400, 6)) < 0.9)
OPTIONS = Items.of("nrm", b=[[0.3, -0.2]] * 4, slopes=[[0.6, 1.3]] * 4)
CHOICES = simulate_responses(RNG, simulate_abilities(RNG, 300), OPTIONS)
TESTLET = np.array([0, 0, 1, 1, -1, -1])
SHARED = RNG.normal(size=(200, 1)) + np.column_stack([RNG.normal(size=(200, 2)), np.zeros(200)])
CLUMPED = np.column_stack([simulate_responses(RNG, SHARED[:, t], ITEMS.take([j])) for j, t in enumerate(TESTLET)])
POINTS = (17, 9)
FEW = settings(max_examples=4, deadline=None)


def fitted(responses, model="2pl", **rest):
    return calibrate(responses, model, tolerance=1e-9, **rest)


def in_testlets(responses, testlet=TESTLET, cycles=12, **rest):
    """So many cycles of the climb, every step of which is to be the same."""
    return calibrate_testlets(responses, testlet, points=POINTS, tolerance=1e-5, max_cycles=cycles, **rest)


def numbers_of(fit, responses, kind="cross-product"):
    """Log-likelihood, SDs with errors, slopes, and everybody's ability."""
    errors = testlet_errors.standard_errors(fit, responses, points=POINTS, kind=kind)
    return fit.log_likelihood, fit.sd, errors.sd, fit.items.a, testlets.estimate(responses, fit, POINTS).theta


BASE = fitted(RESPONSES)
ERRORS = standard_errors(BASE, RESPONSES)


@FEW
@given(order=st.permutations(range(6)), seed=st.integers(0, 99))
def test_the_order_of_items_and_people_does_not_matter(order, seed):
    there = RESPONSES[np.random.default_rng(seed).permutation(400)][:, order]
    fit = fitted(there)
    assert fit.items.a == pytest.approx(BASE.items.a[order], abs=1e-6)
    assert standard_errors(fit, there).a == pytest.approx(ERRORS.a[order], abs=1e-6)


@FEW
@given(rows=st.integers(1, 5))
def test_people_who_saw_nothing_do_not_matter(rows):
    there = np.concatenate([RESPONSES, np.full((rows, 6), np.nan)])
    fit = fitted(there)
    assert fit.vector == pytest.approx(BASE.vector, abs=1e-7)
    assert fit.log_likelihood == pytest.approx(BASE.log_likelihood, abs=1e-8)
    assert standard_errors(fit, there).a == pytest.approx(ERRORS.a, abs=1e-7)


@as_nan()
def test_an_item_that_nobody_saw_does_not_matter_to_the_others():
    there = np.column_stack([RESPONSES, np.full(400, np.nan)])
    fit = fitted(there)
    errors = standard_errors(fit, there)
    assert errors.positive
    assert errors.a[:6] == pytest.approx(ERRORS.a, rel=1e-6)
    assert np.isnan([errors.a[6], errors.b[6, 0], errors.intercepts[6, 0]]).all()
    assert fit.items.a[:6] == pytest.approx(BASE.items.a, abs=1e-6)
    assert fit.log_likelihood == pytest.approx(BASE.log_likelihood, abs=1e-8)


@FEW
@given(A=st.floats(0.5, 2.0), B=st.floats(-1.0, 1.0))
def test_anchors_on_another_scale_take_all_else_there(A, B):
    here, there = (fitted(RESPONSES, anchors=one, anchored=[0, 1, 2]) for one in (ITEMS, rescale(ITEMS, A, B)))
    moved = rescale(here.items, A, B)
    assert there.items.a == pytest.approx(moved.a, rel=1e-4)
    assert there.items.b == pytest.approx(moved.b, abs=1e-4)
    assert [there.mean[0], there.sd[0]] == pytest.approx([A * here.mean[0] + B, A * here.sd[0]], abs=1e-4)
    assert there.log_likelihood == pytest.approx(here.log_likelihood, abs=1e-6)
    errors = [standard_errors(fit, RESPONSES).a[3:] for fit in (here, there)]
    assert A * errors[1] == pytest.approx(errors[0], rel=1e-3)


@FEW
@given(cuts=st.lists(st.integers(1, 399), min_size=1, max_size=3, unique=True).map(sorted))
def test_people_in_blocks_are_the_people_together(cuts):
    parts = [Block(codes(part)) for part in np.split(RESPONSES, cuts)]
    fit = fitted(parts)
    assert fit.vector == pytest.approx(BASE.vector, abs=1e-9)
    assert standard_errors(fit, parts).covariance == pytest.approx(ERRORS.covariance, abs=1e-9)


def test_groups_by_other_names_are_the_same_groups():
    names = np.arange(400) % 3
    fits = [fitted(RESPONSES, groups=labels) for labels in (names, np.array(["k", "m", "z"])[names])]
    errors = [
        standard_errors(fit, RESPONSES, groups=labels).mean
        for fit, labels in zip(fits, (names, np.array(["k", "m", "z"])[names]), strict=True)
    ]
    assert fits[1].vector.tolist() == fits[0].vector.tolist()
    assert errors[1][1:].tolist() == errors[0][1:].tolist()


def test_the_order_of_very_many_people_does_not_matter():
    rng = np.random.default_rng(5)
    items = Items.of("2pl", a=rng.uniform(0.8, 1.4, 20), b=rng.uniform(-1, 1, 20))
    many = simulate_responses(rng, simulate_abilities(rng, 20_000), items)
    here, there = calibrate(many, "2pl"), calibrate(many[rng.permutation(20_000)], "2pl")
    assert there.log_likelihood == pytest.approx(here.log_likelihood, abs=1e-3)
    assert there.items.a == pytest.approx(here.items.a, abs=1e-4)


@FEW
@given(st.permutations(range(3)))
def test_options_by_other_numbers_are_as_likely(names):
    renamed = np.array(names)[CHOICES.astype(int)]
    assert fitted(renamed, "nrm").log_likelihood == pytest.approx(fitted(CHOICES, "nrm").log_likelihood, abs=1e-4)


FREE = calibrate(RESPONSES, "2pl", latent="histogram")


@settings(max_examples=2, deadline=None)
@given(order=st.permutations(range(6)), people=st.randoms(use_true_random=False))
def test_neither_order_nor_holes_matter_to_an_empirical_histogram(order, people):
    rows = people.sample(range(400), 400)
    there = np.vstack([RESPONSES[rows][:, order], np.full((2, 6), np.nan)])
    moved = calibrate(there, "2pl", latent="histogram")
    assert moved.log_likelihood == pytest.approx(FREE.log_likelihood, abs=1e-3)
    assert moved.items.a == pytest.approx(FREE.items.a[order], abs=0.02)


@pytest.mark.parametrize("model", ["2pl", "grm", "gpcm"])
def test_items_that_agree_with_nothing_are_flat(model):
    fit = fitted([[0, 1], [1, 0]], model)
    assert np.isfinite([fit.items.a, fit.items.b[:, 0]]).all()
    assert irt.probabilities(fit.items, [-2.0, 2.0])[:, :, 1] == pytest.approx(0.5)


def test_two_people_and_a_free_distribution_end_in_numbers():
    assert np.isfinite(calibrate([[0], [1]], "2pl", latent="histogram", max_cycles=20).vector).all()


TESTLETS = in_testlets(CLUMPED)
NUMBERS = numbers_of(TESTLETS, CLUMPED)


@pytest.mark.parametrize("kind", ["cross-product", "oakes"])
@settings(max_examples=2, deadline=None)
@given(order=st.permutations(range(6)), people=st.randoms(use_true_random=False))
def test_the_order_of_items_and_people_does_not_matter_to_testlets(kind, order, people):
    rows = people.sample(range(200), 200)
    there = CLUMPED[rows][:, order]
    here = numbers_of(TESTLETS, CLUMPED, kind)
    found = numbers_of(in_testlets(there, TESTLET[order]), there, kind)
    assert np.hstack(found[:3]) == pytest.approx(np.hstack(here[:3]), rel=1e-4)
    assert found[3] == pytest.approx(here[3][order], rel=1e-5)
    assert found[4] == pytest.approx(here[4][rows], abs=1e-5)


def test_testlets_by_other_names_are_the_same_testlets():
    models = ["2pl@z", "2pl@z", "2pl@a", "2pl@a", "2pl", "2pl"]
    named = in_testlets(CLUMPED, None, model=models)
    assert named.labels == ("z", "a")
    assert np.hstack(numbers_of(named, CLUMPED)) == pytest.approx(np.hstack(NUMBERS))
    exchanged = in_testlets(CLUMPED, np.array([1, 1, 0, 0, -1, -1]))
    assert exchanged.sd[::-1] == pytest.approx(TESTLETS.sd)


@as_nan()
def test_what_nobody_saw_does_not_matter_to_testlets():
    there = np.pad(CLUMPED, ((0, 1), (0, 1)), constant_values=np.nan)
    found = numbers_of(in_testlets(there, np.append(TESTLET, 1)), there)
    assert np.hstack(found[:3]) == pytest.approx(np.hstack(NUMBERS[:3]))
    assert found[3][:-1] == pytest.approx(NUMBERS[3])
    assert found[4] == pytest.approx(np.append(NUMBERS[4], 0.0))


def test_people_of_testlets_in_blocks_are_the_people_together(monkeypatch):
    monkeypatch.setattr(testlet_expectation, "ROWS", 37)
    monkeypatch.setattr(testlets, "ROWS", 37)
    assert np.hstack(numbers_of(in_testlets(CLUMPED), CLUMPED)) == pytest.approx(np.hstack(NUMBERS))


def test_a_testlet_of_two_people_has_numbers_and_errors():
    few = np.array([[0, 1, 0], [1, 0, 1]])
    assert np.isfinite(np.hstack(numbers_of(in_testlets(few, np.zeros(3), cycles=3), few))).all()


def vector_or_problem(responses):
    """What the testlets' vector is, or why there is none."""
    try:
        return calibrate_testlets(responses, np.zeros(responses.shape[1]), points=POINTS, max_cycles=5).vector, ""
    except ValueError as problem:
        return np.zeros(0), str(problem)


@pytest.mark.parametrize(
    "responses",
    [np.ones((9, 4)), np.zeros((9, 4)), CLUMPED[:1, :2], CLUMPED[:3], np.full((3, 4), np.nan), np.zeros((0, 3))],
    ids=["all right", "all wrong", "one person", "three people", "nothing seen", "nobody"],
)
def test_testlets_of_little_data_end_in_numbers_or_say_where(responses):
    vector, problem = vector_or_problem(responses)
    assert np.isfinite(vector).all()
    assert vector.size or re.match(r"calibrate\w*: .*(item \d|nobody)", problem)
