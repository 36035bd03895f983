"""Nothing that a trainee is sent during a sitting says anything about a key."""

import itertools
import re
from datetime import timedelta

import pytest

from examapp import clock
from examapp.banks.content import ItemContent
from examapp.banks.models import ItemParameters
from examapp.db import db
from examapp.delivery import paper
from tests.makers import (
    FOUR_TYPES,
    PASSWORD,
    make_administration,
    make_content,
    make_exam_form,
    make_registration,
    make_user,
)  # fmt: skip

SHARE = "0.6137"


class Browser:
    """A trainee's browser that keeps every byte it is sent."""

    def __init__(self, client):
        self.client, self.received, self.csrf = client, [], ""

    def send(self, method, address, json=None):
        answer = self.client.open(address, method=method, json=json, headers={"X-CSRF-Token": self.csrf})
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers)
        self.received.append((f"{method} {address}", head.encode() + b"\n\n" + answer.data))
        return answer

    def sign_in(self, username):
        self.csrf = self.send("POST", "/api/session", {"username": username, "password": PASSWORD}).json["csrf_token"]


@pytest.fixture
def registration(app):
    exam_form = make_exam_form(contents=[make_content(kind, expected_share=SHARE) for kind in FOUR_TYPES])
    window = {"opens_at": clock.now(), "closes_at": clock.now() + timedelta(hours=4)}
    found = make_registration(make_user(), make_administration(exam_form, **window))
    db.session.commit()
    return found


@pytest.fixture
def browser(client, registration):
    found = Browser(client)
    found.sign_in(registration.trainee.username)
    return found


def sit(browser, registration):
    """Walk the whole sitting: pages, start, paper, every response right and wrong, flags, hand-in, what follows."""
    browser.send("GET", "/")
    browser.send("GET", f"/registrations/{registration.id}/check")
    begun = browser.send("POST", "/api/sittings", {"registration": registration.id})
    assert begun.status_code == 201
    address = f"/api/sittings/{begun.json['sitting']}"
    for path in ("", "/paper", "/clock", "/result"):
        browser.send("GET", address + path)
    browser.send("GET", f"/sittings/{begun.json['sitting']}")
    values = [["1", "2", "9"], [["1"], ["1", "3"]], [True, False], ["826.6", "8266", "nonsense"]]
    for (slot, given), seq in itertools.product(enumerate(values, start=1), (1, 2, 3)):
        browser.send("PUT", f"{address}/responses/{slot}", {"seq": seq, "value": given[(seq - 1) % len(given)]})
    browser.send("PUT", f"{address}/flags/1", {"flagged": True})
    browser.send("GET", address)
    assert browser.send("POST", f"{address}/submission").json["answered"] == 4
    for path in ("", "/paper", "/result"):
        browser.send("GET", address + path)
    browser.send("GET", f"/sittings/{begun.json['sitting']}/receipt")
    browser.send("GET", "/")


def secrets_of(registration):
    """Return every text that must not leave: rationales, whys, sources, traps, keys as numbers, parameters, shares."""
    found = {"secret", SHARE, "expected_share", "rationale", "thresholds", "rel_tol"}
    for slot in registration.exam_form.slots:
        content = ItemContent.from_json(slot.item_version.content)
        if content.answer is not None:
            key = content.answer.value(slot.variant)
            found |= {f"{key:.{digits}f}" for digits in (2, 3, 6)} | {content.answer.expr}
    for row in db.session.query(ItemParameters):
        found |= {text for text in row.parameters["b"] if len(text) > 5}
    return found


@pytest.mark.feature("E16")
def test_no_byte_sent_during_a_sitting_holds_a_secret(browser, registration):
    sit(browser, registration)
    assert len(browser.received) > 25
    leaks = [
        (place, secret)
        for place, data in browser.received
        for secret in secrets_of(registration)
        if secret.encode() in data
    ]
    assert leaks == []


@pytest.mark.feature("E16")
def test_answers_to_right_and_wrong_responses_look_alike(browser, registration):
    begun = browser.send("POST", "/api/sittings", {"registration": registration.id})
    address = f"/api/sittings/{begun.json['sitting']}/responses/1"
    shapes = set()
    for seq, value in enumerate(["1", "2", "3", "4"], start=1):
        answer = browser.send("PUT", address, {"seq": seq, "value": value})
        text = re.sub(rb"[0-9a-f]{64}|\d", b"#", answer.data)
        shapes.add((answer.status_code, tuple(name for name, _ in answer.headers), text))
    assert len(shapes) == 1


KEYS = {
    "single_choice": ["a", "b", "c", "d"],
    "multiple_choice": [["a", "b"], ["c", "d", "e"]],
    "true_false": [True, False],
    "ordering": [["a", "b", "c", "d"], ["d", "c", "b", "a"]],
}


@pytest.mark.feature("E16")
def test_the_paper_has_the_same_bytes_whatever_the_keys(app):
    papers = set()
    for turn in range(4):
        contents = [
            make_content(
                kind, id=f"same-{kind.replace('_', '-')}", stem={"zh": "题", "en": "Stem"}, key=keys[turn % len(keys)]
            )
            for kind, keys in KEYS.items()
        ]
        exam_form = make_exam_form(contents=contents)
        papers.add(paper.build(exam_form))
    assert len(papers) == 1


def test_there_is_no_paper_before_the_start(browser, registration):
    assert browser.send("GET", f"/api/sittings/{'0' * 16}/paper").status_code == 404
