"""Keys in a folder of the test, and the records of one trainee who passed both parts."""

import pytest

from examapp.credentials import key_store
from examapp.credentials.key_store import KeyStore
from tests import makers


@pytest.fixture
def store(app, config) -> KeyStore:
    return makers.make_store(config.key_folder)


@pytest.fixture
def keys(store) -> key_store.Keys:
    return key_store.load(store)


@pytest.fixture
def issued(store):
    """What was issued for a trainee who passed theory and practical."""
    makers.make_both_results()
    return makers.issue(store)
