from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from examapp.accounts.access import OPERATOR
from examapp.canonical import loads
from examapp.db import db, transaction
from examapp.delivery import acceptance, closing, histories, interventions, journal, sittings
from examapp.delivery.batch import Batch
from examapp.delivery.committer import Committer
from examapp.delivery.hot_rows import rows_of, settle
from examapp.delivery.models import JournalEntry, Sitting
from examapp.delivery.state import EXPIRED, OPEN, SUBMITTED, VOIDED
from examapp.delivery.tickets import Ticket
from examapp.errors import InvalidInput, NotAllowed, NotFound, Refused, Throttled
from tests.makers import AT, make_administration, make_registration, make_sitting, make_user

GRACE = timedelta(seconds=5)
END = AT + timedelta(minutes=90)


@pytest.fixture
def committer(app):
    return Committer(db.engine, GRACE)


@pytest.fixture
def sitting(app):
    return make_sitting()


@pytest.fixture
def ticket(sitting):
    return Ticket(sitting.id, sitting.exam_form_id, sitting.epoch, "", 0)


def rows(sitting):
    db.session.rollback()  # the committer writes on its own connection; look at what is there now
    return journal.entries(sitting.id)


def entries(sitting):
    db.session.rollback()
    query = select(func.count()).select_from(JournalEntry).where(JournalEntry.sitting_id == sitting.id)
    return db.session.scalar(query)


def stored(sitting):
    db.session.rollback()
    return {each.slot: (each.seq, each.value) for each in sittings.stored_responses(sitting)}


@pytest.mark.feature("T7", "B4")
def test_a_save_is_answered_with_number_digest_and_time(committer, sitting, ticket):
    accepted = sittings.respond(committer, ticket, 1, 1, "2", None, at=AT)
    row = rows(sitting)[-1]
    assert accepted.entry.receipt == f"{row.number}:{row.digest.removeprefix('sha256:')}"
    assert (accepted.entry.at, accepted.ends_at) == (AT, END)


@pytest.mark.feature("O5")
def test_the_same_save_again_gives_the_same_answer(committer, sitting, ticket):
    first = sittings.respond(committer, ticket, 1, 1, "2", None, at=AT)
    again = sittings.respond(committer, ticket, 1, 1, "2", None, at=AT + timedelta(seconds=9))
    assert again.entry == first.entry
    assert entries(sitting) == 2


@pytest.mark.feature("T12")
@pytest.mark.parametrize(("seq", "value"), [(2, "4"), (3, "4")], ids=["lower", "same with another value"])
def test_an_older_save_is_refused_with_the_stored_number(committer, sitting, ticket, seq, value):
    sittings.respond(committer, ticket, 1, 3, "2", None, at=AT)
    with pytest.raises(Refused) as refusal:
        sittings.respond(committer, ticket, 1, seq, value, None, at=AT)
    assert (refusal.value.code, refusal.value.parameters["stored_seq"]) == ("response.stale", 3)
    assert stored(sitting) == {1: (3, "2")}


@pytest.mark.feature("T15")
@pytest.mark.parametrize(("seconds", "counted"), [(-1, True), (0, True), (4.9, True), (5, False), (3600, False)])
def test_arrival_alone_decides_whether_a_response_counts(committer, sitting, ticket, seconds, counted):
    arrived = END + timedelta(seconds=seconds)
    if counted:
        sittings.respond(committer, ticket, 1, 1, "2", None, at=arrived)
    else:
        with pytest.raises(Refused, match="over"):
            sittings.respond(committer, ticket, 1, 1, "2", None, at=arrived)
    assert stored(sitting) == ({1: (1, "2")} if counted else {})


@pytest.mark.feature("T1")
def test_a_forged_client_time_gains_nothing(committer, sitting, ticket):
    with pytest.raises(Refused):
        sittings.respond(committer, ticket, 1, 1, "2", "2026-05-16T01:00:00Z", at=END + timedelta(minutes=1))
    assert stored(sitting) == {}


def test_a_late_value_is_kept_once_as_evidence(committer, sitting, ticket):
    for _ in range(3):
        with pytest.raises(Refused):
            sittings.respond(committer, ticket, 1, 7, "2", None, at=END + timedelta(minutes=1))
    late = [row for row in rows(sitting) if row.kind == "late"]
    assert [loads(row.body)["value"] for row in late] == ["2"]


def test_late_values_without_end_are_looked_through_and_kept_up_to_a_bound(sitting, monkeypatch):
    most, looked_at, bodies = acceptance.MOST_LATE, [], Batch.bodies

    def watched(batch, *arguments, **named):
        looked_at.append(found := bodies(batch, *arguments, **named))
        return found

    monkeypatch.setattr(Batch, "bodies", watched)
    for first in range(0, most + 60, 40):
        saves = [acceptance.Save(1, first + number, "2", None) for number in range(1, 41)]
        late = [acceptance.Request(sitting.id, each, END + timedelta(minutes=1), sitting.epoch) for each in saves]
        with transaction():
            outcomes = settle(rows_of(db.session.connection()), late, GRACE)
        assert {outcome.code for outcome in outcomes} == {"sitting.closed"}
    assert sum(row.kind == "late" for row in rows(sitting)) == most
    assert most - 1 <= max(map(len, looked_at)) <= most + 40
    assert histories.broken(sitting.id) == []


@pytest.mark.feature("T13")
def test_after_hand_in_no_device_can_change_anything(committer, sitting, ticket):
    sittings.respond(committer, ticket, 1, 1, "2", None, at=AT)
    sittings.hand_in(committer, ticket, at=AT + timedelta(minutes=1))
    with pytest.raises(Refused) as refusal:
        sittings.respond(committer, ticket, 1, 2, "3", None, at=AT + timedelta(minutes=2))
    assert refusal.value.code == "sitting.closed"
    assert stored(sitting) == {1: (1, "2")}


@pytest.mark.feature("O5")
def test_hand_in_repeated_gives_the_same_receipt(committer, sitting, ticket):
    first = sittings.hand_in(committer, ticket, at=AT + timedelta(minutes=1))
    again = sittings.hand_in(committer, ticket, at=AT + timedelta(minutes=2))
    assert (again.entry, again.body) == (first.entry, first.body)


def test_fifty_hand_ins_and_saves_at_once_leave_one_end(committer, sitting, ticket):
    def act(number):
        try:
            if number % 2:
                return sittings.hand_in(committer, ticket, at=AT + timedelta(minutes=1)).entry.receipt
            sittings.respond(committer, ticket, 1, number + 1, "2", None, at=AT)
        except Refused:
            return None

    sittings.paper.seats(sitting.exam_form_id)
    with ThreadPoolExecutor(16) as pool:
        receipts = {receipt for receipt in pool.map(act, range(50)) if receipt}
    db.session.refresh(sitting)
    assert len(receipts) == 1
    assert histories.broken(sitting.id) == []
    assert [row.kind for row in rows(sitting)].count("submitted") == 1


def test_a_batch_with_a_bad_request_still_saves_the_others(committer, sitting, ticket):
    stranger = Ticket(1, sitting.exam_form_id, 1, "", 0)

    def act(number):
        try:
            return sittings.respond(committer, stranger if number == 3 else ticket, 1 + number % 4, number + 1,
                                    [None, "1", ["1"], True][0], None, at=AT)  # fmt: skip
        except (NotAllowed, Refused) as error:  # of two to one item the older may come second
            return error.code

    sittings.paper.seats(sitting.exam_form_id)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(act, range(8)))
    assert answers[3] == "sitting.ticket"
    assert sum(not isinstance(answer, str) for answer in answers) >= 4


@pytest.mark.parametrize("seq", [0, -1, True, "1", 1.0, None, 2**53])
def test_a_malformed_sequence_number_is_refused(committer, ticket, seq):
    with pytest.raises(InvalidInput):
        sittings.respond(committer, ticket, 1, seq, "2", None, at=AT)


def test_a_value_that_does_not_fit_the_item_is_refused(committer, sitting, ticket):
    with pytest.raises(InvalidInput):
        sittings.respond(committer, ticket, 1, 1, "9", None, at=AT)
    assert entries(sitting) == 1


@pytest.mark.feature("O6")
def test_the_database_refuses_two_running_sittings_of_one_registration(sitting):
    db.session.add(
        Sitting(registration_id=sitting.registration_id, attempt=2, exam_form_id=sitting.exam_form_id, seed=1,
                status=OPEN, started_at=AT, ends_at=END, last_number=0, last_digest="")
    )  # fmt: skip
    with pytest.raises(IntegrityError):
        db.session.flush()


@pytest.mark.feature("T11", "T16")
def test_starting_again_returns_the_same_sitting_order_and_deadline(sitting):
    again, is_new = sittings.start(sitting.registration.trainee, sitting.registration, at=AT + timedelta(minutes=30))
    assert (again.id, again.ends_at, is_new) == (sitting.id, END, False)
    assert sittings.places(again) == sittings.places(sitting)


@pytest.mark.feature("T5")
def test_a_late_start_ends_with_the_window(app):
    registration = make_registration()
    sitting, _ = sittings.start(registration.trainee, registration, at=AT + timedelta(hours=3))
    assert sitting.ends_at == registration.administration.closes_at


@pytest.mark.parametrize(
    ("offset", "code"), [(-1, "sitting.not_open"), (240, "sitting.window_over")], ids=["before", "after"]
)
def test_a_start_outside_the_window_is_refused(app, offset, code):
    registration = make_registration()
    with pytest.raises(NotAllowed) as refusal:
        sittings.start(registration.trainee, registration, at=AT + timedelta(minutes=offset))
    assert refusal.value.code == code


def test_another_trainee_cannot_start_or_see_it(sitting):
    stranger = make_user()
    with pytest.raises(NotFound):
        sittings.start(stranger, sitting.registration, at=AT)
    with pytest.raises(NotFound):
        sittings.of_trainee(stranger, sitting.public_id)


@pytest.mark.feature("T14")
def test_a_sitting_that_nobody_ends_is_closed_at_its_deadline(sitting):
    assert closing.overdue(GRACE, at=END) == []
    assert closing.overdue(GRACE, at=END + GRACE + closing.IN_QUEUE) == [sitting.id]
    with transaction():
        assert closing.expire(OPERATOR, sitting, GRACE, at=END + timedelta(hours=1))
    assert (sitting.status, sitting.closed_at) == (EXPIRED, END)
    assert histories.broken(sitting.id) == []


def test_a_retake_is_another_sitting(app):
    registration = make_registration(administration=make_administration(attempts=2))
    first = make_sitting(registration)
    with transaction():
        interventions.void(OPERATOR, first, "power cut", at=AT)
    second = make_sitting(registration, at=AT + timedelta(minutes=5))
    assert (first.status, second.attempt) == (VOIDED, 2)


def test_signing_out_ends_tickets(committer, sitting, ticket):
    with transaction():
        sittings.end_tickets(sitting.registration.trainee)
    with pytest.raises(NotAllowed):
        sittings.respond(committer, ticket, 1, 1, "2", None, at=AT)


@pytest.mark.feature("O9")
def test_every_value_ever_given_stays_in_the_journal(committer, sitting, ticket):
    for seq, value in enumerate(["1", "2", None, "3"], start=1):
        sittings.respond(committer, ticket, 1, seq, value, None, at=AT)
    sittings.hand_in(committer, ticket, at=AT)
    given = [loads(row.body)["value"] for row in rows(sitting) if row.kind == "responded"]
    assert given == ["1", "2", None, "3"]
    db.session.refresh(sitting)
    assert sitting.status == SUBMITTED


def test_a_program_cannot_fill_the_journal_and_can_still_hand_in(committer, sitting, ticket, monkeypatch):
    monkeypatch.setattr(acceptance, "LONGEST_JOURNAL", 3)
    for seq in (1, 2):
        sittings.respond(committer, ticket, 1, seq, "2", None, at=AT)
    with pytest.raises(Throttled):
        sittings.respond(committer, ticket, 1, 3, "3", None, at=AT)
    with pytest.raises(Throttled):
        sittings.flag(committer, ticket, 1, True, at=AT)
    assert sittings.respond(committer, ticket, 1, 2, "2", None, at=AT).body["seq"] == 2
    assert sittings.hand_in(committer, ticket, at=AT).body["answered"] == 1
