import os
import subprocess
import sys
from pathlib import Path

import pytest

from examapp.cli.doors import door
from tests.conftest import SECRET

COMMAND = (sys.executable, "-c", "from examapp.app import main; main()")


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `examapp` with these settings and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EXAMAPP_")}
    root = Path(__file__).resolve().parents[2]
    return subprocess.run([*COMMAND, *arguments], env=kept | settings, cwd=root, capture_output=True, text=True)


def on_database(path: Path) -> dict[str, str]:
    return {"EXAMAPP_SECRET_KEY": SECRET, "EXAMAPP_DATABASE_URL": f"sqlite:///{path}"}


@pytest.mark.parametrize(
    ("path", "remedy"), [("new.db", "run `examapp upgrade`"), ("no folder/new.db", "check EXAMAPP_DATABASE_URL")]
)
def test_database_that_is_not_ready_is_one_line_with_the_remedy(tmp_path: Path, path: str, remedy: str) -> None:
    outcome = run("run-due", **on_database(tmp_path / path))
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.stderr.count("\n") == 1
    assert remedy in outcome.stderr


def test_missing_settings_are_named_without_a_traceback() -> None:
    outcome = run("run-due")
    assert outcome.returncode == 1
    assert all(name in outcome.stderr for name in ("EXAMAPP_SECRET_KEY", "EXAMAPP_DATABASE_URL"))
    assert "Traceback" not in outcome.stderr


def test_help_needs_no_settings() -> None:
    outcome = run("--help")
    assert outcome.returncode == 0
    assert "run-due" in outcome.stdout


def test_fault_of_ours_keeps_its_traceback() -> None:
    @door
    def broken() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
