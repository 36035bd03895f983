"""A sitting as a trainee lives it in a browser: saving, losing the network, two tabs, the end."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from examapp.accounts.access import OPERATOR
from examapp.db import transaction
from examapp.delivery import interventions, sittings
from tests.journeys.live import Service

pytestmark = pytest.mark.browser

# before any listener of the page: it does not hear that it is left, hidden, or goes away
DEAF = """for (const name of ["pagehide", "visibilitychange", "blur"])
    addEventListener(name, (event) => event.stopImmediatePropagation(), true);"""
SAVED = re.compile(r"^Saved \d\d:\d\d:\d\d$")


@pytest.fixture
def service(place: Service) -> Service:
    """One service for this module."""
    return place


@pytest.fixture
def sitting(service: Service) -> str:
    """A sitting that began a moment ago."""
    return service.begin()


def open_sitting(page: Page, service: Service, sitting: str, position: int = 1) -> None:
    page.goto(f"{service.url}/sittings/{sitting}#{position}")
    expect(page.locator("#item-heading")).to_contain_text(f"Item {position} of 9")


def choose(page: Page, place: int) -> str:
    radio = page.locator("#item input[name=response]").nth(place)
    radio.check()
    return str(radio.get_attribute("value"))


def recover(page: Page, service: Service) -> None:
    service.is_failing = False
    page.evaluate("dispatchEvent(new Event('online'))")


def expect_saved(page: Page) -> None:
    """See that the service has every answer, not only the one that is shown."""
    expect(page.locator("#item-state")).to_have_text(SAVED)
    expect(page.locator("#save-state")).to_have_text(SAVED)


@pytest.mark.feature("T6", "T16")
def test_answer_and_order_come_back_after_a_reload(page: Page, service: Service, sitting: str) -> None:
    open_sitting(page, service, sitting)
    value, order = choose(page, 2), page.locator(".options").inner_text()
    expect_saved(page)
    page.reload()
    expect(page.locator("#item input:checked")).to_have_value(value)
    assert page.locator(".options").inner_text() == order
    assert service.stored(sitting) == {1: value}


@pytest.mark.feature("T11", "T16")
def test_second_device_goes_on_with_the_answers_and_the_true_time_left(
    page: Page, browser: Browser, service: Service
) -> None:
    sitting = service.begin(seconds_left=1000)
    open_sitting(page, service, sitting)
    value, order = choose(page, 2), page.locator(".options").inner_text()
    expect_saved(page)
    with browser.new_context(viewport={"width": 800, "height": 600}) as other:
        device = service.sign_in(other)
        open_sitting(device, service, sitting)
        expect(device.locator("#item input:checked")).to_have_value(value)
        expect(device.locator("#clock-face")).to_have_text(re.compile(r"^1[56]:\d\d$"))
        assert device.locator(".options").inner_text() == order


@pytest.mark.feature("T6")
def test_number_is_saved_while_it_is_typed(page: Page, service: Service, sitting: str) -> None:
    open_sitting(page, service, sitting, 4)
    page.locator("#numeric").press_sequentially("826．6")
    expect(page.locator("#read-as")).to_have_text("Read as 826.6 nm")
    expect_saved(page)
    assert service.stored(sitting) == {4: "826．6"}


def test_unreadable_number_is_kept_with_a_warning(page: Page, service: Service, sitting: str) -> None:
    open_sitting(page, service, sitting, 4)
    page.locator("#numeric").fill("about 800")
    expect(page.locator("#read-as")).to_contain_text("cannot be read as a number")
    expect_saved(page)
    assert service.stored(sitting) == {4: "about 800"}


@pytest.mark.feature("T8")
def test_answer_is_called_saved_only_after_the_acknowledgement(page: Page, service: Service, sitting: str) -> None:
    open_sitting(page, service, sitting)
    service.is_failing = True
    choose(page, 0)
    expect(page.locator("#item-state")).to_contain_text("Not saved, retrying")
    expect(page.locator("#save-state")).to_contain_text("Not saved, retrying (1)")
    expect(page.locator(".cell.unsaved")).to_contain_text("Item 1, answered, not saved")
    recover(page, service)
    expect_saved(page)


@pytest.mark.feature("T8", "T9")
def test_answers_given_offline_arrive_when_the_connection_is_back(
    page: Page, context: BrowserContext, service: Service, sitting: str
) -> None:
    open_sitting(page, service, sitting)
    context.set_offline(True)
    first = choose(page, 1)
    expect(page.locator("[data-banner=offline]")).to_contain_text("Your answers are kept on this computer")
    expect(page.locator("#save-state")).to_have_text("Offline")
    page.locator("#next").click()
    page.locator("#item input[name=response]").first.check()
    context.set_offline(False)
    expect(page.locator("[data-banner=offline]")).to_have_count(0)
    expect_saved(page)
    assert service.stored(sitting)[1] == first
    assert len(service.stored(sitting)[2]) == 1


def test_answer_whose_save_failed_is_sent_after_a_reload_without_being_touched(
    page: Page, service: Service, sitting: str
) -> None:
    open_sitting(page, service, sitting)
    service.is_failing = True
    value = choose(page, 3)
    expect(page.locator("#item-state")).to_contain_text("Not saved")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator("#item-state")).to_contain_text("Not saved")
    assert service.stored(sitting) == {}
    recover(page, service)
    expect_saved(page)
    assert service.stored(sitting) == {1: value}


@pytest.mark.feature("T12")
def test_tab_with_an_older_answer_takes_the_newer_one_and_says_so(
    page: Page, context: BrowserContext, service: Service, sitting: str
) -> None:
    open_sitting(page, service, sitting)
    other = context.new_page()
    open_sitting(other, service, sitting)
    choose(other, 0)
    newer = choose(other, 1)
    expect_saved(other)
    choose(page, 3)
    expect(page.locator("[data-banner=conflict-1]")).to_contain_text("Item 1 was answered in another window")
    expect(page.locator("#item input:checked")).to_have_value(newer)
    assert service.stored(sitting) == {1: newer}


@pytest.mark.feature("T13")
def test_hand_in_ends_the_sitting_in_the_other_tab(
    page: Page, context: BrowserContext, service: Service, sitting: str
) -> None:
    # the other tab does not look at the clock meanwhile
    page.clock.install()
    service.stop_time(page)
    open_sitting(page, service, sitting)
    other = context.new_page()
    open_sitting(other, service, sitting)
    page.evaluate("location.hash = 'review'")
    page.locator("#hand-in").click()
    page.locator("#hand-in-confirm").click()
    expect(page).to_have_url(re.compile("/receipt$"))
    other.locator("#item input[name=response]").first.check()
    service.pass_time(page, 1)
    expect(other.locator("#end-heading")).to_have_text("This sitting was handed in")
    assert service.stored(sitting) == {}


@pytest.mark.feature("T7", "T17")
def test_hand_in_names_what_is_missing_and_gives_receipts(page: Page, service: Service, sitting: str) -> None:
    open_sitting(page, service, sitting)
    choose(page, 0)
    page.locator("#flag").click()
    page.locator("#review-open").click()
    page.locator("#hand-in").click()
    expect(page.locator("#hand-in-counts")).to_contain_text("Answered: 1 of 9")
    expect(page.locator("#hand-in-counts")).to_contain_text("Flagged for review: 1")
    page.locator("#hand-in-confirm").click()
    expect(page.get_by_role("heading", name="You have handed in")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_text("Download the receipts").click()
    assert re.search(r"^1\t1\t\d+\t\S+\t\d+:[0-9a-f]{64}$", download.value.path().read_text(), re.MULTILINE)


@pytest.mark.feature("T1", "T9")
def test_answer_that_arrives_after_the_deadline_is_named_as_late_and_not_stored(
    page: Page, context: BrowserContext, service: Service
) -> None:
    page.clock.install()
    sitting = service.begin(seconds_left=600)
    open_sitting(page, service, sitting)
    value = choose(page, 0)
    expect_saved(page)
    context.set_offline(True)
    page.locator("#next").click()
    page.locator("#item input[name=response]").first.check()
    service.pass_time(page, 700)
    expect(page.locator("#end-heading")).to_have_text("Your time is over")
    expect(page.locator("#end-lines")).to_contain_text("could not be sent yet: 1")
    context.set_offline(False)
    expect(page.locator("#end-lines")).to_contain_text("arrived after the end: 1")
    assert service.stored(sitting) == {1: value}
    assert "late" in service.kinds(sitting)


@pytest.mark.feature("T6", "T9")
@pytest.mark.parametrize("is_heard", [True, False], ids=["page hears that it is closed", "control: it does not"])
def test_answer_typed_right_before_the_tab_is_closed_arrives(
    page: Page, service: Service, sitting: str, browser: Browser, is_heard: bool
) -> None:
    if not is_heard:
        page.add_init_script(DEAF)
    page.clock.install()
    open_sitting(page, service, sitting, 4)
    other = service.sign_in(browser.new_context())
    other.goto(f"{service.url}/help")
    page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=10))
    page.locator("#numeric").fill("826.6")
    assert service.stored(sitting) == {}
    page.close()
    # what the page sent with its last breath comes at once, or never
    for _ in range(100 if is_heard else 20):
        if service.stored(sitting):
            break
        other.wait_for_timeout(100)
    assert service.stored(sitting) == ({4: "826.6"} if is_heard else {})
    other.context.close()


@pytest.mark.feature("T14", "T15")
def test_answer_given_in_the_last_moment_counts_and_the_receipt_follows(page: Page, service: Service) -> None:
    page.clock.install()
    sitting = service.begin(seconds_left=600)
    open_sitting(page, service, sitting, 4)
    page.locator("#numeric").fill("827")
    service.pass_time(page, 601)
    expect(page).to_have_url(re.compile("/receipt$"))
    expect(page.get_by_text("1 of 9")).to_be_visible()
    assert service.stored(sitting) == {4: "827"}
    service.ahead *= 2
    page.reload()
    assert service.kinds(sitting)[-1] == "expired"


@pytest.mark.feature("T1", "T2")
def test_changed_computer_clock_moves_nothing(context: BrowserContext, page: Page, service: Service) -> None:
    sitting = service.begin(seconds_left=1000)
    context.add_init_script("const real = Date.now; Date.now = () => real() - 3600e3;")
    open_sitting(page, service, sitting)
    expect(page.locator("#clock-face")).to_have_text(re.compile(r"^1[56]:\d\d$"))


@pytest.mark.feature("T2", "T3")
def test_time_added_by_the_invigilator_reaches_the_running_page(page: Page, service: Service) -> None:
    sitting = service.begin(seconds_left=600)
    open_sitting(page, service, sitting)
    with service.app.app_context(), transaction():
        interventions.add_time(OPERATOR, sittings.by_public_id(sitting), 20, "power cut", at=datetime.now(UTC))
    page.evaluate("dispatchEvent(new Event('offline'))")  # as the page's own 30-second round does
    expect(page.locator("[data-banner=time]")).to_have_text(re.compile("Added minutes: 20"))
    expect(page.locator("#clock-face")).to_have_text(re.compile(r"^2[89]:"))


@pytest.mark.feature("T19")
def test_clock_is_silent_except_at_the_thresholds(page: Page, service: Service) -> None:
    page.clock.install()
    open_sitting(page, service, service.begin(seconds_left=400))
    timer = page.locator("#clock-face")
    assert (timer.get_attribute("role"), timer.get_attribute("aria-live")) == ("timer", "off")
    page.evaluate("""() => { window.said = []; new MutationObserver(() => window.said.push(1))
        .observe(document.getElementById('announcements'), {childList: true}); }""")
    service.pass_time(page, 101)
    expect(page.locator("#announcements")).to_have_text("Minutes left: 5")
    expect(timer).to_have_text(re.compile(r"^4:\d\d$"))
    assert page.evaluate("window.said.length") <= 2


@pytest.mark.feature("T17")
def test_flags_set_offline_survive_a_reload(
    page: Page, context: BrowserContext, service: Service, sitting: str
) -> None:
    open_sitting(page, service, sitting)
    context.set_offline(True)
    for _ in range(9):
        page.keyboard.press("Alt+Shift+KeyF")
        page.keyboard.press("Alt+Shift+KeyN")
    context.set_offline(False)
    expect(page.locator("[data-banner=offline]")).to_have_count(0)
    page.goto(f"{service.url}/sittings/{sitting}#2")
    page.reload()
    expect(page.locator(".cell.flagged")).to_have_count(9)


@pytest.mark.feature("T20", "T21")
def test_language_is_switched_without_losing_the_answer(page: Page, service: Service, sitting: str) -> None:
    open_sitting(page, service, sitting, 4)
    page.locator("#numeric").fill("827")
    before = page.locator("#stem").inner_text()
    page.locator("#language").click()
    expect(page.locator("html")).to_have_attribute("lang", re.compile("zh"))
    expect(page.locator("#stem")).not_to_have_text(before)
    expect(page.locator("#numeric")).to_have_value("827")
    expect(page.locator("#language")).to_be_focused()


def test_whole_sitting_by_keyboard_alone(page: Page, service: Service, sitting: str) -> None:
    open_sitting(page, service, sitting)
    page.locator("#item input").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Alt+Shift+KeyN")
    expect(page.locator("#item-heading")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Alt+Shift+KeyR")
    expect(page.locator("#item-heading")).to_have_text("Review")
    page.locator("#hand-in").press("Enter")
    expect(page.locator("#hand-in-cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You have handed in")).to_be_visible()
    assert set(service.stored(sitting)) == {1, 2}


def test_ordering_and_matching_are_answered_with_buttons_and_selects(
    page: Page, service: Service, sitting: str
) -> None:
    open_sitting(page, service, sitting, 5)
    page.get_by_role("button", name="Move down:").first.press("Enter")
    expect(page.get_by_role("button", name="Move down:").nth(1)).to_be_focused()
    expect_saved(page)
    page.locator("#next").click()
    page.locator("#item select").first.select_option(index=2)
    expect_saved(page)
    stored = service.stored(sitting)
    assert sorted(stored[5]) == ["1", "2", "3", "4"]
    assert stored[6] == {"1": "b2"}


def test_back_button_stays_inside_the_sitting(page: Page, service: Service, sitting: str) -> None:
    open_sitting(page, service, sitting)
    page.locator("#next").click()
    expect(page.locator("#item-heading")).to_contain_text("Item 2")
    page.go_back()
    expect(page.locator("#item-heading")).to_contain_text("Item 1")


def test_signing_in_again_in_another_tab_saves_what_was_kept(
    page: Page, context: BrowserContext, service: Service, sitting: str
) -> None:
    open_sitting(page, service, sitting)
    other = context.new_page()
    other.goto(service.url)
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("button", name="Sign out")).to_have_count(0)
    value = choose(page, 0)
    expect(page.locator("[data-banner=signed_out]")).to_contain_text("Sign in again in another tab")
    service.sign_in(context)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect_saved(page)
    assert service.stored(sitting) == {1: value}


def test_nothing_but_the_sitting_is_kept_and_it_is_forgotten_after_hand_in(
    page: Page, service: Service, sitting: str
) -> None:
    open_sitting(page, service, sitting, 4)
    page.locator("#numeric").fill("827")
    expect_saved(page)
    page.locator("#review-open").click()
    page.locator("#hand-in").click()
    page.locator("#hand-in-confirm").click()
    expect(page.get_by_role("heading", name="You have handed in")).to_be_visible()
    left = page.evaluate("""() => new Promise((resolve) => { const opening = indexedDB.open("examapp", 1);
        opening.onsuccess = () => { const all = opening.result.transaction("outbox").objectStore("outbox").getAll();
            all.onsuccess = () => resolve(all.result); }; })""")
    assert left == []
