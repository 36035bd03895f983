"""An item's numbers as examiners see them in a browser: the page of the item, and the gallery, in both languages."""

from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from examapp.cli.items import items
from examapp.db import db
from tests import makers
from tests.journeys.live import Service
from tests.journeys.test_accessibility import SIZES, findings

pytestmark = pytest.mark.browser


@pytest.fixture
def gallery(live_app: Flask, tmp_path: Path) -> Path:
    """The gallery of a form of four item types that fifty trainees sat."""
    with live_app.app_context():
        exam_form = makers.make_exam_form()
        makers.make_marked_sittings(exam_form, [-2.0, -1.0, 0.0, 1.0, 2.0] * 10)
        page = tmp_path / "gallery.html"
        arguments = ["gallery", exam_form.exam.code, "theory", "--out", str(page)]
        assert live_app.test_cli_runner().invoke(items, arguments).exit_code == 0
        db.session.remove()
    return page


@pytest.mark.feature("P1", "P2")
@pytest.mark.parametrize("size", SIZES)
def test_gallery_shows_one_language_at_a_time_without_findings(browser: Browser, gallery: Path, size: str) -> None:
    page = browser.new_context(viewport=SIZES[size]).new_page()
    page.goto(gallery.as_uri())
    for language, shown, hidden in (("中文", "能力 θ", "Ability θ"), ("English", "Ability θ", "能力 θ")):
        page.get_by_label(language).check()
        expect(page.get_by_text(shown).first).to_be_visible()
        expect(page.get_by_text(hidden).first).to_be_hidden()
        assert findings(page) == []
    page.context.close()


@pytest.mark.feature("P2", "T20")
@pytest.mark.parametrize(("language", "size"), [("zh", "telephone"), ("en", "desk")])
def test_item_page_with_numbers_has_no_findings(browser: Browser, service: Service, language: str, size: str) -> None:
    with service.app.app_context():
        service.username = makers.make_user("examiner", language=language).username
        exam_form = makers.make_exam_form(contents=[makers.make_content(), makers.make_content("true_false")])
        makers.make_marked_sittings(exam_form, [-1.0, 1.0] * 25)
        item = exam_form.slots[0].item_version.item
        address = f"/examiner/banks/{item.bank.code}/items/{item.code}"
    page = service.sign_in(browser.new_context(viewport=SIZES[size]))
    page.goto(service.url + address)
    expect(page.locator(".item-figure img")).to_have_count(3)
    assert findings(page) == []
    page.context.close()
