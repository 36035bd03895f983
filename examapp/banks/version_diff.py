"""What changed between two versions of an item or stimulus, field by field and word by word."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from examapp.banks.content import Content

# Latin words and numbers stay whole; Chinese, which has no spaces, is compared character by character
_WORD = re.compile(r"[A-Za-z0-9_.^\\]+|\s+|.", re.DOTALL)


@dataclass(frozen=True)
class Piece:
    """A stretch of text: "same", "removed" or "added"."""

    kind: str
    text: str


@dataclass(frozen=True)
class FieldChange:
    """One field that says something else; its path is written as in `options.b.why.en`."""

    path: str
    pieces: tuple[Piece, ...]


def field_changes(old: Content, new: Content) -> list[FieldChange]:
    """Return the fields in which two versions differ, in the order of the file; the version number is left out."""
    before, after = dict(_flat(old.as_json(), "")), dict(_flat(new.as_json(), ""))
    paths = [path for path in {**before, **after} if path != "version"]
    return [
        FieldChange(path, tuple(pieces(before.get(path, ""), after.get(path, ""))))
        for path in paths
        if before.get(path) != after.get(path)
    ]


def pieces(old: str, new: str) -> Iterator[Piece]:
    """Yield what two texts share and what was removed or added, in reading order.

    >>> [(piece.kind, piece.text) for piece in pieces("a cold wall", "a hot wall")]
    [('same', 'a '), ('removed', 'cold'), ('added', 'hot'), ('same', ' wall')]
    """
    one, other = _WORD.findall(old), _WORD.findall(new)
    for tag, start, stop, begin, end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Piece("same", "".join(one[start:stop]))
            continue
        if stop > start:
            yield Piece("removed", "".join(one[start:stop]))
        if end > begin:
            yield Piece("added", "".join(other[begin:end]))


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            name = inner.get("id", number) if isinstance(inner, Mapping) else number
            yield from _flat(inner, f"{path}.{name}")
    else:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)
