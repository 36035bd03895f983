"""Every page of examiners and centers under axe, and what their small programs do."""

from dataclasses import dataclass

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from examapp.accounts.access import OPERATOR
from examapp.db import db
from examapp.delivery import accommodations, emergency, interventions, late_answers, sittings
from examapp.delivery.interventions import Outage
from examapp.scoring import marking, results
from tests import makers
from tests.journeys.conftest import PATIENCE
from tests.journeys.live import Service
from tests.journeys.test_accessibility import SIZES, findings

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Staff:
    """A service with one thing of each kind that staff look at, and who looks at it."""

    service: Service
    bank: str
    item: str
    numeric: str
    form: str
    exam: str
    administration: str
    waiting: str
    sitting: str
    asked: int
    late: str
    registration: str

    def examiner_pages(self) -> list[str]:
        bank, exam = f"/examiner/banks/{self.bank}", f"/examiner/exams/{self.exam}"
        return [
            "/examiner/banks", bank, f"{bank}/items/{self.item}", f"{bank}/items/{self.numeric}?seed=2",
            f"{bank}/items/{self.item}/changes", f"{bank}/items/{self.item}/try", "/examiner/exams", exam,
            f"{exam}/assemble", f"{exam}/cut", f"{exam}/forms/theory/{self.form}",
            f"{exam}/forms/theory/{self.form}/print?key=1", "/examiner/results", f"/examiner/results/{self.waiting}",
        ]  # fmt: skip

    def center_pages(self) -> list[str]:
        own = f"/center/administrations/{self.administration}"
        sitting = f"/center/sittings/{self.sitting}"
        return [
            "/center/", own, f"{own}/register", f"{own}/roster", f"{own}/live", f"{own}/incidents", f"{own}/results",
            "/center/administrations/new", f"/center/administrations/new/{self.exam}/theory", sitting,
            f"{sitting}/time", f"{sitting}/time/{self.asked}", f"{sitting}/pause", f"{sitting}/resume",
            f"{sitting}/emergency", f"{sitting}/void", f"/center/sittings/{self.late}/late",
            f"/center/sittings/{self.late}/late/5", f"/center/sittings/{self.late}",
            f"{own}/pause", f"{own}/resume", f"{own}/outage",
            f"/center/registrations/{self.registration}/extra-time", "/center/certificates", "/center/clients",
            "/center/clients/new",
        ]  # fmt: skip


@pytest.fixture
def staff(service: Service, live_app: Flask) -> Staff:
    """A running sitting at a center, a result that waits, and an account for each kind of staff."""
    running = service.begin()
    with live_app.app_context():
        center = makers.make_center()
        makers.make_user("examiner", username="examiner", language="en")
        invigilator = makers.make_user("center", username="center", center_id=center.id, language="en")
        registration = db.session.get_one(makers.Registration, service.registration)
        registration.center_id = center.id
        sitting = sittings.by_public_id(running)
        late = makers.make_registration(administration=registration.administration, center_id=center.id, seat="A02")
        accommodations.grant(invigilator, late, "A certificate", factor="1.25", at=sitting.started_at)
        outage = Outage("one", 15, "The network was down")
        interventions.credit_outage(invigilator, sitting, outage, at=sitting.started_at)
        interventions.add_time(invigilator, sitting, 90, "A fire alarm", at=sitting.started_at)
        handed_in = makers.make_sitting(makers.make_registration(center_id=center.id))
        makers.answer(handed_in, {1: "1"})
        response = {"slot": 2, "seq": 1, "value": ["3", "5"], "client_time": None}
        emergency.keep(invigilator, handed_in, emergency.EmergencyFile("sha256:file", (response,), 0), at=makers.AT)
        late_answers.ask(invigilator, handed_in, "The network was down", at=makers.AT)
        marking.mark(OPERATOR, handed_in, at=makers.AT)
        results.score(OPERATOR, handed_in, at=makers.AT)
        slots = handed_in.exam_form.slots
        staff = Staff(
            service, slots[0].item_version.item.bank.code, slots[0].item_version.item.code,
            slots[3].item_version.item.code, handed_in.exam_form.code, handed_in.exam_form.exam.code,
            registration.administration_id, handed_in.registration.administration_id, sitting.public_id,
            sitting.last_number, handed_in.public_id, late.id,
        )  # fmt: skip
        db.session.commit()
        return staff


def page_of(browser: Browser, staff: Staff, username: str, language: str = "en", size: str = "desk") -> Page:
    context = browser.new_context(viewport=SIZES[size])
    context.set_default_timeout(PATIENCE)
    data = {"username": username, "password": makers.PASSWORD}
    assert context.request.post(f"{staff.service.url}/api/session", data=data).ok
    page = context.new_page()
    page.goto(f"{staff.service.url}/help")
    if language == "zh":
        page.get_by_role("button", name="中文").click()
        expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    return page


@pytest.mark.feature("T20")
@pytest.mark.parametrize("username", ["examiner", "center"])
@pytest.mark.parametrize(("language", "size"), [("zh", "telephone"), ("en", "desk")])
def test_staff_pages_have_no_findings(browser: Browser, staff: Staff, username: str, language: str, size: str) -> None:
    page = page_of(browser, staff, username, language, size)
    found = {}
    for address in staff.examiner_pages() if username == "examiner" else staff.center_pages():
        shown = page.goto(staff.service.url + address)
        assert shown is not None
        assert shown.status == 200, address
        found[address] = findings(page)
    page.context.close()
    assert not {address: wrong for address, wrong in found.items() if wrong}


@pytest.mark.feature("A1")
def test_board_renews_itself_and_keeps_the_focus(browser: Browser, staff: Staff) -> None:
    page = page_of(browser, staff, "center")
    page.clock.install()
    page.goto(f"{staff.service.url}/center/administrations/{staff.administration}/live")
    page.locator(f"#void-{staff.sitting}").focus()
    with staff.service.app.app_context():
        sitting = sittings.by_public_id(staff.sitting)
        makers.answer(sitting, {1: "1"}, at=sitting.started_at)
    page.clock.fast_forward(10_000)
    expect(page.get_by_text("1 of 9")).to_be_visible()
    expect(page.get_by_text("Handed in")).to_be_visible()
    page.context.close()


@pytest.mark.feature("E21")
def test_item_can_be_tried_in_the_exam_pages_own_program(browser: Browser, staff: Staff) -> None:
    page = page_of(browser, staff, "examiner")
    page.goto(f"{staff.service.url}/examiner/banks/{staff.bank}/items/{staff.numeric}/try")
    page.get_by_label("Your number").fill("1.2e3")
    expect(page.locator("#value")).to_have_text('"1.2e3"')
    page.locator("#other-language").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator("#item input")).to_have_value("1.2e3")
    page.context.close()


@pytest.mark.feature("T20")
def test_error_summary_takes_the_focus_and_leads_to_the_control(browser: Browser, staff: Staff) -> None:
    page = page_of(browser, staff, "center")
    page.goto(f"{staff.service.url}/center/sittings/{staff.sitting}/time")
    page.get_by_role("button", name="Add time").click()
    expect(page.locator(".error-summary")).to_be_focused()
    page.get_by_role("link", name="Minutes to add").click()
    expect(page.get_by_label("Minutes to add")).to_be_focused()
    assert page.title().startswith("Error: ")
    page.context.close()
