import re
from pathlib import Path

from flask import Flask

from examapp import web
from examapp.web.exam_words import WORDS, in_both_languages

WEB = Path(web.__file__).parent
SOURCES = [*(WEB / "static" / "exam").glob("*.js"), WEB / "templates" / "trainee" / "exam.html"]
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
PLACES = re.compile(r"%\(\w+\)s")


def test_every_word_that_the_page_says_is_there() -> None:
    said = set(
        re.findall(r"(?:say\(|data-word=|data-word-label=|word\(|word: )\"([a-z_]+(?:\.[a-zA-Z0-9_]+)?)\"", TEXT)
    )
    assert said <= set(WORDS)


def test_no_word_is_there_for_nothing() -> None:
    built = {match.rstrip("$") for match in re.findall(r"[`\"]([a-z_]+\.)(?:\$\{|\" ~|\{\{)", TEXT)}
    unused = {key for key in WORDS if f'"{key}"' not in TEXT and key.partition(".")[0] + "." not in built}
    assert not unused


def test_both_languages_fill_in_the_same_places(app: Flask) -> None:
    with app.test_request_context("/"):
        words = in_both_languages()
    for key, text in WORDS.items():
        assert sorted(PLACES.findall(words["zh"][key])) == sorted(PLACES.findall(text)), key
