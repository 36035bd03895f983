import pytest

from tests.cast import Cast


@pytest.mark.feature("T20")
def test_help_is_there_without_signing_in_in_both_languages(cast: Cast) -> None:
    for language in ("zh", "en"):
        page = cast.stranger.get("/help", headers={"Accept-Language": language})
        assert page.status_code == 200
        assert all(f'id="{audience}"' in page.text for audience in ("trainee", "examiner", "center"))


@pytest.mark.parametrize("role", ["trainee", "examiner", "center"])
def test_help_begins_with_the_readers_own_part(cast: Cast, role: str) -> None:
    page = cast.by_role()[role].get("/help").text
    assert page.index("<section id=") == page.index(f'<section id="{role}"')
