"""What must not matter, said once: a study, the changes of it that must not matter, and what they make of each number.

A `Law` calls one public function of the engine on a `Study` and states of every array it gives the axes and the unit:
"people items", "nodes: theta", ": spread". Positions say of what: "@items people". A `Change` is another study that
differs in nothing that should matter; it leads every number back to where and what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from types import CodeType, FunctionType
from typing import Annotated, get_type_hints

import numpy as np

from examapp.psychometrics.ability import Ability, estimate
from examapp.psychometrics.adaptive_pool import AdaptivePool
from examapp.psychometrics.irt import Items
from examapp.psychometrics.linking import rescale
from examapp.psychometrics.simulation import simulate_responses

BACK = {
    "": lambda x, A, B: x,
    "theta": lambda x, A, B: (x - B) / A,
    "spread": lambda x, A, B: x / A,
    "variance": lambda x, A, B: x / A**2,
    "slope": lambda x, A, B: x * A,
    "information": lambda x, A, B: x * A**2,
}
RENAMED = np.array([2, 0, 1])  # where the old labels stand among the new ones
DATA = {"responses", "times", "choices", "changed"}
SCALED = {"theta", "nodes", "cuts", "mean", "sd", "items", "pool", "ability"}
MEANS = {  # a change means something to a function that is given one of these
    "reorder": DATA | SCALED | {"p", "key", "focal", "group", "pairs"},
    "rescale": SCALED,
    "missing": DATA,
    "blocks": DATA,
    "relabel": {"group", "choices"},
}


@dataclass(frozen=True, repr=False)
class Study:
    """One administration on one scale, with what the functions of the engine ask for."""

    responses: Annotated[np.ndarray, "people items"]
    changed: Annotated[np.ndarray, "people items"]
    times: Annotated[np.ndarray, "people items"]
    choices: Annotated[np.ndarray, "people items"]
    theta: Annotated[np.ndarray, "people: theta"]
    p: Annotated[np.ndarray, "people"]
    focal: Annotated[np.ndarray, "people"]
    group: Annotated[np.ndarray, "people"]
    pairs: Annotated[np.ndarray, "@people pairs *"]
    items: Annotated[Items, "items"]
    key: Annotated[np.ndarray, "items"]
    load: Annotated[np.ndarray, "items"]
    exposed: Annotated[np.ndarray, "items"]
    item: Annotated[np.ndarray, "@items"]
    nodes: Annotated[np.ndarray, "nodes: theta"]
    weight: Annotated[np.ndarray, "nodes"]
    cuts: Annotated[np.ndarray, "*: theta"]
    mean: Annotated[np.ndarray, ": theta"]
    sd: Annotated[np.ndarray, ": spread"]

    @cached_property
    def pool(self) -> AdaptivePool:
        return AdaptivePool.of(self.items, mean=self.mean, sd=self.sd)

    @cached_property
    def ability(self) -> Ability:
        return estimate(self.responses, self.items, mean=self.mean, sd=self.sd)

    def sizes(self) -> dict[str, int]:
        """How long each axis is."""
        return {
            "people": len(self.theta), "items": len(self.items), "nodes": self.nodes.size, "pairs": len(self.pairs),
            "options": 3, "groups": 3,
        }  # fmt: skip

    def each(self, function: Callable[[str, object], object]) -> Study:
        """The study with a function of what it is and its value in place of each field."""
        return replace(self, **{name: function(what, getattr(self, name)) for name, what in _stated().items()})


@cache
def _stated() -> dict[str, str]:
    """What each field of a study is."""
    hints = get_type_hints(Study, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}


def make_study(items: Items, *, holes: float, people: int = 60, seed: int = 1) -> Study:
    rng = np.random.default_rng(seed)
    shape, theta = (people, len(items)), rng.normal(size=people)
    return Study(
        simulate_responses(rng, theta, items, rng.random(shape) >= holes),
        rng.random(shape) < 0.3, rng.lognormal(3.5, 0.4, shape), rng.integers(1, 4, shape).astype(float), theta,
        rng.random(people), np.arange(people) % 2 == 1, rng.choice(["a", "b", "c"], people),
        np.array([[0, 1], [5, 2], [7, 30 % people], [8, 3]]), items, rng.integers(1, 4, len(items)),
        rng.uniform(3, 4, len(items)), np.arange(len(items)) % 3 == 0, np.array(0), np.linspace(-2.0, 2.0, 9),
        rng.uniform(0.1, 1.0, 9), np.array([-0.4, 0.7]), np.array(0.0), np.array(1.0),
    )  # fmt: skip


@dataclass(frozen=True, repr=False)
class Change:
    """A study that may not matter: `where` each old place of an axis is now, and the metric A theta + B."""

    study: Study
    where: Mapping[str, np.ndarray] = field(default_factory=dict)
    A: float = 1.0
    B: float = 0.0

    def back(self, value: object, what: str) -> np.ndarray:
        """A number of the changed study where and in what unit it was before."""
        at, axes, unit = parsed(what)
        out = np.asarray(value)
        if at in self.where:
            before = np.full(out.max(initial=0) + 2 + self.where[at].size, -1)
            before[self.where[at]] = np.arange(self.where[at].size)
            out = np.where(out >= 0, before[out], out)
        for axis, name in enumerate(axes):
            if name in self.where:
                out = np.take(out, self.where[name], axis)
        return out if unit == "" else BACK[unit](out, self.A, self.B)


def parsed(what: str) -> tuple[str, list[str], str]:
    """What positions count, the axes, and the unit."""
    names, _, unit = what.partition(":")
    axes = names.split()
    at = axes.pop(0)[1:] if axes and axes[0].startswith("@") else ""
    return at, axes, unit.strip()


def reordered(study: Study, rng: np.random.Generator) -> Change:
    """People, items, nodes and pairs in another order."""
    order = {name: rng.permutation(size) for name, size in study.sizes().items() if name not in ("options", "groups")}
    where = {name: row.argsort() for name, row in order.items()}

    def moved(what: str, value: object) -> object:
        at, axes, _ = parsed(what)
        if isinstance(value, Items):
            return value.take(order["items"])
        value = where[at][value] if at else value
        for axis, name in enumerate(axes):
            value = np.take(value, order[name], axis) if name in order else value
        return value

    return Change(study.each(moved), where)


def rescaled(study: Study, A: float, B: float) -> Change:
    """The same on the metric A theta + B."""

    def moved(what: str, value: object) -> object:
        if isinstance(value, Items):
            return rescale(value, A, B)
        unit = parsed(what)[2]
        return BACK[unit](value, 1 / A, -B / A) if unit else value

    return Change(study.each(moved), {}, A, B)


def widened(study: Study) -> Change:
    """A person who saw nothing and an item that nobody saw besides."""

    def moved(what: str, value: object) -> object:
        if isinstance(value, Items):
            return Items.concatenate([value, value.take([0])])
        at, axes, _ = parsed(what)
        grown = [(0, int(name in ("people", "items"))) for name in axes]
        if at or not any(more for _, more in grown):
            return value
        unseen = axes == ["people", "items"] and value.dtype == np.float64
        return np.pad(value, grown, constant_values=np.nan) if unseen else np.pad(value, grown, mode="edge")

    return Change(study.each(moved), {name: np.arange(size) for name, size in study.sizes().items()})


def relabelled(study: Study) -> Change:
    """Options and groups under other names, which are sorted in another order."""
    options, groups = np.array([0, 30, 10, 20]), dict(zip("abc", "zxy", strict=True))
    known = np.isfinite(study.choices)
    return Change(
        replace(
            study,
            choices=np.where(known, options[np.where(known, study.choices, 0).astype(int)], np.nan),
            key=options[study.key],
            group=np.array([groups[name] for name in study.group.tolist()]),
        ),
        {"options": RENAMED, "groups": RENAMED},
    )


def only(study: Study, rows: np.ndarray) -> Study:
    """Some of the people, without pairs."""

    def taken(what: str, value: object) -> object:
        return value[rows] if parsed(what)[1][:1] == ["people"] else value

    return replace(study.each(taken), pairs=np.zeros((0, 2), dtype=np.intp))


@dataclass(frozen=True, repr=False)
class Law:
    """A function, how it is called on a study, what it gives, and what matters to it all the same, and why."""

    function: FunctionType
    call: Callable[[Study], object]
    gives: Mapping[str, str]
    on: Study
    but: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"{self.function.__module__.rpartition('.')[2]}.{self.function.__name__}"

    def values(self, study: Study) -> dict[str, object]:
        """What the function gives, by the names under which it is stated."""
        return self.named(self.call(study))

    def named(self, found: object) -> dict[str, object]:
        """What was found, by the names under which it is stated."""
        if not next(iter(self.gives)).isdigit():
            return {name: getattr(found, name) for name in self.gives}
        parts = found if isinstance(found, tuple) else (found,)
        return dict(zip(self.gives, parts, strict=True))

    def concerns(self, change: str) -> bool:
        """Whether the function is given anything that this change touches."""
        return bool(_names(self.call.__code__) & MEANS[change])


def law(function, call, *gives: str, on: Study, but: Mapping[str, str] | None = None, **named: str) -> Law:
    """A law of a function that gives one array or several, or a dataclass with `named` fields."""
    stated = named or {str(number): what for number, what in enumerate(gives)}
    return Law(function, call, stated, on, but or {})


def _names(code: CodeType) -> set[str]:
    nested = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*map(_names, nested))


def same(found: object, expected: object) -> bool:
    """Equal, up to rounding where they are numbers."""
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return False
    if expected.dtype.kind != "f":
        return bool((found == expected).all())
    return bool(np.allclose(found, expected, rtol=1e-6, atol=1e-7, equal_nan=True))
