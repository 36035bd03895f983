"""What every request must be before a route acts on it: sent by our own pages, storable text, exact JSON.

A page of another site cannot leave out Origin or Sec-Fetch-Site, so these are checked besides the CSRF token, on every
unsafe request that a browser session or a ticket could stand behind.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from flask import abort, request

from examapp import clock
from examapp.canonical import loads
from examapp.errors import N_, InvalidInput, NotAllowed
from examapp.web.signed_in import settings

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# programs with a token or a signed assertion of their own; no cookie counts there
PROGRAMS = ("/v1/", "/oauth/")
# what a page of any site may send as a form
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
LARGEST_JSON = 64_000
# what the gate before Flask leaves in the WSGI environment: when the request arrived, and what it was refused with
ARRIVED, REFUSAL = "examapp.arrived", "examapp.refusal"


def arrived() -> datetime:
    """Return when the present request arrived."""
    at: datetime = request.environ.get(ARRIVED) or clock.now()
    return at


def check_request() -> None:
    """Refuse what another site's page sent, and text with a NUL, which not every database can store."""
    if REFUSAL in request.environ:
        raise request.environ[REFUSAL]
    if request.method not in SAFE and not request.path.startswith(PROGRAMS):
        _check_origin()
    texts = [request.path, *request.args.keys(), *request.args.values()]
    if request.mimetype in FORMS:
        texts += [*request.form.keys(), *(text for values in request.form.listvalues() for text in values)]
    if any("\0" in text for text in texts):
        abort(400)


def _check_origin() -> None:
    site, origin = request.headers.get("Sec-Fetch-Site", "none"), request.headers.get("Origin")
    if not is_own_page(site, origin, request.host, settings().public_url):
        raise NotAllowed("csrf.failed", N_("This request came from another site."))


def is_own_page(site: str, origin: str | None, host: str, public_url: str) -> bool:
    """Say whether a page of ours sends a request; behind a proxy our address may differ from the one people type."""
    return site in ("same-origin", "none") and (origin is None or _host(origin) in (host, _host(public_url)))


@lru_cache(maxsize=256)
def _host(address: str) -> str | None:
    try:
        return urlsplit(address).netloc
    except ValueError:
        return None


def json_object(required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the request's JSON object, which has these fields and no other."""
    data = request.get_data(cache=False)
    if request.mimetype in FORMS:
        raise _not_json()
    return exact_object(data, required, optional)


def exact_object(data: bytes, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the JSON object that `data` is; `InvalidInput` unless it has these fields and no other."""
    if len(data) > LARGEST_JSON:
        raise InvalidInput("request.large", N_("A request may have 64 kB at most."))
    try:
        body = loads(data)
    except ValueError as error:
        raise _not_json() from error
    if not isinstance(body, dict):
        raise _not_json()
    if {*required} - body.keys() or body.keys() - {*required, *optional}:
        fields = ", ".join((*required, *optional))
        raise InvalidInput("request.fields", N_("Send these fields and no other: %(fields)s."), fields=fields)
    return body


def _not_json() -> InvalidInput:
    return InvalidInput("request.json", N_("Send a JSON object."))
