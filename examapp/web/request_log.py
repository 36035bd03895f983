"""The log of requests: one line for each action of staff and for each failure of ours; no line for anything else.

Lines of one request share its id, the one that our proxy gave it or one of our own; whoever meets a failure sees it.
"""

import re
import secrets

import structlog
from flask import Flask, Response, g, request
from flask_login import current_user

from examapp.web.incoming import SAFE

_GOOD_ID = re.compile(r"[A-Za-z0-9-]{8,64}\Z", re.ASCII)
# ids that the service drew; what people typed into an address is not told
_OPAQUE = re.compile(r"[0-9a-f]{12,32}\Z", re.ASCII)
STAFF = ("examiner", "center")
log = structlog.stdlib.get_logger("examapp.web")


def init_app(app: Flask) -> None:
    """Log the requests of `app`."""
    app.before_request(_begin)
    app.after_request(_tell)
    app.teardown_request(_end)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _GOOD_ID.match(given) else secrets.token_hex(8)
    structlog.contextvars.bind_contextvars(request=g.request_id)


def _tell(response: Response) -> Response:
    # 503 says that many came at once, which is counted and no failure
    if response.status_code >= 500 and response.status_code != 503:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        log.error("request failed", route=request.endpoint, status=response.status_code)
    elif response.status_code < 400 and request.method not in SAFE and _is_staff():
        told = {"route": request.endpoint, "actor": current_user.user.id, "subjects": _subjects()}
        # a form that was filled in wrong is shown again, with 200
        log.info("staff action", status=response.status_code, **told)
    return response


def _is_staff() -> bool:
    return (request.blueprint or "").startswith(STAFF) and current_user.is_authenticated


def _subjects() -> list[str]:
    return [str(each) for each in (request.view_args or {}).values() if _OPAQUE.match(str(each))]


def _end(error: BaseException | None) -> None:
    structlog.contextvars.clear_contextvars()
