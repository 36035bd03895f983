from datetime import timedelta

import pytest
from sqlalchemy import select

from examapp.accounts.access import OPERATOR
from examapp.credentials import key_store, record
from examapp.credentials.verification import verify_storage
from examapp.db import db
from examapp.delivery import late_answers
from examapp.delivery.models import Sitting
from examapp.scoring import marking, results
from examapp.scoring.late_answers import count
from examapp.scoring.models import Mark, Result
from tests import makers
from tests.delivery.test_late_answers import REASON, bring, requests

LATER = makers.AT + timedelta(hours=5)
GIVEN = {1: "1", 2: ["3", "5"], 3: True}


@pytest.fixture
def result(app) -> Result:
    """A released result of a sitting in which one answer was wrong and one was missing."""
    registration = makers.make_registration(center_id=makers.make_center().id)
    return makers.make_result(registration, GIVEN)


def count_late(sitting: Sitting) -> Result | None:
    """Let a file with two right answers count, by two people of the center."""
    asking, agreeing = (makers.make_user("center", center_id=sitting.registration.center_id) for _ in range(2))
    bring(sitting, (1, 2, "3"), (4, 1, "826.6"))
    late_answers.ask(asking, sitting, REASON, at=LATER)
    scored = count(agreeing, sitting, *requests(sitting), at=LATER)
    db.session.commit()
    return scored


@pytest.mark.feature("T10")
def test_counted_answers_are_scored_beside_what_was_before(result):
    scored = count_late(result.sitting)
    assert (scored.number, results.newest(result.sitting_id).id) == (2, scored.id)
    assert float(scored.raw_points) > float(result.raw_points)
    assert {item["slot"]: item["response"] for item in scored.evidence["items"]} == {**GIVEN, 1: "3", 4: "826.6"}
    assert {item["slot"]: item["response"] for item in result.evidence["items"]} == {**GIVEN, 4: None}
    marks = db.session.execute(select(Mark.slot, Mark.number).where(Mark.sitting_id == result.sitting_id)).all()
    assert sorted(map(tuple, marks)) == [(1, 1), (1, 2), (2, 1), (3, 1), (4, 1), (4, 2)]


def test_new_result_waits_for_its_release(result):
    scored = count_late(result.sitting)
    assert results.released(result.sitting_id).id == result.id
    assert results.waiting_for_release(result.sitting.registration.administration_id) == [scored]


@pytest.mark.parametrize("is_issued_before", [True, False], ids=["recorded before", "recorded after"])
def test_every_record_still_proves_what_it_said(result, config, is_issued_before):
    store = makers.make_store(config.key_folder)
    issued = makers.issue(store, at=LATER).records if is_issued_before else []
    scored = count_late(result.sitting)
    results.release(makers.make_user("examiner"), [scored], at=LATER)
    db.session.commit()
    later = makers.issue(store, at=LATER)
    assert later.refused == {}
    first, second = [*issued, *later.records]
    facts = [record.open_record(each.record, key_store.trusted_keys()) for each in (first, second)]
    assert facts[1].supersedes == first.record_id
    assert facts[0].responses_digest != facts[1].responses_digest
    assert list(verify_storage(key_store.load(store))) == []


def test_sitting_without_a_result_is_scored_with_them_when_its_turn_comes(app):
    sitting = makers.make_sitting(makers.make_registration(center_id=makers.make_center().id))
    makers.answer(sitting, GIVEN)
    marking.mark(OPERATOR, sitting, at=LATER)
    assert count_late(sitting) is None
    assert {slot: mark.category for slot, mark in marking.newest_marks(sitting.id).items()} == {1: 1, 2: 2, 3: 1, 4: 1}
    assert results.score(OPERATOR, sitting, at=LATER).number == 1
