from flask import Flask
from wtforms import StringField

from examapp.errors import InvalidInput, NotAllowed
from examapp.web.forms import BaseForm


class SeatForm(BaseForm):
    """A form of one control."""

    seat = StringField("Seat")


def test_refusal_of_a_verb_is_shown_at_the_control_it_names(app: Flask) -> None:
    with app.test_request_context("/", headers={"Accept-Language": "en"}):
        form = SeatForm()
        form.take(InvalidInput("seat.wrong", "Not stored.", [("seat", "Give a seat."), ("other", "And this.")]))
        shown = [(problem.anchor, problem.message) for problem in form.problems]
    assert shown == [("", "And this."), ("seat", "Give a seat.")]


def test_refusal_without_a_control_stands_above_the_form(app: Flask) -> None:
    with app.test_request_context("/", headers={"Accept-Language": "en"}):
        form = SeatForm()
        form.take(NotAllowed("access.denied", "Not with %(what)s.", what="this"))
        assert [(problem.anchor, problem.message) for problem in form.problems] == [("", "Not with this.")]


def test_sign_in_without_a_name_links_to_the_control(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    page = app.test_client().post("/sign-in", data={"password": "x"}, headers={"Accept-Language": "en"}).text
    assert '<a href="#username">User name: Enter your user name</a>' in page
    assert "<title>Error: " in page
    assert 'aria-describedby="username-error"' in page
