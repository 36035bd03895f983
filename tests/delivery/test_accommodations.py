from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest

from examapp.accounts.access import OPERATOR
from examapp.db import db, transaction
from examapp.delivery import accommodations, histories, preparation, sittings
from examapp.delivery.committer import Committer
from examapp.delivery.tickets import PreparedPlace
from examapp.errors import InvalidInput, NotAllowed, Refused
from examapp.exams import administrations, extra_time
from examapp.exams.models import Registration
from tests import makers
from tests.conftest import DATABASES
from tests.makers import AT, make_registration, make_sitting, make_user

REASON = "A medical certificate"


@pytest.fixture
def registration(app):
    return make_registration(center_id=makers.make_center().id)


@pytest.fixture
def staff(registration):
    return make_user("center", center_id=registration.center_id)


@pytest.mark.feature("T4")
def test_each_decision_is_kept_with_who_when_and_why(registration, staff):
    accommodations.grant(staff, registration, REASON, minutes=30, at=AT)
    accommodations.grant(OPERATOR, registration, "A better one", minutes=45, at=AT + timedelta(hours=1))
    kept = [
        (each.minutes, each.reason, each.decided_by, each.decided_at) for each in extra_time.history(registration.id)
    ]
    assert kept == [(30, REASON, staff.id, AT), (45, "A better one", "operator", AT + timedelta(hours=1))]
    assert registration.extra_minutes == 45


@pytest.mark.feature("T4")
def test_a_factor_becomes_minutes_and_is_kept_beside_them(registration, staff):
    decision = accommodations.grant(staff, registration, REASON, factor="1.25", at=AT)
    assert (decision.factor, decision.minutes, registration.extra_minutes) == ("1.25", 23, 23)
    sitting = make_sitting(registration)
    assert sitting.ends_at == AT + timedelta(minutes=90 + 23)
    assert histories.broken(sitting.id) == []


@pytest.mark.parametrize(
    "wanted",
    [{"minutes": -1}, {"minutes": 241}, {"factor": "0.9"}, {"factor": "3.1"}, {"factor": "NaN"}, {"factor": "x"},
     {"factor": "1.0000000000001"}, {"factor": "Infinity"}, {}, {"minutes": 5, "factor": "1.2"}],
    ids=str,
)  # fmt: skip
def test_what_is_out_of_bounds_or_both_or_neither_is_refused(registration, staff, wanted):
    with pytest.raises(InvalidInput):
        accommodations.grant(staff, registration, REASON, **wanted, at=AT)
    assert (registration.extra_minutes, extra_time.history(registration.id)) == (0, [])


def test_a_decision_needs_a_reason(registration, staff):
    with pytest.raises(InvalidInput):
        accommodations.grant(staff, registration, " ", minutes=30, at=AT)


def test_after_the_start_there_is_no_more_extra_time(registration, staff):
    make_sitting(registration)
    with pytest.raises(Refused):
        accommodations.grant(staff, registration, REASON, minutes=30, at=AT)


def test_staff_of_another_center_grant_nothing(registration):
    with pytest.raises(NotAllowed):
        accommodations.grant(
            make_user("center", center_id=makers.make_center().id), registration, REASON, minutes=30, at=AT
        )


def test_extra_time_that_comes_with_a_registration_is_a_decision_too(registration, staff):
    trainee = make_user(center_id=staff.center_id)
    added = administrations.register(staff, registration.administration, trainee, extra_minutes=20, at=AT)
    (decision,) = extra_time.history(added.id)
    assert (added.extra_minutes, decision.minutes, decision.decided_by) == (20, 20, staff.id)


@pytest.mark.feature("T4")
@pytest.mark.parametrize("database", DATABASES, indirect=True)
def test_a_start_waits_for_extra_time_that_is_being_granted(app, config):
    registration = make_registration()
    place = preparation.of_registration(registration, 1)
    sitting_id, prepared = place.sitting_id, PreparedPlace(registration.id, place.sitting_id, "form", place.epoch)
    db.session.commit()
    committer = Committer(db.engine, timedelta(seconds=10))
    with ThreadPoolExecutor(1) as pool:
        with transaction():
            accommodations.grant(OPERATOR, db.session.get_one(Registration, registration.id), REASON, minutes=30, at=AT)
            db.session.flush()
            begun = pool.submit(sittings.begin, committer, prepared, at=AT)
            assert not wait([begun], timeout=0.5).done
        assert begun.result()[0].ends_at == AT + timedelta(minutes=90 + 30)
    assert histories.broken(sitting_id) == []


@pytest.mark.parametrize("database", DATABASES, indirect=True)
def test_extra_time_waits_for_a_start_that_is_being_written(app, config):
    registration = make_registration()
    db.session.commit()

    def grant(registration_id):
        with app.app_context(), transaction():
            own = db.session.get_one(Registration, registration_id)
            return accommodations.grant(OPERATOR, own, REASON, minutes=30, at=AT)

    with ThreadPoolExecutor(1) as pool:
        with transaction():
            sittings.start(registration.trainee, db.session.get_one(Registration, registration.id), at=AT)
            granted = pool.submit(grant, registration.id)
            assert not wait([granted], timeout=0.5).done
        with pytest.raises(Refused, match="has begun"):
            granted.result()
