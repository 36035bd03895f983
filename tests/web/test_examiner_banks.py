import pytest

from examapp.accounts.access import OPERATOR
from examapp.banks.authoring import import_bank
from examapp.banks.models import ItemBank
from examapp.db import db
from tests import makers
from tests.cast import Cast

BANK = "/examiner/banks/ic-test"


@pytest.fixture
def bank(cast: Cast) -> str:
    """A bank with one item of each of three types."""
    truth = {name: value for name, value in makers.make_item_fields(id="ic-truth").items() if name != "options"}
    files = makers.make_bank_files(
        makers.make_item_fields(id="ic-choice"),
        makers.make_numeric_fields(),
        truth | {"type": "true_false", "key": True},
    )
    import_bank(OPERATOR, files, at=makers.AT)
    return BANK


def test_banks_are_listed_with_their_number_of_items(cast: Cast, bank: str) -> None:
    page = cast.examiner.get("/examiner/banks").text
    assert bank in page
    assert "3 items" in page


def test_bank_page_shows_share_version_and_parameters_with_their_source(cast: Cast, bank: str) -> None:
    page = cast.examiner.get(bank).text
    assert all(words in page for words in ("ic-choice", "0.62", "-1.09", "expert", "Shown: 3 of 3"))


@pytest.mark.parametrize(
    ("query", "shown"),
    [("type=numeric", ["ic-area"]), ("text=circumference", []), ("text=IC-CHOICE", ["ic-choice"]), ("area=other", [])],
)
def test_bank_page_shows_what_matches_the_filter(cast: Cast, bank: str, query: str, shown: list[str]) -> None:
    page = cast.examiner.get(f"{bank}?{query}").text
    items = [code for code in ("ic-area", "ic-choice", "ic-truth") if f"/items/{code}" in page]
    assert items == shown


@pytest.mark.feature("E21")
def test_item_page_keeps_key_and_reasons_apart_from_what_trainees_see(cast: Cast, bank: str) -> None:
    shown, _, author = cast.examiner.get(f"{bank}/items/ic-choice").text.partition("Never shown to trainees")
    assert "Option A" in shown
    assert "secret why" not in shown
    assert all(words in author for words in ("secret why", "Because.", "A book, 2nd ed.", "Right"))


@pytest.mark.feature("E21")
def test_parametric_item_shows_three_draws_with_key_tolerance_and_trap(cast: Cast, bank: str) -> None:
    page = cast.examiner.get(f"{bank}/items/ic-area?seed=2").text
    assert all(f"seed={seed}" in page for seed in (1, 2, 3))
    assert all(words in page for words in ("w*t", "relative: 0.01", "2*(w+t)", "This is the circumference."))


def test_trying_an_item_sends_only_what_a_paper_holds(cast: Cast, bank: str) -> None:
    page = cast.examiner.get(f"{bank}/items/ic-choice/try").text
    assert "Option A" in page
    assert "secret" not in page


@pytest.mark.feature("E1")
def test_changes_between_versions_are_shown_by_field(cast: Cast, bank: str) -> None:
    stem = {"zh": "ic-choice 中哪一项正确?", "en": "Which one of ic-choice is wrong?"}
    newer = makers.make_item_fields(id="ic-choice", version=2, stem=stem)
    import_bank(OPERATOR, makers.make_bank_files(newer), at=makers.AT)
    page = cast.examiner.get(f"{bank}/items/ic-choice/changes").text
    assert "stem.en" in page
    assert "<del>right</del><ins>wrong</ins>" in page
    assert "stem.zh" not in page


def test_every_version_of_an_item_stays_readable(cast: Cast, bank: str) -> None:
    import_bank(OPERATOR, makers.make_bank_files(makers.make_item_fields(id="ic-choice", version=2)), at=makers.AT)
    assert "version=1" in cast.examiner.get(f"{bank}/items/ic-choice").text
    assert cast.examiner.get(f"{bank}/items/ic-choice?version=1").status_code == 200
    assert cast.examiner.get(f"{bank}/items/ic-choice?version=7").status_code == 404


def test_stimulus_is_shown_in_both_languages_with_its_items(cast: Cast) -> None:
    version = makers.make_stimulus_version()
    code = db.session.get_one(ItemBank, version.stimulus.bank_id).code
    page = cast.examiner.get(f"/examiner/banks/{code}/stimuli/stimulus-one").text
    assert 'lang="zh-Hans"' in page
    assert 'lang="en"' in page


@pytest.mark.feature("P1", "P2")
def test_item_page_shows_flags_figures_and_tables_once_fifty_trainees_were_marked(cast: Cast) -> None:
    exam_form = makers.make_exam_form(contents=[makers.make_content(), makers.make_content("true_false")])
    sittings = makers.make_marked_sittings(exam_form, [-1.0, 1.0] * 25)
    item = exam_form.slots[0].item_version.item
    address = f"/examiner/banks/{item.bank.code}/items/{item.code}"
    page = cast.examiner.get(address).text
    assert page.count("data:image/svg+xml") == 3
    assert all(words in page for words in ("Corrected item-total correlation", "Point-biserial", "B · Option B"))
    sittings[0].status = "voided"
    assert "once 50 trainees were marked" in cast.examiner.get(address).text
