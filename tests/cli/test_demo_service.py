"""The demo service on a database that it knows already."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from examapp.cli import demo_service
from examapp.cli.demo_service import Prepared
from examapp.config import Config
from examapp.db import db, transaction
from examapp.exams import administrations
from examapp.exams.models import Registration
from tests import makers


@pytest.fixture
def prepared(app: Flask) -> Prepared:
    exam = makers.make_exam()
    return Prepared(exam, {part: [makers.make_exam_form(exam, part=part)] for part in ("theory", "practical")})


def start(prepared: Prepared, hours: float) -> list[Registration]:
    """Start the demo some hours after the first time; return the trainee's registrations."""
    at = makers.AT + timedelta(hours=hours)
    db.session.commit()
    with transaction():
        trainee = demo_service.prepare_people(at=at)["trainee"]
        demo_service.prepare_administrations(prepared, trainee, at=at)
    return administrations.of_trainee(trainee.id)


def test_second_start_finds_the_same_accounts_and_the_same_open_exams(prepared: Prepared) -> None:
    assert len(start(prepared, 0)) == 2
    assert len(start(prepared, 1)) == 2


def test_trainee_who_has_finished_finds_an_open_exam_again(prepared: Prepared) -> None:
    theory = next(each for each in start(prepared, 0) if each.administration.part == "theory")
    makers.answer(makers.make_sitting(theory), makers.RIGHT)
    assert sorted(each.administration.part for each in start(prepared, 1)) == ["practical", "theory", "theory"]


def test_sitting_that_runs_is_the_one_to_go_on_with(prepared: Prepared) -> None:
    makers.make_sitting(start(prepared, 0)[0])
    assert len(start(prepared, 1)) == 2
    assert len(start(prepared, 2)) == 3, "its time is over"


def test_exams_that_close_soon_are_offered_again(prepared: Prepared) -> None:
    start(prepared, 0)
    assert len(start(prepared, 7)) == 4


def test_file_that_changed_without_its_version_is_told_in_one_line(
    app: Flask, config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "banks" / demo_service.BANK
    shutil.copytree(Path(__file__).resolve().parents[2] / "question_banks" / demo_service.BANK, folder)
    first = demo_service.prepare_exam(folder.parent, at=makers.AT)
    item = next((folder / "items").glob("*.yaml"))
    text = item.read_text(encoding="utf-8")
    item.write_text(text.replace("source: ", "source: New ", 1), encoding="utf-8")
    again = demo_service.prepare_exam(folder.parent, at=makers.AT)
    assert [each.digest for each in again.forms["theory"]] == [each.digest for each in first.forms["theory"]]
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert item.name in told
