from datetime import timedelta

import pytest

from examapp.accounts.access import OPERATOR
from examapp.db import db, transaction
from examapp.delivery import closing, histories, interventions, journal, sittings
from examapp.delivery.committer import Committer
from examapp.delivery.interventions import Outage
from examapp.delivery.state import OPEN, SUBMITTED, VOIDED, Kind
from examapp.delivery.tickets import Ticket
from examapp.delivery.timing import NO_END
from examapp.errors import InvalidInput, NotAllowed, Refused
from tests import makers
from tests.makers import AT, make_registration, make_sitting, make_user

GRACE = timedelta(seconds=5)
END = AT + timedelta(minutes=90)
OUTAGE = Outage("outage-1", 20, "The network of the hall was down")


def minutes(count):
    return timedelta(minutes=count)


@pytest.fixture
def sitting(app):
    return make_sitting(make_registration(center_id=makers.make_center().id))


@pytest.fixture
def staff(sitting):
    return make_user("center", center_id=sitting.registration.center_id)


@pytest.fixture
def colleague(sitting):
    return make_user("center", center_id=sitting.registration.center_id)


def kinds(sitting):
    return [row.kind for row in journal.entries(sitting.id)]


def save(sitting, seq, at):
    db.session.commit()
    ticket = Ticket(sitting.id, sitting.exam_form_id, sitting.epoch, "", 0)
    return sittings.respond(Committer(db.engine, GRACE), ticket, 1, seq, "2", None, at=at)


def test_added_time_moves_the_deadline_of_a_running_sitting(sitting):
    assert interventions.add_time(OPERATOR, sitting, 10, "network outage", at=AT)
    save(sitting, 1, END + minutes(9))
    db.session.refresh(sitting)
    assert sitting.ends_at == END + minutes(10)
    assert histories.broken(sitting.id) == []


@pytest.mark.parametrize(("number", "reason"), [(0, "outage"), (-5, "outage"), (241, "outage"), (10, " "), (10, "x")])
def test_time_is_added_within_bounds_and_with_a_reason(sitting, number, reason):
    with pytest.raises(InvalidInput):
        interventions.add_time(OPERATOR, sitting, number, reason, at=AT)
    assert kinds(sitting) == ["started"]


@pytest.mark.parametrize("when", [END, END + minutes(60)], ids=["at the end", "an hour later, not closed yet"])
def test_no_time_is_added_and_no_pause_begins_once_the_time_is_over(sitting, staff, when):
    with pytest.raises(Refused):
        interventions.add_time(staff, sitting, 10, "outage", at=when)
    assert not interventions.pause(staff, sitting, "outage", at=when)
    assert not interventions.credit_outage(staff, sitting, OUTAGE, at=when)
    assert kinds(sitting) == ["started"]


def test_no_time_is_added_to_a_sitting_that_was_handed_in(sitting, staff):
    makers.answer(sitting, {1: "1"})
    with pytest.raises(Refused):
        interventions.add_time(staff, sitting, 10, "outage", at=AT)
    assert not interventions.pause(staff, sitting, "outage", at=AT)
    assert sitting.status == SUBMITTED


@pytest.mark.feature("A3")
def test_a_pause_stops_the_clock_and_is_given_back_in_full(sitting, staff):
    assert interventions.pause(staff, sitting, "A fire alarm", at=AT + minutes(30))
    assert (sitting.status, sitting.ends_at) == (OPEN, NO_END)
    assert interventions.resume(staff, sitting, at=AT + minutes(52))
    assert sitting.ends_at == END + minutes(22)
    assert histories.broken(sitting.id) == []


def test_pausing_twice_and_resuming_twice_are_each_one_entry(sitting, staff):
    first, again = (interventions.pause(staff, sitting, "A fire alarm", at=AT + minutes(n)) for n in (1, 2))
    back, late = (interventions.resume(staff, sitting, at=AT + minutes(n)) for n in (5, 9))
    assert (first, again, back, late) == (True, False, True, False)
    assert (kinds(sitting), sitting.ends_at) == (["started", "paused", "resumed"], END + minutes(4))


def test_what_arrives_in_a_pause_is_stored_however_long_it_lasts(sitting, staff):
    interventions.pause(staff, sitting, "A fire alarm", at=AT + minutes(30))
    accepted = save(sitting, 1, END + minutes(600))
    assert (accepted.entry.number, accepted.ends_at) == (3, NO_END)


def test_a_paused_sitting_is_not_overdue_and_does_not_expire(sitting, staff):
    interventions.pause(staff, sitting, "A fire alarm", at=AT + minutes(30))
    long_after = END + timedelta(days=1)
    assert closing.overdue(GRACE, at=long_after) == []
    assert not closing.expire(OPERATOR, sitting, GRACE, at=long_after)


def test_in_a_pause_the_time_left_stands(sitting, staff):
    interventions.pause(staff, sitting, "A fire alarm", at=AT + minutes(30))
    for later in (minutes(30), minutes(45), minutes(500)):
        ends, since = interventions.clock_of(sitting, at=AT + later)
        assert (ends - (AT + later), since) == (minutes(60), AT + minutes(30))


def test_time_added_in_a_pause_counts_after_it(sitting, staff):
    interventions.pause(staff, sitting, "A fire alarm", at=AT + minutes(30))
    interventions.add_time(staff, sitting, 10, "It took long", at=AT + minutes(40))
    assert sitting.ends_at == NO_END
    interventions.resume(staff, sitting, at=AT + minutes(45))
    assert sitting.ends_at == END + minutes(25)


def test_a_paused_sitting_can_be_voided_which_ends_the_pause(sitting, staff):
    interventions.pause(staff, sitting, "A fire alarm", at=AT + minutes(30))
    interventions.void(staff, sitting, "Another person sat here", at=AT + minutes(31))
    assert (sitting.status, histories.broken(sitting.id)) == (VOIDED, [])
    assert interventions.clock_of(sitting, at=AT + minutes(500)) == (END + minutes(1), None)
    with pytest.raises(Refused) as refusal:
        save(sitting, 1, AT + minutes(32))
    assert refusal.value.parameters == {"sitting_status": VOIDED, "ends_at": None}


@pytest.mark.feature("A4")
def test_an_outage_is_credited_once_however_often_it_is_sent(sitting, staff):
    given = [interventions.credit_outage(staff, sitting, OUTAGE, at=AT + minutes(n)) for n in (30, 31, 32)]
    assert (given, sitting.ends_at) == ([True, False, False], END + minutes(20))
    another = Outage("outage-2", 5, "Again")
    assert interventions.credit_outage(staff, sitting, another, at=AT + minutes(40))
    assert sitting.ends_at == END + minutes(25)


@pytest.mark.parametrize("lost", [0, 61])
def test_an_outage_is_credited_within_bounds(sitting, staff, lost):
    with pytest.raises(InvalidInput):
        interventions.credit_outage(staff, sitting, Outage("o", lost, "The network was down"), at=AT)


def test_more_than_an_hour_waits_for_a_second_person(sitting, staff, colleague):
    assert interventions.add_time(staff, sitting, 60, "A fire alarm", at=AT)
    assert not interventions.add_time(staff, sitting, 1, "It took long", at=AT)
    assert (kinds(sitting)[-1], sitting.ends_at) == ("time_asked", END + minutes(60))
    with pytest.raises(Refused, match="Somebody else"):
        interventions.confirm_time(staff, sitting, 3, at=AT)
    interventions.confirm_time(colleague, sitting, 3, at=AT)
    assert sitting.ends_at == END + minutes(61)
    assert journal.event_of(journal.entries(sitting.id)[-1]).body == {
        "minutes": 1, "reason": "It took long", "actor": staff.id, "asked": 3, "confirmed_by": colleague.id,
    }  # fmt: skip


def test_requested_time_is_confirmed_once_and_only_where_it_was_asked_for(sitting, staff, colleague):
    interventions.add_time(staff, sitting, 90, "A fire alarm", at=AT)
    interventions.confirm_time(colleague, sitting, 2, at=AT)
    for number in (1, 2, 3, 9):
        with pytest.raises(Refused):
            interventions.confirm_time(colleague, sitting, number, at=AT)
    assert sitting.ends_at == END + minutes(90)


def test_what_was_confirmed_does_not_use_up_what_one_may_add_alone(sitting, staff, colleague):
    interventions.add_time(staff, sitting, 90, "A fire alarm", at=AT)
    interventions.confirm_time(colleague, sitting, 2, at=AT)
    assert interventions.add_time(staff, sitting, 60, "A power cut", at=AT)


@pytest.mark.feature("A6")
def test_staff_of_another_center_may_do_nothing_to_it(sitting):
    stranger = make_user("center", center_id=makers.make_center().id)
    verbs = [
        lambda: interventions.add_time(stranger, sitting, 5, "A fire alarm", at=AT),
        lambda: interventions.confirm_time(stranger, sitting, 2, at=AT),
        lambda: interventions.credit_outage(stranger, sitting, OUTAGE, at=AT),
        lambda: interventions.pause(stranger, sitting, "A fire alarm", at=AT),
        lambda: interventions.resume(stranger, sitting, at=AT),
        lambda: interventions.void(stranger, sitting, "A fire alarm", at=AT),
    ]
    for verb in verbs:
        with pytest.raises(NotAllowed):
            verb()
    assert interventions.running(stranger, sitting.registration.administration) == []


def test_running_sittings_are_those_of_the_own_center_that_are_open(sitting, staff):
    administration = sitting.registration.administration
    other = make_sitting(make_registration(administration=administration, center_id=makers.make_center().id))
    done = make_sitting(make_registration(administration=administration, center_id=staff.center_id))
    makers.answer(done, {1: "1"})
    assert [each.id for each in interventions.running(staff, administration)] == [sitting.id]
    assert [each.id for each in interventions.running(OPERATOR, administration)] == sorted([sitting.id, other.id])


def test_what_fails_leaves_nothing_behind(sitting, staff):
    with pytest.raises(InvalidInput), transaction():
        interventions.pause(staff, sitting, "A fire alarm", at=AT)
        interventions.add_time(staff, sitting, 0, "A fire alarm", at=AT)
    assert kinds(sitting) == [Kind.STARTED]
