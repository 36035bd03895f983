from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.oracle import linking as oracle
from benchmarks.oracle.compare import missed
from examapp.psychometrics import irt
from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import METHODS, Link, chain, link, normal_nodes, rescale
from examapp.psychometrics.parameter_vectors import free_parameters, with_free_parameters

THETA = np.linspace(-3, 3, 7)
MIXED = Items.concatenate(
    [
        Items.of("3pl", a=[1.4, 0.8], b=[-0.2, 0.9], c=[0.2, 0.1]),
        Items.of("grm", a=[1.2], b=[[-1.0, 0.2, 1.1]]),
        Items.of("gpcm", a=[0.7], b=[[0.5, -0.4]]),
        Items.of("nrm", b=[[0.5, -0.4]], slopes=[[-0.6, 1.3]]),
    ]
)
ALL = [(j, j) for j in range(5)]
ORDERED = ALL[:4]
constants = st.tuples(st.floats(0.4, 2.5), st.floats(-2.0, 2.0))


@pytest.mark.reference
def test_links_errors_chains_and_equated_scores_match_the_reference(reference):
    assert missed(reference, "linking", oracle.checks, least=100) == []


@pytest.mark.parametrize("method", METHODS)
@given(constants)
@settings(max_examples=10, deadline=None)
def test_a_known_change_of_scale_is_found(method, known):
    common = ALL if method in ("haebara", "stocking-lord") else ORDERED
    found = link(MIXED, rescale(MIXED, *known), common, method=method)
    assert found.converged
    assert np.allclose([found.A, found.B], known, atol=1e-6)


@given(constants)
@settings(max_examples=20, deadline=None)
def test_rescaling_keeps_every_probability(known):
    A, B = known
    assert np.allclose(irt.probabilities(rescale(MIXED, A, B), A * THETA + B), irt.probabilities(MIXED, THETA))


@pytest.mark.parametrize("method", METHODS)
@given(st.permutations(range(4)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_items_and_pairs_does_not_matter(method, order):
    other = replace(rescale(MIXED, 1.3, 0.2), a=rescale(MIXED, 1.3, 0.2).a * [1.1, 0.9, 1.0, 1.05, 1.0])
    found = link(MIXED, other, ORDERED, method=method)
    again = link(MIXED.take([*order, 4]), other, [(order.index(j), j) for j in order], method=method)
    assert np.allclose([found.A, found.B], [again.A, again.B], atol=1e-8)


def test_the_symmetric_criterion_gives_inverse_links():
    other = replace(rescale(MIXED, 1.3, 0.2), a=MIXED.a)
    there = link(MIXED, other, ALL, symmetric=True)
    back = link(other, MIXED, ALL, symmetric=True).inverse()
    assert np.allclose([there.A, there.B], [back.A, back.B], atol=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_errors_are_the_spread_over_simulated_calibrations(method, rng):
    old = Items.of("2pl", a=[1.0, 1.4, 0.8, 1.2], b=[-1.0, 0.0, 0.5, 1.2])
    new, spread = rescale(old, 1.2, 0.3), 0.02
    covariance = spread**2 * np.eye(8)
    error = link(old, new, ORDERED, method=method, covariances=(covariance, covariance)).standard_errors
    drawn = []
    for _ in range(80):
        moved = [with_free_parameters(one, free_parameters(one) + rng.normal(0, spread, 8)) for one in (old, new)]
        found = link(moved[0], moved[1], ORDERED, method=method)
        drawn.append((found.A, found.B))
    assert np.allclose(np.std(drawn, axis=0) / error, 1.0, atol=0.3)


def test_forms_with_fixed_slopes_keep_their_unit():
    old, new = Items.of("rasch", b=[-1.0, 0.0, 2.0]), Items.of("rasch", b=[-0.5, 0.7, 2.5])
    found = [link(old, new, ALL[:3], method=method) for method in METHODS]
    assert [one.A for one in found] == [1.0] * 5
    assert np.allclose([one.B for one in found], 1.7 / 3, atol=0.1)


def test_a_chain_there_and_back_is_the_identity():
    there = link(MIXED, rescale(MIXED, 1.3, 0.2), ALL, covariances=(np.eye(17) * 0.01, np.eye(17) * 0.01))
    whole = chain([there, there.inverse()])
    assert np.allclose([whole.A, whole.B], [1.0, 0.0])
    assert np.allclose(there.inverse().inverse().covariance, there.covariance)


def test_errors_are_unknown_without_covariances():
    assert link(MIXED, MIXED, ALL).standard_errors is None


def test_rescaling_a_rasch_item_frees_its_slope():
    assert rescale(Items.of(["rasch", "pcm"], b=[[0.0, np.nan], [0.0, 1.0]]), 2.0, 0.0).model == ("1pl", "gpcm")


TWO = Items.of("2pl", a=[1.0, 1.0], b=[0.0, 1.0])
SURE = link(TWO, TWO, ALL[:2], covariances=(np.eye(4), np.eye(4)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: link(TWO, TWO, []), "at least one common item"),
        (lambda: link(TWO, TWO, [(0, 0), (0, 1)]), "must be different"),
        (lambda: link(TWO, TWO, [(0, 2)]), "in 0..1"),
        (lambda: link(TWO, MIXED, [(0, 2)]), "other categories"),
        (lambda: link(TWO, TWO, [(0, 0)], method="mean-sigma"), "different difficulty"),
        (lambda: link(MIXED, MIXED, ALL, method="mean-mean"), "ordered categories"),
        (lambda: link(replace(TWO, a=-TWO.a), TWO, ALL[:2], method="mean-geometric"), "positive slopes"),
        (lambda: link(TWO, TWO, ALL[:2], method="median"), "unknown method"),
        (lambda: link(TWO, TWO, ALL[:2], covariances=(np.eye(2), np.eye(4))), "4 free parameters"),
        (lambda: rescale(TWO, 0.0, 1.0), "A > 0"),
        (lambda: normal_nodes(0), "at least one node"),
        (lambda: chain([]), "no links"),
        (lambda: chain([SURE, link(MIXED, MIXED, ALL, covariances=(np.eye(17), np.eye(17)))]), "not the first form"),
    ],
)
def test_misuse_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_slopes_that_point_the_other_way_are_reported():
    assert not link(replace(TWO, a=-TWO.a), TWO, ALL[:2], method="mean-mean").converged
    assert not link(TWO, replace(TWO, a=np.array([1.0, -1.0])), ALL[:2], method="mean-mean").converged


@pytest.mark.parametrize("method", ["mean-mean", "mean-geometric", "haebara", "stocking-lord"])
def test_one_common_item_makes_a_link(method):
    found = link(TWO.take([1]), rescale(TWO, 1.5, 0.5), [(0, 1)], method=method)
    assert pytest.approx([1.5, 0.5], abs=1e-6) == [found.A, found.B]


@given(constants, constants)
@settings(max_examples=10, deadline=None)
def test_a_chain_over_other_scales_ends_where_a_single_link_does(first, second):
    middle, end = rescale(MIXED, *first), rescale(rescale(MIXED, *first), *second)
    whole = chain([link(MIXED, middle, ALL), link(middle, end, ALL)])
    assert pytest.approx([first[0] * second[0], second[0] * first[1] + second[1]], abs=1e-5) == [whole.A, whole.B]


def test_an_item_that_is_not_common_does_not_matter():
    wider = Items.concatenate([TWO, MIXED])
    one, other = link(TWO, TWO, ALL[:2]), link(wider, TWO, ALL[:2])
    assert pytest.approx([one.A, one.B]) == [other.A, other.B]


def test_a_link_carries_abilities():
    assert Link(2.0, 1.0, np.eye(2), True, (), ()).theta([0.0, 1.5]).tolist() == [1.0, 4.0]
