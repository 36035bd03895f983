from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from examapp.accounts.people import user_named
from examapp.accounts.sign_in import authenticate
from examapp.cli.rosters import rosters
from examapp.db import db
from examapp.exams.models import Registration
from tests import makers

TABLE = "用户名,姓名,座位,加时\r\nnew.one,张瑄䶮,A01,30\r\nknown\r\n"


@pytest.fixture
def run(app: Flask, tmp_path: Path):
    """Import a table for a new administration, at a center."""
    center, administration = makers.make_center(), makers.make_administration()
    makers.make_user(username="known", center_id=center.id)
    db.session.commit()

    def run(table: bytes, *options: str):
        (tmp_path / "hall.csv").write_bytes(table)
        named = ["--administration", administration.id, "--center", center.code, *options]
        return app.test_cli_runner().invoke(rosters, ["import", str(tmp_path / "hall.csv"), *named])

    return run


def registered() -> list[str]:
    db.session.rollback()
    return sorted(each.trainee.username for each in db.session.scalars(select(Registration)))


@pytest.mark.feature("A7")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_file_becomes_registrations_and_accounts_with_passwords_that_work(run, encoding: str) -> None:
    outcome = run(TABLE.encode(encoding))
    headings, account = outcome.stdout.splitlines()
    username, name, seat, password = account.split(",")
    assert (headings, username, name, seat) == ("username,name,seat,password", "new.one", "张瑄䶮", "A01")
    assert registered() == ["known", "new.one"]
    assert authenticate(username, password, at=makers.AT) == user_named("new.one")
    assert "2 registered, 1 of them" in outcome.stderr


@pytest.mark.feature("A7")
def test_every_wrong_line_is_named_and_nothing_is_imported(run) -> None:
    outcome = run(b"new.one,One,A01\nnobody\nnew.two,Two,A01\n")
    assert outcome.exit_code == 1
    assert [line[:2] for line in outcome.stderr.splitlines()[1:]] == ["2:", "3:"]
    assert (registered(), user_named("new.one")) == ([], None)


def test_passwords_go_to_a_new_file_that_only_its_owner_reads(run, tmp_path: Path) -> None:
    out = tmp_path / "passwords.csv"
    assert "new.one" not in run(TABLE.encode(), "--out", str(out)).stdout
    assert "new.one" in out.read_text(encoding="utf-8")
    assert out.stat().st_mode & 0o777 == 0o600


def test_file_of_passwords_is_never_written_over(run, tmp_path: Path) -> None:
    (tmp_path / "passwords.csv").write_text("old", encoding="utf-8")
    assert run(TABLE.encode(), "--out", str(tmp_path / "passwords.csv")).exit_code == 1
    assert registered() == []


def test_table_in_another_encoding_is_refused_with_the_remedy(run) -> None:
    outcome = run(TABLE.encode("gb18030"))
    assert outcome.exit_code == 1
    assert "CSV UTF-8" in outcome.stderr
