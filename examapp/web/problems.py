"""What programs and our own pages are told when a request cannot be served: problem+json (RFC 9457)."""

import json
import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from examapp.errors import ExamappError, Throttled, Unavailable
from examapp.web.session_api import stamp

JSON = "application/problem+json"
RETRY_SECONDS = range(1, 6)
_ENCODER = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


def content(
    status: int, code: str, title: str, detail: str, *, problems: Sequence[tuple[str, str]] = (),
    parameters: Mapping[str, Any],
) -> bytes:  # fmt: skip
    """Return a problem as it is sent; of the parameters those that are texts, whole numbers or times stand in it."""
    times = {name: stamp(value) for name, value in parameters.items() if isinstance(value, datetime)}
    extra = {name: value for name, value in parameters.items() if isinstance(value, str | int)} | times
    body: dict[str, Any] = {
        **extra, "type": f"urn:examapp:{code}", "code": code, "title": title, "detail": detail, "status": status,
    }  # fmt: skip
    if problems:
        body["errors"] = [{"field": field, "message": text} for field, text in problems]
    return f"{_ENCODER.encode(body)}\n".encode()


def retry_after(refusal: ExamappError) -> dict[str, str]:
    """Return the header that says when to come again, where that makes sense."""
    if not isinstance(refusal, Unavailable):
        return {}
    return {"Retry-After": str(refusal.retry_after if isinstance(refusal, Throttled) else drawn_seconds())}


def drawn_seconds() -> int:
    """Return after how many seconds to try again, drawn so that those turned away together come back apart."""
    return random.choice(RETRY_SECONDS)  # noqa: S311 - spreads load, keeps no secret
