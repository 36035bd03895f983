from datetime import timedelta

import pytest

from examapp import clock
from examapp.delivery import board, interventions, journal
from examapp.delivery.models import Sitting
from tests import makers
from tests.cast import Cast, register

OUTAGE = {"outage": "0123456789abcdef", "minutes": "20", "reason": "The network of the hall was down"}


@pytest.fixture
def hall(cast: Cast) -> list[Sitting]:
    """Two running sittings at the cast's center, and one of the same administration at the other center."""
    first = makers.make_sitting(register(cast.trainee, seat="A01"))
    administration = first.registration.administration
    others = [(cast.other_trainee.user, cast.center.user), (makers.make_user(), cast.other_center.user)]
    return [first] + [
        makers.make_sitting(makers.make_registration(trainee, administration, center_id=staff.center_id, seat="A02"))
        for trainee, staff in others
    ]


def address(hall: list[Sitting], page: str) -> str:
    return f"/center/administrations/{hall[0].registration.administration_id}/{page}"


def kinds(sitting: Sitting) -> list[str]:
    return [row.kind for row in journal.entries(sitting.id)]


@pytest.mark.feature("A4")
def test_an_outage_is_credited_to_everybody_of_the_own_center_once(cast: Cast, hall: list[Sitting]) -> None:
    ends = [journal.read(each.id).ends_at for each in hall]
    for _ in range(2):
        assert cast.center.post(address(hall, "outage"), **OUTAGE).status_code == 302
    given = [journal.read(each.id).ends_at - end for each, end in zip(hall, ends, strict=True)]
    assert given == [timedelta(minutes=20), timedelta(minutes=20), timedelta(0)]
    page = cast.center.get(address(hall, "outage")).text
    assert all(words in page for words in ("Outages credited before", OUTAGE["reason"], "赵磊"))


def test_each_opened_page_is_another_outage(cast: Cast, hall: list[Sitting]) -> None:
    first, second = (cast.center.get(address(hall, "outage")).text for _ in range(2))
    assert first.split('name="outage"')[1][:60] != second.split('name="outage"')[1][:60]


@pytest.mark.parametrize(
    "wrong", [{"minutes": "61"}, {"minutes": ""}, {"reason": "x"}, {"reason": ""}, {"outage": "x"}, {"outage": ""}]
)
def test_an_outage_without_minutes_reason_or_id_is_not_credited(
    cast: Cast, hall: list[Sitting], wrong: dict[str, str]
) -> None:
    page = cast.center.post(address(hall, "outage"), **{**OUTAGE, **wrong})
    assert (page.status_code, "There is a problem" in page.text) == (200, True)
    assert kinds(hall[0]) == ["started"]


@pytest.mark.feature("A3")
def test_a_hall_is_paused_and_resumed_at_once(cast: Cast, hall: list[Sitting], monkeypatch: pytest.MonkeyPatch) -> None:
    end = hall[0].ends_at
    cast.center.post(address(hall, "pause"), reason="A fire alarm")
    monkeypatch.setattr(clock, "now", lambda: makers.AT + timedelta(minutes=15))
    assert "Paused" in cast.center.get(address(hall, "live")).text
    cast.center.post(address(hall, "resume"))
    assert [kinds(each) for each in hall] == [["started", "paused", "resumed"]] * 2 + [["started"]]
    assert journal.read(hall[0].id).ends_at == end + timedelta(minutes=15)


def test_a_hall_larger_than_one_transaction_is_paused_whole(
    cast: Cast, hall: list[Sitting], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examapp.web.center.whole_hall.BATCH", 1)
    cast.center.post(address(hall, "pause"), reason="A fire alarm")
    assert [kinds(each)[-1] for each in hall] == ["paused", "paused", "started"]


def test_a_pause_left_open_shows_among_the_administrations(cast: Cast, hall: list[Sitting]) -> None:
    interventions.pause(cast.center.user, hall[0], "A fire alarm", at=makers.AT)
    assert board.paused(cast.center.user) == {hall[0].registration.administration_id: 1}
    assert board.paused(cast.other_center.user) == {}
    assert "1 paused" in cast.center.get("/center/").text
    assert "1 paused" not in cast.other_center.get("/center/").text
