"""Rows of the feature table that the service claims are shown by tests that bear their names."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLAIMED = {
    *(f"T{number}" for number in (1, 2, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 19, 20)),
    *("T4", "T10", "T22", "A1", "A3", "A4", "A5", "A6"),
    *("E1", "E2", "E16", "E20", "E21", "A13", "A14", "A18", "O2", "O4", "O5", "O6", "O9", "O18", "B2", "B4"),
}


def test_every_claimed_row_has_a_test():
    command = [sys.executable, ".ci/features.py"]
    table = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    rows = {line.split("│")[1].strip() for line in table.splitlines() if line.startswith("│")}
    assert CLAIMED - rows == set()
