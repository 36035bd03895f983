from datetime import timedelta

import pytest

from examapp.accounts.access import OPERATOR
from examapp.delivery import emergency, journal
from examapp.delivery.models import Sitting
from examapp.delivery.state import Kind
from tests import makers
from tests.cast import Cast, Member, register

REASON = "The hall had no network at the end"


@pytest.fixture
def sitting(cast: Cast) -> Sitting:
    """A sitting that was handed in without an answer, to which staff brought a file."""
    closed = makers.make_sitting(register(cast.trainee, seat="B07"))
    makers.answer(closed, {})
    response = {"slot": 4, "seq": 1, "value": "826.6", "client_time": None}
    file = emergency.EmergencyFile("sha256:file", (response,), 0)
    emergency.keep(OPERATOR, closed, file, at=makers.AT + timedelta(hours=3))
    return closed


@pytest.fixture
def colleague(cast: Cast) -> Member:
    """Another person of the same center."""
    user = makers.make_user("center", center_id=cast.center.user.center_id, language="en", name="孙丽")
    return Member(cast.center.app, user)


def late(sitting: Sitting, rest: str = "") -> str:
    return f"/center/sittings/{sitting.public_id}/late{rest}"


@pytest.mark.feature("T10")
def test_one_of_the_staff_asks_and_another_one_agrees(cast: Cast, colleague: Member, sitting: Sitting) -> None:
    assert "Count late answers" in cast.center.get(f"/center/sittings/{sitting.public_id}").text
    assert all(words in cast.center.get(late(sitting)).text for words in ("Item 4", "from an emergency answer file"))
    cast.center.post(late(sitting), reason=REASON)
    page = colleague.get(late(sitting, "/4")).text
    assert all(words in page for words in (REASON, "赵磊", "Item 4"))
    assert colleague.post(late(sitting, "/4")).status_code == 302
    told = cast.center.get(f"/center/sittings/{sitting.public_id}").text
    assert all(words in told for words in ("Late answers counted", REASON, "赵磊", "confirmed by 孙丽"))
    assert "Agree to count" not in told
    assert "1 of 4" in cast.trainee.get(f"/sittings/{sitting.public_id}/receipt").text
    assert "not scored" not in cast.trainee.get(f"/sittings/{sitting.public_id}/receipt").text


def test_whoever_asked_cannot_agree(cast: Cast, sitting: Sitting) -> None:
    cast.center.post(late(sitting), reason=REASON)
    assert "Somebody else must confirm what you asked for." in cast.center.post(late(sitting, "/4")).text
    assert journal.entries(sitting.id)[-1].kind == Kind.COUNT_ASKED


def test_asking_needs_a_reason_and_something_to_count(cast: Cast, sitting: Sitting) -> None:
    assert "There is a problem" in cast.center.post(late(sitting), reason="").text
    running = makers.make_sitting(register(cast.other_trainee))
    assert "No late answer" in cast.center.post(late(running), reason=REASON).text
    assert "Count late answers" not in cast.center.get(f"/center/sittings/{running.public_id}").text


def test_staff_of_another_center_see_nothing(cast: Cast, sitting: Sitting) -> None:
    assert cast.other_center.get(late(sitting)).status_code == 404
    assert cast.other_center.post(late(sitting), reason=REASON).status_code == 404
