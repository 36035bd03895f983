"""The bank commands: what they print, where, and their exit codes."""

import json
import re

import pytest
from sqlalchemy import func, select

from examapp.banks.bank_files import read_bank
from examapp.banks.models import ItemBank
from examapp.cli.banks import banks
from examapp.db import db
from tests.makers import make_bank_folder, make_item_fields, make_numeric_fields


@pytest.fixture
def run(app):
    return lambda *arguments: app.test_cli_runner().invoke(banks, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path):
    return make_bank_folder(tmp_path / "ic-test", make_item_fields(), make_numeric_fields())


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def spoil(folder):
    path = folder / "items/ic-one.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("key: b", "key: z"), encoding="utf-8")


def test_check_counts_items_by_area_and_type_and_exits_0(run, folder):
    outcome = run("check", folder)
    assert outcome.exit_code == 0
    assert "t.physics" in outcome.stdout
    assert "errors: 0, warnings: 0" in outcome.stdout


def test_check_prints_each_error_with_its_place_to_standard_error_and_exits_1(run, folder):
    spoil(folder)
    outcome = run("check", folder.parent)
    assert outcome.exit_code == 1
    assert f"{folder}/items/ic-one.yaml:35:6: error: key: must be the id of one option" in outcome.stderr


def test_check_gives_the_same_as_json(run, folder):
    spoil(folder)
    outcome = run("check", folder, "--json")
    (bank,) = json.loads(outcome.stdout)
    assert (bank["bank"], bank["errors"], bank["items"]) == ("ic-test", 1, {"ic-materials.t.physics": {"numeric": 1}})
    assert (bank["findings"][0]["line"], bank["findings"][0]["code"]) == (35, "item.field")


def test_import_stores_the_bank_and_a_second_import_nothing(run, folder):
    first, second = run("import", folder), run("import", folder, "--json")
    assert "ic-test: 2 new items" in first.stdout
    assert json.loads(second.stdout)["unchanged"] == 2


def test_import_of_a_folder_with_errors_stores_nothing_and_names_them(run, folder):
    spoil(folder)
    outcome = run("import", folder)
    assert outcome.exit_code == 1
    assert "ic-one.yaml:35:6: key: must be the id" in outcome.stderr
    assert run("export", folder).exit_code == 1


@pytest.mark.reference
@pytest.mark.parametrize("name", ["01_alias_bomb", "02_python_tag", "03_key_twice", "15_hidden_text"])
def test_import_refuses_the_attack_samples_with_a_place_and_stores_nothing(run, folder, reference, name):
    sample = (reference / "attacks" / f"{name}.yaml").read_bytes()
    (folder / "items/attack.yaml").write_bytes(sample)
    outcome = run("import", folder)
    assert outcome.exit_code == 1
    assert re.search(r"items/attack\.yaml:\d+:\d+: ", outcome.stderr)
    assert count(ItemBank) == 0


def test_import_of_a_changed_version_says_to_raise_it(run, folder):
    run("import", folder)
    path = folder / "items/ic-one.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("key: b", "key: c"), encoding="utf-8")
    outcome = run("import", folder)
    assert outcome.exit_code == 1
    assert "raise `version` in these files: items/ic-one.yaml" in outcome.stderr


def test_export_writes_the_bank_and_then_finds_nothing_to_write(run, folder, tmp_path):
    run("import", folder)
    outcome = run("export", tmp_path / "copy", "--bank", "ic-test")
    again = run("export", tmp_path / "copy", "--bank", "ic-test", "--json")
    assert len(outcome.stdout.splitlines()) == 3
    assert json.loads(again.stdout)["written"] == []
    assert read_bank(tmp_path / "copy") == read_bank(folder)


def test_diff_exits_0_when_folder_and_database_agree_and_1_when_not(run, folder):
    run("import", folder)
    assert run("diff", folder).exit_code == 0
    make_bank_folder(folder, make_item_fields(id="ic-new", stem={"zh": "新题目?", "en": "A new one?"}))
    outcome = run("diff", folder)
    assert outcome.exit_code == 1
    assert "items/ic-new.yaml: only in folder (folder 1, database -)" in outcome.stdout


def test_preview_shows_what_a_trainee_sees_and_no_key(run, folder):
    outcome = run("preview", folder / "items/ic-one.yaml", "--language", "zh")
    assert "ic-one 中哪一项正确?" in outcome.stdout
    assert "secret" not in outcome.stdout


@pytest.mark.feature("E21")
def test_preview_as_json_is_what_the_exam_page_gets_with_the_same_numbers_for_a_seed(run, folder):
    first, again = (run("preview", folder, "ic-area", "--seed", 7, "--json").stdout for _ in range(2))
    assert first == again
    assert json.loads(first)["item"]["unit"] == "cm²"
    assert "{w}" not in first


def test_preview_of_an_unknown_item_exits_1(run, folder):
    outcome = run("preview", folder, "nothing")
    assert outcome.exit_code == 1
    assert "There is no readable item nothing" in outcome.stderr


@pytest.mark.parametrize("name", ["check", "import", "export", "diff", "preview"])
def test_every_command_explains_itself_with_an_example(run, name):
    assert f"Example: examapp banks {name} question_banks" in run(name, "--help").stdout
