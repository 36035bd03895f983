"""Modules of the exam page that decide something, run in the browser with values."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from examapp.banks.formula import parse_number
from tests.journeys.live import Service

pytestmark = pytest.mark.browser

TYPED = [
    "12", "-12.50", "+3", ".5", "5.", "1.2e-3", "1.2E+3", "１．２×10^-3", "1.2×10⁻³", "1.2*10^{-3}", "1.2x10**(4)",
    "10^6", "10⁻⁶", "−3。5", "1,234.5", "1,234,567", "1,234", "0,203", "1 234", "1_000", "nan", "inf", "", "1e999",
    "0e999", "٣", "½", "①", "1.2e", "--3", "3-4", "  7 ", "1.2 × 10^-3", "1·10^3", "12．5", "1e10000", "x", "1.2.3",
    "e5", "0.000", "8²",
]  # fmt: skip

Run = Callable[..., Any]


@pytest.fixture
def run(page: Page, service: Service) -> Run:
    """Calls a function of a module of the exam page: run("clock", "clockFace", 65000)."""
    page.goto(f"{service.url}/help")

    def call(module: str, name: str, *values: Any) -> Any:
        return page.evaluate(
            "async ([module, name, values]) => (await import(`/static/exam/${module}.js`))[name](...values)",
            [module, name, list(values)],
        )

    return call


def test_typed_numbers_are_read_as_the_service_reads_them(run: Run) -> None:
    for text in TYPED:
        read, expected = run("reading", "readNumber", text), parse_number(text)
        number = None if read is None else Decimal(read["mantissa"]).scaleb(read["exponent"] or 0)
        assert number == expected, text


@pytest.mark.parametrize(
    ("formula", "value"),
    [("1+2*3", 7), ("-2^2", -4), ("2^3^2", 512), ("2^-1", 0.5), ("(1+2)*3", 9), ("sqrt(16)/4", 1), ("sin(30)", 0.5),
     ("log(1000)", 3), ("1.2e-3*1e3", 1.2), ("２×３", 6), ("6÷4−1", 0.5), ("10-2-3", 5)],
)  # fmt: skip
def test_calculator_reckons_as_on_paper(run: Run, formula: str, value: float) -> None:
    assert run("arithmetic", "calculate", formula) == pytest.approx(value)


@pytest.mark.parametrize(
    "formula", ["1+", "2 3", "foo(1)", "constructor", "toString()", "((1)", "1/x", "alert(1)", "("]
)
def test_calculator_refuses_what_is_not_a_formula(page: Page, run: Run, formula: str) -> None:
    module = "import('/static/exam/arithmetic.js')"
    outcome = page.evaluate(
        f"async (text) => {{ const m = await {module};"
        "try { m.calculate(text); return 'read'; } catch (error) { return error.constructor.name; } }",
        formula,
    )
    assert outcome == "NotAFormula"


def test_clock_face_rounds_up_and_names_hours(run: Run) -> None:
    faces = [run("clock", "clockFace", left) for left in (0, 1, 59_999, 65_000, 3_600_000, 5_025_000, -5)]
    assert faces == ["0:00", "0:01", "1:00", "1:05", "1:00:00", "1:23:45", "0:00"]


@pytest.mark.feature("T2")
def test_slow_answer_does_not_spoil_a_sharp_clock_but_a_sleep_is_noticed(page: Page, run: Run) -> None:
    now = page.evaluate("""async () => {
        const { ServerClock } = await import('/static/exam/clock.js');
        const clock = new ServerClock();
        const server = (seconds) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();
        const second = () => (clock.now(0) - Date.UTC(2026, 0, 1)) / 1000;
        clock.observe(server(10), 0, 100);
        const sharp = second();
        clock.observe(server(12), 0, 4000);
        const kept = second();
        clock.observe(server(500), 5000, 5200);
        return [sharp, kept, second()];
    }""")
    assert now == [9.95, 9.95, 494.9]


@pytest.mark.feature("T3")
def test_answer_that_was_overtaken_changes_nothing_but_a_clock_set_back_is_believed(page: Page, run: Run) -> None:
    overtaken = page.evaluate("""async () => {
        const { ServerClock } = await import('/static/exam/clock.js');
        const clock = new ServerClock();
        const server = (seconds) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();
        return [100, 110, 105, 110, 50, 51].map((second) => clock.isOvertaken(server(second)));
    }""")
    assert overtaken == [False, False, True, False, False, False]


@pytest.mark.feature("T3")
def test_time_left_stands_in_a_pause_and_grows_only_by_what_was_added(page: Page, run: Run) -> None:
    minutes = page.evaluate("""async () => {
        const { ServerClock } = await import('/static/exam/clock.js');
        const clock = new ServerClock();
        const server = (minute) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
        clock.observe(server(0), performance.now(), performance.now());
        const moved = [clock.learnEnd(server(60)), clock.learnEnd(server(60), server(0))];
        moved.push(clock.learnEnd(server(70), server(10)), clock.learnEnd(server(85), server(15)));
        return [...moved, clock.left() / 60_000].map(Math.round);
    }""")
    assert minutes == [0, 0, 0, 10, 70]


def test_retries_are_spread_over_up_to_thirty_seconds(run: Run, page: Page) -> None:
    longest = page.evaluate("""async () => {
        const { pause } = await import('/static/exam/outbox.js');
        return [0, 1, 2, 3, 4, 5, 9].map((attempt) => pause(attempt, () => 1));
    }""")
    assert longest == [1250, 2250, 4250, 8250, 16250, 30250, 30250]


@pytest.mark.feature("T27")
def test_device_check_finds_this_device_in_order(page: Page, service: Service) -> None:
    # how quickly the service answers is this machine's affair
    page.clock.install()
    service.stop_time(page)
    page.goto(f"{service.url}/registrations/{service.registration}/check")
    expect(page.locator("#checks .tag.good")).to_have_count(6)
    page.locator("#typing").fill("１.2e-3")
    expect(page.locator("#typing-read")).to_have_text("Read as 1.2×10⁻³")


@pytest.mark.feature("T27")
def test_device_check_names_a_missing_store(page: Page, context: BrowserContext, service: Service) -> None:
    context.add_init_script("Object.defineProperty(window, 'indexedDB', {value: undefined})")
    page.goto(f"{service.url}/registrations/{service.registration}/check")
    row = page.locator("[data-check=storage]")
    expect(row.locator(".tag")).to_have_text("Missing")
    expect(row).to_contain_text("leave private browsing")


def test_sitting_goes_on_in_memory_where_nothing_can_be_stored(
    page: Page, context: BrowserContext, service: Service
) -> None:
    context.add_init_script("Object.defineProperty(window, 'indexedDB', {value: undefined})")
    page.goto(f"{service.url}/sittings/{service.begin()}#3")
    expect(page.locator("[data-banner=store]")).to_contain_text("cannot keep answers on this computer")
    page.locator("#item input").first.check()
    expect(page.locator("#item-state")).to_contain_text("Saved ")


def test_pages_say_what_is_missing_without_javascript(service: Service, page: Page) -> None:
    plain = page.context.browser.new_context(java_script_enabled=False, locale="en-GB")  # type: ignore[union-attr]
    still = service.sign_in(plain)
    still.goto(f"{service.url}/registrations/{service.registration}/check")
    expect(still.locator("noscript .notice")).to_have_text(re.compile("JavaScript is off"))
    still.get_by_role("button", name="Begin the exam").click()
    expect(still.locator("noscript .notice")).to_have_text(re.compile("The exam page needs JavaScript"))
    plain.close()
