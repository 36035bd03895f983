import pytest

from examapp.accounts.access import OPERATOR
from examapp.config import Config
from examapp.scoring import marking, results
from tests import makers
from tests.cast import Cast, register


def test_score_is_shown_only_once_it_is_released(cast: Cast) -> None:
    sitting = makers.make_sitting(register(cast.trainee))
    makers.answer(sitting, makers.RIGHT)
    marking.mark(OPERATOR, sitting, at=makers.AT)
    result = results.score(OPERATOR, sitting, at=makers.AT)
    address = f"/center/administrations/{sitting.registration.administration_id}/results"
    page = cast.center.get(address).text
    assert "Scored, waits for release" in page
    assert result.scaled not in page
    results.release(cast.examiner.user, [result], at=makers.AT)
    assert result.scaled in cast.center.get(address).text


@pytest.mark.feature("A18")
def test_certificates_are_listed_for_the_center_of_their_sittings(cast: Cast, config: Config) -> None:
    exam = makers.make_exam()
    for part in ("theory", "practical"):
        administration = makers.make_administration(makers.make_exam_form(exam, part=part))
        makers.make_result(register(cast.trainee, administration=administration))
    issued = makers.issue(makers.make_store(config.key_folder))
    number = issued.certificates[0].number
    assert number in cast.center.get("/center/certificates").text
    assert number not in cast.other_center.get("/center/certificates").text
