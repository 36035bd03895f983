import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examapp.delivery.routing import Place, order

FORM = [
    *(Place(slot, "single_choice", None, ("1", "2", "3", "4")) for slot in range(1, 11)),
    *(Place(slot, "true_false", None) for slot in range(11, 16)),
    *(Place(slot, "numeric", "task") for slot in range(16, 20)),
    Place(20, "fault_finding", "task", ("1", "2", "3", "4", "5")),
]


@pytest.mark.feature("T16")
@given(st.integers(0, 2**62))
def test_the_order_follows_from_the_seed_alone_and_keeps_every_item(seed):
    shown = order(FORM, seed)
    assert shown == order(FORM, seed)
    assert {place.slot: sorted(place.options) for place in shown} == {
        place.slot: sorted(place.options) for place in FORM
    }


@given(st.integers(0, 2**62))
def test_sections_stay_in_place_and_tasks_in_order(seed):
    shown = order(FORM, seed)
    assert [place.item_type for place in shown] == [place.item_type for place in FORM]
    assert shown[15:] == FORM[15:]


def test_different_seeds_give_different_orders():
    assert len({tuple(place.slot for place in order(FORM, seed)) for seed in range(50)}) == 50


def test_anybody_can_recompute_the_order_from_the_seed():
    ranks = sorted(range(1, 11), key=lambda slot: hashlib.sha256(f"7:{slot}".encode()).digest())
    assert [place.slot for place in order(FORM, 7)][:10] == ranks
