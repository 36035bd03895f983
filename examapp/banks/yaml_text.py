"""The one text that fields of a bank file are written as: plain codes, quoted texts, long texts as blocks."""

import json
import re
from collections.abc import Mapping
from typing import Any

LONGEST_LINE = 120
LANGUAGE = "zh"
PROSE = ("zh", "en", "source")
NAMING = ("id", "name", "names")

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*\Z")
_LINES = re.compile(r"(?=[^ \n])[^\t]*[^ \n]\Z")
# what some YAML reader takes for a truth value or for nothing
_READ_OTHERWISE = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


def as_yaml(fields: Mapping[str, Any]) -> str:
    """Return the text of a map of texts, numbers, truth values, lists and maps.

    >>> print(as_yaml({"id": "ic-1", "stem": {"zh": "为何?", "en": "Why?"}, "key": ["a", "c"]}), end="")
    id: ic-1
    stem:
      zh: '为何?'
      en: 'Why?'
    key: [a, c]
    """
    return _entries(fields, "")


def _entries(fields: Mapping[str, Any], indent: str) -> str:
    """Return the lines of a map; what a thing is called comes before what it says."""
    named = sorted(fields, key=lambda name: name not in NAMING)
    return "".join(_entry(name, fields[name], indent) for name in named)


def _entry(name: str, value: Any, indent: str) -> str:
    start = f"{indent}{_scalar(name)}:"
    if isinstance(value, str):
        return f"{start} {_text(value, indent + '  ') if name in PROSE else _scalar(value)}\n"
    if not isinstance(value, dict | list) or not value:
        return f"{start} {_flow(value)}\n"
    if _fits(value, start):
        return f"{start} {_flow(value)}\n"
    if isinstance(value, dict):
        return f"{start}\n" + _entries(value, indent + "  ")
    return f"{start}\n" + "".join(_element(inner, indent + "  ") for inner in value)


def _element(value: Any, indent: str) -> str:
    if isinstance(value, dict) and value and not _fits(value, f"{indent}-"):
        return f"{indent}- {_entries(value, indent + '  ')[len(indent) + 2 :]}"
    return f"{indent}- {_flow(value)}\n"


def _fits(value: Any, start: str) -> bool:
    """Say whether a list or map goes on one line: short, and not a text in several languages."""
    inner = list(value.values()) if isinstance(value, dict) else value
    if (isinstance(value, dict) and LANGUAGE in value) or any(isinstance(part, dict) for part in inner):
        return False
    return len(start) + len(_flow(value)) < LONGEST_LINE


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not isinstance(value, str):
        return repr(value)
    return value if _PLAIN.match(value) and value.lower() not in _READ_OTHERWISE else _quoted(value)


def _quoted(value: str) -> str:
    if "\n" in value or "\t" in value:
        return json.dumps(value, ensure_ascii=False)
    return "'" + value.replace("'", "''") + "'"


def _text(value: str, indent: str) -> str:
    """Return a text: a block where it has several lines that a block keeps, else one quoted line."""
    if "\n" in value and _LINES.match(value):
        lines = (indent + line if line else "" for line in value.split("\n"))
        return "|-\n" + "\n".join(lines)
    return _quoted(value)
