import json

import pytest

from examapp.cli.credentials import keys, log, records
from examapp.credentials import issuing, key_store
from examapp.credentials import log as log_head
from examapp.db import db
from tests import makers
from tests.triggers import unlock


@pytest.fixture
def run(app):
    return lambda group, *arguments: app.test_cli_runner().invoke(group, [str(each) for each in arguments])


@pytest.fixture
def folder(app, config, tmp_path):
    """A folder with the bundle of one record and the public keys."""
    store = makers.make_store(config.key_folder)
    makers.make_both_results()
    issued = makers.issue(store)
    (tmp_path / "bundle.json").write_text(json.dumps(issuing.bundle(issued.records[0].record_id)), encoding="utf-8")
    (tmp_path / "record.jwt").write_text(issued.records[0].record, encoding="utf-8")
    (tmp_path / "jwks.json").write_text(json.dumps(key_store.jwks()), encoding="utf-8")
    return tmp_path


def verify(run, folder, name: str, *options: str):
    return run(records, "verify", folder / name, "--keys", folder / "jwks.json", *options)


@pytest.mark.feature("B2")
def test_honest_bundle_is_reported_check_by_check_and_exits_0(run, folder):
    outcome = verify(run, folder, "bundle.json")
    assert outcome.exit_code == 0
    for name in ("signature", "evidence", "checkpoint", "inclusion", "score"):
        assert f"holds  {name}" in outcome.output


@pytest.mark.feature("B2")
def test_changed_bundle_names_what_fails_and_exits_1(run, folder):
    path = folder / "bundle.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"category": 1', '"category": 0', 1), encoding="utf-8")
    outcome = verify(run, folder, "bundle.json")
    assert outcome.exit_code == 1
    assert "FAILS  evidence" in outcome.output


def test_record_alone_is_checked_by_its_signature(run, folder):
    outcome = verify(run, folder, "record.jwt", "--json")
    assert outcome.exit_code == 0
    assert [check["name"] for check in json.loads(outcome.output)["checks"]] == ["signature"]


def test_keys_of_somebody_else_are_refused(run, folder):
    (folder / "jwks.json").write_text('{"keys": []}', encoding="utf-8")
    assert verify(run, folder, "bundle.json").exit_code == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\ufeff{}", '{"schema": 1, "schema": 1}'])
def test_file_that_is_no_bundle_exits_1_without_a_traceback(run, folder, text):
    (folder / "bad").write_text(text, encoding="utf-8")
    outcome = verify(run, folder, "bad")
    assert outcome.exit_code == 1
    assert isinstance(outcome.exception, SystemExit)


@pytest.mark.parametrize("text", ["", "[]", '{"keys": 1}', '{"keys": [{}]}'])
def test_file_without_keys_is_named(run, folder, text):
    (folder / "jwks.json").write_text(text, encoding="utf-8")
    outcome = verify(run, folder, "bundle.json")
    assert outcome.exit_code == 1
    assert "jwks.json is not a JWK set" in outcome.output


def test_missing_file_is_wrong_usage(run, folder):
    assert verify(run, folder, "nothing.json").exit_code == 2


def test_bundle_is_printed_and_verifies(run, folder):
    record_id = db.session.get(log_head.LogEntry, 1).record_id
    (folder / "second.json").write_text(run(records, "bundle", record_id).stdout, encoding="utf-8")
    assert verify(run, folder, "second.json").exit_code == 0


def test_bundle_of_an_unknown_record_exits_1(run, folder):
    outcome = run(records, "bundle", "urn:uuid:0")
    assert outcome.exit_code == 1
    assert "There is no such record." in outcome.stderr


@pytest.mark.feature("B3")
def test_storage_that_holds_exits_0(run, folder):
    outcome = run(log, "verify")
    assert (outcome.exit_code, outcome.stdout) == (0, "Everything holds.\n")


@pytest.mark.feature("B3")
def test_changed_row_is_named_and_exits_1(run, folder):
    connection = db.session.connection()
    unlock(connection)
    connection.exec_driver_sql("update stored_response set value = '\"7\"' where slot = 4")
    db.session.commit()
    outcome = run(log, "verify", "--json")
    assert outcome.exit_code == 1
    assert {finding["table"] for finding in json.loads(outcome.stdout)} == {"sitting"}


def test_checkpoint_kept_outside_is_compared(run, folder):
    (folder / "kept.txt").write_text(log_head.head().note, encoding="utf-8")
    (folder / "other.txt").write_text(log_head.head().note.replace("2", "3", 1), encoding="utf-8")
    assert run(log, "verify", "--checkpoint", folder / "kept.txt").exit_code == 0
    assert run(log, "verify", "--checkpoint", folder / "other.txt").exit_code == 1


def test_keys_are_created_listed_and_replaced(run, config):
    assert run(keys, "create").stdout.count("Created") == 2
    assert run(keys, "create").stdout == "No key is missing.\n"
    assert run(keys, "create", "--use", "record").stdout.startswith("Created record ES256 did:web:127.0.0.1%3A8000#")
    assert len(run(keys, "list").stdout.splitlines()) == 3
    assert len(json.loads(run(keys, "list", "--json").stdout)["keys"]) == 3
    assert len(list(config.key_folder.glob("*.pem"))) == 2
