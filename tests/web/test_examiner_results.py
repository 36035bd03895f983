import pytest
from markupsafe import escape

from examapp.accounts.access import OPERATOR
from examapp.exams.models import Administration
from examapp.scoring import marking, results
from examapp.scoring.models import Result
from examapp.scoring.rules import percent
from tests import makers
from tests.cast import Cast, Member


@pytest.fixture
def waiting(cast: Cast) -> list[Result]:
    """Two results of one administration, one right in all and one in nothing."""
    administration = makers.make_administration()
    people = zip((cast.trainee, cast.other_trainee), (makers.RIGHT, makers.WRONG), strict=True)
    return [scored(administration, member, values) for member, values in people]


def scored(administration: Administration, member: Member, values: dict) -> Result:
    sitting = makers.make_sitting(makers.make_registration(member.user, administration))
    makers.answer(sitting, values)
    marking.mark(OPERATOR, sitting, at=makers.AT)
    return results.score(OPERATOR, sitting, at=makers.AT)


def address(result: Result) -> str:
    return f"/examiner/results/{result.sitting.registration.administration_id}"


def test_administrations_are_listed_with_how_far_their_results_are(cast: Cast, waiting: list[Result]) -> None:
    cells = cast.examiner.get("/examiner/results").text.split("</tbody>")[0].split('<td class="number">')[1:]
    assert [cell.partition("<")[0] for cell in cells] == ["2", "2", "2", "2", "0", "2"]


def test_waiting_results_are_pseudonymous_and_the_doubtful_are_marked(cast: Cast, waiting: list[Result]) -> None:
    page = cast.examiner.get(address(waiting[0])).text
    assert all(result.scaled in page and escape(percent(result.probability)) in page for result in waiting)
    assert "李明" not in page.partition("<main")[2]
    assert page.count(">Borderline<") == sum(float(result.probability) < 0.9 for result in waiting)


def test_choosing_leads_to_the_counts_and_releases_nothing(cast: Cast, waiting: list[Result]) -> None:
    page = cast.examiner.post(address(waiting[0]), results=[result.id for result in waiting]).text
    assert "<dt>Pass</dt><dd>1</dd>" in page
    assert "<dt>Fail</dt><dd>1</dd>" in page
    assert len(results.waiting_for_release(waiting[0].sitting.registration.administration_id)) == 2


@pytest.mark.feature("P19")
def test_only_the_chosen_results_are_released(cast: Cast, waiting: list[Result]) -> None:
    first, second = waiting
    cast.examiner.post(f"{address(first)}/release", results=first.id, is_sure="y")
    assert results.waiting_for_release(first.sitting.registration.administration_id) == [second]
    assert results.released(first.sitting_id) == first


def test_release_that_is_not_confirmed_is_asked_for_again(cast: Cast, waiting: list[Result]) -> None:
    page = cast.examiner.post(f"{address(waiting[0])}/release", results=waiting[0].id).text
    assert "Confirm that the results may be released" in page
    assert not results.is_released(waiting[0])


def test_choosing_nothing_is_answered_with_the_remedy(cast: Cast, waiting: list[Result]) -> None:
    assert "Choose one or more results" in cast.examiner.post(address(waiting[0])).text


def test_result_that_was_released_meanwhile_is_not_released_twice(cast: Cast, waiting: list[Result]) -> None:
    for _ in range(2):
        page = cast.examiner.post(f"{address(waiting[0])}/release", results=waiting[0].id, is_sure="y").text
    assert "No result waits for release." in page
