from datetime import timedelta

import pytest

from examapp.db import db
from examapp.delivery import board, interventions, sittings
from examapp.delivery.committer import Committer
from examapp.delivery.interventions import Outage
from examapp.delivery.state import Kind
from examapp.delivery.tickets import Ticket
from examapp.errors import NotAllowed
from tests import makers

LATER = makers.AT + timedelta(minutes=20)


@pytest.fixture
def staff(app):
    return makers.make_user("center", center_id=makers.make_center().id)


@pytest.fixture
def administration(app):
    return makers.make_administration()


def place(staff, administration, seat="A01", **overrides):
    return makers.make_registration(
        makers.make_user(), administration, center_id=staff.center_id, seat=seat, **overrides
    )


def only(staff, administration, at=LATER):
    (found,) = board.places(staff, administration, at=at)
    return found


@pytest.mark.feature("A1")
def test_place_before_the_start_shows_only_who_and_where(staff, administration):
    place(staff, administration)
    found = only(staff, administration)
    assert (found.status, found.answered, found.items, found.last_save, found.time_left) == (
        "not_started", 0, 4, None, None,
    )  # fmt: skip


@pytest.mark.feature("A1")
def test_running_sitting_shows_time_left_with_extra_and_added_minutes(staff, administration):
    sitting = makers.make_sitting(place(staff, administration, extra_minutes=30))
    interventions.add_time(staff, sitting, 15, "A fire alarm", at=LATER)
    found = only(staff, administration)
    assert found.time_left == timedelta(minutes=90 + 30 + 15 - 20)
    assert (found.registration.extra_minutes, found.added_minutes) == (30, 15)


def test_answers_are_counted_without_cleared_ones_and_dated_by_the_last_save(staff, administration):
    sitting = makers.make_sitting(place(staff, administration))
    makers.answer(sitting, {1: "1", 2: None, 3: True}, at=makers.AT + timedelta(minutes=5))
    found = only(staff, administration)
    assert (found.status, found.answered, found.last_save) == ("submitted", 2, timedelta(minutes=15))


def test_places_are_in_the_order_of_their_seats(staff, administration):
    for seat in ("B02", "A10", "A02"):
        place(staff, administration, seat)
    assert [each.registration.seat for each in board.places(staff, administration, at=LATER)] == ["A02", "A10", "B02"]


@pytest.mark.feature("A5")
def test_incidents_are_additions_and_voids_with_their_reasons(staff, administration):
    first, second = (makers.make_sitting(place(staff, administration, seat)) for seat in ("A01", "A02"))
    interventions.add_time(staff, first, 15, "A fire alarm", at=LATER)
    interventions.void(staff, second, "Another person sat here", at=LATER + timedelta(minutes=1))
    found = board.incidents(staff, administration)
    assert [(each.event.kind, each.event.body["reason"], each.actor_id) for each in found] == [
        (Kind.TIME_ADDED, "A fire alarm", staff.id), (Kind.VOIDED, "Another person sat here", staff.id),
    ]  # fmt: skip


def test_a_paused_sitting_shows_so_with_the_time_that_stands(staff, administration):
    sitting = makers.make_sitting(place(staff, administration))
    interventions.pause(staff, sitting, "A fire alarm", at=LATER)
    found = only(staff, administration, at=LATER + timedelta(minutes=10))
    assert (found.status, found.time_left) == ("paused", timedelta(minutes=70))


@pytest.mark.feature("T14")
def test_a_sitting_past_its_end_is_over_on_the_board_before_anybody_closed_it(staff, administration):
    makers.make_sitting(place(staff, administration))
    found = only(staff, administration, at=makers.AT + timedelta(minutes=90))
    assert (found.status, found.time_left, found.alarms) == ("expired", timedelta(0), ())
    assert only(staff, administration, at=makers.AT + timedelta(minutes=92)).alarms == ("not_closed",)


def test_alarms_tell_of_what_somebody_should_look_at(staff, administration):
    sitting = makers.make_sitting(place(staff, administration))
    assert only(staff, administration, at=makers.AT + timedelta(minutes=9)).alarms == ()
    assert only(staff, administration, at=makers.AT + timedelta(minutes=11)).alarms == ("quiet",)
    interventions.add_time(staff, sitting, 90, "A fire alarm", at=LATER)
    assert only(staff, administration).alarms == ("quiet", "time_asked")
    interventions.pause(staff, sitting, "A fire alarm", at=LATER)
    assert only(staff, administration, at=LATER + timedelta(minutes=31)).alarms == ("long_pause", "time_asked")


def test_answers_that_come_long_after_a_pause_began_raise_an_alarm(staff, administration):
    sitting = makers.make_sitting(place(staff, administration))
    interventions.pause(staff, sitting, "A fire alarm", at=LATER)
    db.session.commit()
    ticket = Ticket(sitting.id, sitting.exam_form_id, sitting.epoch, "", 0)
    committer = Committer(db.engine, timedelta(seconds=5))
    for seconds, alarms in ((30, ()), (61, ("saved_in_pause",))):
        at = LATER + timedelta(seconds=seconds)
        sittings.respond(committer, ticket, 1, seconds, "2", None, at=at)
        db.session.rollback()
        assert only(staff, administration, at=at).alarms == alarms


@pytest.mark.feature("A4")
def test_credited_outages_are_listed_with_how_many_they_reached(staff, administration):
    for seat in ("A01", "A02"):
        sitting = makers.make_sitting(place(staff, administration, seat))
        interventions.credit_outage(staff, sitting, Outage("one", 20, "The network was down"), at=LATER)
    interventions.credit_outage(staff, sitting, Outage("two", 5, "Again"), at=LATER + timedelta(minutes=1))
    found = board.credits(staff, administration)
    assert [(each.body["minutes"], each.at, each.sittings) for each in found] == [
        (20, LATER, 2), (5, LATER + timedelta(minutes=1), 1),
    ]  # fmt: skip


@pytest.mark.feature("A6")
def test_staff_of_another_center_see_nothing_of_it(staff, administration):
    sitting = makers.make_sitting(place(staff, administration))
    stranger = makers.make_user("center", center_id=makers.make_center().id)
    assert board.places(stranger, administration, at=LATER) == []
    assert board.incidents(stranger, administration) == []
    with pytest.raises(NotAllowed):
        board.events(stranger, sitting)


def test_events_are_the_journal_in_order(staff, administration):
    sitting = makers.make_sitting(place(staff, administration))
    makers.answer(sitting, {1: "1"})
    kinds = [event.kind for event in board.events(staff, sitting)]
    assert kinds == [Kind.STARTED, Kind.RESPONDED, Kind.SUBMITTED]
