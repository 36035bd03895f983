"""Work in blocks of people or pairs gives the numbers of one piece."""

import itertools

import numpy as np
import pytest

from examapp.psychometrics import item_fit, person_fit, response_patterns, similarity
from examapp.psychometrics.irt import Items
from examapp.psychometrics.simulation import simulate_responses
from examapp.psychometrics.undetermined import as_nan

RNG = np.random.default_rng(13)
ITEMS = Items.of("2pl", a=RNG.uniform(0.7, 1.5, 9), b=RNG.uniform(-1.5, 1.5, 9))
THETA = RNG.normal(size=50)
RESPONSES = simulate_responses(RNG, THETA, ITEMS, RNG.random((50, 9)) < 0.9)
PAIRS = list(itertools.combinations(range(20), 2))

CALLS = {
    "lz": (person_fit, lambda: person_fit.lz(RESPONSES, ITEMS, THETA)),
    "lz*": (person_fit, lambda: person_fit.lz_star(RESPONSES, ITEMS, THETA)),
    "infit of items": (item_fit, lambda: item_fit.mean_squares(RESPONSES, ITEMS, THETA).infit),
    "infit of people": (item_fit, lambda: item_fit.mean_squares(RESPONSES, ITEMS, THETA, of="people").infit),
    "Ht": (response_patterns, lambda: response_patterns.pattern_fit(RESPONSES).ht),
    "GBT": (similarity, lambda: similarity.similarity(RESPONSES, ITEMS, THETA, PAIRS).gbt_p),
    "omega of all pairs": (similarity, lambda: similarity.similarity_matrix(RESPONSES, ITEMS, THETA)),
}


@pytest.mark.parametrize("name", CALLS)
@as_nan()
def test_blocks_change_nothing(name, monkeypatch):
    module, call = CALLS[name]
    whole = call()
    monkeypatch.setattr(module, "BLOCK", 7)
    assert np.allclose(call(), whole, atol=1e-12, equal_nan=True)
