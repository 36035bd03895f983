"""What an item and a stimulus say: bilingual text, interaction, key and numbers, checked in form, with one digest.

The models mirror the files of an item bank field by field, so the place of every problem is a path in the file. What a
type of item demands beyond its form is checked by `item_types`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictInt,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from examapp.banks.formula import FormulaError, evaluate, names, rounded
from examapp.canonical import digest

LONGEST_TEXT = 20_000
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?\Z", re.ASCII)
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_ACTIVE_TEX = re.compile(r"\\(href|url|includegraphics|html(Class|Id|Style|Data)|def|gdef|newcommand|input)\b")
# Comparing a typed number with the edge of a tolerance must not turn on the last bit of a double
EDGE = 1e-9


@dataclass(frozen=True)
class Problem:
    """What is wrong in an item, where (a path of fields and positions), and what to do about it."""

    where: tuple[str | int, ...]
    message: str


@dataclass(frozen=True)
class Variant:
    """The drawn numbers of a parametric item, as decimal strings, and the order in which the form lists its options."""

    values: Mapping[str, str] = field(default_factory=dict)
    option_order: tuple[str, ...] = ()


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


class Option(Label):
    """An option of an item, and why it is right or wrong."""

    why: Text | None = None


class Listed(Part):
    """A variable that takes one of some values."""

    name: Name
    unit: str
    values: Annotated[tuple[Number, ...], Field(min_length=1)]

    def draw(self, rng: np.random.Generator, values: Mapping[str, str]) -> dict[str, str]:
        """Return one of the values."""
        return {self.name: str(self.values[int(rng.integers(len(self.values)))])}

    def names(self) -> tuple[str, ...]:
        """Return what this variable defines."""
        return (self.name,)


class Stepped(Part):
    """A variable on an even grid from `min` to `max`."""

    name: Name
    unit: str
    min: Number
    max: Number
    step: Positive

    @model_validator(mode="after")
    def _is_a_grid(self) -> Self:
        if not self.min <= self.max or (self.max - self.min) % self.step:
            raise PydanticCustomError("grid", "max must be min plus a whole number of steps")
        return self

    def draw(self, rng: np.random.Generator, values: Mapping[str, str]) -> dict[str, str]:
        """Return a point of the grid."""
        steps = int((self.max - self.min) / self.step)
        return {self.name: str(self.min + int(rng.integers(steps + 1)) * self.step)}

    def names(self) -> tuple[str, ...]:
        """Return what this variable defines."""
        return (self.name,)


class Derived(Part):
    """A variable computed from others and rounded to the figures that are shown."""

    name: Name
    unit: str
    derived: Formula

    def draw(self, rng: np.random.Generator, values: Mapping[str, str]) -> dict[str, str]:
        """Return the computed value, rounded."""
        return {self.name: rounded(evaluate(self.derived, values))}

    def names(self) -> tuple[str, ...]:
        """Return what this variable defines."""
        return (self.name,)


class Joint(Part):
    """Variables drawn together, a row at a time, such as the constants of one material."""

    names_: Annotated[tuple[Name, ...], Field(min_length=1, alias="names")]
    units: tuple[str, ...]
    rows: Annotated[tuple[tuple[Number, ...], ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_a_table(self) -> Self:
        if {len(self.units), *(len(row) for row in self.rows)} != {len(self.names_)}:
            raise PydanticCustomError("table", "units and every row must have as many entries as names")
        return self

    def draw(self, rng: np.random.Generator, values: Mapping[str, str]) -> dict[str, str]:
        """Return one row."""
        row = self.rows[int(rng.integers(len(self.rows)))]
        return {name: str(value) for name, value in zip(self.names_, row, strict=True)}

    def names(self) -> tuple[str, ...]:
        """Return what this row defines."""
        return self.names_


def _kind(value: object) -> str:
    fields = value if isinstance(value, Mapping) else getattr(value, "__dict__", {})
    if "rows" in fields or "names" in fields:
        return "<joint>"
    if "derived" in fields:
        return "<derived>"
    return "<listed>" if "values" in fields else "<stepped>"


Variable = Annotated[
    Annotated[Listed, Tag("<listed>")]
    | Annotated[Stepped, Tag("<stepped>")]
    | Annotated[Derived, Tag("<derived>")]
    | Annotated[Joint, Tag("<joint>")],
    Discriminator(_kind),
]


class Trap(Text):
    """The usual mistake: the value it gives, and what to tell those who made it."""

    expr: Formula


class Answer(Part):
    """A numeric key: a formula over the shown numbers, its unit, its tolerance and the usual mistake."""

    expr: Formula
    unit: Line
    rel_tol: Annotated[Number, Field(gt=0, le=Decimal("0.2"))] | None = None
    abs_tol: Positive | None = None
    trap: Trap | None = None

    @model_validator(mode="after")
    def _has_one_tolerance(self) -> Self:
        if (self.rel_tol is None) == (self.abs_tol is None):
            raise PydanticCustomError("tolerance", "give either rel_tol or abs_tol, as in rel_tol: 0.02")
        return self

    def value(self, values: Mapping[str, str]) -> float:
        """Return the key at the drawn numbers, in `unit`."""
        return evaluate(self.expr, values)

    def accepts(self, number: Decimal | float, values: Mapping[str, str]) -> bool:
        """Say whether a number lies within the tolerance of the key, edges included."""
        key = self.value(values)
        tolerance = float(self.rel_tol) * abs(key) if self.rel_tol is not None else float(self.abs_tol or 0)
        return abs(float(number) - key) <= tolerance + EDGE * abs(key)

    def is_confusable(self, values: Mapping[str, str]) -> bool:
        """Say whether the usual mistake would be taken for the key."""
        return self.trap is not None and self.accepts(evaluate(self.trap.expr, values), values)


class Content(Part):
    """Base of what a bank file holds: an id, a version, one JSON form and one digest."""

    id: Code
    version: Version

    def as_json(self) -> dict[str, Any]:
        """Return the content without floats: numbers as decimal strings, absent fields left out."""
        return {name: _plain(value, str) for name, value in self._given().items()}

    def authored(self) -> dict[str, Any]:
        """Return the content as its file holds it: in the order of the file, numbers as numbers."""
        return {name: _plain(value, _as_number) for name, value in self._given().items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the content that `as_json` wrote."""
        return cls.model_validate(dict(value))

    @property
    def digest(self) -> str:
        """The digest of the content's JSON form."""
        return digest(self.as_json())

    def _given(self) -> dict[str, Any]:
        given = self.model_dump(exclude_none=True, by_alias=True)
        return {name: value for name, value in given.items() if value != ()}


class ItemContent(Content):
    """One wording of an item, with its key; the fields below the stem belong to some types only."""

    type: str
    area: Code
    cognitive: Literal["remember", "understand", "apply", "analyse"]
    expected_share: Share
    stimulus: Code | None = None
    points: Positive | None = None
    stem: Text
    variables: tuple[Variable, ...] = ()
    options: tuple[Option, ...] = ()
    rows: tuple[Label, ...] = ()
    choices: tuple[Option, ...] = ()
    answer: Answer | None = None
    key: Key | None = None
    rationale: Text
    source: Line


class FigureContent(Part):
    """A figure drawn from the variables: its kind, its numbers as formulas, and a text for those who cannot see it."""

    kind: str
    values: dict[str, Formula]
    alt: Text


class StimulusContent(Content):
    """Text and a figure shared by several items, with the variables that they have in common."""

    text: Text
    variables: tuple[Variable, ...] = ()
    figure: FigureContent | None = None


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


def _as_number(number: Decimal) -> int | float:
    return int(number) if number.as_tuple().exponent == 0 else float(number)


def _plain(value: Any, write: Any) -> Any:
    if isinstance(value, Decimal):
        return write(value)
    if isinstance(value, Mapping):
        return {key: _plain(inner, write) for key, inner in value.items() if inner != ()}
    return [_plain(inner, write) for inner in value] if isinstance(value, list | tuple) else value
