"""The fields of which contents are made: texts, numbers, codes and formulas, each checked by itself.

They mirror the files of an item bank, so the place of every problem is a path in the file, and each says the remedy.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from examapp.banks.formula import FormulaError, names

LONGEST_TEXT = 20_000
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?\Z", re.ASCII)
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_ACTIVE_TEX = re.compile(r"\\(href|url|includegraphics|html(Class|Id|Style|Data)|def|gdef|newcommand|input)\b")


@dataclass(frozen=True)
class Problem:
    """What is wrong in an item, where (a path of fields and positions), and what to do about it."""

    where: tuple[str | int, ...]
    message: str


def _number(value: object) -> Decimal:
    if isinstance(value, int | float | str | Decimal) and not isinstance(value, bool):
        text = repr(value) if isinstance(value, float) else str(value)
        if _NUMBER.match(text):
            return Decimal(text)
    raise PydanticCustomError("number", "must be a number; write it like 0.05 or 1.2e-3")


def _clean(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("empty", "is empty; write the text in this language too")
    hidden = _HIDDEN.search(text)
    if hidden:
        code = f"U+{ord(hidden[0]):04X}"
        raise PydanticCustomError("hidden", "contains the invisible character {code}; delete it", {"code": code})
    if _ACTIVE_TEX.search(text):
        raise PydanticCustomError("tex", "uses a TeX command that links, loads or defines; write plain mathematics")
    return text


def _formula(text: str) -> str:
    try:
        names(text)
    except FormulaError as error:
        raise PydanticCustomError("formula", "{reason}", {"reason": str(error)}) from error
    return text


def _key(value: object) -> object:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, list | tuple) and value and all(isinstance(part, str) for part in value):
        return tuple(value)
    if isinstance(value, Mapping) and value and all(isinstance(part, str) for pair in value.items() for part in pair):
        return dict(value)
    raise PydanticCustomError("key", "must be an option's id, a list of ids, true or false, or row: choice pairs")


Number = Annotated[Decimal, BeforeValidator(_number)]
Positive = Annotated[Number, Field(gt=0)]
Share = Annotated[Number, Field(gt=0, lt=1)]
Code = Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=80)]
OptionId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,3}$")]
Name = Annotated[str, Field(pattern=r"^_?[A-Za-z][A-Za-z0-9]{0,15}_?$")]
Line = Annotated[str, Field(max_length=500), AfterValidator(_clean)]
Prose = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_clean)]
Formula = Annotated[str, AfterValidator(_formula)]
Key = Annotated[bool | str | tuple[str, ...] | dict[str, str], BeforeValidator(_key)]
Version = Annotated[StrictInt, Field(ge=1, le=9999)]


class Part(BaseModel):
    """Base of all content: unknown fields are refused, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Part):
    """One text in Chinese and in English, in Markdown."""

    zh: Prose
    en: Prose


class Label(Text):
    """A text with an id of its own: a row to match."""

    id: OptionId


_REMEDIES = {
    "missing": "is missing; add it",
    "extra_forbidden": "is not a field here; remove it or correct its spelling",
    "string_type": "must be text; put it in quotes, as in '0.66'",
    "int_type": "must be a whole number",
    "model_type": "must be a group of fields, indented below this line",
    "dict_type": "must be a group of fields, indented below this line",
    "tuple_type": "must be a list, one entry a line beginning with -",
    "string_pattern_mismatch": "has a wrong form; use lower-case letters, digits, and - or . between them",
}


def problems_of(error: ValidationError) -> list[Problem]:
    """Return what pydantic found, each with its path in the file and the remedy."""
    return [_problem(found) for found in error.errors(include_url=False, include_context=False)]


def _problem(found: ErrorDetails) -> Problem:
    # Tags of a union stand in the path but not in the file
    where = tuple(part for part in found["loc"] if not str(part).startswith("<"))
    return Problem(where, _REMEDIES.get(found["type"], found["msg"]))
