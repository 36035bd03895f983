"""The parametric templates of the reference data, and the bank that is built on them."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from examapp.banks.bank_files import BankFiles, read_bank

BANK = Path(__file__).parents[2] / "question_banks" / "ic-materials"


@pytest.fixture(scope="session")
def templates(reference):
    """The whole document of the templates."""
    return YAML(typ="safe").load((reference / "blueprints" / "templates.yaml").read_text("utf-8"))


@pytest.fixture(scope="session")
def ic_materials() -> BankFiles:
    """The bank of integrated-circuit materials."""
    return read_bank(BANK)
