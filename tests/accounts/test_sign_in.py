from datetime import timedelta

import pytest

from examapp.accounts.models import SignInThrottle
from examapp.accounts.sign_in import FREE_FAILURES, LONGEST_WAIT, authenticate, fold_username
from examapp.db import db
from examapp.errors import NotAllowed
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
    with pytest.raises(NotAllowed) as refusal:
        authenticate("li.ming", PASSWORD, at=AT)
    assert refusal.value.code == "sign_in.blocked"
    assert authenticate("li.ming", PASSWORD, at=AT + timedelta(seconds=3)) is user


def test_waiting_is_never_longer_than_a_quarter_of_an_hour(user):
    for number in range(30):
        fail(1, AT + timedelta(days=number))
    throttle = db.session.get(SignInThrottle, "li.ming")
    assert throttle.blocked_until - (AT + timedelta(days=29)) <= LONGEST_WAIT


def test_one_name_that_fails_holds_up_no_other(user):
    fail(FREE_FAILURES + 5, username="somebody.else")
    assert authenticate("li.ming", PASSWORD, at=AT) is user


def test_success_forgets_earlier_failures(user):
    fail(FREE_FAILURES)
    authenticate("li.ming", PASSWORD, at=AT)
    fail(FREE_FAILURES)
    assert authenticate("li.ming", PASSWORD, at=AT) is user


def test_folding_is_done_once():
    assert fold_username(fold_username("ＡＢ ")) == fold_username("ab")
