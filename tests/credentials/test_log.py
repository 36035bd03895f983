from datetime import timedelta

import pytest

from examapp.credentials import log
from examapp.credentials.checkpoint import open_checkpoint
from examapp.credentials.merkle import extends, includes
from examapp.db import db
from examapp.errors import InvalidInput, NotFound, Tampered
from tests import makers
from tests.triggers import unlock

LATER = makers.AT + timedelta(days=1)


def grown(store, keys):
    """Return the heads before and after two more records."""
    before = open_checkpoint(log.head().note, keys.origin, [keys.log.public_jwk])
    makers.make_both_results()
    makers.issue(store, at=LATER)
    return before, open_checkpoint(log.head().note, keys.origin, [keys.log.public_jwk])


def test_checkpoint_proves_each_entry(issued, keys):
    head = open_checkpoint(log.head().note, keys.origin, [keys.log.public_jwk])
    for entry in issued.records:
        path = [bytes.fromhex(step) for step in log.inclusion(entry.index, head.size)]
        assert includes(bytes.fromhex(entry.leaf_hash), entry.index, head.size, path, head.root)


def test_grown_log_extends_the_one_before(store, issued, keys):
    before, after = grown(store, keys)
    proof = [bytes.fromhex(step) for step in log.consistency(before.size, after.size)]
    assert (before.size, after.size) == (2, 4)
    assert extends(before.size, after.size, before.root, after.root, proof)


def test_nothing_is_signed_when_an_entry_was_changed_since(store, issued, keys):
    unlock(db.session.connection())
    db.session.connection().exec_driver_sql(
        "update log_entry set leaf_hash = case substr(leaf_hash, 1, 1) when 'a' then 'b' else 'a' end"
        """ || substr(leaf_hash, 2) where "index" = 0"""
    )
    makers.make_result()
    with pytest.raises(Tampered) as caught:
        makers.issue(store, at=LATER)
    assert caught.value.code == "log.changed"


def test_nothing_is_signed_when_an_entry_is_missing(store, issued):
    unlock(db.session.connection())
    db.session.connection().exec_driver_sql("""delete from log_entry where "index" = 0""")
    with pytest.raises(Tampered) as caught:
        log.leaf_hashes()
    assert caught.value.code == "log.gap"


def test_new_record_that_is_not_what_was_appended_is_not_signed(store, keys):
    makers.make_result()
    makers.issue(store)
    unlock(db.session.connection())
    connection = db.session.connection()
    connection.exec_driver_sql("delete from checkpoint")
    connection.exec_driver_sql("update log_entry set record = record || 'x'")
    with pytest.raises(Tampered) as caught:
        log.write_checkpoint(keys, at=LATER)
    assert caught.value.code == "log.changed_entry"


def test_same_head_is_not_signed_twice(issued, keys):
    assert log.write_checkpoint(keys, at=LATER).note == log.head().note


@pytest.mark.parametrize(("index", "size"), [(2, 2), (0, 3), (-1, 2), (0, 0)])
def test_proof_beyond_the_log_is_invalid_input(issued, index, size):
    with pytest.raises(InvalidInput):
        log.inclusion(index, size)


@pytest.mark.parametrize(("first", "second"), [(0, 2), (2, 1), (1, 3)])
def test_consistency_beyond_the_log_is_invalid_input(issued, first, second):
    with pytest.raises(InvalidInput):
        log.consistency(first, second)


def test_empty_log_proves_nothing(store, keys):
    assert log.write_checkpoint(keys, at=LATER) is None
    with pytest.raises(NotFound):
        log.inclusion(0, 1)
