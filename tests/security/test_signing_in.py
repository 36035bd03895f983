"""Guessing passwords, and what a session is worth after its end."""

import pytest
from flask import Flask

from tests import makers
from tests.cast import Cast, Member

COOKIES = {"session": "Lax", "browser": "Strict", "ticket": "Strict"}


def guess(member: Member, username: str, password: str = "wrong") -> int:  # noqa: S107
    """Try to sign in as a program does; the answer's status."""
    return member.send("POST", "/api/session", json={"username": username, "password": password}).status_code


def test_guessing_is_slowed_on_both_ways_in_and_says_until_when(cast: Cast):
    assert [guess(cast.stranger, "nobody") for _ in range(20)] == [403] * 6 + [429] * 14
    answer = cast.stranger.post("/sign-in", username="nobody", password="wrong")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")


def test_a_name_that_exists_is_slowed_like_one_that_does_not(cast: Cast):
    for name in (cast.trainee.user.username, "nobody"):
        assert [guess(cast.stranger, name) for _ in range(7)] == [403] * 6 + [429]


def test_strangers_cannot_lock_anybody_out_of_a_known_browser(cast: Cast):
    trainee = cast.trainee
    for _ in range(20):
        guess(cast.stranger, trainee.user.username)
    assert guess(Member(trainee.app, None), trainee.user.username, makers.PASSWORD) == 429
    assert guess(trainee, trainee.user.username, makers.PASSWORD) == 200


def test_a_known_browser_counts_for_its_own_name_only(cast: Cast):
    for _ in range(6):
        guess(cast.stranger, cast.examiner.user.username)
    assert guess(cast.trainee, cast.examiner.user.username, makers.PASSWORD) == 429


def test_a_cookie_from_before_the_sign_out_is_worth_nothing(cast: Cast, sitting: str):
    trainee = cast.trainee
    old = {name: trainee.browser.get_cookie(name).value for name in ("session",)}
    old["ticket"] = trainee.browser.get_cookie("ticket", path=sitting).value
    trainee.post("/sign-out")
    thief, token = Member(trainee.app, None), trainee.token
    thief.browser.set_cookie("session", old["session"])
    thief.browser.set_cookie("ticket", old["ticket"])
    assert thief.get("/api/registrations").status_code == 401
    answer = thief.send("POST", f"{sitting}/submission", headers={"X-CSRF-Token": token})
    assert (answer.status_code, answer.json["code"]) == (403, "sitting.ticket")


def test_signing_in_makes_a_new_session_and_token(cast: Cast):
    before, token = cast.stranger.browser.get_cookie("session").value, cast.stranger.token
    assert guess(cast.stranger, cast.trainee.user.username, makers.PASSWORD) == 200
    cast.stranger.renew()
    assert (cast.stranger.browser.get_cookie("session").value, cast.stranger.token) != (before, token)


def test_a_form_needs_the_token_of_its_own_session(cast: Cast):
    for token in ("", "x", cast.other_trainee.token):
        answer = cast.trainee.send("POST", "/sign-out", headers={"X-CSRF-Token": token})
        assert answer.status_code == 400
        assert cast.trainee.send("DELETE", "/api/session", headers={"X-CSRF-Token": token}).status_code == 403


@pytest.mark.parametrize("name", COOKIES)
def test_cookies_are_for_our_own_pages_and_no_program_in_them(app: Flask, cast: Cast, sitting: str, name: str):
    path = sitting if name == "ticket" else "/"
    cookie = cast.trainee.browser.get_cookie(name, path=path)
    assert (cookie.http_only, cookie.secure, cookie.same_site) == (True, True, COOKIES[name])


def test_a_ticket_is_for_one_sitting_and_one_browser(cast: Cast, sitting: str):
    cookie = cast.trainee.browser.get_cookie("ticket", path=sitting).value
    other = Member(cast.trainee.app, None)
    other.browser.set_cookie("ticket", cookie)
    for path, token in ((sitting, other.token), (sitting, ""), ("/api/sittings/" + "0" * 16, cast.trainee.token)):
        answer = other.send("POST", f"{path}/submission", headers={"X-CSRF-Token": token})
        assert answer.status_code == 403
