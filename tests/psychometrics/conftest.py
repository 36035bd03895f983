import importlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

import numpy as np
import pytest

from tests.psychometrics.every_function import claims

CLAIMS = claims()


@pytest.fixture
def reference() -> Path:
    """Folder of the published reference cases, which lies beside the repository."""
    folder = Path(__file__).parents[3] / "shared" / "reference" / "irt"
    if not folder.is_dir():
        pytest.skip("no reference data beside the repository: ../shared/reference/irt")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260101)


@contextmanager
def called() -> Iterator[set[CodeType]]:
    """The code of all functions that are called in the block."""
    found: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            found.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(before)


def code_of(function: str) -> CodeType:
    """The code of a public function of the engine, given as module.function."""
    module, _, name = function.partition(".")
    return inspect.unwrap(getattr(importlib.import_module(f"examapp.psychometrics.{module}"), name)).__code__


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test that `every_function` names for some functions must call each of them."""
    name = f"{item.path.stem}.{item.name}"
    wanted = CLAIMS.get(name, set()) | CLAIMS.get(name.partition("[")[0], set())
    if not wanted:
        return (yield)
    with called() as codes:
        result = yield
    silent = sorted(function for function in wanted if code_of(function) not in codes)
    assert not silent, f"{name} stands for {', '.join(silent)} and does not call it"
    return result
