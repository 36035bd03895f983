"""Commands about people: `examapp users add`, `examapp centers add`."""

import click
from flask.cli import with_appcontext

from examapp import clock
from examapp.accounts import people
from examapp.accounts.access import OPERATOR
from examapp.cli.doors import door
from examapp.db import transaction


@click.group()
def users() -> None:
    """Accounts of trainees, examiners and center staff."""


@users.command("add")
@click.argument("username")
@click.option("--name", required=True, help="The name as it should stand on a certificate.")
@click.option("--role", required=True, type=click.Choice(["trainee", "examiner", "center"]))
@click.option("--center", help="The code of the person's center.")
@click.option("--language", default="zh", type=click.Choice(["zh", "en"]), show_default=True)
@click.password_option()
@with_appcontext
@door
def add_user(username: str, name: str, role: str, center: str | None, language: str, password: str) -> None:
    """Add a person.

    Example: examapp users add li.ming --name 李明 --role trainee --center beijing-01
    """
    with transaction():
        user = people.add_user(
            OPERATOR, username=username, name=name, role=role, password=password, language=language, at=clock.now(),
            center=people.center_by_code(center) if center else None,
        )  # fmt: skip
    click.echo(f"Added {user.username} ({user.role}).")


@click.group()
def centers() -> None:
    """Examination centers."""


@centers.command("add")
@click.argument("code")
@click.option("--name-zh", required=True)
@click.option("--name-en", required=True)
@with_appcontext
@door
def add_center(code: str, name_zh: str, name_en: str) -> None:
    """Add a center.

    Example: examapp centers add beijing-01 --name-zh 北京考点 --name-en "Beijing center"
    """
    with transaction():
        people.add_center(OPERATOR, code, name_zh, name_en)
    click.echo(f"Added {code}.")
