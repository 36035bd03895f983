"""Every page of a trainee under axe, in both languages, on a telephone and on a desk, without findings."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from examapp.db import transaction
from examapp.delivery import devices, sittings
from tests.journeys.live import Service
from tests.journeys.sitting_page import SittingPage

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent.parent / "data" / "axe.min.js").read_text(encoding="utf-8")
SIZES = {"telephone": {"width": 360, "height": 740}, "desk": {"width": 1280, "height": 900}}
RUN = "async () => (await axe.run()).violations.map((found) => `${found.id}: ${found.nodes[0].html}`)"


@pytest.fixture(params=sorted(SIZES))
def sized_page(request: pytest.FixtureRequest, page: Page, service: Service, language: str) -> Page:
    """The trainee's page in this size and language."""
    page.set_viewport_size(SIZES[request.param])
    page.goto(f"{service.url}/sign-in")
    if not page.locator("html").get_attribute("lang").startswith(language):  # type: ignore[union-attr]
        page.get_by_role("button", name="中文" if language == "zh" else "English").click()
    expect(page.locator("html")).to_have_attribute("lang", re.compile(f"^{language}"))
    return page


def findings(page: Page) -> list[str]:
    """Return what axe finds, and whether the page is wider than its window."""
    page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN)
    is_wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [*found, *(["the page scrolls sideways"] if is_wide else [])]


def test_pages_around_the_sitting_have_no_findings(sized_page: Page, service: Service) -> None:
    done = service.begin(seconds_left=-60)
    addresses = [
        "/", "/sign-in", "/help", "/verify", "/no-such-page", f"/registrations/{service.registration}/check",
        f"/sittings/{done}/receipt", f"/results/{service.result()}",
    ]  # fmt: skip
    found = {}
    for address in addresses:
        shown = sized_page.goto(service.url + address)
        assert shown is not None
        assert shown.status == (404 if address == "/no-such-page" else 200), address
        found[address] = findings(sized_page)
    assert not {address: wrong for address, wrong in found.items() if wrong}


def test_exam_page_has_no_findings(sized_page: Page, service: Service) -> None:
    sitting, found = service.begin(), {}
    for position in range(1, 10):
        sized_page.goto(f"{service.url}/sittings/{sitting}#{position}")
        sized_page.locator("#item-heading").wait_for()
        found[f"item {position}"] = findings(sized_page)
    sized_page.locator("#tools-toggle").click()
    sized_page.locator("#tools summary").click()
    found["tools"] = findings(sized_page)
    sized_page.locator("#review-open").click()
    found["review"] = findings(sized_page)
    sized_page.locator("#hand-in").click()
    expect(sized_page.locator("#hand-in-dialog")).to_be_visible()
    found["hand in"] = findings(sized_page)
    assert not {place: wrong for place, wrong in found.items() if wrong}


def test_lobby_pause_and_unsent_answers_have_no_findings(sized_page: Page, service: Service, language: str) -> None:
    sized_page.clock.install()
    service.opens_in(700)
    sized_page.goto(f"{service.url}/registrations/{service.registration}/check")
    sized_page.locator("#lobby-start").click()
    expect(sized_page.locator("#lobby-clock")).not_to_be_empty()
    found = {"lobby": findings(sized_page)}
    service.opens_in(-9000)
    sitting = service.begin(seconds_left=1000, device="a" * 12)
    exam = SittingPage(sized_page, service, sitting, language).open()
    with service.app.app_context(), transaction():
        devices.open_on(sittings.by_public_id(sitting), "b" * 12, at=service.now())
    exam.look_at_clock()
    expect(sized_page.locator("[data-banner=elsewhere]")).to_be_visible()
    found["opened elsewhere"] = findings(sized_page)
    exam.pause()
    found["pause"] = findings(sized_page)
    exam.resume()
    sized_page.context.set_offline(True)
    exam.choose(0)
    service.pass_time(sized_page, 125)
    expect(sized_page.locator("[data-banner=emergency]")).to_be_visible()
    found["unsent for long"] = findings(sized_page)
    service.pass_time(sized_page, 1000)
    expect(sized_page.locator("#end-heading")).to_be_visible()
    found["unsent at the end"] = findings(sized_page)
    assert not {place: wrong for place, wrong in found.items() if wrong}


def test_nothing_changes_each_second_in_a_live_region(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/sittings/{service.begin()}#1")
    page.locator("#item-heading").wait_for()
    live = page.locator("[aria-live]:not([aria-live=off]), [role=status], [role=alert]")
    before = live.all_inner_texts()
    face = page.locator("#clock-face").inner_text()
    expect(page.locator("#clock-face")).not_to_have_text(face)
    assert live.all_inner_texts() == before


def test_controls_are_large_enough_to_touch(page: Page, service: Service) -> None:
    page.set_viewport_size(SIZES["telephone"])
    page.goto(f"{service.url}/sittings/{service.begin()}#5")
    page.locator("#item-heading").wait_for()
    heights = page.locator("button:visible, select:visible").evaluate_all(
        "(all) => all.map((each) => [each.id || each.textContent, each.getBoundingClientRect().height])"
    )
    assert not [pair for pair in heights if 1 < pair[1] < 44]
