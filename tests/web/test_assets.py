import gzip
import re
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from examapp.web import HEADERS
from examapp.web.assets import AGAIN, FOREVER, Assets
from tests.cast import Cast, register
from tests.web.test_static import STATIC

OTHER = "0123456789abcdef"


@pytest.fixture
def version(client: FlaskClient) -> str:
    """The version that the pages of this application name."""
    found = re.search(r"/static/([0-9a-f]{16})/app\.css", client.get("/sign-in").text)
    assert found
    return found[1]


def test_page_names_files_by_a_version_under_which_they_never_change(client: FlaskClient, version: str):
    answer = client.get(f"/static/{version}/exam/main.js")
    assert answer.headers["Cache-Control"] == FOREVER
    assert answer.mimetype == "text/javascript"
    assert answer.data == (STATIC / "exam/main.js").read_bytes()
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "Set-Cookie" not in answer.headers


def test_file_is_compressed_for_a_browser_that_reads_that(client: FlaskClient, version: str):
    plain = client.get(f"/static/{version}/app.css")
    packed = client.get(f"/static/{version}/app.css", headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert client.head(f"/static/{version}/app.css").data == b""


@pytest.mark.parametrize("name", ["exam/main.js", "exam/clock.js", "examiner/try_item.js"])
def test_module_of_another_version_is_not_given_for_one_of_this(client: FlaskClient, name: str):
    answer = client.get(f"/static/{OTHER}/{name}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")


@pytest.mark.parametrize("name", ["app.css", "page.js", "vendor/katex/fonts/KaTeX_AMS-Regular.woff2"])
def test_file_that_stands_alone_is_given_for_one_of_another_version_but_not_kept(client: FlaskClient, name: str):
    answer = client.get(f"/static/{OTHER}/{name}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, AGAIN)


def test_version_is_that_of_the_files_alone(version: str, tmp_path: Path):
    one, same, other = (_version_of(tmp_path / name, text) for name, text in (("a", "1"), ("b", "1"), ("c", "2")))
    assert version != one == same != other


def test_page_before_the_start_fetches_every_module_of_the_exam_page(cast: Cast, version: str, at: datetime):
    place = register(cast.trainee, at)
    page = cast.trainee.get(f"/registrations/{place.id}/check").text
    assert set(re.findall(rf'modulepreload" href="/static/{version}/exam/(\w+\.js)"', page)) == _graph("main.js", set())


@pytest.mark.parametrize("path", [f"/static/{OTHER}/../config.py", f"/static/{OTHER}/none.css", f"/static/{OTHER}/"])
def test_nothing_else_is_given(client: FlaskClient, path: str):
    assert client.get(path).status_code == 404
    assert client.post(f"/static/{OTHER}/app.css").status_code in (400, 405)


def _graph(module: str, seen: set[str]) -> set[str]:
    """Return a module of the exam page and all that it imports."""
    seen.add(module)
    text = (STATIC / "exam" / module).read_text(encoding="utf-8")
    for name in re.findall(r'from "\./([\w.]+)"', text):
        if name not in seen:
            _graph(name, seen)
    return seen


def _version_of(folder: Path, text: str) -> str:
    """Return the version of two files, one of which has this text."""
    (folder / "exam").mkdir(parents=True)
    (folder / "a.js").write_text("0")
    (folder / "exam/b.js").write_text(text)
    return Assets(Flask("examapp", static_folder=str(folder))).version
