from pathlib import Path

import numpy as np
import pytest


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
