"""Every bank in question_banks/ is fit to be imported."""

import time
from pathlib import Path

import pytest

from examapp.accounts.access import OPERATOR
from examapp.banks import authoring
from examapp.banks.bank_files import BANK_FILE, read_bank, read_folder, text_of
from examapp.banks.lints import lint
from examapp.banks.parameters import items_on_scale

BANKS = sorted(path.parent for path in (Path(__file__).parents[2] / "question_banks").glob(f"*/{BANK_FILE}"))


@pytest.mark.parametrize("folder", BANKS, ids=lambda folder: folder.name)
def test_a_bank_has_no_errors(folder):
    reading = read_folder(folder)
    lint(reading)
    assert [str(finding) for finding in reading.errors] == []


@pytest.mark.parametrize("folder", BANKS, ids=lambda folder: folder.name)
def test_a_bank_goes_through_the_database_unchanged(folder, app, at):
    files = read_bank(folder)
    report = authoring.import_bank(OPERATOR, files, at=at)
    rows = authoring.newest_items(authoring.bank_named(files.bank.code))
    assert (len(report.new_items), len(items_on_scale([row.id for row in rows], files.bank.scale))) == (len(rows),) * 2
    assert authoring.export_bank(OPERATOR, files.bank.code) == files


@pytest.mark.parametrize("folder", BANKS, ids=lambda folder: folder.name)
def test_every_content_of_a_bank_can_be_written_without_a_loss(folder):
    files = read_bank(folder)
    assert all(text_of(content) for content in (files.bank, *files.items, *files.stimuli))


def test_reading_the_largest_bank_is_quick():
    folder = max(BANKS, key=lambda folder: len(list((folder / "items").iterdir())))
    seconds = []
    for _ in range(2):
        started = time.process_time()
        items = len(read_folder(folder).items)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 2.0 * max(1.0, items / 260)


def test_there_is_a_bank():
    assert BANKS
