"""The page before the start: the countdown, the encrypted paper, the start by itself, and the wait when many start."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Route, expect

from examapp.accounts.access import OPERATOR
from examapp.db import db, transaction
from examapp.delivery import paper, preparation
from examapp.exams.models import Registration
from tests.journeys.live import Service
from tests.journeys.sitting_page import SittingPage

pytestmark = pytest.mark.browser

SITTING = re.compile(r"/sittings/[0-9a-f]{16}(#\d+)?$")


@pytest.fixture
def service(place: Service) -> Service:
    """One service for this module."""
    return place


def lobby(page: Page, service: Service, language: str) -> SittingPage:
    """Return the page before the start, its clock in the test's hands."""
    page.clock.install()
    waiting = SittingPage(page, service, "", language)
    page.goto(f"{service.url}/registrations/{service.registration}/check")
    return waiting


def countdown(page: Page, service: Service, language: str, seconds: int) -> SittingPage:
    """Return the page before an opening in this many seconds, counting down: it heard the service's clock."""
    service.opens_in(seconds)
    waiting = lobby(page, service, language)
    expect(page.locator("#lobby-clock")).to_have_text(re.compile(r"^\d+:\d\d$"))
    return waiting


def papers(page: Page) -> list[Request]:
    """Return the requests for plain papers from now on."""
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if request.url.endswith("/paper") else None)
    return asked


def publish(service: Service) -> None:
    with service.app.app_context(), transaction():
        registration = db.session.get_one(Registration, service.registration)
        paper.publish(registration.exam_form)
        preparation.prepare(OPERATOR, registration.administration)


def busy(times: int, seconds: int) -> Callable[[Route], None]:
    """Return what answers this many requests with 503 and lets the others through."""
    left = iter(range(times))

    def answer(route: Route) -> None:
        if next(left, None) is None:
            route.fallback()
        else:
            route.fulfill(status=503, headers={"Retry-After": str(seconds)}, json={"code": "service.busy"})

    return answer


@pytest.mark.feature("T5", "T9")
def test_ready_trainee_starts_by_the_service_s_clock_with_the_paper_that_waited(
    page: Page, service: Service, language: str
) -> None:
    publish(service)
    plain = papers(page)
    with page.expect_response("**/api/papers/*") as sealed:
        waiting = countdown(page, service, language, 600)
        expect(page.locator("#lobby-clock")).to_have_text(re.compile(r"^(10:00|9:\d\d)$"))
        service.pass_time(page, 31)
    assert b'"stem"' not in sealed.value.body()
    page.locator("#lobby-start").press("Enter")
    expect(page.locator("#lobby-line")).to_have_text(waiting.say("lobby.is_ready"))
    service.pass_time(page, 450)
    expect(page.locator("#lobby-clock")).to_have_text(re.compile(r"^[01]:\d\d$"))
    assert ("POST", "/api/sittings") not in service.asked
    service.pass_time(page, 120)
    expect(page).to_have_url(SITTING, timeout=30_000)
    waiting.expect_item(1)
    assert plain == []


@pytest.mark.feature("T5")
def test_who_is_ready_before_the_service_is_heard_is_started_at_the_opening(
    page: Page, service: Service, language: str
) -> None:
    unanswered: list[Route] = []
    service.opens_in(60)
    page.route("**/api/registrations", lambda route: unanswered.append(route), times=1)
    waiting = lobby(page, service, language)
    page.locator("#lobby-start").click()
    expect(page.locator("#lobby-line")).to_have_text(waiting.say("lobby.is_ready"))
    expect(page.locator("#lobby-start")).to_have_text(waiting.say("lobby.not_ready"))
    assert ("POST", "/api/sittings") not in service.asked
    unanswered[0].continue_()
    expect(page.locator("#lobby-clock")).to_have_text(re.compile(r"^\d+:\d\d$"))
    service.pass_time(page, 65)
    expect(page).to_have_url(SITTING)
    waiting.expect_item(1)


def test_exam_opens_without_whoever_did_not_say_to_be_ready(page: Page, service: Service, language: str) -> None:
    waiting = countdown(page, service, language, 60)
    expect(page.locator("#lobby-start")).to_have_text(waiting.say("lobby.ready"))
    service.pass_time(page, 65)
    expect(page.locator("#lobby-opens")).to_have_text(waiting.say("lobby.open"))
    assert ("POST", "/api/sittings") not in service.asked
    page.get_by_role("button", name=waiting.say("lobby.begin")).click()
    expect(page).to_have_url(SITTING)
    waiting.expect_item(1)


def test_page_whose_first_look_failed_looks_again_within_seconds(page: Page, service: Service, language: str) -> None:
    service.opens_in(60)
    page.route("**/api/registrations", busy(1, 20))
    with page.expect_response("**/api/registrations") as failed:
        lobby(page, service, language)
    assert failed.value.status == 503
    service.pass_time(page, 11)
    expect(page.locator("#lobby-clock")).to_have_text(re.compile(r"^0:[1-4]\d$"))


def test_paper_that_does_not_open_is_asked_for_in_plain(page: Page, service: Service, language: str) -> None:
    publish(service)
    page.route("**/api/papers/*", lambda route: route.fulfill(body=b"changed on the way, or of another exam"))
    plain = papers(page)
    SittingPage(page, service, service.begin(), language).open()
    assert len(plain) == 1


@pytest.mark.feature("T9")
def test_start_waits_its_turn_as_long_as_the_service_asks(page: Page, service: Service, language: str) -> None:
    page.route("**/api/sittings", busy(2, 20))
    waiting = lobby(page, service, language)
    service.stop_time(page)
    page.evaluate("window.isSame = true")
    with page.expect_response("**/api/sittings"):
        page.locator("#lobby-start").click()
    expect(page.locator("#lobby-line")).to_have_text(waiting.say("lobby.busy"))
    expect(page.locator("#lobby-wait")).to_contain_text(re.compile("2[12]"))
    service.pass_time(page, 15)
    expect(page.locator("#lobby-wait")).to_contain_text(re.compile("[67]"))
    assert ("POST", "/api/sittings") not in service.asked
    with page.expect_response("**/api/sittings"):
        service.pass_time(page, 15)
    expect(page.locator("#lobby-wait")).to_contain_text(re.compile("2[1-3]"))
    assert page.evaluate("window.isSame")
    service.pass_time(page, 30)
    expect(page).to_have_url(SITTING)
    waiting.expect_item(1)


@pytest.mark.feature("T9")
def test_loading_goes_on_by_itself_when_the_service_is_busy(page: Page, service: Service, language: str) -> None:
    page.clock.install()
    page.route("**/api/session", busy(1, 20))
    exam = SittingPage(page, service, service.begin(), language)
    with page.expect_response("**/api/session"):
        page.goto(f"{service.url}/sittings/{exam.sitting}")
    expect(page.locator("#loading")).to_contain_text(exam.say("waiting.next", seconds="@").partition("@")[0])
    service.pass_time(page, 25)
    exam.expect_item(1)


def test_at_the_bell_no_script_style_or_font_is_asked_for_again(page: Page, service: Service, language: str) -> None:
    publish(service)
    with page.expect_response("**/api/papers/*") as sealed:
        waiting = countdown(page, service, language, 100)
        page.locator("#lobby-start").click()
        service.pass_time(page, 60)
    sealed.value.finished()
    page.wait_for_load_state("networkidle")
    assert [path for _, path in service.asked if path.endswith("/exam/main.js")]
    service.asked.clear()
    service.pass_time(page, 60)
    waiting.expect_item(1)
    page.wait_for_load_state("networkidle")
    sitting = page.url.partition("#")[0].rpartition("/")[2]
    # the pages look at their exams and at the clock at moments drawn by lot: now and then that is this one
    looks = {("GET", "/api/registrations"), ("GET", f"/api/sittings/{sitting}/clock")}
    assert sorted(each for each in service.asked if each not in looks) == sorted(
        [
            ("POST", "/api/sittings"),
            ("GET", f"/sittings/{sitting}"),
            ("GET", "/api/session"),
            ("GET", f"/api/sittings/{sitting}"),
        ]
    )


def test_page_that_was_refused_a_module_loads_again_and_a_running_one_needs_none(
    page: Page, service: Service, language: str
) -> None:
    """While a release replaces another, a node with the one does not give modules of the other."""
    page.clock.install()
    exam = SittingPage(page, service, service.begin(), language)
    page.route("**/static/*/exam/clock.js", lambda route: route.fulfill(status=404), times=2)
    with page.expect_response("**/exam/clock.js"):
        page.goto(f"{service.url}/sittings/{exam.sitting}")
    with page.expect_response("**/exam/clock.js") as again:
        service.pass_time(page, 3)
    assert again.value.status == 404
    service.pass_time(page, 3)
    exam.expect_item(1)
    page.route("**/static/**", lambda route: route.fulfill(status=404))
    for position in range(2, 10):
        page.locator("#next").click()
        exam.expect_item(position)
    page.locator("#review-open").click()
    exam.page.go_back()
    exam.expect_item(9)
