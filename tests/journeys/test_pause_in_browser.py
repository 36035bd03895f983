"""A pause, and the file of what could not be sent, as the trainee's page shows them, in both languages."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from examapp.accounts.access import OPERATOR
from examapp.db import transaction
from examapp.delivery import emergency, interventions, sittings
from tests.conftest import SECRET
from tests.journeys.live import Service
from tests.journeys.sitting_page import SittingPage

pytestmark = pytest.mark.browser


@pytest.fixture
def service(place: Service) -> Service:
    """One service for this module."""
    return place


def pause(service: Service, sitting: str) -> None:
    with service.app.app_context(), transaction():
        interventions.pause(OPERATOR, sittings.by_public_id(sitting), "fire alarm", at=service.now())


def opened_file(service: Service, sitting: str, path: Path) -> emergency.EmergencyFile:
    with service.app.app_context():
        return emergency.open_file(path.read_bytes(), sittings.by_public_id(sitting), SECRET)


@pytest.mark.feature("T3")
def test_pause_hides_the_items_stops_the_clock_and_is_given_back(page: Page, service: Service, language: str) -> None:
    page.clock.install()
    exam = SittingPage(page, service, service.begin(seconds_left=1000), language).open()
    exam.pause()
    face = page.locator("#clock-face").inner_text()
    service.pass_time(page, 600)
    expect(page.locator("#clock-face")).to_have_text(face)
    exam.resume()
    exam.expect_item(1)
    expect(page.locator("#clock-face")).to_have_text(re.compile(r"^1[56]:\d\d$"))
    expect(page.locator("[data-banner=time]")).to_have_count(0)


@pytest.mark.feature("T3", "T7")
def test_answer_typed_before_a_pause_is_saved_and_tells_the_page_of_it(
    page: Page, service: Service, language: str
) -> None:
    exam = SittingPage(page, service, service.begin(), language).open()
    pause(service, exam.sitting)
    value = exam.choose(1)
    expect(page.locator("#paused-heading")).to_be_visible()
    assert service.stored(exam.sitting) == {1: value}
    page.reload()
    expect(page.locator("#paused-heading")).to_be_focused()
    expect(page.locator("#work")).to_be_hidden()


@pytest.mark.feature("T10")
def test_answers_unsent_for_long_are_saved_as_a_file_that_the_service_opens(
    page: Page, context: BrowserContext, service: Service, language: str
) -> None:
    page.clock.install()
    exam = SittingPage(page, service, service.begin(), language).open()
    context.set_offline(True)
    value = exam.choose(2)
    expect(page.locator("[data-banner=offline]")).to_be_visible()
    expect(page.locator("[data-banner=emergency]")).to_have_count(0)
    service.pass_time(page, 125)
    expect(page.locator("[data-banner=emergency]")).to_contain_text(exam.say("emergency.offer", count=1))
    with page.expect_download() as download:
        page.get_by_role("button", name=exam.say("emergency.save")).click()
    assert download.value.suggested_filename == f"emergency-{exam.sitting}.json"
    expect(page.locator("[data-banner=emergency]")).to_contain_text(f"emergency-{exam.sitting}.json")
    assert set(json.loads(download.value.path().read_text())) == {"schema", "sitting", "key_id", "nonce", "ciphertext"}
    found = opened_file(service, exam.sitting, download.value.path())
    assert [(each["slot"], each["seq"], each["value"]) for each in found.responses] == [(1, 1, value)]
    exam.choose(0)
    expect(page.locator("[data-banner=emergency]")).to_contain_text(exam.say("emergency.offer", count=1))
    context.set_offline(False)
    exam.come_back()
    expect(page.locator("[data-banner=emergency]")).to_have_count(0)


@pytest.mark.feature("T10")
def test_answers_unsent_at_the_end_are_offered_as_a_file_at_once(
    page: Page, context: BrowserContext, service: Service, language: str
) -> None:
    page.clock.install()
    exam = SittingPage(page, service, service.begin(seconds_left=100), language).open()
    context.set_offline(True)
    value = exam.choose(0)
    service.pass_time(page, 110)
    expect(page.locator("#end-heading")).to_have_text(exam.say("end.expired"))
    with page.expect_download() as download:
        page.get_by_role("button", name=exam.say("emergency.save")).click()
    assert opened_file(service, exam.sitting, download.value.path()).responses[0]["value"] == value
