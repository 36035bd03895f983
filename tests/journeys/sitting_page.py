"""The exam page as a test uses it, in either language: open, answer, look at what it says."""

import re

from playwright.sync_api import Page, expect

from examapp.accounts.access import OPERATOR
from examapp.db import transaction
from examapp.delivery import interventions, sittings
from examapp.web.exam_words import in_both_languages
from tests.journeys.live import Service

COUNT = 9


class SittingPage:
    """A trainee's page of one sitting; `say` gives the page's own words in its language."""

    def __init__(self, page: Page, service: Service, sitting: str, language: str) -> None:
        self.page, self.service, self.sitting = page, service, sitting
        service.speak(language)
        with service.app.test_request_context():
            self._words = in_both_languages()[language]

    def say(self, key: str, **values: object) -> str:
        """Return what the page says under this key."""
        return self._words[key] % values if values else self._words[key]

    def saved(self) -> re.Pattern[str]:
        """Return how the page calls an answer that the service has."""
        return re.compile("^" + self.say("state.saved_at", time=r"\d\d:\d\d:\d\d") + "$")

    def open(self, position: int = 1) -> "SittingPage":
        """Load the page at an item."""
        self.page.goto(f"{self.service.url}/sittings/{self.sitting}#{position}")
        return self.expect_item(position)

    def expect_item(self, position: int) -> "SittingPage":
        """See the item in this position."""
        heading = self.say("item.heading", position=position, count=COUNT, type="|", points="").partition("|")[0]
        expect(self.page.locator("#item-heading")).to_contain_text(heading)
        return self

    def choose(self, place: int) -> str:
        """Choose the option in this place and return its id."""
        radio = self.page.locator("#item input[name=response]").nth(place)
        radio.check()
        return str(radio.get_attribute("value"))

    def expect_saved(self) -> None:
        """See that the service has the answer."""
        expect(self.page.locator("#item-state")).to_have_text(self.saved())

    def look_at_clock(self) -> None:
        """Let the page ask for the time now, as it does every half a minute."""
        self.page.evaluate("dispatchEvent(new Event('offline'))")

    def come_back(self) -> None:
        """Let the page hear that the network is back."""
        self.page.evaluate("dispatchEvent(new Event('online'))")

    def pause(self) -> None:
        """Let staff pause the sitting, and the page hear of it."""
        with self.service.app.app_context(), transaction():
            interventions.pause(OPERATOR, sittings.by_public_id(self.sitting), "fire alarm", at=self.service.now())
        self.look_at_clock()
        expect(self.page.locator("#paused-heading")).to_have_text(self.say("pause.heading"))
        expect(self.page.locator("#work")).to_be_hidden()

    def resume(self) -> None:
        """Let staff end the pause, and the page hear of it."""
        with self.service.app.app_context(), transaction():
            interventions.resume(OPERATOR, sittings.by_public_id(self.sitting), at=self.service.now())
        self.look_at_clock()
        expect(self.page.locator("#work")).to_be_visible()

    def hand_in(self) -> None:
        """Ask to hand in and confirm it."""
        self.page.locator("#review-open").click()
        self.page.locator("#hand-in").click()
        self.page.locator("#hand-in-confirm").click()
