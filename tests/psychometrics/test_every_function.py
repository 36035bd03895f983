"""Each public function of the engine has a law, or a row that says where each of its invariances is shown."""

import importlib
import inspect
from collections import Counter

import pytest

from examapp.psychometrics import irt
from examapp.psychometrics.undetermined import as_nan
from tests.psychometrics.conftest import called, code_of
from tests.psychometrics.every_function import KINDS, ROWS, claims, named_tests
from tests.psychometrics.law_table import LAWS
from tests.psychometrics.laws import MEANS, Law
from tests.psychometrics.test_docstrings import NAMES, public

HELD = [one.name for one in LAWS]


def functions() -> set[str]:
    """All public functions of the engine, as module.function."""
    return {
        f"{module}.{name}"
        for module in NAMES
        for name, value in public(module).items()
        if inspect.isfunction(inspect.unwrap(value))
    }


def test_every_public_function_stands_in_one_place() -> None:
    rows = Counter(name for row in ROWS for name in row.functions.split())
    assert [name for name, times in rows.items() if times > 1 or name in HELD] == []
    assert set(rows) | set(HELD) == functions()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.functions.partition(" ")[0])
def test_every_kind_is_shown_or_has_a_reason(row) -> None:
    assert all(len(getattr(row, kind)) > 6 for kind in KINDS)
    assert any(named_tests(getattr(row, kind)) for kind in KINDS) or row.functions == "blas.single_thread"


NAMED = {*claims(), *(test for one in LAWS for answer in one.but.values() for test in named_tests(answer))}


@pytest.mark.parametrize("test", sorted(NAMED))
def test_every_named_test_exists(test: str) -> None:
    module, _, name = test.partition("[")[0].partition(".")
    assert inspect.isfunction(getattr(importlib.import_module(f"tests.psychometrics.{module}"), name))


@pytest.mark.parametrize("law", LAWS, ids=lambda one: one.name)
def test_every_law_calls_its_function(law: Law) -> None:
    with called() as codes, as_nan():
        law.call(law.on)
    assert inspect.unwrap(law.function).__code__ in codes
    assert set(law.but) <= set(MEANS)


def test_a_function_that_is_not_called_is_noticed() -> None:
    with called() as codes:
        irt.grid()
    assert code_of("irt.grid") in codes
    assert code_of("irt.normal_weights") not in codes
