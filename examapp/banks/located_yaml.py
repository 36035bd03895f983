"""Strict YAML 1.2 with the place of every value, read from parser events so that nothing is ever expanded.

Bank files need maps, lists, texts, numbers, true and false. Everything else that YAML can do is refused where it
stands: anchors, aliases, tags, directives, repeated keys, several documents, deep nesting, numbers that programs read
differently, and characters that nobody sees. Reading goes on after an error, so one run names all that is wrong.
Authors get these messages in English, as those of `content`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)

MAXIMUM_BYTES = 256 * 1024
MAXIMUM_DEPTH = 50
MAXIMUM_VALUES = 10_000
MAXIMUM_FLAWS = 100

Path = tuple[str | int, ...]

# controls; soft hyphen and joiners; direction marks; separators; surrogates; private use; fillers; tags; noncharacters
HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffc\ufffe\uffff"
    "\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,14})\Z")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,16})(?:\.[0-9]{1,24})?(?:[eE][-+]?[0-9]{1,3})?\Z")
_NUMBER_LIKE = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+|0[xob][0-9a-fA-F_]+)\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|nan)\Z", re.IGNORECASE)
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_HINTS = {
    "mapping values are not allowed here": "a text that holds ': ' stands in quotes",
    "that cannot start any token": "quote a text that begins with a special character; indent by spaces",
    "unexpected end of stream": "close the quote or bracket",
    "unknown escape character": "use single quotes, in which a backslash is a backslash",
    "could not find expected ':'": "write 'name: value', and keep a text on one line or in a |- block",
    "expected <block end>": "align the lines of one map or list, and put a text with special characters in quotes",
    "expected ',' or": "quote a text that holds a comma or bracket, and close the bracket",
}
_USUAL_HINT = "quote the text or mend the indent"


@dataclass(frozen=True)
class Place:
    """Where something stands in a file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Flaw:
    """One thing that is wrong with a text, where it is and what to do about it."""

    place: Place
    code: str
    message: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass
class LocatedYaml:
    """The value of one YAML text, the places of its values and keys, and all flaws that were found."""

    value: Any = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)

    def place(self, path: tuple[str | int, ...], at_key: bool = False) -> Place:
        """Return where `path` stands, or the nearest value around it; parts that name nothing there are skipped."""
        found: Path = ()
        for part in path:
            if (*found, part) in self.values:
                found = (*found, part)
        return (self.keys if at_key and found in self.keys else self.values).get(found, Place(1, 1))


class _Unreadable(Exception):
    """Reading cannot go on after the flaw just recorded."""


def read_located(data: bytes) -> LocatedYaml:
    """Return the value of UTF-8 YAML bytes with places; whatever is refused is in `flaws`, and nothing is raised."""
    document = LocatedYaml()
    reader = _Reader(document)
    try:
        reader.read(reader.text_of(data))
    except _Unreadable:
        document.value = None
    return document


def hidden_character(text: str) -> str | None:
    """Return the name U+XXXX of the first character in `text` that is invisible or steers direction, if any."""
    found = HIDDEN.search(text)
    return f"U+{ord(found.group()):04X}" if found else None


class _Reader:
    def __init__(self, document: LocatedYaml) -> None:
        self.document = document
        self.last = Place(1, 1)

    def flaw(self, place: Place, code: str, message: str, **parameters: Any) -> None:
        if len(self.document.flaws) == MAXIMUM_FLAWS:
            message = "more than %(limit)d errors; correct these first"
            self.stop(place, "yaml.too_many", message, limit=MAXIMUM_FLAWS)
        self.document.flaws.append(Flaw(place, code, message, parameters))

    def stop(self, place: Place, code: str, message: str, **parameters: Any) -> NoReturn:
        self.document.flaws.append(Flaw(place, code, message, parameters))
        raise _Unreadable

    def text_of(self, data: bytes) -> str:
        if len(data) > MAXIMUM_BYTES:
            message = "the file has %(size)d bytes and may have %(limit)d; split it"
            self.stop(Place(1, 1), "yaml.too_large", message, size=len(data), limit=MAXIMUM_BYTES)
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            before = data[: error.start].decode("utf-8", "replace")
            message = "byte 0x%(byte)02X is not UTF-8; save the file as UTF-8"
            self.stop(_place_after(before), "yaml.not_utf8", message, byte=data[error.start])
        for found in HIDDEN.finditer(text):
            self.hidden(_place_after(text[: found.start()]), found.group())
        return HIDDEN.sub("\ufffd", text)

    def hidden(self, place: Place, character: str) -> None:
        message = "the character U+%(point)04X is invisible or changes the direction of text; remove it"
        self.flaw(place, "yaml.hidden_character", message, point=ord(character))

    def read(self, text: str) -> None:
        events = self.events(text)
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.stop(_start(event), "yaml.documents", "a second document begins; keep one for each file")
                if event.version or event.tags:
                    self.flaw(_start(event), "yaml.directive", "a directive line has no meaning here; remove it")
            elif isinstance(event, NodeEvent):
                self.document.value = self.node(event, events, (), 1)
        if documents == 0:
            self.stop(Place(1, 1), "yaml.empty", "the file is empty; write the fields or delete the file")

    def events(self, text: str) -> Iterator[Event]:
        """Yield the parser's events; its own errors become flaws, placed where the parser stood."""
        try:
            for event in YAML(typ="safe", pure=True).parse(text):
                self.last = _start(event)
                yield event
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = str(error.problem or error.context)
            hint = next((hint for part, hint in _HINTS.items() if part in problem), _USUAL_HINT)
            place = Place(mark.line + 1, mark.column + 1) if mark else self.last
            message = "not readable as YAML (%(problem)s): %(hint)s"
            self.stop(place, "yaml.syntax", message, problem=problem, hint=hint)
        # the parser lets Python's own errors out where an escape names no character
        except (YAMLError, ValueError, OverflowError, IndexError) as error:
            message = "not readable as YAML after this place (%(problem)s): mend the next escape or quote"
            self.stop(self.last, "yaml.syntax", message, problem=type(error).__name__)

    def node(self, event: Event, events: Iterator[Event], path: Path, depth: int) -> Any:
        """Return the value that begins with `event`."""
        place = _start(event)
        self.document.values[path] = place
        if len(self.document.values) > MAXIMUM_VALUES:
            message = "more than %(limit)d values; split the file"
            self.stop(place, "yaml.too_many_values", message, limit=MAXIMUM_VALUES)
        if isinstance(event, AliasEvent):
            message = "*%(name)s is an alias; write the value out"
            self.flaw(place, "yaml.alias", message, name=str(event.anchor)[:80])
            return None
        self.refuse_properties(event, place)
        if depth > MAXIMUM_DEPTH:
            self.stop(place, "yaml.too_deep", "nested deeper than %(limit)d; flatten it", limit=MAXIMUM_DEPTH)
        if isinstance(event, ScalarEvent):
            return self.scalar(event, place)
        if isinstance(event, MappingStartEvent):
            return self.mapping(events, path, depth)
        return self.sequence(events, path, depth)

    def refuse_properties(self, event: Any, place: Place) -> None:
        if event.anchor is not None:
            message = "&%(name)s is an anchor; write the value out where it is used"
            self.flaw(place, "yaml.anchor", message, name=str(event.anchor)[:80])
        if event.tag is not None:
            message = "the tag %(name)s has no meaning here; remove it"
            self.flaw(place, "yaml.tag", message, name=str(event.tag)[:80])

    def mapping(self, events: Iterator[Event], path: Path, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for event in events:
            if not isinstance(event, NodeEvent):
                break
            place = _start(event)
            if not isinstance(event, ScalarEvent):
                self.stop(place, "yaml.key", "a key is a plain word; quote one that begins with a bracket or *")
            self.refuse_properties(event, place)
            self.visible(event.value, place)
            key, inner = event.value, (*path, event.value)
            if key in result:
                first = self.document.keys[inner]
                message = "the key %(key)s stands twice (first in line %(line)d); keep one"
                self.flaw(place, "yaml.repeated_key", message, key=key[:80], line=first.line)
                self.node(next(events), events, (*path, key, "repeated"), depth + 1)
                continue
            self.document.keys[inner] = place
            first_of_value = next(events)
            result[key] = self.node(first_of_value, events, inner, depth + 1)
            # the parser places a missing value at whatever comes next
            if isinstance(first_of_value, ScalarEvent) and not (first_of_value.value or first_of_value.style):
                self.document.values[inner] = place
        return result

    def sequence(self, events: Iterator[Event], path: Path, depth: int) -> list[Any]:
        result: list[Any] = []
        for event in events:
            if isinstance(event, SequenceEndEvent):
                break
            result.append(self.node(event, events, (*path, len(result)), depth + 1))
        return result

    def visible(self, text: str, place: Place) -> None:
        """Refuse hidden characters that an escape brought in; those in the file itself were found before."""
        for found in HIDDEN.finditer(text):
            self.hidden(place, found.group())

    def scalar(self, event: ScalarEvent, place: Place) -> Any:
        text = event.value
        if not event.implicit[0] or event.style:
            self.visible(text, place)
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.match(text):
            return int(text)
        if _FLOAT.match(text) and _is_exact(text):
            return float(text)
        if _NUMBER_LIKE.match(text) or _NOT_FINITE.match(text):
            message = "programs read %(text)s as different numbers; write it plainly, or in quotes if it is text"
            self.flaw(place, "yaml.number", message, text=text[:40])
        return text


def _is_exact(text: str) -> bool:
    digits = re.sub(r"[eE].*|[-+.]", "", text).lstrip("0")
    value = float(text)
    return len(digits) <= 15 and value not in (float("inf"), float("-inf")) and (value != 0 or not digits)


def _start(event: Event) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _place_after(text: str) -> Place:
    return Place(text.count("\n") + 1, len(text) - text.rfind("\n"))
