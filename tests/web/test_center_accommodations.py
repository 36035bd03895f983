import pytest

from tests import makers
from tests.cast import Cast, register


@pytest.mark.feature("T4", "T5")
def test_granted_time_shows_with_its_history_and_before_the_start(cast: Cast) -> None:
    registration = register(cast.trainee, seat="B07")
    page = f"/center/registrations/{registration.id}/extra-time"
    answer = cast.center.post(page, extra_minutes="", factor="1.5", reason="A medical certificate")
    assert answer.status_code == 302
    shown = cast.center.get(page).text
    assert all(words in shown for words in ("1.5", "45", "A medical certificate", "赵磊"))
    assert "you have 135 minutes" in cast.trainee.get(f"/registrations/{registration.id}/check").text
    sitting = makers.make_sitting(registration)
    assert "A medical certificate" in cast.center.get(f"/center/sittings/{sitting.public_id}").text


@pytest.mark.parametrize("fields", [{"extra_minutes": "500"}, {"factor": "9"}, {"extra_minutes": "x"}, {}])
def test_wrong_extra_time_is_refused_at_its_control(cast: Cast, fields: dict[str, str]) -> None:
    registration = register(cast.trainee)
    answer = cast.center.post(f"/center/registrations/{registration.id}/extra-time", **fields, reason="Certificate")
    assert (answer.status_code, "There is a problem" in answer.text) == (200, True)
    assert registration.extra_minutes == 0


@pytest.mark.feature("A6")
def test_registration_of_another_center_is_out_of_reach(cast: Cast) -> None:
    registration = register(cast.trainee)
    page = f"/center/registrations/{registration.id}/extra-time"
    assert cast.other_center.get(page).status_code == 404
    assert cast.other_center.post(page, extra_minutes="5", reason="Certificate").status_code == 404
