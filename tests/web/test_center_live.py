from datetime import timedelta

import pytest

from examapp.delivery import journal
from examapp.delivery.models import Sitting
from tests import makers
from tests.cast import Cast, register


@pytest.fixture
def sitting(cast: Cast) -> Sitting:
    return makers.make_sitting(register(cast.trainee, seat="B07"))


def live(sitting: Sitting) -> str:
    return f"/center/administrations/{sitting.registration.administration_id}/live"


@pytest.mark.feature("A1")
def test_board_shows_seat_state_progress_and_time_left(cast: Cast, sitting: Sitting) -> None:
    page = cast.center.get(live(sitting)).text
    assert all(words in page for words in ("B07", "李明", "Running", "0 of 4", "1:30:00"))


def test_rows_alone_are_what_the_page_holds(cast: Cast, sitting: Sitting) -> None:
    rows = cast.center.get(f"{live(sitting)}/rows").text
    assert rows.lstrip().startswith("<tr>")
    assert rows.strip() in cast.center.get(live(sitting)).text


@pytest.mark.feature("T4", "A5")
def test_added_time_stands_in_journal_board_and_incidents_with_its_reason(cast: Cast, sitting: Sitting) -> None:
    end = sitting.ends_at
    reason = "A fire alarm at 9:20"
    assert (
        cast.center.post(f"/center/sittings/{sitting.public_id}/time", minutes="15", reason=reason).status_code == 302
    )
    assert journal.read(sitting.id).ends_at == end + timedelta(minutes=15)
    assert "0 + 15" in cast.center.get(live(sitting)).text
    incidents = f"/center/administrations/{sitting.registration.administration_id}/incidents"
    for page in (incidents, f"/center/sittings/{sitting.public_id}"):
        assert all(words in cast.center.get(page).text for words in ("Time added", reason, "赵磊"))


@pytest.mark.feature("T11")
def test_board_and_journal_show_that_a_sitting_was_opened_on_another_device(cast: Cast) -> None:
    begun = makers.make_sitting(register(cast.trainee), device="a" * 12)
    assert "Opened on another device" not in cast.center.get(live(begun)).text
    cast.trainee.get(f"/api/sittings/{begun.public_id}", headers={"X-CSRF-Token": cast.trainee.token})
    for page in (live(begun), f"/center/sittings/{begun.public_id}"):
        assert "Opened on another device" in cast.center.get(page).text
    assert f'<span class="mono">{"a" * 12}</span>' in cast.center.get(f"/center/sittings/{begun.public_id}").text


@pytest.mark.parametrize(
    ("minutes", "reason"), [("", "A fire alarm"), ("500", "A fire alarm"), ("15", ""), ("15", "x")]
)
def test_time_without_a_fit_number_or_reason_is_refused(
    cast: Cast, sitting: Sitting, minutes: str, reason: str
) -> None:
    page = cast.center.post(f"/center/sittings/{sitting.public_id}/time", minutes=minutes, reason=reason).text
    assert "There is a problem" in page
    assert len(journal.entries(sitting.id)) == 1


@pytest.mark.feature("A3")
def test_voided_sitting_is_over_and_takes_no_more_time(cast: Cast, sitting: Sitting) -> None:
    cast.center.post(f"/center/sittings/{sitting.public_id}/void", reason="Another person sat here")
    assert journal.read(sitting.id).status == "voided"
    again = cast.center.post(f"/center/sittings/{sitting.public_id}/time", minutes="15", reason="A fire alarm").text
    assert "The sitting is over." in again


@pytest.mark.feature("A6")
@pytest.mark.parametrize("page", ["", "/time", "/void"])
def test_sitting_of_another_center_is_out_of_reach(cast: Cast, sitting: Sitting, page: str) -> None:
    assert cast.other_center.get(f"/center/sittings/{sitting.public_id}{page}").status_code == 404
    fields = {"minutes": "15", "reason": "A fire alarm"}
    if page:
        assert cast.other_center.post(f"/center/sittings/{sitting.public_id}{page}", **fields).status_code == 404
    assert len(journal.entries(sitting.id)) == 1


@pytest.mark.feature("O9")
def test_journal_is_readable_and_shows_no_response(cast: Cast, sitting: Sitting) -> None:
    makers.answer(sitting, {1: "3", 4: "826.6"})
    page = cast.center.get(f"/center/sittings/{sitting.public_id}").text
    assert all(words in page for words in ("Started", "Item 1 · save 1", "Item 4 · save 1", "Handed in"))
    assert "826.6" not in page
