"""The center's own programs, which pull results with a key of theirs."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import SelectChoice, StringField, SubmitField, TextAreaField
from wtforms.validators import InputRequired, Length

from examapp import clock
from examapp.accounts import people
from examapp.web.forms import BaseForm, CheckboxesField
from examapp.web.labels import SCOPES
from examapp.web.signed_in import actor

bp = Blueprint("clients", __name__, url_prefix="/clients")


@bp.get("")
def clients() -> str:
    """List the center's programs."""
    return render_template(
        "center/clients.html", clients=people.api_clients(actor()), scopes=SCOPES, form=DeactivateForm()
    )


class ClientForm(BaseForm):
    """A program: its name, its public key, and what it may do."""

    name = StringField(
        _l("Name of the program"), [InputRequired(_l("Give the program a name")), Length(max=200)]
    )  # fmt: skip
    public_jwk = TextAreaField(_l("Public key (JWK)"), [InputRequired(_l("Paste the public key"))])
    scopes = CheckboxesField(
        _l("What it may do"),
        [InputRequired(_l("Choose what the program may do"))],
        choices=[SelectChoice(scope, label) for scope, label in SCOPES.items()],
    )


@bp.route("/new", methods=["GET", "POST"])
def add() -> str | Response:
    """Add a program."""
    form = ClientForm(scopes=["results.read", "results.ack"])
    if form.do(
        lambda: people.add_api_client(
            actor(),
            name=form.name.data or "",
            public_jwk=form.public_jwk.data or "",
            scopes=form.scopes.data or [],
            center=actor().center,
            at=clock.now(),
        )
    ):
        flash(gettext("The program was added. Give its operators the client id that stands in the list."))
        return redirect(url_for(".clients"))
    return render_template("center/add_client.html", form=form)


class DeactivateForm(BaseForm):
    """Nothing but the wish to take access away."""

    deactivate = SubmitField(_l("Deactivate"))


@bp.post("/<client_id>/deactivate")
def deactivate(client_id: str) -> str | Response:
    """Take a program's access away at once."""
    client = people.api_client(actor(), client_id)
    form = DeactivateForm()
    if form.do(lambda: people.deactivate_client(actor(), client)):
        flash(gettext("The program has no access any more: %(name)s", name=client.name))
        return redirect(url_for(".clients"))
    return render_template("center/clients.html", clients=people.api_clients(actor()), scopes=SCOPES, form=form)
