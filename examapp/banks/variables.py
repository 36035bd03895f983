"""The numbers of parametric items: variables that are drawn, and the key that is computed from what is shown."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Self

import numpy as np
from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from examapp.banks.fields import Formula, Line, Name, Number, Part, Positive, Text
from examapp.banks.formula import evaluate, rounded

# Comparing a typed number with the edge of a tolerance must not turn on the last bit of a double
EDGE = 1e-9


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
