from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from examapp.delivery.tickets import Ticket, check, csrf_digest, sign
from examapp.errors import NotAllowed

SECRET = "a secret that is long enough for tests"
AT = datetime(2026, 5, 16, 1, 0, tzinfo=UTC)
TICKET = Ticket(2**62 + 5, "form", 1, csrf_digest("token"), int((AT + timedelta(hours=2)).timestamp()))


def test_a_ticket_says_what_was_signed():
    assert check(sign(TICKET, SECRET), SECRET, at=AT) == TICKET


def test_every_changed_character_is_refused():
    text = sign(TICKET, SECRET)
    for place, character in enumerate(text):
        other = "A" if character != "A" else "B"
        changed = text[:place] + other + text[place + 1 :]
        with pytest.raises(NotAllowed):
            check(changed, SECRET, at=AT)


@pytest.mark.parametrize("text", ["", ".", "a.b", "a", "é.é", sign(TICKET, "another secret")])
def test_what_was_not_signed_here_is_refused(text):
    with pytest.raises(NotAllowed):
        check(text, SECRET, at=AT)


def test_an_old_ticket_is_refused():
    old = replace(TICKET, expires=int(AT.timestamp()) - 1)
    with pytest.raises(NotAllowed):
        check(sign(old, SECRET), SECRET, at=AT)
