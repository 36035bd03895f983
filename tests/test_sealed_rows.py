import pytest

from examapp.db import broken_seals, db
from examapp.scoring.models import Mark
from examapp.sealed_rows import ROWS_AT_ONCE, insert_columns, insert_rows
from tests import makers

SHARED = {
    "number": 1,
    "category": 0,
    "highest": 2,
    "marker": 'a "b" 材料 100 %',
    "marked_at": "2026-05-16T01:00:00.000000Z",
}


def stored():
    return {mark.slot: (mark.marker, mark.marked_at) for mark in db.session.query(Mark)}


@pytest.mark.parametrize("count", [1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 1])
def test_rows_inserted_together_carry_the_seals_of_rows_inserted_alone(app, count):
    sitting, slots = makers.make_sitting(), range(1, count + 1)
    insert_rows(Mark, [{**SHARED, "sitting_id": sitting.id, "slot": slot} for slot in slots])
    db.session.add(Mark(**{**SHARED, "sitting_id": sitting.id, "slot": count + 1, "marked_at": makers.AT}))
    db.session.flush()
    assert list(broken_seals(Mark.__table__)) == []
    assert stored() == dict.fromkeys((*slots, count + 1), (SHARED["marker"], makers.AT))


def test_columns_make_the_same_rows(app):
    sitting = makers.make_sitting()
    insert_columns(
        Mark,
        {name: [value] * 3 for name, value in SHARED.items()} | {"sitting_id": [sitting.id] * 3, "slot": [1, 2, 3]},
    )
    assert list(broken_seals(Mark.__table__)) == []
    assert stored() == dict.fromkeys((1, 2, 3), (SHARED["marker"], makers.AT))


def test_no_rows_are_no_work(app):
    insert_rows(Mark, [])
    assert stored() == {}
