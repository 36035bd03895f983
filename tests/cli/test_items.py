import re

import numpy as np
import pytest

from examapp.cli.items import items
from tests import makers


@pytest.fixture
def gallery(app, tmp_path):
    """Write the gallery of a form's exam; the outcome, and the page."""

    def run(exam_form):
        page = tmp_path / "gallery.html"
        outcome = app.test_cli_runner().invoke(items, ["gallery", exam_form.exam.code, "theory", "--out", str(page)])
        return outcome, page.read_text("utf-8") if page.exists() else ""

    return run


@pytest.mark.feature("P1", "P2")
def test_gallery_is_one_page_by_itself_in_both_languages(gallery):
    exam_form = makers.make_exam_form()
    makers.make_marked_sittings(exam_form, np.linspace(-2, 2, 50))
    outcome, page = gallery(exam_form)
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert "4 items of 50 trainees" in outcome.stdout
    assert all(words in page for words in ("Corrected item-total correlation", "校正题总相关", "Ability θ", "能力 θ"))
    assert not re.search(r"<script|<link|src=|@import|url\((?!#)", page)
    assert page.count("<svg") == 4 * 3 * 2
    assert len(set(ids := re.findall(r' id="([^"]+)"', page))) == len(ids)


def test_items_of_too_few_trainees_are_named_without_numbers(gallery):
    exam_form = makers.make_exam_form()
    makers.make_marked_sittings(exam_form, [0.0, 1.0])
    outcome, page = gallery(exam_form)
    assert "0 items of 2 trainees" in outcome.stdout
    assert exam_form.slots[0].item_version.item.code in page
    assert "<svg" not in page


def test_unknown_exam_is_refused(app, tmp_path):
    outcome = app.test_cli_runner().invoke(
        items, ["gallery", "nothing", "theory", "--out", str(tmp_path / "page.html")]
    )
    assert outcome.exit_code == 1
    assert "There is no exam with the code nothing." in outcome.stderr
