import pytest

from examapp.accounts.access import OPERATOR
from examapp.banks.authoring import import_bank
from examapp.db import db
from examapp.exams import exam_forms
from examapp.exams.blueprint import ExamPlan
from examapp.exams.models import Exam
from tests import makers
from tests.cast import Cast

AREA = "ic-materials.t.physics"


@pytest.fixture
def exam(cast: Cast) -> Exam:
    """An exam whose bank has four items; a form takes two, and forms share none."""
    items = [makers.make_item_fields(id=f"ic-{letter}") for letter in "abcd"]
    import_bank(OPERATOR, makers.make_bank_files(*items), at=makers.AT)
    title = {"zh": "半导体物理", "en": "Semiconductor physics"}
    theory = {
        "minutes": 30, "areas": {AREA: 2}, "item_types": {"single_choice": {"count": 2, "points": 1}},
        "max_overlap_share": 0,
    }  # fmt: skip
    plan = {"code": "exam-one", "field": "ic", "level": "primary", "bank": "ic-test", "scale": makers.SCALE}
    found = exam_forms.import_plan(
        OPERATOR,
        ExamPlan.model_validate(
            {**plan, "title": makers.text("One"), "areas": {AREA: title}, "parts": {"theory": theory}}
        ),
    )
    db.session.flush()
    return found


def assemble(cast: Cast, codes: str) -> str:
    sent = cast.examiner.post("/examiner/exams/exam-one/assemble", part="theory", codes=codes, seed="1")
    return sent.text if sent.status_code == 200 else f"to {sent.headers['Location']}"


@pytest.mark.feature("B7")
def test_forms_are_assembled_and_shown_with_their_numbers(cast: Cast, exam: Exam) -> None:
    assert assemble(cast, "A B") == "to /examiner/exams/exam-one"
    page = cast.examiner.get("/examiner/exams/exam-one").text
    assert all(words in page for words in ("Form A", "Form B", "0.620", "0.0 %", "sha256:", "Forms were assembled"))


def test_content_areas_are_called_by_their_titles_in_the_pages_language(cast: Cast, exam: Exam) -> None:
    pages = ["/examiner/exams/exam-one", "/examiner/banks/ic-test", "/examiner/banks/ic-test/items/ic-a"]
    assert ["Semiconductor physics" in cast.examiner.get(page).text for page in pages] == [True] * 3
    cast.examiner.post("/language", language="zh", next="/")
    assert ["半导体物理" in cast.examiner.get(page).text for page in pages] == [True] * 3


def test_infeasible_blueprint_is_answered_with_the_constraints_that_clash(cast: Cast, exam: Exam) -> None:
    page = assemble(cast, "A B C")
    assert "There is a problem" in page
    assert "these clash" in page
    assert exam_forms.forms_of(exam, "theory") == []


@pytest.mark.parametrize("codes", ["", "A/B", "<A>"])
def test_codes_that_are_none_are_refused_at_their_control(cast: Cast, exam: Exam, codes: str) -> None:
    assert 'href="#codes"' in assemble(cast, codes)


def test_cut_score_is_decided_and_the_older_one_stays_listed(cast: Cast) -> None:
    exam = makers.make_exam()
    fields = {"part": "theory", "theta": "-0.25", "method": "modified Angoff, 8 judges"}
    assert cast.examiner.post(f"/examiner/exams/{exam.code}/cut", **fields).status_code == 302
    page = cast.examiner.get(f"/examiner/exams/{exam.code}").text
    assert page.index("-0.250000") < page.index("-0.600000")
    assert all(words in page for words in ("modified Angoff, 8 judges", "Counts now", "Replaced"))


def test_cut_score_far_from_any_ability_is_refused(cast: Cast) -> None:
    exam = makers.make_exam()
    page = cast.examiner.post(f"/examiner/exams/{exam.code}/cut", part="theory", theta="60", method="guess").text
    assert "Enter a number from -6 to 6" in page


@pytest.mark.feature("E1")
def test_form_lists_its_item_versions_in_order(cast: Cast) -> None:
    exam_form = makers.make_exam_form()
    page = cast.examiner.get(f"/examiner/exams/{exam_form.exam.code}/forms/theory/{exam_form.code}").text
    codes = [slot.item_version.item.code for slot in exam_form.slots]
    assert [page.index(code) for code in codes] == sorted(page.index(code) for code in codes)
    assert "Eg = 1.5" in page


def test_printed_paper_has_the_key_only_when_asked_for(cast: Cast) -> None:
    exam_form = makers.make_exam_form()
    address = f"/examiner/exams/{exam_form.exam.code}/forms/theory/{exam_form.code}/print"
    assert "Key:" not in cast.examiner.get(address).text
    with_key = cast.examiner.get(f"{address}?key=1").text
    assert with_key.count("Key:") == len(exam_form.slots)
    assert "keep secret" in with_key
