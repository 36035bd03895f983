import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from examapp import web

WEB = Path(web.__file__).parent
STATIC = WEB / "static"
VENDOR = STATIC / "vendor"
OWN = [path for path in STATIC.rglob("*") if path.suffix in (".js", ".css") and VENDOR not in path.parents]
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
# a file that a command writes for reading offline; it is never served, so no policy forbids its own style
SERVED = [path for path in TEMPLATES if path.name != "gallery.html"]
LISTED = json.loads((VENDOR / "vendor.json").read_text(encoding="utf-8"))["files"]

ELSEWHERE = re.compile(r"(?:src|href|action|url\(|from|fetch\()\s*=?\s*[\"'(]?(?:https?:)?//")
AS_CODE = re.compile(r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write")


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: entry["file"])
def test_vendored_file_is_what_the_list_says(entry: dict[str, object]) -> None:
    data = (VENDOR / str(entry["file"])).read_bytes()
    assert len(data) == entry["bytes"]
    assert base64.b64encode(hashlib.sha384(data).digest()).decode() == entry["sha384"]


def test_every_vendored_file_is_listed_with_its_licence() -> None:
    present = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert present == {entry["file"] for entry in LISTED} | {"vendor.json"}
    assert all(entry["licence"] and entry["version"] for entry in LISTED)


@pytest.mark.parametrize("path", [*OWN, *TEMPLATES], ids=lambda path: path.name)
def test_nothing_is_fetched_from_elsewhere(path: Path) -> None:
    assert not ELSEWHERE.search(path.read_text("utf-8"))


@pytest.mark.parametrize("path", SERVED, ids=lambda path: path.name)
def test_template_has_no_inline_script_or_style(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all("src=" in tag or "application/json" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("path", sorted((STATIC / "exam").glob("*.js")), ids=lambda path: path.name)
def test_exam_page_runs_no_text_as_code_and_writes_no_markup(path: Path) -> None:
    assert not AS_CODE.search(path.read_text("utf-8"))


@pytest.mark.parametrize("path", sorted((STATIC / "exam").glob("*.js")), ids=lambda path: path.name)
def test_module_is_short_and_imports_only_its_neighbours(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250
    assert all((path.parent / name).is_file() for name in re.findall(r'from "\./([\w.]+)"', text))


def test_static_files_are_asked_for_again_but_not_sent_again(client: FlaskClient) -> None:
    with client.get("/static/exam/main.js") as first:
        tag = first.headers["ETag"]
        assert first.mimetype in ("text/javascript", "application/javascript")
    with client.get("/static/exam/main.js", headers={"If-None-Match": tag}) as again:
        assert again.status_code == 304
