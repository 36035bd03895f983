import doctest
import importlib
import pkgutil

import pytest

from examapp import psychometrics


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(psychometrics.__path__)])
def test_examples_in_the_docstrings_hold(name: str) -> None:
    module = importlib.import_module(f"examapp.psychometrics.{name}")
    assert doctest.testmod(module).failed == 0
