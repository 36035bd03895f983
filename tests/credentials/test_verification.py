import json
from datetime import timedelta

import pytest
from sqlalchemy import Integer, LargeBinary, Text, select, type_coerce
from sqlalchemy.exc import IntegrityError

from examapp.accounts.access import OPERATOR
from examapp.accounts.models import ApiClient
from examapp.credentials import key_store, log
from examapp.credentials.models import Acknowledgement
from examapp.credentials.verification import verify_storage
from examapp.db import Base, db, seal_of, sealed_tables
from examapp.delivery import journal
from examapp.delivery.models import Sitting
from examapp.exams import extra_time
from examapp.exams.models import Registration
from examapp.scoring.models import CalibrationRun
from tests import makers
from tests.triggers import unlock

LATER = makers.AT + timedelta(days=1)
HISTORY = ("journal_entry", "stored_response", "sitting")
SEALED = sorted(table.name for table in sealed_tables())
# facts that no other row and no signature speaks of: with a new seal their change shows only beside a backup
SEAL_ALONE = {
    "calibration_run": {"id", "scale", "model", "settings", "report", "run_at"},
    "certificate": {"id", "issued_at"},
    "checkpoint": {"signed_at"},
    "cut_score": {"id", "exam_id", "part", "number", "scale", "theta", "method", "decided_on"},
    "exam_form": {"created_at"},
    "extra_time": {"factor", "reason", "decided_by", "decided_at"},
    "item_parameters": {"id", "number", "source", "created_at"},
    "item_version": {"published_at"},
    "mark": {"number", "marker", "marked_at"},
    "public_key": {"created_at"},
    "result": {"scored_at"},
    "result_release": {"released_by", "released_at"},
    "stimulus_version": {"id", "published_at"},
}
# counters that state nothing about an exam
NO_FACTS = {"sitting": {"epoch"}}


@pytest.fixture
def unlocked(store, issued):
    """A database of issued records whose triggers somebody with full rights has taken away."""
    connection = db.session.connection()
    makers.make_stimulus_version()
    db.session.add(CalibrationRun(scale="s", model="rasch", settings={}, report={}, run_at=makers.AT))
    registration = db.session.scalars(select(Registration).order_by(Registration.id)).first()
    extra_time.decide(OPERATOR, registration, registration.extra_minutes, reason="Certificate", at=makers.AT)
    unlock(connection)
    db.session.commit()
    db.session.connection().exec_driver_sql("pragma defer_foreign_keys = on")
    return db.session.connection()


def changed(value: object, kind: object) -> object:
    if value is None:
        return "2026-05-16T01:00:00.000000Z"
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    if isinstance(value, int) or isinstance(kind, Integer):
        return int(value) + 1
    place = max(len(value) - 2, 0)
    return value[:place] + ("1" if value[place : place + 1] != "1" else "2") + value[place + 1 :]


def raw_rows(table) -> list[dict]:
    columns = [
        type_coerce(column, column.type if isinstance(column.type, Integer | LargeBinary) else Text).label(column.name)
        for column in table.columns
    ]
    return [dict(row) for row in db.session.execute(select(*columns)).mappings()]


def rewrite(connection, table, row: dict, column: str, value: object, with_seal: bool) -> None:
    after = {**row, column: value}
    if with_seal:
        after["seal"] = seal_of(after)
    names = ", ".join(f'"{name}" = ?' for name in after)
    keys = " and ".join(f'"{key.name}" = ?' for key in table.primary_key.columns)
    values = (*after.values(), *(row[key.name] for key in table.primary_key.columns))
    connection.exec_driver_sql(f'update "{table.name}" set {names} where {keys}', values)  # noqa: S608


def unnoticed(table, with_seal: bool) -> set[str]:
    """Return the columns of `table` whose change in one row is not found."""
    missed = set()
    row = raw_rows(table)[0]
    for column in table.columns:
        if with_seal and column.name == "seal":
            continue
        with db.session.begin_nested() as savepoint:
            try:
                value = changed(row[column.name], column.type)
                rewrite(db.session.connection(), table, row, column.name, value, with_seal)
                if not verify_storage():
                    missed.add(column.name)
            except IntegrityError:
                pass
            savepoint.rollback()
    return missed


@pytest.mark.feature("A14", "B3")
def test_untouched_storage_has_no_findings(store, issued):
    assert verify_storage(key_store.load(store)) == []


@pytest.mark.feature("B3", "O11")
@pytest.mark.parametrize("name", [*SEALED, *HISTORY])
def test_change_of_any_column_is_named(unlocked, name):
    table = Base.metadata.tables[name]
    assert raw_rows(table), f"no row of {name} in this exam: nothing would be shown"
    assert unnoticed(table, with_seal=False) == NO_FACTS.get(name, set())


@pytest.mark.feature("B3", "O11")
@pytest.mark.parametrize("name", SEALED)
def test_change_with_a_new_seal_is_named_wherever_a_signed_fact_speaks_of_it(unlocked, name):
    table = Base.metadata.tables[name]
    assert raw_rows(table), f"no row of {name} in this exam: nothing would be shown"
    assert unnoticed(table, with_seal=True) <= SEAL_ALONE.get(name, set())


def whats() -> str:
    return "\n".join(map(str, verify_storage()))


def test_deleted_log_entry_is_named(unlocked):
    db.session.connection().exec_driver_sql('delete from log_entry where "index" = 0')
    assert "entries are missing" in whats()


def test_log_cut_after_a_center_took_it_is_named(unlocked):
    head = log.head()
    client = ApiClient(name="c", public_jwk={}, scopes="results.read", created_at=makers.AT)
    db.session.add(client)
    db.session.flush()
    db.session.add(
        Acknowledgement(
            client_id=client.id, idempotency_key="k", body_digest="d", up_to=2, checkpoint=head.note,
            acknowledged_at=LATER,
        )
    )  # fmt: skip
    db.session.flush()
    for table in ("certificate", "checkpoint", "log_entry"):
        db.session.connection().exec_driver_sql(f"delete from {table}")  # noqa: S608
    assert "the log had 2 entries when this was signed and now has 0" in whats()


def test_log_that_was_rewritten_and_signed_again_does_not_fit_a_checkpoint_kept_outside(store, unlocked):
    kept = log.head().note
    for table in ("certificate", "checkpoint", "log_entry"):
        db.session.connection().exec_driver_sql(f"delete from {table}")  # noqa: S608
    db.session.expire_all()
    makers.issue(store, at=LATER)
    assert verify_storage() == []
    (finding,) = verify_storage(notes=[kept])
    assert finding.what == "the first 2 entries of the log are not those that were signed"


def test_deleted_journal_tail_is_named(unlocked):
    sitting = db.session.scalars(select(Sitting)).first()
    db.session.connection().exec_driver_sql(
        "delete from journal_entry where sitting_id = ? and number = ?", (sitting.id, sitting.last_number)
    )
    assert f"sitting {sitting.id}" in whats()


def test_journal_rewritten_whole_no_longer_fits_the_signed_record(unlocked):
    """Response, chain, copies and receipts agree with each other again; the signature does not."""
    sitting = db.session.scalars(select(Sitting)).first()
    connection, previous = db.session.connection(), journal.FIRST
    for row in journal.entries(sitting.id):
        body = row.body.replace('"826.6"', '"1"')
        own = journal.entry_digest(row.sitting_id, row.number, row.kind, row.at, json.loads(body), previous)
        connection.exec_driver_sql(
            "update journal_entry set body = ?, previous = ?, digest = ? where sitting_id = ? and number = ?",
            (body, previous, own, row.sitting_id, row.number),
        )
        previous = own
    connection.exec_driver_sql(
        "update stored_response set value = ? where sitting_id = ? and value = ?", ('"1"', sitting.id, '"826.6"')
    )
    connection.exec_driver_sql("update sitting set last_digest = ? where id = ?", (previous, sitting.id))
    found = whats()
    assert "log_entry" in found
    assert f"sitting {sitting.id}" not in found


def test_released_result_moved_to_another_trainee_is_named_when_pseudonyms_can_be_recomputed(store, unlocked):
    other = makers.make_user()
    db.session.connection().exec_driver_sql("update registration set trainee_id = ?", (other.id,))
    found = [finding for finding in verify_storage(key_store.load(store)) if finding.table == "log_entry"]
    assert len(found) == 2
    assert found[0].what == "the signed record and the stored rows differ on subject"


@pytest.mark.parametrize(
    ("table", "column"),
    [("administration", "opens_at"), ("administration", "closes_at"), ("administration", "minutes"),
     ("registration", "extra_minutes"), ("registration", "center_id"), ("user", "name")],
)  # fmt: skip
def test_change_of_what_a_sitting_or_certificate_rests_on_is_named(unlocked, table, column):
    rests_on = Base.metadata.tables[table]
    row = raw_rows(rests_on)[0]
    rewrite(unlocked, rests_on, row, column, changed(row[column], rests_on.columns[column].type), False)
    assert verify_storage()
