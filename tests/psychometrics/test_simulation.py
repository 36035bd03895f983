import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics.irt import Items
from examapp.psychometrics.simulation import random_design, simulate_abilities, simulate_responses

ITEMS = Items.of(["2pl", "grm"], a=[1.0, 1.2], b=[[0.0], [-1.0, 1.0]])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 6), st.integers(0, 5), st.data())
def test_a_design_shows_everybody_as_many_items(people, items, data):
    seen = data.draw(st.integers(0, items))
    design = random_design(np.random.default_rng(1), people, items, seen)
    assert design.shape == (people, items)
    assert (design.sum(axis=1) == seen).all()


def test_people_one_after_the_other_answer_as_all_at_once():
    theta = simulate_abilities(np.random.default_rng(2), 2000)
    rng = np.random.default_rng(3)
    parts = [simulate_responses(rng, part, ITEMS) for part in np.split(theta, [7, 1500])]
    assert (np.concatenate(parts) == simulate_responses(np.random.default_rng(3), theta, ITEMS)).all()


def test_what_is_not_seen_changes_nothing_else():
    seen = np.array([[True, False], [True, True]])
    holes, whole = (simulate_responses(np.random.default_rng(1), [0.0, 0.0], ITEMS, mask) for mask in (seen, None))
    assert np.isnan(holes[0, 1])
    assert (holes[seen] == whole[seen]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: random_design(rng, 2, 3, 4), "cannot show 4 of 3 items"),
        (lambda rng: simulate_responses(rng, [[0.0]], ITEMS), "one dimension"),
        (lambda rng: simulate_responses(rng, [np.nan], ITEMS), "finite"),
        (lambda rng: simulate_responses(rng, [0.0], ITEMS, [[True]]), "seen has shape"),
        (lambda rng: simulate_abilities(rng, 3, sd=-1.0), "sd"),
    ],
)
def test_misuse_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(1))
