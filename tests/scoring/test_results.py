from datetime import timedelta

import pytest
from sqlalchemy import select

from examapp.accounts.access import OPERATOR
from examapp.banks import parameters
from examapp.canonical import digest
from examapp.db import db, transaction
from examapp.delivery import closing, sittings
from examapp.delivery.committer import Committer
from examapp.delivery.models import JournalEntry
from examapp.delivery.tickets import Ticket
from examapp.errors import NotAllowed, NotFound, Refused, Tampered
from examapp.exams import exam_forms
from examapp.psychometrics.irt import Items
from examapp.scoring import marking, results
from examapp.scoring.rules import rescore
from tests import makers
from tests.makers import AT, make_sitting, make_user
from tests.triggers import unlock

RIGHT = {1: "3", 2: ["3", "5"], 3: True, 4: "826.6"}


@pytest.fixture
def closed(app):
    sitting = make_sitting()
    committer = Committer(db.engine, timedelta(seconds=5))
    ticket = Ticket(sitting.id, sitting.exam_form_id, sitting.epoch, "", 0)
    for slot, value in RIGHT.items():
        sittings.respond(committer, ticket, slot, 1, value, None, at=AT)
    sittings.hand_in(committer, ticket, at=AT)
    db.session.rollback()
    return sitting


@pytest.fixture
def scored(closed):
    with transaction():
        marking.mark(OPERATOR, closed, at=AT)
    with transaction():
        return results.score(OPERATOR, closed, at=AT)


def test_every_slot_of_a_closed_sitting_is_marked_once(closed):
    assert marking.unmarked() == [closed.id]
    with transaction():
        marks = marking.mark(OPERATOR, closed, at=AT)
    assert [(mark.category, mark.highest) for mark in marks] == [(1, 1), (2, 2), (1, 1), (1, 1)]
    assert marking.unmarked() == []


def test_a_result_holds_all_that_recomputes_it(scored):
    evidence = {name: value for name, value in scored.evidence.items() if name != "outcome"}
    assert rescore(evidence) == scored.evidence["outcome"]
    assert scored.evidence_digest == digest(scored.evidence)
    assert [item["response"] for item in scored.evidence["items"]] == list(RIGHT.values())


def test_an_item_without_a_response_counts_as_wrong(app):
    sitting = make_sitting()
    with transaction():
        closing.expire(OPERATOR, sitting, timedelta(0), at=AT + timedelta(hours=9))
    with transaction():
        assert {mark.category for mark in marking.mark(OPERATOR, sitting, at=AT)} == {0}


def test_a_journal_that_does_not_hold_is_not_scored(closed):
    with transaction():
        unlock(db.session.connection())
        row = db.session.scalar(select(JournalEntry).where(JournalEntry.number == 2))
        row.body = row.body.replace('"3"', '"1"')
    with pytest.raises(Tampered, match="entry 2"), transaction():
        marking.mark(OPERATOR, closed, at=AT)


def test_nobody_sees_a_result_before_an_examiner_releases_it(scored):
    with pytest.raises(NotFound) as error:
        results.released(scored.sitting_id)
    assert error.value.code == "result.not_released"
    with transaction():
        results.release(make_user("examiner"), [scored], at=AT)
    assert results.released(scored.sitting_id).id == scored.id


@pytest.mark.parametrize("role", ["trainee", "center"])
def test_only_examiners_release(scored, role):
    with pytest.raises(NotAllowed):
        results.release(make_user(role), [scored], at=AT)


def test_releasing_nothing_is_refused(app):
    with pytest.raises(Refused):
        results.release(make_user("examiner"), [], at=AT)


def test_scoring_again_adds_a_result_and_edits_none(scored):
    first = (scored.id, scored.seal)
    with transaction():
        second = results.score(OPERATOR, scored.sitting, at=AT + timedelta(days=1))
    assert (second.number, scored.number) == (2, 1)
    assert (scored.id, scored.seal) == first
    assert results.newest(scored.sitting_id).id == second.id
    assert [each.id for each in results.waiting_for_release(scored.sitting.registration.administration_id)] == [
        second.id
    ]


def test_a_new_cut_and_new_parameters_count_from_the_next_result_on(scored):
    slot, exam = scored.sitting.exam_form.slots[0], scored.sitting.exam_form.exam
    items = parameters.items_on_scale([slot.item_version_id], makers.SCALE)
    harder = Items.of(items.model, a=items.a, b=items.b + 1.5)
    with transaction():
        exam_forms.decide_cut(make_user("examiner"), exam, scored.sitting.exam_form.part, 1.25, "test", at=AT)
        parameters.store(OPERATOR, [slot.item_version_id], harder, makers.SCALE, source="test", at=AT)
        db.session.flush()
        second = results.score(OPERATOR, scored.sitting, at=AT)
    before, after = (each.evidence["items"][0]["parameters"]["b"] for each in (scored, second))
    assert float(after[0]) == pytest.approx(float(before[0]) + 1.5)
    assert (scored.cut_theta, second.cut_theta) == ("-0.600000", "1.250000")
    assert second.theta > scored.theta
    assert rescore(second.evidence) == second.evidence["outcome"]
