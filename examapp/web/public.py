"""Pages for everybody: verify a certificate; and the certificate itself for its holder."""

import unicodedata

from flask import Blueprint, Response, render_template
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from examapp.credentials import certificate_pdf, issuing
from examapp.credentials.certificate_pdf import ISSUING_BODIES
from examapp.credentials.models import Certificate
from examapp.errors import N_, NotFound
from examapp.web.forms import BaseForm
from examapp.web.signed_in import settings

bp = Blueprint("public", __name__)
HIDDEN = "＊"


class NameForm(BaseForm):
    """The name on the certificate at hand, to be compared."""

    name = StringField(_l("Holder's full name"), [InputRequired(_l("Enter the holder's full name")), Length(max=200)])


class NumberForm(BaseForm):
    """Number and name, for a certificate without its QR code."""

    number = StringField(_l("Certificate number"), [InputRequired(_l("Enter the certificate number")), Length(max=40)])
    name = StringField(_l("Holder's full name"), [InputRequired(_l("Enter the holder's full name")), Length(max=200)])


@bp.route("/verify", methods=["GET", "POST"])
def find() -> str | tuple[str, int]:
    """Find a certificate by its number and its holder's name."""
    form = NumberForm()
    if not form.validate_on_submit():
        return render_template("public/find.html", form=form)
    try:
        certificate = issuing.certificate_by_number(form.number.data or "")
    except NotFound:
        return _not_found()
    if not _is_holder(certificate, form.name.data or ""):
        return _not_found()
    return _shown(certificate, NameForm(formdata=None), is_holder=True)


@bp.route("/verify/<certificate_id>", methods=["GET", "POST"])
def verify(certificate_id: str) -> str | tuple[str, int]:
    """Show the public page of a certificate; the holder's name is whole only once it was given."""
    form = NameForm()
    try:
        certificate = issuing.certificate_for(certificate_id)
    except NotFound:
        return _not_found()
    if form.validate_on_submit():
        return _shown(certificate, form, _is_holder(certificate, form.name.data or ""))
    return _shown(certificate, form, None)


def _not_found() -> tuple[str, int]:
    return render_template("public/not_found.html"), 404


def _shown(certificate: Certificate, form: NameForm, is_holder: bool | None) -> str:
    return render_template(
        "public/verify.html", certificate=certificate, form=form, is_holder=is_holder,
        name=certificate.holder_name if is_holder else masked(certificate.holder_name),
        issued_on=issuing.issue_date(certificate.issued_at), issuing_bodies=ISSUING_BODIES,
        records=issuing.records_of(certificate), address=f"{settings().public_url}/verify/{certificate.id}",
    )  # fmt: skip


def masked(name: str) -> str:
    """Return a name with only its first and last characters; of two characters only the first.

    >>> masked("张瑄䶮"), masked("李明"), masked("买买提·艾力")
    ('张＊䶮', '李＊', '买＊＊＊＊力')
    """
    if len(name) <= 2:
        return name[:1] + HIDDEN
    return name[0] + HIDDEN * (len(name) - 2) + name[-1]


def _is_holder(certificate: Certificate, name: str) -> bool:
    return _folded(name) == _folded(certificate.holder_name)


def _folded(name: str) -> str:
    """Return a name without what typing it may change: case, spaces, and how its characters are composed."""
    return "".join(unicodedata.normalize("NFC", name).casefold().split()).replace("•", "·").replace("・", "·")


@bp.get("/certificates/<certificate_id>.pdf")
def certificate_file(certificate_id: str) -> Response:
    """Give a certificate to its holder; for others it is not there."""
    certificate = issuing.certificate_for(certificate_id)
    if not current_user.is_authenticated or current_user.user.id != certificate.trainee_id:
        raise NotFound("certificate.unknown", N_("There is no such certificate."))
    pdf = certificate_pdf.render(certificate_pdf.page_of(certificate, settings().public_url))
    response = Response(pdf, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{certificate.number}.pdf"'
    return response
