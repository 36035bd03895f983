import pytest

from examapp.accounts.access import OPERATOR
from examapp.banks import catalogue
from examapp.banks.authoring import bank_named, import_bank, retire
from examapp.errors import NotAllowed, NotFound
from tests import makers


@pytest.fixture
def bank(app):
    files = makers.make_bank_files(makers.make_item_fields(id="ic-a"), makers.make_numeric_fields())
    import_bank(OPERATOR, files, at=makers.AT)
    return bank_named("ic-test")


def test_entry_has_its_newest_version_and_place_on_the_scale(bank):
    newer = makers.make_item_fields(id="ic-a", version=2, expected_share=0.5)
    import_bank(OPERATOR, makers.make_bank_files(newer), at=makers.AT)
    entry = next(each for each in catalogue.entries(OPERATOR, bank) if each.content.id == "ic-a")
    assert (entry.version.version, entry.parameters.source) == (2, "expert")
    assert entry.location == pytest.approx(-0.6)


def test_retired_items_are_listed_but_not_counted(bank):
    retire(OPERATOR, "ic-test", "ic-a", at=makers.AT)
    entries = catalogue.entries(OPERATOR, bank)
    assert len(entries) == 2
    assert catalogue.counts(entries) == {"ic-materials.t.physics": {"numeric": 1}}


@pytest.mark.parametrize(
    ("filter", "found"),
    [({}, ["ic-a", "ic-area"]), ({"type": "numeric"}, ["ic-area"]), ({"text": "面积"}, ["ic-area"]),
     ({"text": "OPTION a"}, ["ic-a"]), ({"area": "elsewhere"}, [])],
    ids=["nothing", "type", "Chinese words", "words of an option", "area"],
)  # fmt: skip
def test_filter_finds_by_area_type_and_wording(bank, filter, found):
    matching = catalogue.matching(catalogue.entries(OPERATOR, bank), **filter)
    assert [entry.content.id for entry in matching] == found


@pytest.mark.feature("E1")
def test_every_version_is_kept_the_newest_first(bank):
    import_bank(OPERATOR, makers.make_bank_files(makers.make_item_fields(id="ic-a", version=2)), at=makers.AT)
    assert [each.version for each in catalogue.versions_of(OPERATOR, bank, "ic-a")] == [2, 1]
    assert catalogue.item_version(OPERATOR, bank, "ic-a", 1).version == 1


def test_what_is_not_in_the_bank_is_not_found(bank):
    with pytest.raises(NotFound):
        catalogue.item_version(OPERATOR, bank, "ic-z")
    with pytest.raises(NotFound):
        catalogue.stimulus_version(OPERATOR, bank, "ic-z")


@pytest.mark.parametrize("role", ["trainee", "center"])
def test_banks_are_for_examiners_only(bank, role):
    with pytest.raises(NotAllowed):
        catalogue.entries(makers.make_user(role), bank)
