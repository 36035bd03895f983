"""The load run that comes with the product: a small exam, audited."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.reference
@pytest.mark.feature("O8")
def test_small_exam_under_load_passes_the_audit(reference, tmp_path):
    out, tools = tmp_path / "run.json", reference.parent / "tools/exam_load"
    command = [sys.executable, "-m", "benchmarks.exam_load", "smoke", "--trainees", "60"]
    done = subprocess.run(
        [*command, "--tools", str(tools), "--out", str(out)], cwd=ROOT, capture_output=True, text=True
    )
    (run,) = json.loads(out.read_text())["smoke 60"]
    # exit 4: beside other tests the generator itself was late, so its latencies mean little; its audit holds
    assert set(run["problems"]) <= {"exit 4"}, (run["problems"], done.stderr[-2000:])
    assert run["violation_count"] == 0
    assert run["tally"]["audited_sittings"] == 60
    assert run["tally"]["audited_acked_items"] > 200
