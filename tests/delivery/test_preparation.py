from datetime import timedelta

import pytest
from sqlalchemy import func, select

from examapp.accounts.access import OPERATOR
from examapp.db import db, transaction
from examapp.delivery import histories, interventions, paper, preparation, sittings
from examapp.delivery.acceptance import Accepted, Begin, NotPrepared, Request, Save
from examapp.delivery.committer import Committer, _Attempt
from examapp.delivery.models import PreparedSitting, Sitting
from examapp.errors import NotAllowed
from tests.makers import AT, make_administration, make_exam_form, make_registration

GRACE = timedelta(seconds=5)


@pytest.fixture
def committer(app):
    return Committer(db.engine, GRACE)


def prepared_place(**overrides):
    """Return a committed registration and its prepared sitting."""
    registration = make_registration(administration=make_administration(**overrides))
    prepared = preparation.of_registration(registration, 1)
    db.session.commit()
    return registration, prepared


def begin(committer, prepared, *, at=AT, epoch=None):
    """Return what a start is answered with, a refusal too."""
    try:
        return committer.commit(Request(prepared.sitting_id, Begin(), at, epoch or prepared.epoch))
    except NotAllowed as refusal:
        return refusal


def count(model):
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def test_the_committer_starts_a_prepared_sitting_as_the_verb_does(committer):
    registration, prepared = prepared_place()
    accepted = begin(committer, prepared)
    sitting = sittings.newest(registration.id)
    assert (sitting.id, sitting.seed, sitting.ends_at) == (prepared.sitting_id, prepared.seed, accepted.ends_at)
    assert accepted.body == {
        "is_new": True, "status": "open", "epoch": 1, "exam_form": registration.exam_form_id, "seed": prepared.seed,
    }  # fmt: skip
    assert histories.broken(sitting.id) == []


@pytest.mark.feature("T11")
def test_starting_again_gives_the_same_sitting_whichever_way(committer):
    registration, prepared = prepared_place()
    first, again = begin(committer, prepared), begin(committer, prepared, at=AT + timedelta(minutes=9))
    sitting, is_new = sittings.start(registration.trainee, registration, at=AT + timedelta(minutes=9))
    db.session.commit()
    assert (again.entry, again.ends_at, again.body) == (first.entry, first.ends_at, {**first.body, "is_new": False})
    assert (sitting.id, is_new) == (prepared.sitting_id, False)
    assert begin(committer, prepared).body["is_new"] is False


def test_a_start_and_a_save_may_share_a_batch(committer):
    registration, prepared = prepared_place()
    requests = [Begin(), Save(1, 1, "2", None), Begin()]
    outcomes = committer._write(_Attempt([Request(prepared.sitting_id, action, AT, 1) for action in requests], None))
    assert [outcome.entry.number for outcome in outcomes] == [1, 2, 1]
    assert histories.broken(sittings.newest(registration.id).id) == []


@pytest.mark.parametrize(
    ("minutes", "code"), [(-1, "sitting.not_open"), (240, "sitting.window_over")], ids=["before", "after"]
)
def test_a_prepared_sitting_does_not_start_outside_its_window(committer, minutes, code):
    _, prepared = prepared_place()
    assert begin(committer, prepared, at=AT + timedelta(minutes=minutes)).code == code
    assert count(Sitting) == 0


@pytest.mark.feature("T4")
def test_extra_time_that_was_granted_after_preparing_counts(committer):
    registration, prepared = prepared_place()
    registration.extra_minutes = 30
    db.session.commit()
    assert begin(committer, prepared).ends_at == AT + timedelta(minutes=120)


def test_after_signing_out_the_old_place_starts_nothing(committer):
    registration, prepared = prepared_place()
    with transaction():
        sittings.end_tickets(registration.trainee)
    db.session.refresh(prepared)
    assert prepared.epoch == 2
    assert isinstance(begin(committer, prepared, epoch=1), NotPrepared)
    assert begin(committer, prepared).body["epoch"] == 2


def test_what_was_never_prepared_starts_nothing(committer):
    assert isinstance(begin(committer, PreparedSitting(sitting_id=7, epoch=1)), NotPrepared)


@pytest.mark.parametrize(("attempts", "starts"), [(1, True), (2, False)])
def test_a_sitting_that_is_over_is_shown_again_or_followed_by_the_next(committer, attempts, starts):
    registration, prepared = prepared_place(attempts=attempts)
    begin(committer, prepared)
    with transaction():
        interventions.void(OPERATOR, sittings.newest(registration.id), "power cut", at=AT)
    again = begin(committer, prepared)
    assert isinstance(again, Accepted if starts else NotPrepared)
    assert not starts or again.body["status"] == "voided"


def test_a_retake_has_another_seed_and_id(app):
    registration = make_registration(administration=make_administration(attempts=2))
    first, _ = sittings.start(registration.trainee, registration, at=AT)
    interventions.void(OPERATOR, first, "power cut", at=AT)
    second, _ = sittings.start(registration.trainee, registration, at=AT)
    assert (second.attempt, second.id == first.id, second.seed == first.seed) == (2, False, False)
    assert histories.broken(second.id) == []


@pytest.mark.feature("O1")
@pytest.mark.parametrize(("hours", "number"), [(47, 1), (49, 0), (-3, 1), (-4, 0)])
def test_windows_that_open_within_two_days_are_prepared_once(app, hours, number):
    opens_at = AT + timedelta(hours=hours)
    administration = make_administration(opens_at=opens_at, closes_at=opens_at + timedelta(hours=4))
    make_registration(administration=administration)
    db.session.commit()
    assert len(preparation.unpublished(at=AT)) == number
    assert [preparation.prepare_due(OPERATOR, at=AT) for _ in range(2)] == [number, 0]


def test_whoever_sits_already_is_not_prepared_again(app):
    registration = make_registration()
    sittings.start(registration.trainee, registration, at=AT)
    other = make_registration(administration=registration.administration)
    assert preparation.prepare(OPERATOR, registration.administration) == 1
    assert preparation.of_registration(other, 1).seed != preparation.of_registration(registration, 1).seed
    assert count_prepared(registration) == 1


def count_prepared(registration):
    query = select(func.count()).where(PreparedSitting.registration_id == registration.id)
    return db.session.scalar(query)


def test_a_published_form_is_not_built_again(app):
    exam_form = make_exam_form()
    make_registration(administration=make_administration(exam_form))
    assert preparation.unpublished(at=AT) == [exam_form]
    paper.publish(exam_form)
    assert preparation.unpublished(at=AT) == []


def test_a_trainee_cannot_prepare_sittings(app):
    registration = make_registration()
    with pytest.raises(NotAllowed):
        preparation.prepare(registration.trainee, registration.administration)
