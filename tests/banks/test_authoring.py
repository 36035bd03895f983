"""Banks in the database: taken in once, never changed, given back as they came."""

import pytest
from sqlalchemy import func, select

from examapp.accounts.access import OPERATOR
from examapp.banks import authoring
from examapp.banks.bank_files import read_bank, write_bank
from examapp.banks.models import ItemBank, ItemParameters, ItemVersion
from examapp.banks.parameters import items_on_scale
from examapp.db import broken_seals, db, sealed_tables
from examapp.errors import NotAllowed, NotFound, Refused
from tests.makers import SCALE, make_bank_files, make_item_fields, make_numeric_fields, make_user

SHEET = {"id": "sheet", "version": 1, "text": {"zh": "数据表。", "en": "A data sheet."}}
MULTIPLE = make_item_fields(
    id="ic-many", type="multiple_choice", key=["a", "c"],
    options=[*make_item_fields()["options"], {"id": "e", "zh": "戊", "en": "E", "why": {"zh": "因", "en": "why"}}],
)  # fmt: skip


def take_in(*items, at, **bank):
    report = authoring.import_bank(OPERATOR, make_bank_files(*items, **bank), at=at)
    db.session.flush()
    return report


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def test_importing_a_bank_stores_every_item_once_with_starting_parameters(app, at):
    report = take_in(make_item_fields(), MULTIPLE, make_numeric_fields(), stimuli=(SHEET,), at=at)
    assert (report.new_items, report.new_stimuli) == (["ic-area", "ic-many", "ic-one"], ["sheet"])
    versions = authoring.newest_items(authoring.bank_named("ic-test"))
    assert items_on_scale([version.id for version in versions], SCALE).model == ("rasch", "pcm", "rasch")


def test_importing_the_same_bank_again_changes_nothing(app, at):
    take_in(make_item_fields(), MULTIPLE, stimuli=(SHEET,), at=at)
    before = count(ItemVersion), count(ItemParameters)
    report = take_in(make_item_fields(), MULTIPLE, stimuli=(SHEET,), at=at)
    assert (report.unchanged, report.new_items, report.new_parameters) == (3, [], 0)
    assert (count(ItemVersion), count(ItemParameters)) == before


@pytest.mark.feature("E1")
def test_another_text_under_a_stored_version_is_refused_with_the_items_and_the_remedy(app, at):
    take_in(make_item_fields(), MULTIPLE, stimuli=(SHEET,), at=at)
    changed = {**SHEET, "text": {"zh": "另一个。", "en": "Another."}}
    with pytest.raises(Refused) as caught:
        take_in(make_item_fields(key="c"), MULTIPLE, make_numeric_fields(), stimuli=(changed,), at=at)
    assert caught.value.code == "bank.version_changed"
    assert all(text in str(caught.value) for text in ("items/ic-one.yaml", "stimuli/sheet.yaml", "raise `version`"))
    assert count(ItemVersion) == 2


@pytest.mark.feature("E1")
def test_a_raised_version_stands_beside_the_old_one(app, at):
    take_in(make_item_fields(), at=at)
    report = take_in(make_item_fields(version=2, key="c"), at=at)
    versions = db.session.scalars(select(ItemVersion).order_by(ItemVersion.version)).all()
    assert report.new_item_versions == ["ic-one"]
    assert [(row.version, row.content["key"]) for row in versions] == [(1, "b"), (2, "c")]
    assert versions[0].item_id == versions[1].item_id


def test_a_version_below_the_stored_one_is_refused(app, at):
    take_in(make_item_fields(version=2), at=at)
    with pytest.raises(Refused, match="version 1, but 2 is stored"):
        take_in(make_item_fields(version=1, key="c"), at=at)


def test_a_bank_goes_to_the_database_and_back_without_a_changed_byte(app, at, tmp_path):
    files = make_bank_files(make_item_fields(), MULTIPLE, make_numeric_fields(), stimuli=(SHEET,))
    write_bank(files, tmp_path / "in")
    authoring.import_bank(OPERATOR, read_bank(tmp_path / "in"), at=at)
    exported = authoring.export_bank(OPERATOR, "ic-test")
    written = write_bank(exported, tmp_path / "out")
    assert exported == files
    assert len(written) == 5
    assert all((tmp_path / "in" / name).read_bytes() == (tmp_path / "out" / name).read_bytes() for name in written)


def test_a_retired_item_is_left_out_of_use_but_not_out_of_the_files(app, at):
    take_in(make_item_fields(), MULTIPLE, at=at)
    authoring.retire(OPERATOR, "ic-test", "ic-one", at=at)
    bank = authoring.bank_named("ic-test")
    exported = authoring.export_bank(OPERATOR, "ic-test")
    assert [row.item.code for row in authoring.newest_items(bank)] == ["ic-many"]
    assert (exported.bank.retired, len(exported.items)) == (("ic-one",), 2)


def test_what_the_bank_file_names_as_retired_is_retired_on_import(app, at):
    report = take_in(make_item_fields(), MULTIPLE, retired=["ic-many"], at=at)
    assert report.retired == ["ic-many"]
    assert take_in(make_item_fields(), MULTIPLE, at=at).retired == []
    assert [row.item.code for row in authoring.newest_items(authoring.bank_named("ic-test"))] == ["ic-one"]


def test_what_is_only_in_the_database_is_reported_and_stays(app, at):
    take_in(make_item_fields(), MULTIPLE, at=at)
    assert take_in(make_item_fields(), at=at).only_in_database == ["items/ic-many.yaml"]
    assert count(ItemVersion) == 2


def test_differences_name_the_file_the_versions_and_the_fields(app, at):
    take_in(make_item_fields(), MULTIPLE, make_item_fields(id="ic-old"), at=at)
    raised = {**MULTIPLE, "version": 2, "expected_share": 0.5}
    folder = make_bank_files(make_item_fields(key="c"), raised, make_numeric_fields(), level="high")
    found = [(it.file, it.kind, it.in_folder, it.in_database, it.fields) for it in authoring.diff(OPERATOR, folder)]
    assert found == [
        ("bank.yaml", "changed", None, None, ("level",)),
        ("items/ic-area.yaml", "only in folder", 1, None, ()),
        ("items/ic-many.yaml", "newer in folder", 2, 1, ("expected_share",)),
        ("items/ic-old.yaml", "only in database", None, 1, ()),
        ("items/ic-one.yaml", "changed under the same version", 1, 1, ("key",)),
    ]


def test_a_bank_that_was_imported_has_no_differences(app, at):
    take_in(make_item_fields(), make_numeric_fields(), at=at)
    assert authoring.diff(OPERATOR, make_bank_files(make_item_fields(), make_numeric_fields())) == []


def test_a_bank_that_is_not_stored_differs_in_every_file(app):
    (difference,) = authoring.diff(OPERATOR, make_bank_files())
    assert (difference.file, difference.kind) == ("items/ic-one.yaml", "only in folder")


def test_what_is_stored_is_sealed(app, at):
    take_in(make_item_fields(), MULTIPLE, stimuli=(SHEET,), at=at)
    assert [row for table in sealed_tables() for row in broken_seals(table)] == []


def test_an_unknown_bank_or_item_is_not_found(app, at):
    take_in(make_item_fields(), at=at)
    with pytest.raises(NotFound):
        authoring.export_bank(OPERATOR, "no-bank")
    with pytest.raises(NotFound):
        authoring.retire(OPERATOR, "ic-test", "no-item", at=at)


@pytest.mark.parametrize("role", ["trainee", "center"])
def test_only_examiners_and_the_operator_may_touch_banks(app, at, role):
    actor = make_user(role)
    for verb in (
        lambda: authoring.import_bank(actor, make_bank_files(), at=at),
        lambda: authoring.export_bank(actor, "ic-test"),
        lambda: authoring.diff(actor, make_bank_files()),
        lambda: authoring.retire(actor, "ic-test", "ic-one", at=at),
    ):
        with pytest.raises(NotAllowed):
            verb()
    assert count(ItemBank) == 0
