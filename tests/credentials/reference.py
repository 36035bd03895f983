"""Where the published vectors lie: outside this repository, so tests that read them skip where they are absent."""

from pathlib import Path

import pytest

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "reference" / "standards" / "vectors"
needs_reference = pytest.mark.skipif(not VECTORS.is_dir(), reason=f"no reference data at {VECTORS}")
