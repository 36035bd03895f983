"""The triggers that refuse changes: what they protect, and what somebody with full rights could do about them."""

from sqlalchemy import text
from sqlalchemy.engine import Connection

_ALL = {
    "sqlite": "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname, relname, pg_get_triggerdef(pg_trigger.oid) FROM pg_trigger "
    "JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal",
}


def _triggers(connection: Connection) -> list[tuple[str, str, str]]:
    """Return name, table and definition of every trigger."""
    return [tuple(row) for row in connection.execute(text(_ALL[connection.dialect.name]))]


def protected(connection: Connection) -> set[tuple[str, str]]:
    """Return the tables and verbs that the database refuses."""
    return {
        (table, verb)
        for _, table, definition in _triggers(connection)
        for verb in ("update", "delete")
        if verb.upper() in definition
    }


def unlock(connection: Connection) -> None:
    """Take all protection away."""
    for name, table, _ in _triggers(connection):
        place = "" if connection.dialect.name == "sqlite" else f" ON {table}"
        connection.execute(text(f"DROP TRIGGER {name}{place}"))
