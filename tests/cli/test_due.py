"""The deadline: many sittings that end at once, some of which cannot be worked on, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, select, update

from benchmarks.deadline import hall
from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.canonical import digest
from examapp.cli import steps
from examapp.cli.due import run_due
from examapp.cli.steps import Patience
from examapp.credentials.models import Checkpoint, LogEntry
from examapp.credentials.verification import verify_storage
from examapp.db import db, transaction
from examapp.delivery import closing, histories
from examapp.delivery.models import Paper, PreparedSitting, Sitting, StoredResponse
from examapp.delivery.state import EXPIRED, OPEN
from examapp.errors import Refused
from examapp.exams import exam_forms
from examapp.exams.models import Administration, CutScore, Exam
from examapp.scoring import marking, results
from examapp.scoring.models import Mark, Result
from examapp.scoring.rules import rescore
from tests import makers
from tests.triggers import unlock

END = makers.AT + timedelta(minutes=90)


@pytest.fixture
def at(monkeypatch):
    """The service's clock, ten minutes after the deadline; a test moves it on."""
    moment = [END + timedelta(minutes=10)]
    monkeypatch.setattr(clock, "now", lambda: moment[0])
    return moment


@pytest.fixture
def sat(app, config, at):
    """Return how to seed running sittings whose time is over."""
    makers.make_store(config.key_folder)

    def seed(size, answered=3):
        exam_form = makers.make_exam_form()
        db.session.commit()
        return hall.seed(exam_form.exam, [exam_form], size, answered, END, np.random.default_rng(1)).sitting_ids

    return seed


def poison(sitting_id):
    """Let a stored response differ from its journal, as nothing in the service does."""
    with transaction():
        db.session.execute(
            update(StoredResponse).where(StoredResponse.sitting_id == sitting_id).values(value='"poison"')
        )


def count(model):
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


@pytest.mark.feature("T14")
def test_a_poisoned_sitting_is_named_and_stops_no_other_of_two_hundred(sat):
    bad, *good = sat(200)
    poison(bad)
    done = run_due()
    assert (done.expired, done.marked, done.scored) == (200, 199, 199)
    assert [f"{bad:016x}" in failure for failure in done.failures] == [True]
    assert set(db.session.scalars(select(Result.sitting_id))) == set(good)


def test_what_was_written_in_sets_verifies_row_by_row(sat):
    sat(60)
    run_due()
    assert verify_storage() == []
    assert set(db.session.scalars(select(Sitting.status))) == {EXPIRED}
    assert set(db.session.scalars(select(Sitting.closed_at))) == {END}


def test_scores_worked_out_together_are_bit_for_bit_those_of_each_alone(sat):
    sat(60)
    run_due()
    found = list(db.session.scalars(select(Result)))
    assert len(found) == 60
    assert len({result.theta for result in found}) > 2
    for result in found:
        assert rescore(result.evidence) == result.evidence["outcome"]
        assert digest(result.evidence) == result.evidence_digest


def test_a_second_pass_does_nothing(sat):
    sat(5)
    assert not run_due().is_empty
    assert run_due().is_empty


@pytest.mark.feature("O4")
def test_two_workers_at_once_do_each_sitting_once(app, sat):
    sat(150)

    def work(_):
        with app.app_context():
            return run_due()

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(work, range(2)))
    assert [failure for done in both for failure in done.failures] == []
    assert [sum(getattr(done, step) for done in both) for step in ("expired", "marked", "scored")] == [150] * 3
    assert (count(Mark), count(Result)) == (600, 150)
    assert verify_storage() == []


@pytest.mark.feature("O4")
def test_marks_without_a_result_are_found_and_scored(sat):
    sitting_ids = sat(12)
    closed = [closing.end_of(each) for each in closing.running(sitting_ids)]
    with transaction():
        closing.store(OPERATOR, closed, timedelta(0), at=clock.now())
    with transaction():
        marking.store(OPERATOR, [marking.marks_of(each, at=clock.now()) for each in histories.of(sitting_ids)])
    done = run_due()
    assert (done.expired, done.marked, done.scored) == (0, 0, 12)


def test_marks_stand_while_scoring_waits_for_a_cut(sat):
    sat(3)
    exam = db.session.scalar(select(Exam))
    with transaction():
        unlock(db.session.connection())
        db.session.execute(CutScore.__table__.delete())
    done = run_due()
    assert (done.marked, done.scored, len(done.failures)) == (3, 0, 3)
    assert "No cut score is decided" in done.failures[0]
    with transaction():
        exam_forms.decide_cut(makers.make_user("examiner"), exam, "theory", -0.6, "test", at=clock.now())
    assert run_due().scored == 3


def test_what_fails_is_tried_again_less_and_less_often(sat, at):
    (bad,) = sat(1)
    poison(bad)
    patience, tried = Patience(), []
    for _ in range(120):
        tried.append(len(run_due(patience).failures))
        at[0] += timedelta(seconds=2)
    assert [second * 2 for second, failures in enumerate(tried) if failures] == [0, 10, 30, 70, 150]


def test_what_was_mended_is_finished(sat, at):
    (bad,) = sat(1)
    right = db.session.scalars(select(StoredResponse.value)).all()
    poison(bad)
    patience = Patience()
    assert run_due(patience).marked == 0
    with transaction():
        for row, value in zip(db.session.scalars(select(StoredResponse)), right, strict=True):
            row.value = value
    at[0] += timedelta(seconds=11)
    assert run_due(patience).scored == 1


def test_an_end_is_not_written_over_a_save_that_came_in_between(sat):
    (sitting_id,) = sat(1)
    (end,) = [closing.end_of(each) for each in closing.running([sitting_id])]
    sitting = db.session.get_one(Sitting, sitting_id)
    makers.answer(sitting, {}, at=END - timedelta(minutes=1))
    with transaction():
        assert closing.store(OPERATOR, [end], timedelta(0), at=clock.now()) == 0
    assert histories.broken(sitting_id) == []


def test_an_end_is_not_written_where_time_was_added_in_between(sat):
    (sitting_id,) = sat(1)
    (end,) = [closing.end_of(each) for each in closing.running([sitting_id])]
    with transaction():
        db.session.get_one(Sitting, sitting_id).ends_at = clock.now() + timedelta(minutes=5)
    with transaction():
        assert closing.store(OPERATOR, [end], timedelta(0), at=clock.now()) == 0


def test_scoring_alone_and_in_a_set_give_the_same_evidence(sat):
    (sitting_id,) = sat(1)
    run_due()
    first = results.newest(sitting_id)
    with transaction():
        again = results.score(OPERATOR, db.session.get_one(Sitting, sitting_id), at=clock.now())
    assert (again.number, again.evidence, again.evidence_digest) == (2, first.evidence, first.evidence_digest)


@pytest.mark.feature("O4")
def test_a_sweep_finds_what_lies_longer_back_than_passes_look(sat, at):
    at[0] += timedelta(hours=2)
    patience = Patience()
    run_due(patience)
    sitting_ids = sat(2)
    with transaction():
        closed = [closing.end_of(each) for each in closing.running(sitting_ids)]
        closing.store(OPERATOR, closed, timedelta(0), at=clock.now())
    at[0] += timedelta(minutes=9)
    assert run_due(patience).marked == 0
    at[0] += timedelta(minutes=2)
    assert run_due(patience).marked == 2


def test_a_pass_looks_back_to_before_the_last_one_began(at):
    patience, began = Patience(), at[0]
    assert patience.since(at=began) is None
    slow, little = began + timedelta(minutes=9), timedelta(minutes=5)
    assert patience.since(at=slow) == began - little
    assert patience.since(at=slow - timedelta(seconds=30)) == slow - timedelta(seconds=30) - little
    assert patience.since(at=began + timedelta(minutes=10)) is None


def test_a_pass_looks_at_everything_once_when_what_failed_is_tried_again(at):
    patience, seconds = Patience(), timedelta(seconds=1)
    patience.since(at=at[0])
    patience.set_aside("mark", 1, at=at[0])
    looked = [patience.since(at=at[0] + second * seconds) is None for second in (9, 11, 13)]
    assert looked == [False, True, False]


def test_what_was_due_long_ago_and_closed_only_now_is_scored_at_once(sat, at):
    at[0] += timedelta(hours=2)
    patience = Patience()
    run_due(patience)
    sat(2)
    at[0] += timedelta(minutes=9)
    assert run_due(patience).scored == 2


def test_what_ends_during_a_long_pass_is_closed_before_its_next_page(sat, at, monkeypatch):
    early, late = sat(3), sat(2)
    with transaction():
        db.session.execute(update(Sitting).where(Sitting.id.in_(late)).values(ends_at=at[0] + timedelta(minutes=5)))
        closing.store(OPERATOR, [closing.end_of(each) for each in closing.running(early)], timedelta(0), at=at[0])
    monkeypatch.setattr(steps, "BATCH", 1)
    still_open, worked_out = [], marking.marks_of

    def marks_of(history, **moment):
        still_open.append(open_of(late))
        at[0] += timedelta(minutes=6)
        return worked_out(history, **moment)

    monkeypatch.setattr(marking, "marks_of", marks_of)
    assert run_due().expired == 2
    assert still_open[:2] == [2, 0]


def test_the_next_end_is_when_a_running_sitting_becomes_overdue(sat, at):
    grace, waited = timedelta(seconds=5), timedelta(seconds=6)
    late, later = sat(1), sat(1)
    for sitting_ids, minutes in ((late, 1), (later, 2)):
        ends_at = at[0] + timedelta(minutes=minutes)
        db.session.execute(update(Sitting).where(Sitting.id.in_(sitting_ids)).values(ends_at=ends_at))
    db.session.commit()
    first = at[0] + timedelta(minutes=1) + waited
    assert closing.next_end(grace, at=at[0]) == first
    assert closing.overdue(grace, at=first - timedelta(microseconds=1)) == []
    # one that is overdue and cannot be closed keeps nobody from resting
    assert closing.overdue(grace, at=first) == late
    assert closing.next_end(grace, at=first) == first + timedelta(minutes=1)
    assert closing.next_end(grace, at=first + timedelta(minutes=1)) is None


def open_of(sitting_ids):
    query = select(func.count()).select_from(Sitting).where(Sitting.id.in_(sitting_ids), Sitting.status == OPEN)
    return db.session.scalar(query)


def test_records_of_many_results_are_logged_in_small_writes_and_verify(sat, at, monkeypatch):
    sat(60)
    run_due()
    administration = db.session.scalar(select(Administration))
    with transaction():
        results.release(makers.make_user("examiner"), results.waiting_for_release(administration.id), at=clock.now())
    # the clock runs on while the records are signed and stored
    monkeypatch.setattr(clock, "now", lambda: at.append(at[-1] + timedelta(seconds=1)) or at[-1])
    assert run_due().recorded == 60
    assert (count(LogEntry), count(Checkpoint)) == (60, 2)
    assert verify_storage() == []
    assert run_due().is_empty


@pytest.mark.feature("O1")
def test_what_waits_for_the_bell_is_prepared_though_there_are_no_keys(app, at):
    opens_at = at[0] + timedelta(hours=1)
    administration = makers.make_administration(opens_at=opens_at, closes_at=opens_at + timedelta(hours=2))
    makers.make_registration(administration=administration)
    db.session.commit()
    with pytest.raises(Refused, match="examapp keys create"):
        run_due()
    assert (count(PreparedSitting), count(Paper)) == (1, 1)
