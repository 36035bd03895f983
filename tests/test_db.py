from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from examapp.app import CONNECTIONS
from examapp.canonical import digest
from examapp.db import db, seal_of, seals_of

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


@given(st.dictionaries(NAMES, st.lists(VALUES, min_size=3, max_size=3), min_size=1))
def test_rows_given_by_the_column_have_the_seals_that_each_has_alone(columns):
    rows = [{name: values[place] for name, values in columns.items()} for place in range(3)]
    assert seals_of(columns) == [seal_of(row) for row in rows]


def test_connections_that_work_at_once_are_kept(app):
    opened, kept = [], CONNECTIONS[db.engine.dialect.name]["pool_size"]
    event.listen(db.engine, "connect", lambda connection, record: opened.append(record))
    for _ in range(3):
        with ExitStack() as stack:
            for _ in range(kept):
                stack.enter_context(db.engine.connect())
    assert len(opened) == kept
