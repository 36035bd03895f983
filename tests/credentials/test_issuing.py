from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from examapp.accounts.access import OPERATOR
from examapp.credentials import issuing, key_store, log, record
from examapp.credentials.merkle import Tree
from examapp.credentials.models import Certificate, Checkpoint, LogEntry
from examapp.credentials.verification import verify_bundle
from examapp.db import db
from examapp.errors import NotAllowed, NotFound
from examapp.scoring import results
from tests import makers
from tests.triggers import unlock

LATER = makers.AT + timedelta(days=1)


@pytest.mark.feature("A14", "B2")
def test_released_results_become_records_that_verify_offline(issued):
    assert len(issued.records) == 2
    assert issued.refused == {}
    for entry in issued.records:
        verification = verify_bundle(issuing.bundle(entry.record_id), key_store.trusted_keys())
        assert [check.name for check in verification.checks if not check.holds] == []


def test_second_pass_issues_nothing_again(store, issued):
    again = makers.issue(store, at=LATER)
    assert (again.records, again.certificates) == ([], [])
    assert db.session.scalar(select(func.count()).select_from(Checkpoint)) == 1


@pytest.mark.feature("A18")
def test_passed_theory_and_practical_make_one_certificate(issued):
    (certificate,) = issued.certificates
    assert certificate.number.startswith("CMRS-IC1-2026-000001-")
    assert certificate.holder_name == "李明"
    assert 0 < float(certificate.probability) < float(certificate.theory_result.probability)


def test_theory_alone_makes_no_certificate(store):
    makers.make_result()
    assert makers.issue(store).certificates == []


def test_failed_practical_makes_no_certificate(store):
    makers.make_both_results(values=makers.WRONG)
    assert makers.issue(store).certificates == []


def test_two_trainees_get_numbers_that_differ(store):
    makers.make_both_results()
    makers.make_both_results()
    numbers = {certificate.number[:-2] for certificate in makers.issue(store).certificates}
    assert numbers == {"CMRS-IC1-2026-000001", "CMRS-IC1-2026-000002"}


def test_result_that_is_not_released_is_not_recorded(store):
    sitting = makers.make_sitting()
    makers.answer(sitting, makers.RIGHT)
    assert makers.issue(store).records == []


def test_record_names_no_person(issued):
    facts = record.open_record(issued.records[0].record, key_store.trusted_keys())
    trainee = issued.records[0].result.sitting.registration.trainee
    assert facts.subject.startswith("urn:uuid:")
    assert trainee.id not in str(facts)
    assert trainee.name not in str(facts)


def test_both_records_of_a_trainee_carry_the_same_pseudonym(issued):
    subjects = {record.open_record(entry.record, key_store.trusted_keys()).subject for entry in issued.records}
    assert len(subjects) == 1


def test_corrected_result_supersedes_the_record_before(store, issued):
    first = issued.records[0]
    newer = results.score(OPERATOR, first.result.sitting, at=LATER)
    db.session.flush()
    results.release(makers.make_user("examiner"), [newer], at=LATER)
    db.session.commit()
    (second,) = makers.issue(store, at=LATER).records
    assert record.open_record(second.record, key_store.trusted_keys()).supersedes == first.record_id


def test_result_whose_journal_was_changed_is_not_recorded_and_holds_up_no_other(store):
    broken, _ = makers.make_both_results()
    unlock(db.session.connection())
    db.session.execute(
        text("UPDATE journal_entry SET body = replace(body, '\"826.6\"', '\"1\"') WHERE sitting_id = :id"),
        {"id": broken.sitting_id},
    )
    db.session.commit()
    issued = makers.issue(store)
    assert list(issued.refused) == [broken.id]
    assert len(issued.records) == 1


def test_only_the_operator_issues(keys):
    with pytest.raises(NotAllowed):
        log.append(makers.make_user("examiner"), keys, Tree(), [], at=LATER)
    with pytest.raises(NotAllowed):
        issuing.certify(makers.make_user("examiner"), [], at=LATER)


def test_bundle_of_an_unknown_record_is_not_found(issued):
    with pytest.raises(NotFound):
        issuing.bundle("urn:uuid:00000000-0000-4000-8000-000000000000")


def test_certificate_is_found_by_its_number_however_it_was_typed(issued):
    number = issued.certificates[0].number
    assert issuing.certificate_by_number(f" {number.lower()} ").id == issued.certificates[0].id
    with pytest.raises(NotFound):
        issuing.certificate_by_number(number[:-1] + ("A" if number[-1] != "A" else "B"))


def test_entries_are_logged_in_order_without_gaps(store, issued):
    makers.make_result()
    makers.issue(store, at=LATER)
    assert list(db.session.scalars(select(LogEntry.index).order_by(LogEntry.index))) == [0, 1, 2]
    assert db.session.scalar(select(func.count()).select_from(Certificate)) == 1
