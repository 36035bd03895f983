"""Print the secret of this machine's demo, making it the first time."""

import pathlib
import secrets
import sys

path = pathlib.Path(sys.argv[1])
if not path.exists():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(secrets.token_urlsafe(48), encoding="utf-8")
print(path.read_text(encoding="utf-8").strip())
