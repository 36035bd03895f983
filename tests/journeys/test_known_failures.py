"""What other exam systems lost answers or time by, each acted out against the exam page in both languages."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from examapp.accounts.access import OPERATOR
from examapp.db import transaction
from examapp.delivery import interventions, sittings
from tests.journeys.conftest import ARGUMENTS, CHROMIUM
from tests.journeys.live import Service
from tests.journeys.sitting_page import SittingPage

pytestmark = pytest.mark.browser


@pytest.fixture
def service(place: Service) -> Service:
    """One service for this module."""
    return place


@pytest.fixture
def exam(page: Page, service: Service, language: str) -> SittingPage:
    """The page of a sitting that began a moment ago, its clock in the test's hands."""
    page.clock.install()
    return SittingPage(page, service, service.begin(seconds_left=3600), language).open()


@pytest.fixture
def remembering(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that keeps pages for Back, as people's browsers do and test browsers do not."""
    keeping = browser.browser_type.launch(
        executable_path=str(CHROMIUM), args=ARGUMENTS, ignore_default_args=["--disable-back-forward-cache"]
    )
    yield keeping.new_context(locale="en-GB")
    keeping.close()


def beside(exam: SittingPage, language: str, context: BrowserContext) -> SittingPage:
    """Return the same sitting in another window."""
    return SittingPage(context.new_page(), exam.service, exam.sitting, language)


@pytest.mark.feature("T8", "T16")
def test_failed_save_is_not_called_saved_after_a_reload_and_is_sent_untouched(exam: SittingPage) -> None:
    """Artemis #12948: after a failed save and a reload, answers were marked as sent and never sent again."""
    exam.service.is_failing = True
    value = exam.choose(3)
    expect(exam.page.locator("#item-state")).to_have_text(exam.say("state.unsaved"))
    exam.page.on("dialog", lambda dialog: dialog.accept())
    exam.page.reload()
    expect(exam.page.locator("#item-state")).to_have_text(exam.say("state.unsaved"))
    expect(exam.page.locator("#item input:checked")).to_have_value(value)
    assert exam.service.stored(exam.sitting) == {}
    exam.service.is_failing = False
    exam.come_back()
    exam.expect_saved()
    assert exam.service.stored(exam.sitting) == {1: value}


@pytest.mark.feature("T12")
def test_stale_tab_cannot_overtake_a_newer_answer_by_typing(
    exam: SittingPage, context: BrowserContext, language: str
) -> None:
    """Sakai #14743: a tab that knew nothing of the newer answers wrote its own over them."""
    stale = beside(exam, language, context).open(4)
    exam.open(4).page.locator("#numeric").fill("826.6")
    exam.expect_saved()
    stale.page.locator("#numeric").press_sequentially("12345")
    expect(stale.page.locator("[data-banner=conflict-4]")).to_contain_text(stale.say("response.elsewhere", position=4))
    expect(stale.page.locator("#numeric")).to_have_value("826.6")
    assert exam.service.stored(exam.sitting) == {4: "826.6"}


@pytest.mark.feature("T12")
def test_duplicated_background_tab_sends_no_old_answer_over_a_new_one(
    exam: SittingPage, context: BrowserContext, language: str
) -> None:
    """ILIAS #1030: a duplicated tab in the background saved its old answers over the new ones."""
    exam.page.route("**/responses/*", lambda route: route.abort())
    exam.choose(0)
    expect(exam.page.locator("#item-state")).to_have_text(exam.say("state.unsaved"))
    duplicate = beside(exam, language, context).open()
    duplicate.expect_saved()
    newer = duplicate.choose(2)
    duplicate.expect_saved()
    exam.page.unroute("**/responses/*")
    exam.service.pass_time(exam.page, 60)
    exam.come_back()
    expect(exam.page.locator("[data-banner=conflict-1]")).to_be_visible()
    expect(exam.page.locator("#item input:checked")).to_have_value(newer)
    assert exam.service.stored(exam.sitting) == {1: newer}


@pytest.mark.feature("T7", "T9")
def test_saving_is_tried_again_for_as_long_as_the_sitting_lasts(exam: SittingPage) -> None:
    """Moodle stops saving by itself after some failures in a row, until somebody notices."""
    exam.service.is_failing = True
    value = exam.choose(1)
    for minute in range(1, 16):
        # longer than the longest pause, should an answer come just between
        with exam.page.expect_response("**/responses/1", timeout=40_000):
            exam.service.pass_time(exam.page, 60)
        assert exam.service.stored(exam.sitting) == {}, minute
    exam.service.is_failing = False
    with exam.page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok, timeout=40_000):
        exam.service.pass_time(exam.page, 60)
    exam.expect_saved()
    assert exam.service.stored(exam.sitting) == {1: value}


@pytest.mark.feature("T7", "T8")
@pytest.mark.parametrize(
    "answer", ["<p>Accept the terms of this network</p>", "{}", '{"seq":7,"stored_at":"2026-05-16T01:00:00.000Z"}'],
    ids=["a page", "nothing", "another answer"],
)  # fmt: skip
def test_what_is_no_acknowledgement_is_not_taken_for_one(exam: SittingPage, answer: str) -> None:
    """A network's sign-in page answers everything with 200; whoever believes the status stops sending."""
    exam.page.route("**/responses/*", lambda route: route.fulfill(status=200, body=answer))
    with exam.page.expect_response("**/responses/1"):
        value = exam.choose(2)
    expect(exam.page.locator("#item-state")).to_have_text(exam.say("state.unsaved"))
    exam.page.unroute("**/responses/*")
    exam.service.pass_time(exam.page, 60)
    exam.expect_saved()
    assert exam.service.stored(exam.sitting) == {1: value}


@pytest.mark.feature("T16")
def test_going_back_to_the_page_shows_the_service_s_answers_and_not_remembered_ones(
    service: Service, remembering: BrowserContext, context: BrowserContext, language: str
) -> None:
    """Numbas #161, #266: a browser brought back a cached page, which began afresh and wrote over the attempt."""
    exam = SittingPage(service.sign_in(remembering), service, service.begin(), language).open()
    exam.choose(0)
    exam.expect_saved()
    exam.page.goto(f"{service.url}/help")
    device = SittingPage(service.sign_in(context), service, exam.sitting, language).open()
    newer = device.choose(3)
    device.expect_saved()
    exam.page.go_back()
    expect(exam.page.locator("#item input:checked")).to_have_value(newer)
    exam.expect_saved()
    assert service.stored(exam.sitting) == {1: newer}


@pytest.mark.feature("T11", "T13")
def test_what_one_device_hands_in_no_other_device_changes(
    page: Page, service: Service, browser: Browser, language: str
) -> None:
    """Artemis #1903: handed in on one browser, edited on in another; two different exams of one person."""
    # the first device does not look at the clock meanwhile
    page.clock.install()
    service.stop_time(page)
    exam = SittingPage(page, service, service.begin(), language).open()
    value = exam.choose(1)
    service.pass_time(page, 1)
    exam.expect_saved()
    other = browser.new_context()
    device = SittingPage(exam.service.sign_in(other), exam.service, exam.sitting, language).open()
    expect(device.page.locator("#item input:checked")).to_have_value(value)
    device.hand_in()
    expect(device.page).to_have_url(re.compile("/receipt$"))
    other.close()
    exam.choose(2)
    exam.service.pass_time(exam.page, 1)
    expect(exam.page.locator("#end-heading")).to_have_text(exam.say("end.submitted"))
    expect(exam.page.locator("#end-lines")).to_contain_text(exam.say("end.late", count=1))
    assert exam.service.stored(exam.sitting) == {1: value}
    assert exam.service.kinds(exam.sitting).count("submitted") == 1


@pytest.mark.feature("T11")
def test_first_device_is_told_within_half_a_minute_of_a_second_and_both_go_on(
    page: Page, service: Service, browser: Browser, language: str
) -> None:
    """Signed in at home with the account of somebody who sits in the hall: nobody there would know."""
    page.clock.install()
    exam = SittingPage(page, service, "", language)
    page.goto(f"{service.url}/registrations/{service.registration}/check")
    page.locator("#lobby-start").click()
    exam.expect_item(1)
    exam.sitting = page.url.rpartition("/")[2].partition("#")[0]
    first = exam.choose(1)
    exam.expect_saved()
    page.reload()
    exam.expect_item(1)
    service.pass_time(page, 28)
    expect(page.locator("[data-banner=elsewhere]")).to_have_count(0)
    other = browser.new_context()
    device = SittingPage(service.sign_in(other), service, exam.sitting, language).open(4)
    device.page.locator("#numeric").fill("826.6")
    device.expect_saved()
    service.pass_time(page, 28)
    told = exam.say("opened.elsewhere", time="@").partition("@")[0]
    expect(page.locator("[data-banner=elsewhere]")).to_contain_text(told)
    expect(page.locator("#announcements")).to_contain_text(told)
    newer = exam.choose(2)
    exam.expect_saved()
    expect(device.page.locator("[data-banner=elsewhere]")).to_have_count(0)
    other.close()
    assert first != newer
    assert service.stored(exam.sitting) == {1: newer, 4: "826.6"}
    assert service.kinds(exam.sitting).count("opened") == 1


@pytest.mark.feature("T3")
def test_extension_is_seen_within_half_a_minute(exam: SittingPage) -> None:
    """edX had no extra time after the start; here the running page hears of it by itself."""
    extend(exam, 20)
    exam.service.pass_time(exam.page, 28)
    expect(exam.page.locator("[data-banner=time]")).to_contain_text(exam.say("time.extended", minutes=20))


@pytest.mark.feature("T3", "T15")
def test_extension_that_the_page_did_not_hear_of_keeps_it_open_at_zero(exam: SittingPage) -> None:
    """ILIAS #5945: time added during the test was not seen by the page, which handed in too early."""
    exam.page.evaluate("""() => { window.isSame = true; const end = document.getElementById("end");
        new MutationObserver(() => { window.isSame = false; }).observe(end, {attributes: true}); }""")
    extend(exam, 20)
    exam.service.pass_time(exam.page, 3610)
    expect(exam.page.locator("#clock-face")).to_have_text(re.compile(r"^1[89]:\d\d$"))
    value = exam.choose(2)
    exam.expect_saved()
    assert exam.page.evaluate("window.isSame")
    assert exam.service.stored(exam.sitting) == {1: value}


@pytest.mark.feature("T9", "T13")
def test_hand_in_while_offline_says_so_and_loses_nothing(exam: SittingPage, context: BrowserContext) -> None:
    """Nothing is handed in before it is saved, and nobody is told that they handed in who did not."""
    context.set_offline(True)
    value = exam.choose(2)
    exam.hand_in()
    expect(exam.page.locator("#hand-in-progress")).to_have_text(exam.say("hand_in.sending"))
    exam.service.pass_time(exam.page, 21)
    expect(exam.page.locator("#hand-in-progress")).to_have_text(exam.say("hand_in.failed"))
    assert exam.service.kinds(exam.sitting) == ["started"]
    context.set_offline(False)
    exam.page.locator("#hand-in-confirm").click()
    expect(exam.page).to_have_url(re.compile("/receipt$"))
    assert exam.service.stored(exam.sitting) == {1: value}
    assert exam.service.kinds(exam.sitting)[-1] == "submitted"


def extend(exam: SittingPage, minutes: int) -> None:
    with exam.service.app.app_context(), transaction():
        interventions.add_time(
            OPERATOR, sittings.by_public_id(exam.sitting), minutes, "power cut", at=exam.service.now()
        )
