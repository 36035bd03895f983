"""Make the environment in .venv from the hash-locked requirements; does nothing when it is up to date."""

import hashlib
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / ".ci" / "requirements.lock"
STAMP = VENV / "stamp"
PYTHON = VENV / "bin" / "python"

CONSOLE_SCRIPT = """#!{python}
import sys
from examapp.app import main
sys.exit(main())
"""


def wanted_stamp() -> str:
    own = pathlib.Path(__file__).read_bytes()
    return hashlib.sha256(LOCK.read_bytes() + own + sys.version.encode() + str(ROOT).encode()).hexdigest()


def make_environment() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], check=True)
    install = ["install", "-qq", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(PYTHON), *install, "-r", str(LOCK)], check=True)
    site_packages = next((VENV / "lib").glob("python*/site-packages"))
    (site_packages / "examapp.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    script = VENV / "bin" / "examapp"
    script.write_text(CONSOLE_SCRIPT.format(python=PYTHON), encoding="utf-8")
    script.chmod(0o755)
    STAMP.write_text(wanted_stamp(), encoding="utf-8")


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before the project's own requirement is read
        print("Python 3.11 or newer is needed; this is " + sys.version.split()[0], file=sys.stderr)
        return 1
    if not STAMP.exists() or STAMP.read_text(encoding="utf-8") != wanted_stamp():
        print("Making the environment in .venv (once; about a minute) ...", flush=True)
        make_environment()
    return 0


if __name__ == "__main__":
    sys.exit(main())
