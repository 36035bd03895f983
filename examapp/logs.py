"""The log: one JSON object a line on standard error, for every unexpected event and every action of staff.

A line holds opaque ids and codes, never a name, an answer, a token or an address: what an error says may quote what
somebody typed, so of an error that is not ours only its kind and its places in the code are told.
"""

import logging
import sys
import traceback
from typing import Any

import structlog

FRAMES = 8


def configure(level: str) -> None:
    """Send what is logged at `level` or above to standard error."""
    formatter = structlog.stdlib.ProcessorFormatter
    rendering: list[Any] = [formatter.remove_processors_meta, structlog.processors.JSONRenderer()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(processors=rendering, foreign_pre_chain=SHARED))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    # what a migration does is for the command that runs it, and a server that starts is no event
    for quiet in ("alembic", "_granian"):
        logging.getLogger(quiet).setLevel(logging.WARNING)


def without_words(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Tell of an error its kind and where it came from, innermost last, and not what it says."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["error"] = f"{type(error).__module__}.{type(error).__qualname__}"
        event["places"] = places(error)
    return event


def places(error: BaseException) -> list[str]:
    """Return where an error passed through, as file:line function, the innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return [f"{'/'.join(each.filename.split('/')[-2:])}:{each.lineno} {each.name}" for each in frames]


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    without_words,
]
structlog.configure(
    processors=[structlog.stdlib.filter_by_level, *SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
)
