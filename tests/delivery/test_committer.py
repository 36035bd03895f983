import sqlite3
import sys
from datetime import timedelta

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import event, text

from examapp.db import db, is_worth_another_try
from examapp.delivery import committer as committer_module
from examapp.delivery import gathering, histories, hot_rows, journal, sittings
from examapp.delivery.acceptance import Accepted, Flag, HandIn, Request, Save, accept
from examapp.delivery.committer import TRIES, Committer, shard_of
from examapp.delivery.gathering import Waiting
from examapp.delivery.hot_rows import DIALECTS, decide, rows_of, settle
from examapp.errors import ExamappError, Unavailable
from tests.makers import AT, make_sitting

GRACE = timedelta(seconds=5)


def locked():
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorname = "SQLITE_BUSY"
    return error


CHANCE = {
    "40001": psycopg.errors.SerializationFailure, "40P01": psycopg.errors.DeadlockDetected, "locked": locked,
    "lost": psycopg.OperationalError,
}  # fmt: skip


@pytest.fixture
def committer(app):
    return Committer(db.engine, GRACE)


@pytest.fixture
def sitting(app):
    return make_sitting()


def save(sitting, slot, seq, value="2", client_time=None):
    return Request(sitting.id, Save(slot, seq, value, client_time), AT, sitting.epoch)


def kinds(sitting):
    db.session.rollback()
    db.session.refresh(sitting)
    assert histories.broken(sitting.id) == []
    return [row.kind for row in journal.entries(sitting.id)][1:]


def settled(committer, requests):
    """Put requests into one batch, and return what each was answered."""
    batch = [Waiting(request) for request in requests]
    committer._settle(batch)
    return [waiting.outcome for waiting in batch]


def fail(monkeypatch, error, times, *, after):
    """Let the first transactions fail, before anything is written or after it is durable."""
    rows = DIALECTS[db.engine.dialect.name]
    write = rows.write

    def failing(self, batch, *, commit):
        nonlocal times
        times -= 1
        if times < 0 or after:
            write(self, batch, commit=commit)
        if times >= 0:
            raise error()

    monkeypatch.setattr(rows, "write", failing)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_halves_of_a_batch_that_failed_for_good_are_acknowledged_only_if_they_are_stored(
    committer, sitting, monkeypatch, times
):
    fail(monkeypatch, OSError, times, after=False)
    outcomes = settled(committer, [save(sitting, slot, slot) for slot in (1, 2, 3, 4)])
    stored = sum(isinstance(outcome, Accepted) for outcome in outcomes)
    assert kinds(sitting) == ["responded"] * stored
    assert stored == (4 if times < 3 else 3)


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after its commit"])
@pytest.mark.parametrize("name", CHANCE)
def test_what_failed_by_chance_is_run_again_and_changes_nothing_twice(committer, sitting, monkeypatch, name, after):
    fail(monkeypatch, CHANCE[name], TRIES - 1, after=after)
    outcomes = settled(committer, [save(sitting, slot, slot) for slot in (1, 2, 3)])
    assert [outcome.body["seq"] for outcome in outcomes] == [1, 2, 3]
    assert kinds(sitting) == ["responded"] * 3
    # what is found stored is not written again
    assert committer.state.tried_again == (1 if after else TRIES - 1)


@pytest.mark.parametrize("name", CHANCE)
def test_what_keeps_failing_is_refused_for_now_and_not_stored(committer, sitting, monkeypatch, name):
    fail(monkeypatch, CHANCE[name], 100, after=False)
    outcomes = settled(committer, [save(sitting, 1, 1), save(sitting, 2, 2)])
    assert [(type(outcome), outcome.code) for outcome in outcomes] == [(Unavailable, "service.storage")] * 2
    assert kinds(sitting) == []


def test_a_bad_request_fails_alone_and_its_batch_is_split_in_halves(committer, sitting, monkeypatch):
    sizes = []

    def poisoned(batch, request, grace):
        if request.action.slot == 3:
            raise ValueError("poison")
        return accept(batch, request, grace)

    def counted(rows, requests, grace, *, lock):
        sizes.append(len(requests))
        return decide(rows, requests, grace, lock=lock)

    monkeypatch.setattr(hot_rows, "accept", poisoned)
    monkeypatch.setattr(committer_module, "decide", counted)
    outcomes = settled(committer, [save(sitting, slot, 1) for slot in range(1, 9)])
    assert [isinstance(outcome, Accepted) for outcome in outcomes] == [slot != 3 for slot in range(1, 9)]
    assert sizes == [8, 4, 2, 2, 1, 1, 4]
    assert kinds(sitting) == ["responded"] * 7


def test_nothing_of_a_batch_is_stored_whose_last_statement_the_database_refuses(committer, sitting, monkeypatch):
    module = sys.modules[DIALECTS[db.engine.dialect.name].__module__]
    monkeypatch.setattr(module, "responses", lambda batch: [(*key, None, None, None) for key in batch.responses])
    outcomes = settled(committer, [save(sitting, 1, 1), save(sitting, 2, 2)])
    assert [outcome.code for outcome in outcomes] == ["service.storage"] * 2
    assert kinds(sitting) == []
    assert sitting.last_number == 1
    monkeypatch.undo()
    assert [outcome.entry.number for outcome in settled(committer, [save(sitting, 1, 1)])] == [2]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("conflicts", [0, 1])
def test_whole_batch_is_one_transaction_without_begin_and_commit(committer, sitting, monkeypatch, conflicts):
    fail(monkeypatch, psycopg.errors.UniqueViolation, conflicts, after=False)
    settled(committer, [save(sitting, 1, 1), save(sitting, 2, 2)])
    written = [
        db.session.execute(text(statement), {"id": sitting.id}).scalars().all()
        for statement in (
            "SELECT xmin::text FROM journal_entry WHERE sitting_id = :id AND number > 1",
            "SELECT xmin::text FROM stored_response WHERE sitting_id = :id",
            "SELECT xmin::text FROM sitting WHERE id = :id",
        )
    ]
    assert [len(found) for found in written] == [2, 2, 1]
    assert len({each for found in written for each in found}) == 1
    assert committer._rows._driver.info.transaction_status == TransactionStatus.IDLE
    assert committer.state.tried_again == conflicts


@pytest.mark.parametrize("error", [psycopg.OperationalError, OSError], ids=["run again", "split in halves"])
def test_a_repeated_batch_answers_what_it_would_have_answered_at_first(committer, sitting, monkeypatch, error):
    flag, hand_in = (Request(sitting.id, action, AT, sitting.epoch) for action in (Flag(1, True), HandIn()))
    requests = [save(sitting, 1, 1), save(sitting, 1, 2, "3"), save(sitting, 1, 1, "4"), flag, hand_in]
    fail(monkeypatch, error, 1, after=True)
    outcomes = settled(committer, requests)
    codes = [outcome.code if isinstance(outcome, ExamappError) else outcome.entry.number for outcome in outcomes]
    assert codes == [2, 3, "response.stale", 4, 5]
    assert kinds(sitting) == ["responded", "responded", "flagged", "submitted"]


def test_who_sends_an_overtaken_answer_again_is_told_that_it_is_stale(committer, sitting):
    settled(committer, [save(sitting, 1, 1), save(sitting, 1, 2, "3")])
    (outcome,) = settled(committer, [save(sitting, 1, 1)])
    assert outcome.code == "response.stale"


def meanwhile(monkeypatch, change):
    """Let `change` happen between the reading and the writing of the first transaction."""
    changes = [change]

    def overtaken(batch, request, grace):
        while changes:
            changes.pop()()
        return accept(batch, request, grace)

    monkeypatch.setattr(hot_rows, "accept", overtaken)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_batch_that_another_process_overtook_is_decided_anew(committer, sitting, monkeypatch):
    other = Committer(db.engine, GRACE)
    meanwhile(monkeypatch, lambda: settled(other, [save(sitting, 1, 2, "3")]))
    stale, stored = settled(committer, [save(sitting, 1, 1), save(sitting, 2, 1)])
    assert (stale.code, stored.entry.number) == ("response.stale", 3)
    assert kinds(sitting) == ["responded", "responded"]
    assert committer.state.tried_again == 1


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_hand_in_sees_the_answer_that_overtook_it(committer, sitting, monkeypatch):
    other = Committer(db.engine, GRACE)
    meanwhile(monkeypatch, lambda: settled(other, [save(sitting, 1, 1)]))
    (outcome,) = settled(committer, [Request(sitting.id, HandIn(), AT, sitting.epoch)])
    assert outcome.body["answered"] == 1
    assert kinds(sitting) == ["responded", "submitted"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_save_sees_the_hand_in_that_overtook_it(committer, sitting, monkeypatch):
    other = Committer(db.engine, GRACE)
    meanwhile(monkeypatch, lambda: settled(other, [Request(sitting.id, HandIn(), AT, sitting.epoch)]))
    (outcome,) = settled(committer, [save(sitting, 1, 1)])
    assert outcome.code == "sitting.closed"
    assert kinds(sitting) == ["submitted", "late"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("error", "is_kept"), [
    (psycopg.errors.SerializationFailure, True), (psycopg.errors.UniqueViolation, True),
    (psycopg.OperationalError, False),
])  # fmt: skip
def test_only_a_connection_that_may_be_lost_is_given_up(committer, sitting, monkeypatch, error, is_kept):
    settled(committer, [save(sitting, 1, 1)])
    before = committer._connection
    fail(monkeypatch, error, 1, after=False)
    (outcome,) = settled(committer, [save(sitting, 2, 2)])
    assert outcome.entry.number == 3
    assert (committer._connection is before) == is_kept


def test_requests_of_one_batch_see_what_those_before_them_did(committer, sitting):
    flag = Request(sitting.id, Flag(1, True), AT, sitting.epoch)
    hand_in = Request(sitting.id, HandIn(), AT, sitting.epoch)
    outcomes = settled(committer, [
        save(sitting, 1, 1), save(sitting, 1, 2, "3"), save(sitting, 1, 2, "3"), save(sitting, 1, 1), flag, hand_in,
        hand_in, save(sitting, 1, 2, "3"), save(sitting, 2, 3), save(sitting, 2, 3), flag,
    ])  # fmt: skip
    codes = [outcome.code if isinstance(outcome, ExamappError) else outcome.entry.number for outcome in outcomes]
    assert codes == [2, 3, 3, "response.stale", 4, 5, 5, 3, *["sitting.closed"] * 3]
    assert (outcomes[5].body, outcomes[5].entry) == (outcomes[6].body, outcomes[6].entry)
    assert kinds(sitting) == ["responded", "responded", "flagged", "submitted", "late"]


def test_what_a_hand_in_says_is_the_same_in_a_later_batch(committer, sitting):
    settled(committer, [save(sitting, 1, 1), save(sitting, 2, 1, None), save(sitting, 4, 1, "8.1")])
    hand_in = Request(sitting.id, HandIn(), AT, sitting.epoch)
    (first,), (again,) = settled(committer, [hand_in]), settled(committer, [hand_in])
    assert (again.body, again.entry) == (first.body, first.entry)
    assert first.body["answered"] == 2


@pytest.mark.parametrize(("value", "client_time"), [
    ("2", "2026-05-16T01:00:00Z"), (["1", "3"], None), (True, 'a "quoted" 时间\\ \u2028\x7f'), (None, None),
    ({"b": "1", "a": "2"}, ""), ("é𝟙", "𝟙"),
])  # fmt: skip
def test_entries_are_canonical_whatever_was_sent(committer, sitting, value, client_time):
    settled(committer, [save(sitting, 1, 1, value, client_time)])
    assert kinds(sitting) == ["responded"]
    assert [each.value for each in sittings.stored_responses(sitting)] == [value]


def test_a_sender_whose_patience_ends_is_told_to_send_again(committer, sitting, monkeypatch):
    monkeypatch.setattr(gathering, "PATIENCE_SECONDS", 0.01)
    # somebody stores something without end
    committer._gathering._is_led = True
    with pytest.raises(Unavailable) as refusal:
        committer.commit(save(sitting, 1, 1))
    assert (refusal.value.code, refusal.value.retry_after) == ("service.busy", 2)


def test_the_committer_counts_what_it_did_and_tells_an_observer(app, sitting):
    seen = []
    committer = Committer(db.engine, GRACE, observe=lambda size, seconds: seen.append((size, seconds > 0)))
    settled(committer, [save(sitting, 1, 2), save(sitting, 1, 1)])
    committer.commit(save(sitting, 2, 3))
    state = committer.state
    assert seen == [(2, True), (1, True)]
    assert (state.waiting, state.batches, state.requests, state.refused, state.last_batch) == (0, 2, 3, 1, 1)
    assert state.seconds > 0


def test_a_batch_is_one_transaction_a_shard(app, sitting):
    other, sizes = make_sitting(), []
    committer = Committer(db.engine, GRACE, shards=1024, observe=lambda size, seconds: sizes.append(size))
    committer._settle_all([Waiting(save(each, slot, slot)) for slot in (1, 2) for each in (sitting, other)])
    assert sizes == ([2, 2] if sitting.id >> 53 != other.id >> 53 else [4])


@pytest.mark.parametrize(("sitting_id", "shards", "shard"), [
    (0, 1, 0), (2**63 - 1, 1, 0), (0, 4, 0), (2**61, 4, 1), (2**63 - 1, 4, 3), (2**63 - 1, 1024, 1023),
    (2**53, 1024, 1),
])  # fmt: skip
def test_the_first_ten_bits_of_a_sitting_name_its_shard(sitting_id, shards, shard):
    assert shard_of(sitting_id, shards) == shard


def test_a_database_that_may_lose_commits_is_refused(committer, sitting):
    off = {"sqlite": "PRAGMA synchronous=OFF", "postgresql": "SET synchronous_commit TO off"}[db.engine.dialect.name]

    @event.listens_for(committer._engine, "checkout")
    def switch_off(connection, record, proxy):
        connection.execute(off)

    with pytest.raises(RuntimeError, match="does not keep what it commits: synchronous"):
        committer.commit(save(sitting, 1, 1))
    assert kinds(sitting) == []


@pytest.mark.parametrize("error", [ValueError(), sqlite3.IntegrityError(), psycopg.errors.UniqueViolation()])
def test_what_would_fail_again_is_not_tried_again(error):
    assert not is_worth_another_try(error)


def test_a_unit_of_work_settles_requests_in_its_own_transaction(app, sitting):
    (outcome,) = settle(rows_of(db.session.connection()), [save(sitting, 1, 1)], GRACE)
    assert outcome.entry.number == 2
    db.session.rollback()
    assert kinds(sitting) == []
