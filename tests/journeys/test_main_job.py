"""The main job in a browser, in both languages: trainee, examiner and center, from sign-in to a checked record."""

import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from benchmarks.demo.center_client import Center, check_all, create_key
from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.cli.due import run_due
from examapp.credentials.key_store import KeyStore, create_missing
from examapp.db import db
from examapp.exams.models import ExamForm
from tests import makers
from tests.journeys.conftest import PATIENCE
from tests.journeys.live import Service

pytestmark = pytest.mark.browser

WORDS = {
    "en": {"saved": "Saved", "over": "Your time is over", "late": "after the end", "pass": "Pass", "lang": "en"},
    "zh": {"saved": "已保存", "over": "时间已到", "late": "结束后", "pass": "合格", "lang": "zh-Hans"},
}


@pytest.fixture(params=["zh", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def job(service: Service, live_app: Flask, language: str) -> "Job":
    with live_app.app_context():
        return Job(service, live_app, language)


class Job:
    """One exam of two parts with a trainee, an examiner and a center of its own."""

    def __init__(self, service: Service, app: Flask, language: str) -> None:
        self.service, self.app, self.language, self.words = service, app, language, WORDS[language]
        config = app.config["EXAMAPP"]
        create_missing(OPERATOR, KeyStore(config.key_folder, config.public_url, config.log_origin), at=clock.now())
        center = makers.make_center()
        self.names = {role: f"{role}-{language}" for role in ("trainee", "examiner", "center")}
        for role, name in self.names.items():
            makers.make_user(role, username=name, center_id=center.id, language=language)
        db.session.commit()

    def open_part(self, part: str, exam_form: ExamForm, minutes: int = 60) -> str:
        """Open a part for the trainee and return the registration."""
        opens_at = clock.now() - timedelta(minutes=1)
        administration = makers.make_administration(
            exam_form, part=part, opens_at=opens_at, closes_at=opens_at + timedelta(hours=3), minutes=minutes
        )
        registration = makers.make_registration(self._trainee(), administration, center_id=self._trainee().center_id)
        db.session.commit()
        return str(registration.id)

    def _trainee(self) -> makers.User:
        return db.session.query(makers.User).filter_by(username=self.names["trainee"]).one()

    def enter(self, browser: Browser, role: str) -> Page:
        """Sign in through the page, as everybody does."""
        context = browser.new_context(locale="zh-CN" if self.language == "zh" else "en-GB")
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(f"{self.service.url}/sign-in")
        page.fill("#username", self.names[role])
        page.fill("#password", makers.PASSWORD)
        page.locator("main form button").click()
        expect(page.locator("#password")).to_have_count(0)
        expect(page.locator("html")).to_have_attribute("lang", self.words["lang"])
        return page


def exam_forms(job: Job) -> dict[str, ExamForm]:
    """Return a form of true statements for each part; sharp enough that right answers pass."""
    exam = makers.make_exam()
    return {
        part: makers.make_exam_form(
            exam, [makers.make_content("true_false", key=True, expected_share="0.3") for _ in range(6)], part=part
        )
        for part in ("theory", "practical")
    }


def begin(page: Page) -> str:
    """Go from my exams over the device check into the sitting; return its public id."""
    page.locator("main a.button").first.click()
    page.locator("main form button").last.click()
    page.wait_for_url(re.compile(r"/sittings/[0-9a-f]{16}"))
    expect(page.locator("#item-heading")).to_be_visible()
    return page.url.split("/sittings/")[1][:16]


def answer_true(page: Page) -> None:
    page.locator("#item input[value=true]").check()


def expect_saved(page: Page, job: Job) -> None:
    expect(page.locator("#item-state")).to_contain_text(job.words["saved"])


def wait_for_stored(job: Job, page: Page, sitting: str, value: bool) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while value not in job.service.stored(sitting).values():
        assert time.monotonic() < deadline, f"{value} was never stored"
        page.wait_for_timeout(50)


def sit_theory(job: Job, browser: Browser, page: Page) -> str:
    """Answer through a reload, a second window with an older answer, and a lost network; hand in."""
    sitting = begin(page)
    answer_true(page)
    expect_saved(page, job)
    page.reload()
    expect(page.locator("#item input[value=true]")).to_be_checked()
    older = job.enter(browser, "trainee")
    older.goto(page.url)
    expect(older.locator("#item input[value=true]")).to_be_checked()
    older.context.set_offline(True)
    for value in (False, True):
        page.locator(f"#item input[value={str(value).lower()}]").check()
        wait_for_stored(job, page, sitting, value)
    older.locator("#item input[value=false]").check()
    older.context.set_offline(False)
    expect(older.locator("[data-banner^=conflict]")).to_be_visible()
    expect(older.locator("#item input[value=true]")).to_be_checked()
    older.context.close()
    page.context.set_offline(True)
    for _ in range(5):
        page.locator("#next").click()
        answer_true(page)
    expect(page.locator("[data-banner=offline]")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("[data-banner=offline]")).to_have_count(0)
    expect_saved(page, job)
    page.locator("#review-open").click()
    page.locator("#hand-in").click()
    page.locator("#hand-in-confirm").click()
    page.wait_for_url(re.compile("/receipt$"))
    return sitting


def sit_practical_past_the_deadline(job: Job, page: Page) -> str:
    """Answer everything, lose the network, change an answer, and let the deadline pass."""
    page.clock.install()
    page.goto(job.service.url)
    sitting = begin(page)
    for place in range(6):
        if place:
            page.locator("#next").click()
        answer_true(page)
        expect_saved(page, job)
    page.context.set_offline(True)
    page.locator("#item input[value=false]").check()
    job.service.pass_time(page, 3700)
    expect(page.locator("#end-heading")).to_contain_text(job.words["over"])
    page.context.set_offline(False)
    expect(page.locator("#end-lines")).to_contain_text(job.words["late"])
    return sitting


def work(job: Job) -> None:
    with job.app.app_context():
        assert run_due().failures == []


def release_everything(job: Job, page: Page) -> None:
    """Release the waiting results of both parts through the examiner's pages."""
    for _ in range(2):
        page.goto(f"{job.service.url}/examiner/results")
        waiting = page.locator("main table tbody tr").filter(has=page.locator("td:last-child", has_text="1"))
        waiting.locator("a").first.click()
        page.locator("main form[method=post] button.button").click()
        page.locator("#is_sure").check()
        page.locator("main button.warn").click()
        expect(page.locator("[role=status]").first).to_be_visible()


def register_program(job: Job, page: Page, key_file: Path) -> str:
    """Register the center's program with its public key through the center's pages; return its client id."""
    page.goto(f"{job.service.url}/center/clients/new")
    page.fill("#name", "results")
    page.fill("#public_jwk", create_key(key_file))
    for box in page.locator("main input[type=checkbox]").all():
        box.check()
    page.locator("main form button.button").click()
    return str(page.locator("main table td.mono").first.inner_text())


@pytest.mark.feature("T20", "E16", "A13", "A14", "A18", "B2")
def test_from_sign_in_to_a_record_that_a_stranger_verifies(job: Job, browser: Browser, tmp_path: Path) -> None:
    with job.app.app_context():
        forms = exam_forms(job)
        job.open_part("theory", forms["theory"])
    trainee = job.enter(browser, "trainee")
    theory = sit_theory(job, browser, trainee)
    with job.app.app_context():
        job.open_part("practical", forms["practical"])
    practical = sit_practical_past_the_deadline(job, trainee)
    assert job.service.stored(theory) == dict.fromkeys(range(1, 7), True)
    assert job.service.stored(practical) == dict.fromkeys(range(1, 7), True)
    assert "late" in job.service.kinds(practical)
    work(job)
    center = job.enter(browser, "center")
    center.goto(f"{job.service.url}/center/")
    expect(center.locator("main table tbody tr")).to_have_count(3)
    client = register_program(job, center, tmp_path / "center.pem")
    release_everything(job, job.enter(browser, "examiner"))
    work(job)
    trainee.goto(job.service.url)
    trainee.locator("a[href*='/results/']").first.click()
    expect(trainee.locator("main")).to_contain_text(job.words["pass"])
    trainee.goto(job.service.url)
    certificate = trainee.locator("a[href*='/certificates/']").first.get_attribute("href") or ""
    pdf = trainee.context.request.get(job.service.url + certificate)
    assert pdf.body().startswith(b"%PDF")
    stranger = browser.new_page()
    stranger.goto(f"{job.service.url}/verify/{certificate.split('/')[-1].removesuffix('.pdf')}")
    expect(stranger.locator("main")).to_contain_text("CMRS-")
    job.service.ahead = timedelta(0)
    audience = job.app.config["EXAMAPP"].public_url
    held, failed = check_all(Center(job.service.url, audience, client, tmp_path / "center.pem"))
    assert (held, failed) == (2, [])
