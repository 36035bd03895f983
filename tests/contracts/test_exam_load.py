"""The load run that comes with the product: a small exam, audited."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.exam_load import report
from benchmarks.exam_load.scenarios import IDLE_BYTES, SCENARIOS

ROOT = Path(__file__).resolve().parents[2]
RUN = {"tally": {}, "ops": {}, "closed_and_scored_after": 7.0, "back_after": [], "not_scored": 0, "idle_bytes": 0}


def test_idle_connections_that_take_memory_or_double_the_wait_are_a_problem():
    idle = SCENARIOS["idle"]
    assert report.problems(idle, RUN | {"idle_bytes": IDLE_BYTES}, 0) == []
    assert report.problems(idle, RUN | {"idle_bytes": 2 * IDLE_BYTES}, 0) == ["idle connections took 240 MB"]
    found = {name: [{"ops": {"answer": {"p99": p99}}}] for name, p99 in (("idle", 41.0), ("alone", 20.0))}
    assert report.doubled(found) == ["save p99 41 ms beside idle connections, 20 ms alone"]
    found["alone"][0]["ops"]["answer"]["p99"] = 21.0
    assert report.doubled(found) == report.doubled({}) == []


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
