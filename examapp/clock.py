"""The server's clock, the only clock that counts; doors read it once for each request."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)
