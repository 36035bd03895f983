"""What every request must be before a route acts on it: sent by our own pages, storable text, exact JSON.

A page of another site cannot leave out Origin or Sec-Fetch-Site, so these are checked besides the CSRF token, on every
unsafe request that a browser session or a ticket could stand behind.
"""

from typing import Any
from urllib.parse import urlsplit

from flask import abort, request

from examapp.canonical import loads
from examapp.errors import N_, InvalidInput, NotAllowed
from examapp.web.signed_in import settings

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# programs with a token or a signed assertion of their own; no cookie counts there
PROGRAMS = ("/v1/", "/oauth/")
# what a page of any site may send as a form
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
LARGEST_JSON = 64_000


def check_request() -> None:
    """Refuse what another site's page sent, and text with a NUL, which not every database can store."""
    if request.method not in SAFE and not request.path.startswith(PROGRAMS):
        _check_origin()
    texts = [request.path, *request.args.keys(), *request.args.values()]
    if request.mimetype in FORMS:
        texts += [*request.form.keys(), *(text for values in request.form.listvalues() for text in values)]
    if any("\0" in text for text in texts):
        abort(400)


def _check_origin() -> None:
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin")
    # the address behind a proxy may differ from the one that people type; both are ours
    own = (request.host, urlsplit(settings().public_url).netloc)
    if site not in ("same-origin", "none") or (origin is not None and urlsplit(origin).netloc not in own):
        raise NotAllowed("csrf.failed", N_("This request came from another site."))


def json_object(required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the request's JSON object, which has these fields and no other."""
    data = request.get_data(cache=False)
    if len(data) > LARGEST_JSON:
        raise InvalidInput("request.large", N_("A request may have 64 kB at most."))
    try:
        body = loads(data)
    except ValueError as error:
        raise InvalidInput("request.json", N_("Send a JSON object.")) from error
    if not isinstance(body, dict) or request.mimetype in FORMS:
        raise InvalidInput("request.json", N_("Send a JSON object."))
    wrong = sorted({*required} - {*body}) + sorted({*body} - {*required} - {*optional})
    if wrong:
        fields = ", ".join((*required, *optional))
        raise InvalidInput("request.fields", N_("Send these fields and no other: %(fields)s."), fields=fields)
    return body
