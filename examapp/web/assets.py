"""Styles, scripts and fonts under addresses that name their version, so that a browser asks for each only once.

The version is a digest of all of them: nodes with the same files give the same addresses, whatever else they run. They
are sent from memory before any lane, as a hall that opens the exam page must not be turned away at a script. While
nodes of two versions serve, a page may ask one for files of the other. What stands alone is given as it is here, to be
asked for again; a module that must fit its neighbours is not, and the page loads again (page.js). A page that has
loaded all its modules asks for none, so no running sitting is touched.
"""

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask

from examapp.web import HEADERS, HTTPS_ONLY

FOREVER, AGAIN = "public, max-age=31536000, immutable", "no-cache"
EXAM_MODULES = "exam/"
# folders of modules that import each other
_TOGETHER = (EXAM_MODULES, "examiner/")
# these serve the page before the start alone
_BEFORE_START = {"exam/lobby.js", "exam/device_check.js"}
_ADDRESS = re.compile(r"/static/([0-9a-f]{16})/([\w./-]+)\Z", re.ASCII)
_PACKED = (".js", ".css", ".svg")
_ALWAYS = (*HEADERS.items(), ("Vary", "Accept-Encoding"))

Environ = dict[str, Any]


@dataclass(frozen=True)
class Asset:
    """A file as it is sent: its type, its bytes, and those compressed where that helps."""

    mimetype: str
    content: bytes
    compressed: bytes | None


class Assets:
    """A WSGI application that gives the files in the static folder of `app`, and leaves all else to it."""

    def __init__(self, app: Flask) -> None:
        self._app = app.wsgi_app
        self._files, self.version = _whole(Path(str(app.static_folder)))
        app.url_defaults(self._name_version)
        app.jinja_env.globals["exam_modules"] = sorted(
            name for name in self._files if name.startswith(EXAM_MODULES) and name not in _BEFORE_START
        )

    def _name_version(self, endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values["filename"] = f"{self.version}/{values['filename']}"

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer what asks for a file by its version."""
        if not environ["PATH_INFO"].startswith("/static/") or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._app(environ, start_response)
        address = _ADDRESS.match(environ["PATH_INFO"])
        found = address and self._files.get(address[2])
        if not address or not found:
            return self._app(environ, start_response)
        is_ours = address[1] == self.version
        if not is_ours and address[2].startswith(_TOGETHER):
            return _send(environ, start_response, "404 NOT FOUND", "no-store", _OTHER_VERSION)
        return _send(environ, start_response, "200 OK", FOREVER if is_ours else AGAIN, found)


_OTHER_VERSION = Asset("text/plain", b"This node has another version.", None)


# read once for as long as the process lives: a version must not change under the pages that name it
@lru_cache(maxsize=4)
def _whole(folder: Path) -> tuple[dict[str, Asset], str]:
    """Return all files of a folder by name, and their version."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): _read(path) for path in paths}
    return files, _version(files)


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    charset = "; charset=utf-8" if kind.startswith("text/") else ""
    return Asset(kind + charset, content, gzip.compress(content, mtime=0) if path.suffix in _PACKED else None)


def _version(files: dict[str, Asset]) -> str:
    each = "".join(f"{hashlib.sha256(asset.content).hexdigest()} {name}\n" for name, asset in files.items())
    return hashlib.sha256(each.encode()).hexdigest()[:16]


def _send(
    environ: Environ, start_response: Callable[..., Any], status: str, caching: str, asset: Asset
) -> Iterable[bytes]:
    accepted = environ.get("HTTP_ACCEPT_ENCODING", "")
    packed = asset.compressed if "gzip" in accepted and "q=0" not in accepted else None
    content = packed or asset.content
    headers = [
        ("Content-Type", asset.mimetype), ("Content-Length", str(len(content))), ("Cache-Control", caching), *_ALWAYS,
    ]  # fmt: skip
    headers += [("Content-Encoding", "gzip")] if packed else []
    headers += [HTTPS_ONLY] if environ["wsgi.url_scheme"] == "https" else []
    start_response(status, headers)
    return [content] if environ["REQUEST_METHOD"] == "GET" else []
