from datetime import timedelta

import pytest

from examapp.accounts.models import SignInThrottle
from examapp.accounts.sign_in import (
    FREE_FAILURES,
    FREE_FAILURES_ANYWHERE,
    LONGEST_WAIT,
    LONGEST_WAIT_ANYWHERE,
    REMEMBERED,
    Source,
    authenticate,
    begin,
    fold_username,
)
from examapp.db import db
from examapp.errors import NotAllowed, Throttled
from tests.makers import AT, PASSWORD, make_user


@pytest.fixture
def user(app):
    return make_user(username="li.ming")


def fail(times, at=AT, username="li.ming"):
    for _ in range(times):
        with pytest.raises(NotAllowed):
            authenticate(username, "wrong", at=at)


@pytest.mark.parametrize("name", ["li.ming", "LI.MING", " ｌｉ．ｍｉｎｇ "])
def test_a_name_is_found_however_it_is_typed(user, name):
    assert authenticate(name, PASSWORD, at=AT) is user


@pytest.mark.parametrize(("name", "password"), [("li.ming", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_the_refusal_does_not_say_what_was_wrong(user, name, password):
    with pytest.raises(NotAllowed) as refusal:
        authenticate(name, password, at=AT)
    assert (refusal.value.code, refusal.value.parameters) == ("sign_in.failed", {})


def test_patience_grows_with_failures_and_ends(user):
    fail(FREE_FAILURES + 1)
    with pytest.raises(Throttled) as refusal:
        authenticate("li.ming", PASSWORD, at=AT)
    assert (refusal.value.code, refusal.value.retry_after) == ("sign_in.blocked", 3)
    assert authenticate("li.ming", PASSWORD, at=AT + timedelta(seconds=3)) is user


def test_waiting_is_never_longer_than_can_be_waited_out(user):
    for number in range(30):
        fail(1, AT + timedelta(hours=number / 2))
    throttle = db.session.get(SignInThrottle, ("li.ming", "unknown"))
    assert throttle.blocked_until - throttle.last_at == LONGEST_WAIT


def test_one_name_that_fails_holds_up_no_other(user):
    for _ in range(FREE_FAILURES + 5):
        with pytest.raises((NotAllowed, Throttled)):
            authenticate("somebody.else", "wrong", at=AT)
    assert authenticate("li.ming", PASSWORD, at=AT) is user


def test_guesses_from_elsewhere_do_not_lock_anybody_out(user):
    fail(FREE_FAILURES + 1)
    assert authenticate("li.ming", PASSWORD, Source("another address"), at=AT) is user


def test_guesses_from_everywhere_hold_up_all_but_the_known_browser_and_shortly(user):
    for number in range(FREE_FAILURES_ANYWHERE + 1):
        begin("li.ming", Source(f"address {number}"), at=AT)
    with pytest.raises(Throttled) as refusal:
        begin("li.ming", Source("the hall"), at=AT)
    assert refusal.value.retry_after <= LONGEST_WAIT_ANYWHERE.total_seconds()
    assert authenticate("li.ming", PASSWORD, Source("the hall", is_known=True), at=AT) is user


def test_attempts_that_run_at_once_are_all_counted(user):
    attempts = [begin("li.ming", Source("one"), at=AT) for _ in range(FREE_FAILURES + 1)]
    assert not any(attempt.is_right("wrong") for attempt in attempts)
    with pytest.raises(Throttled):
        begin("li.ming", Source("one"), at=AT)


def test_failures_are_forgotten_after_a_day(user):
    fail(FREE_FAILURES)
    begin("somebody.else", Source("one"), at=AT + REMEMBERED + timedelta(seconds=1))
    assert db.session.get(SignInThrottle, ("li.ming", "unknown")) is None


def test_success_forgets_earlier_failures(user):
    fail(FREE_FAILURES)
    authenticate("li.ming", PASSWORD, at=AT)
    fail(FREE_FAILURES)
    assert authenticate("li.ming", PASSWORD, at=AT) is user


def test_folding_is_done_once():
    assert fold_username(fold_username("ＡＢ ")) == fold_username("ab")
