"""What every command shares: expected errors go to standard error in plain words, and the exit code is 1."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click
from sqlalchemy.exc import DBAPIError, OperationalError

from examapp.errors import ExamappError

P = ParamSpec("P")
T = TypeVar("T")
# how SQLite and PostgreSQL say that the tables are not those of this version
WITHOUT_TABLES = ("no such table", "no such column", "UndefinedTable", "UndefinedColumn")


def door(command: Callable[P, T]) -> Callable[P, T]:
    """Print an expected error and exit 1; anything else is a fault of ours and keeps its traceback."""

    @functools.wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> T:
        try:
            return command(*arguments, **options)
        except ExamappError as error:
            click.echo(str(error), err=True)
            sys.exit(1)
        except DBAPIError as error:
            reason = _remedy(error)
            if reason is None:
                raise
            click.echo(reason, err=True)
            sys.exit(1)

    return run


def _remedy(error: DBAPIError) -> str | None:
    """Return in one line what the operator can do about the database; None where it is no matter of theirs."""
    said = f"{type(error.orig).__name__} {error.orig}"
    if any(words in said for words in WITHOUT_TABLES):
        return "The database has not the tables of this version: run `examapp upgrade`."
    if isinstance(error, OperationalError):
        first_line = str(error.orig).strip().partition("\n")[0]
        return f"The database cannot be used; check EXAMAPP_DATABASE_URL: {first_line}"
    return None
