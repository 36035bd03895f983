"""What an item and a stimulus say: bilingual text, interaction, key and numbers, checked in form, with one digest.

What a type of item demands beyond its form is checked by `item_types`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Self

from examapp.banks.fields import Code, Formula, Key, Label, Line, Part, Positive, Share, Text, Version
from examapp.banks.variables import Answer, Variable
from examapp.canonical import digest


@dataclass(frozen=True)
class Variant:
    """The drawn numbers of a parametric item, as decimal strings, and the order in which the form lists its options."""

    values: Mapping[str, str] = field(default_factory=dict)
    option_order: tuple[str, ...] = ()


class Option(Label):
    """An option of an item, and why it is right or wrong."""

    why: Text | None = None


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


def _as_number(number: Decimal) -> int | float:
    return int(number) if number.as_tuple().exponent == 0 else float(number)


def _plain(value: Any, write: Any) -> Any:
    if isinstance(value, Decimal):
        return write(value)
    if isinstance(value, Mapping):
        return {key: _plain(inner, write) for key, inner in value.items() if inner != ()}
    return [_plain(inner, write) for inner in value] if isinstance(value, list | tuple) else value
