from datetime import timedelta

import pytest

from examapp.accounts.access import OPERATOR
from examapp.delivery import emergency, histories, journal, late_answers, sittings
from examapp.delivery.models import Sitting
from examapp.delivery.state import Kind, replay
from examapp.errors import NotAllowed, Refused
from tests import makers
from tests.makers import AT, make_registration, make_user

REASON = "The hall had no network at the end"
AFTER = AT + timedelta(hours=3)


@pytest.fixture
def sitting(app) -> Sitting:
    """A sitting that was handed in with an answer to the first item."""
    closed = makers.make_sitting(make_registration(make_user(), center_id=makers.make_center().id))
    makers.answer(closed, {1: "1"})
    return closed


@pytest.fixture
def staff(sitting):
    return tuple(make_user("center", center_id=sitting.registration.center_id) for _ in range(2))


def bring(sitting: Sitting, *responses: tuple[int, int, object]) -> None:
    """Take in an emergency file with these responses: slot, sequence number, value."""
    listed = [{"slot": slot, "seq": seq, "value": value, "client_time": None} for slot, seq, value in responses]
    file = emergency.EmergencyFile("sha256:file", tuple(listed), 0)
    emergency.keep(OPERATOR, sitting, file, at=AFTER)


def given(sitting: Sitting) -> dict[int, object]:
    return {each.slot: each.value for each in sittings.stored_responses(sitting)}


def requests(sitting: Sitting) -> list[int]:
    return list(late_answers.waiting(journal.event_of(row) for row in journal.entries(sitting.id)))


@pytest.mark.feature("T10")
def test_late_answers_count_once_two_people_decided_so(sitting, staff):
    bring(sitting, (1, 2, "3"), (4, 1, "826.6"))
    assert given(sitting) == {1: "1"}
    late_answers.ask(staff[0], sitting, REASON, at=AFTER)
    assert given(sitting) == {1: "1"}
    late_answers.agree(staff[1], sitting, *requests(sitting), at=AFTER)
    assert given(sitting) == {1: "3", 4: "826.6"}
    assert (requests(sitting), histories.broken(sitting.id)) == ([], [])
    body = journal.event_of(journal.entries(sitting.id)[-1]).body
    assert (body["actor"], body["confirmed_by"], body["reason"]) == (staff[0].id, staff[1].id, REASON)


def test_one_person_alone_counts_nothing(sitting, staff):
    bring(sitting, (4, 1, "826.6"))
    late_answers.ask(staff[0], sitting, REASON, at=AFTER)
    with pytest.raises(Refused) as refusal:
        late_answers.agree(staff[0], sitting, *requests(sitting), at=AFTER)
    assert (refusal.value.code, given(sitting)) == ("late.same_person", {1: "1"})


def test_what_was_agreed_to_is_not_agreed_to_again(sitting, staff):
    bring(sitting, (4, 1, "826.6"))
    for _ in range(2):
        late_answers.ask(staff[0], sitting, REASON, at=AFTER)
    first, second = requests(sitting)
    late_answers.agree(staff[1], sitting, first, at=AFTER)
    for number in (first, second, 999):
        with pytest.raises(Refused):
            late_answers.agree(staff[1], sitting, number, at=AFTER)
    assert [row.kind for row in journal.entries(sitting.id)].count(Kind.COUNTED) == 1


def test_an_older_answer_never_replaces_a_newer_one(sitting, staff):
    bring(sitting, (1, 1, "4"))
    with pytest.raises(Refused):
        late_answers.ask(staff[0], sitting, REASON, at=AFTER)
    bring(sitting, (4, 1, "1"), (4, 3, "826.6"), (4, 2, "2"))
    late_answers.ask(staff[0], sitting, REASON, at=AFTER)
    late_answers.agree(staff[1], sitting, *requests(sitting), at=AFTER)
    assert given(sitting) == {1: "1", 4: "826.6"}


@pytest.mark.parametrize("role", ["trainee", "examiner", "center"])
def test_nobody_else_asks_or_agrees(sitting, staff, role):
    bring(sitting, (4, 1, "826.6"))
    late_answers.ask(staff[0], sitting, REASON, at=AFTER)
    other = make_user(role, center_id=makers.make_center().id if role == "center" else None)
    with pytest.raises(NotAllowed):
        late_answers.ask(other, sitting, REASON, at=AFTER)
    with pytest.raises(NotAllowed):
        late_answers.agree(other, sitting, *requests(sitting), at=AFTER)


def test_nothing_is_counted_while_a_sitting_runs_or_is_void(app):
    running = makers.make_sitting()
    bring(running, (4, 1, "826.6"))
    with pytest.raises(Refused):
        late_answers.ask(OPERATOR, running, REASON, at=AFTER)


def test_a_count_that_does_not_fit_the_journal_is_not_replayed(sitting):
    bring(sitting, (4, 1, "826.6"))
    events = [journal.event_of(row) for row in journal.entries(sitting.id)]
    forged = {"responses": [{"entry": 4, "slot": 1, "seq": 1, "value": "3"}]}
    with pytest.raises(ValueError, match="cannot count"):
        replay([*events, type(events[0])(len(events) + 1, Kind.COUNTED, AFTER, forged)])
