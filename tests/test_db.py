from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from examapp.app import CONNECTIONS
from examapp.canonical import digest
from examapp.db import broken_seals, db, insert_sealed, seal_of
from examapp.scoring.models import Mark
from tests import makers

NAMES = st.from_regex(r"[a-z_]{1,12}", fullmatch=True).filter(lambda name: name != "seal")
VALUES = st.none() | st.text() | st.integers() | st.binary() | st.booleans()


def as_text(value):
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, int) else value


@given(st.dictionaries(NAMES, VALUES))
def test_a_seal_is_the_digest_of_the_canonical_json_of_a_row(row):
    assert seal_of({**row, "seal": "x"}) == digest({name: as_text(value) for name, value in row.items()})


def test_a_fraction_has_no_seal():
    with pytest.raises(TypeError):
        seal_of({"points": 0.5})


def test_rows_inserted_together_carry_the_seals_of_rows_inserted_alone(app):
    sitting = makers.make_sitting()
    row = {"sitting_id": sitting.id, "slot": 1, "number": 1, "category": 0, "highest": 2, "marker": "a \"b\" 材料",
           "marked_at": "2026-05-16T01:00:00.000000Z"}  # fmt: skip
    insert_sealed(Mark, [row, {**row, "slot": 2}])
    db.session.add(Mark(**{**row, "slot": 3, "marked_at": makers.AT}))
    db.session.flush()
    stored = {mark.slot: (mark.marker, mark.marked_at) for mark in db.session.query(Mark)}
    assert list(broken_seals(Mark.__table__)) == []
    assert stored == dict.fromkeys((1, 2, 3), ('a "b" 材料', makers.AT))


def test_connections_that_work_at_once_are_kept(app):
    opened, kept = [], CONNECTIONS[db.engine.dialect.name]["pool_size"]
    event.listen(db.engine, "connect", lambda connection, record: opened.append(record))
    for _ in range(3):
        with ExitStack() as stack:
            for _ in range(kept):
                stack.enter_context(db.engine.connect())
    assert len(opened) == kept
