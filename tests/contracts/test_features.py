"""Rows of the feature table that the service claims are shown by tests that bear their names."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLAIMED = {
    *(f"T{number}" for number in (*range(1, 18), 19, 20, 22)),
    *(f"A{number}" for number in (1, 3, 4, 5, 6, 13, 14, 18)),
    *(f"O{number}" for number in (*range(1, 10), 18)),
    *("E1", "E2", "E16", "E20", "E21", "B2", "B4"),
}


def test_every_claimed_row_has_a_test():
    command = [sys.executable, ".ci/features.py"]
    table = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    rows = {line.split("│")[1].strip() for line in table.splitlines() if line.startswith("│")}
    assert CLAIMED - rows == set()
