"""Both languages are whole: every text is marked, every marked text is translated, nothing is left over."""

import ast
import re
import runpy
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from flask.testing import FlaskClient

from examapp import errors

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOG = ROOT / "examapp/web/translations/zh/LC_MESSAGES/messages.po"
TEMPLATES = sorted((ROOT / "examapp/web/templates").rglob("*.html"))
MODULES = sorted((ROOT / "examapp").rglob("*.py"))
# names that are the same in both languages
NAMES = {"UTC", "jwks.json", "checkpoint"}
MARKS = {"N_", "_l", "gettext", "lazy_gettext", "ngettext"}
ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
ASCII_AFTER_CHINESE = re.compile(r"[\u4e00-\u9fff][,;:?!()]")
# what Jinja puts in, comments, and the one block that holds attributes instead of text
JINJA = re.compile(r"\{% block body_attributes %\}.*?\{% endblock %\}|\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


@pytest.fixture(scope="module")
def marked() -> dict[object, Message]:
    """Every text that the collector finds in Python and templates."""
    return by_id(runpy.run_path(str(ROOT / ".ci/translations.py"))["extracted"]())


@pytest.fixture(scope="module")
def chinese() -> dict[object, Message]:
    """The Chinese catalog as it is stored."""
    return by_id(stored())


def stored() -> Catalog:
    with CATALOG.open("rb") as file:
        return read_po(file, locale="zh")


def by_id(catalog: Catalog) -> dict[object, Message]:
    return {message.id: message for message in catalog if message.id}


def forms(text: object) -> list[str]:
    """The singular and the plural of a text, or the one text that it is."""
    return [str(each) for each in text] if isinstance(text, list | tuple) else [str(text or "")]


def places(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)\w|%%", text))


def test_every_marked_text_stands_in_the_chinese_catalog(marked, chinese):
    assert [text for text in marked if text not in chinese] == [], "run: make translations"


def test_chinese_catalog_holds_no_text_that_nobody_shows(marked, chinese):
    assert [text for text in chinese if text not in marked] == [], "run: make translations"
    assert list(stored().obsolete) == []


@pytest.mark.feature("T20")
def test_every_text_is_translated_without_doubt(chinese):
    doubtful = [message.id for message in chinese.values() if message.fuzzy or not all(forms(message.string))]
    assert doubtful == []


def test_places_are_the_same_on_both_sides(chinese):
    wrong = [
        message.id
        for message in chinese.values()
        if any(places(form) != places(forms(message.id)[-1]) for form in forms(message.string))
    ]
    assert wrong == []


def test_no_translation_repeats_the_english_text(chinese):
    repeated = {message.id for message in chinese.values() if set(forms(message.id)) & set(forms(message.string))}
    assert repeated <= NAMES


def test_chinese_texts_use_chinese_punctuation(chinese):
    texts = [form for message in chinese.values() for form in forms(message.string)]
    assert [text for text in texts if ASCII_AFTER_CHINESE.search(text)] == []


class Texts(HTMLParser):
    """Collects the text nodes and spoken attributes of a template whose Jinja is taken out."""

    SPOKEN = {"aria-label", "alt", "title", "placeholder"}
    # the name of a key, code, an example, and what is marked as being in one language
    QUIET = {"script", "style", "code", "kbd", "pre"}
    VOID = {"meta", "link", "input", "br", "img"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[bool] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in self.SPOKEN]
        if tag not in self.VOID:
            self.open.append(tag in self.QUIET or (tag != "html" and "lang" in dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if self.open and tag not in self.VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self.open):
            self.found.append(data)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_text_of_a_template_is_marked(path: Path):
    texts = Texts()
    texts.feed(JINJA.sub(" ", path.read_text("utf-8")))
    words = [word for text in texts.found for word in text.split() if re.search(r"[^\W\d_]", word)]
    assert [word for word in words if word not in NAMES] == []


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    tree = ast.parse(path.read_text("utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [(node.func.id, node) for node in found if isinstance(node.func, ast.Name)]


def test_every_marked_text_in_python_is_a_literal():
    # gettext also translates, when a message is shown, what N_ marked elsewhere: a plain name or attribute
    shown = {"gettext": (ast.Constant, ast.Name, ast.Attribute)}
    wrong = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in MODULES
        for name, call in calls(path)
        if name in MARKS and not isinstance(call.args[0], shown.get(name, ast.Constant))
    ]
    assert wrong == []


def test_message_of_every_error_is_marked():
    wrong = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in MODULES
        for name, call in calls(path)
        if name in ERRORS and len(call.args) > 1 and isinstance(call.args[1], ast.Constant | ast.JoinedStr)
    ]
    assert wrong == []


@pytest.mark.feature("T20")
@pytest.mark.parametrize(("browser", "word"), [("zh-CN", "密码"), ("en-GB", "Password"), ("fr", "密码")])
def test_first_page_speaks_the_browser_s_language_or_else_chinese(client: FlaskClient, browser: str, word: str):
    assert word in client.get("/sign-in", headers={"Accept-Language": browser}).text
