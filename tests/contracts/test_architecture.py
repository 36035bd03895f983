"""The house holds: import contracts, types, style, and the engine alone."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "command",
    [["lint-imports", "--no-cache"], ["mypy"], ["ruff", "check", "."], ["ruff", "format", "--check", "."]],
    ids=["import contracts", "types", "style", "format"],
)
def test_static_checks_hold(command):
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_the_engine_loads_neither_web_nor_database():
    code = (
        "import sys, examapp.psychometrics.calibration, examapp.psychometrics.ability;"
        "print(sorted({'flask', 'sqlalchemy', 'pydantic', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_no_file_names_a_network_address_that_a_browser_would_fetch():
    pages = [*ROOT.glob("examapp/web/templates/**/*.html"), *ROOT.glob("examapp/web/static/**/*.js")]
    found = [
        str(path)
        for path in pages
        if "vendor" not in path.parts
        and any(f'{attribute}="http' in path.read_text("utf-8") for attribute in ("src", "href"))
    ]
    assert found == []
