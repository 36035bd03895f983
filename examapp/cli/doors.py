"""What every command shares: expected errors go to standard error in plain words, and the exit code is 1."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click

from examapp.errors import ExamappError

P = ParamSpec("P")
T = TypeVar("T")


def door(command: Callable[P, T]) -> Callable[P, T]:
    """Print an expected error and exit 1; anything else is a fault of ours and keeps its traceback."""

    @functools.wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> T:
        try:
            return command(*arguments, **options)
        except ExamappError as error:
            click.echo(str(error), err=True)
            sys.exit(1)

    return run
