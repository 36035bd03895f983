import hashlib
from collections import Counter

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
    stream = hashlib.shake_256(b"7").digest(4000)
    numbers = iter(int.from_bytes(stream[at : at + 4]) for at in range(0, 4000, 4))
    ranks = {place.slot: [next(numbers) for _ in (place.slot, *place.options)] for place in FORM}
    shown = order(FORM, 7)
    assert [place.slot for place in shown[:10]] == sorted(range(1, 11), key=lambda slot: ranks[slot][0])
    assert [place.slot for place in shown[10:15]] == sorted(range(11, 16), key=lambda slot: ranks[slot][0])
    for place in shown[:10]:
        assert list(place.options) == sorted("1234", key=lambda option: ranks[place.slot][int(option)])


def test_options_come_in_every_order_equally_often():
    places = [Place(1, "single_choice", None, ("1", "2", "3"))]
    found = Counter(order(places, seed)[0].options for seed in range(6000))
    assert len(found) == 6
    # five standard deviations of a count of 6000 with probability 1/6
    assert all(abs(count - 1000) < 5 * 29 for count in found.values())
