"""What a form must cover: content areas, item types, cognitive levels, tasks; checked, and turned into constraints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from examapp.psychometrics.constraints import Constraint

Part = Literal["theory", "practical"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Title(_Strict):
    """A title in both languages."""

    zh: str
    en: str

    def text(self, language: str) -> str:
        """Return the title in zh or en."""
        return self.zh if language == "zh" else self.en


class TypeCount(_Strict):
    """How many items of a type a form has, and the points of each."""

    count: Annotated[int, Field(ge=0)]
    points: Annotated[float, Field(gt=0)]


class ExamBlueprint(_Strict):
    """What every form of one part must cover.

    `areas` are points by content area. A theory part counts items by type; a practical part has `item_types` empty and
    one task (a stimulus with all its items) for each area, worth the area's points.
    """

    minutes: Annotated[int, Field(ge=1, le=600)]
    areas: dict[str, float]
    area_tolerance: Annotated[float, Field(ge=0)] = 2.0
    item_types: dict[str, TypeCount] = {}
    cognitive: dict[str, float] = {}
    cognitive_tolerance: Annotated[float, Field(ge=0)] = 4.0
    mean_expected_share: tuple[float, float] = (0.0, 1.0)
    enemies: list[list[str]] = []
    max_overlap_share: Annotated[float, Field(ge=0, le=1)] = 0.2

    @model_validator(mode="after")
    def _sums_hold(self) -> "ExamBlueprint":
        total = sum(self.areas.values())
        by_type = sum(each.count * each.points for each in self.item_types.values())
        if self.item_types and abs(total - by_type) > 1e-9:
            raise ValueError(f"the areas add up to {total:g} points, the item types to {by_type:g}; make them equal")
        if self.cognitive and abs(sum(self.cognitive.values()) - total) > 1e-9:
            raise ValueError(f"the cognitive levels add up to {sum(self.cognitive.values()):g}, not {total:g} points")
        return self

    @property
    def is_of_tasks(self) -> bool:
        """Whether the part is made of practical tasks rather than single items."""
        return not self.item_types


class ExamPlan(_Strict):
    """An exam as its file describes it: what it is called, which bank it draws on, its parts, its areas' titles."""

    code: str
    field: str
    level: str
    bank: str
    scale: str
    title: Title
    areas: dict[str, Title] = {}
    parts: dict[Part, ExamBlueprint]

    @model_validator(mode="after")
    def _areas_have_titles(self) -> "ExamPlan":
        wanted = {area for blueprint in self.parts.values() for area in blueprint.areas}
        if self.areas and wanted != set(self.areas):
            names = ", ".join(sorted(wanted ^ set(self.areas)))
            raise ValueError(f"areas with titles and areas with points differ by {names}; list the same codes in both")
        return self


@dataclass(frozen=True)
class Unit:
    """What is chosen as a whole: one item, or a task with all its items."""

    name: str
    areas: tuple[str, ...]
    item_types: tuple[str, ...]
    cognitive: tuple[str, ...]
    points: tuple[float, ...]
    expected_shares: tuple[float, ...]


def constraints(blueprint: ExamBlueprint, units: Sequence[Unit]) -> list[Constraint]:
    """Return everything that a form must meet, as named linear constraints over `units`."""
    if blueprint.is_of_tasks:
        return [*_task_counts(blueprint, units), *_enemies(blueprint, units)]
    return [
        *_type_counts(blueprint, units),
        *_points_within("area", blueprint.areas, blueprint.area_tolerance, [u.areas for u in units], units),
        *_points_within(
            "cognitive level", blueprint.cognitive, blueprint.cognitive_tolerance, [u.cognitive for u in units], units
        ),
        *_mean_share(blueprint, units),
        *_enemies(blueprint, units),
    ]


def _task_counts(blueprint: ExamBlueprint, units: Sequence[Unit]) -> list[Constraint]:
    """One task for each area, and only one whose items are worth the area's points."""
    rows = []
    for area, points in blueprint.areas.items():
        fits = np.array([float(set(u.areas) == {area} and abs(sum(u.points) - points) < 1e-9) for u in units])
        rows.append(Constraint(f"one task of {points:g} points in {area}", fits, 1.0, 1.0))
    others = np.array([float(not set(u.areas) <= set(blueprint.areas) or len(set(u.areas)) > 1) for u in units])
    everything = np.ones(len(units))
    count = float(len(blueprint.areas))
    return [
        *rows,
        Constraint("no task outside the blueprint", others, 0.0, 0.0),
        Constraint("one task for each area", everything, count, count),
    ]


def _type_counts(blueprint: ExamBlueprint, units: Sequence[Unit]) -> list[Constraint]:
    rows = []
    for kind, wanted in blueprint.item_types.items():
        weights = np.array([float(u.item_types.count(kind)) for u in units])
        rows.append(
            Constraint(f"{wanted.count} items of type {kind}", weights, float(wanted.count), float(wanted.count))
        )
    others = np.array([float(any(kind not in blueprint.item_types for kind in u.item_types)) for u in units])
    return [*rows, Constraint("no other item types", others, 0.0, 0.0)]


def _points_within(
    kind: str, wanted: dict[str, float], tolerance: float, labels: Sequence[Sequence[str]], units: Sequence[Unit]
) -> list[Constraint]:
    rows = []
    for label, points in wanted.items():
        weights = np.array(
            [sum(p for p, own in zip(u.points, names, strict=True) if own == label)
             for u, names in zip(units, labels, strict=True)]
        )  # fmt: skip
        low, high = max(0.0, points - tolerance), points + tolerance
        rows.append(Constraint(f"{points:g} ± {tolerance:g} points of {kind} {label}", weights, low, high))
    if wanted:
        others = np.array([float(any(name not in wanted for name in names)) for names in labels])
        rows.append(Constraint(f"no {kind} outside the blueprint", others, 0.0, 0.0))
    return rows


def _mean_share(blueprint: ExamBlueprint, units: Sequence[Unit]) -> list[Constraint]:
    low, high = blueprint.mean_expected_share
    count = sum(each.count for each in blueprint.item_types.values())
    weights = np.array([sum(u.expected_shares) for u in units])
    return [Constraint(f"mean expected share from {low:g} to {high:g}", weights, low * count, high * count)]


def _enemies(blueprint: ExamBlueprint, units: Sequence[Unit]) -> list[Constraint]:
    rows = []
    for group in blueprint.enemies:
        weights = np.array([float(u.name in group) for u in units])
        rows.append(Constraint(f"never together: {', '.join(group)}", weights, 0.0, 1.0))
    return rows
