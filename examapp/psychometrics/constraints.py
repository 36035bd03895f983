"""What a form must satisfy: linear constraints, enemies, testlets, overlap, use; checked once and held as arrays.

A form is a vector x of J zeros and ones. Every demand of a blueprint (counts per content area, words, minutes, figures)
is one row lower <= sum_j w_j x_j <= upper (van der Linden 2005, ch. 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.response_models import Floats

Mask = npt.NDArray[np.bool_]
Group = tuple[int, ...]
SLACK = 1e-6


@dataclass(frozen=True)
class Constraint:
    """lower <= sum of `weights` (J,) over the chosen items <= upper, in the unit of the weights, or infinite.

    >>> Constraint("length", np.ones(5), 2, 2).name
    'length'
    """

    name: str
    weights: Floats
    lower: float
    upper: float

    def __post_init__(self) -> None:
        weights = np.asarray(self.weights, dtype=np.float64)
        if weights.ndim != 1 or not np.isfinite(weights).all():
            raise ValueError(f"constraint {self.name!r}: weights must be finite numbers, one for each item")
        if not self.lower <= self.upper:
            raise ValueError(f"constraint {self.name!r}: lower {self.lower} is above upper {self.upper}")
        object.__setattr__(self, "weights", weights)


@dataclass(frozen=True)
class StimulusItems:
    """A testlet: the positions of the items of one stimulus. A form has none of them, or `fewest` to `most`.

    >>> StimulusItems.whole([3, 4, 5])
    StimulusItems(items=(3, 4, 5), fewest=3, most=3)
    """

    items: Group
    fewest: int
    most: int

    @classmethod
    def whole(cls, items: Sequence[int]) -> StimulusItems:
        """A testlet that is taken with all its items or not at all."""
        return cls(tuple(int(item) for item in items), len(items), len(items))

    def __post_init__(self) -> None:
        if not 1 <= self.fewest <= self.most <= len(self.items) or len(set(self.items)) < len(self.items):
            raise ValueError(f"testlet {self.items}: needs 1 <= fewest <= most <= its different items")


@dataclass(frozen=True)
class Demands:
    """All that `forms` parallel forms of J items must satisfy.

    `enemies` are groups of items of which a form has at most one; `max_overlap` is how many items any two forms
    may share, `max_use` in how many forms an item may stand; `allowed` (J,) is false where an item is excluded.
    """

    items: int
    constraints: tuple[Constraint, ...]
    forms: int = 1
    max_overlap: int | None = None
    max_use: int | None = None
    enemies: tuple[Group, ...] = ()
    testlets: tuple[StimulusItems, ...] = ()
    excluded: Group = ()

    @classmethod
    def of(
        cls,
        items: int,
        constraints: Sequence[Constraint],
        *,
        forms: int = 1,
        max_overlap: int | None = None,
        max_use: int | None = None,
        enemies: Sequence[Sequence[int]] = (),
        testlets: Sequence[StimulusItems | Sequence[int]] = (),
        excluded: npt.ArrayLike | Sequence[int] = (),
    ) -> Demands:
        """Demands from plain sequences; a testlet given as bare positions is taken whole or not at all."""
        out = np.asarray(excluded)
        if out.dtype == bool and out.shape != (items,):
            raise ValueError(f"excluded: a mask of shape {out.shape} for {items} items")
        positions = np.flatnonzero(out) if out.dtype == bool else out
        groups = tuple(dict.fromkeys(tuple(sorted(int(i) for i in group)) for group in enemies))
        sets = tuple(t if isinstance(t, StimulusItems) else StimulusItems.whole(t) for t in testlets)
        return cls(
            items,
            tuple(constraints),
            forms,
            max_overlap,
            max_use,
            groups,
            sets,
            tuple(int(i) for i in positions),
        )

    def __post_init__(self) -> None:
        few = self.items < 1 or self.forms < 1
        if few or (self.max_overlap or 0) < 0 or (self.max_use is not None and self.max_use < 1):
            given = (self.items, self.forms, self.max_overlap, self.max_use)
            raise ValueError(f"Demands: needs items >= 1, forms >= 1, overlap >= 0, use >= 1, got {given}")
        names = [constraint.name for constraint in self.constraints]
        if len(set(names)) < len(names):
            raise ValueError(f"constraint {next(n for n in names if names.count(n) > 1)!r}: is stated twice")
        for constraint in self.constraints:
            if constraint.weights.shape != (self.items,):
                raise ValueError(
                    f"constraint {constraint.name!r}: {constraint.weights.size} weights, {self.items} items"
                )
        sets = [testlet.items for testlet in self.testlets]
        if len({item for items in sets for item in items}) < sum(map(len, sets)):
            raise ValueError("testlets: an item belongs to one testlet at most")
        for kind, groups in (("enemies", self.enemies), ("testlet", sets), ("excluded", [self.excluded])):
            for group in groups:
                if any(not 0 <= item < self.items for item in group):
                    raise ValueError(f"{kind} {group}: the pool has items 0 to {self.items - 1}")

    @property
    def matrix(self) -> Floats:
        """The weights of the constraints, (M, J)."""
        return np.array([constraint.weights for constraint in self.constraints]).reshape(-1, self.items)

    @property
    def lower(self) -> Floats:
        """Lower limits of the constraints, (M,)."""
        return np.array([constraint.lower for constraint in self.constraints], dtype=np.float64)

    @property
    def upper(self) -> Floats:
        """Upper limits of the constraints, (M,)."""
        return np.array([constraint.upper for constraint in self.constraints], dtype=np.float64)

    @property
    def allowed(self) -> Mask:
        """Which items may be chosen at all, (J,)."""
        allowed = np.ones(self.items, dtype=bool)
        allowed[list(self.excluded)] = False
        return allowed

    def single(self) -> Demands:
        """What each form must satisfy for itself."""
        return replace(self, forms=1, max_overlap=None, max_use=None)


def as_units(demands: Demands) -> tuple[Demands, Mask]:
    """The same demands over units, items or whole testlets, and which items (U, J) each unit holds.

    >>> units, holds = as_units(Demands.of(4, [Constraint("length", np.ones(4), 2, 2)], testlets=[[1, 2]]))
    >>> units.constraints[0].weights.tolist(), holds.sum(axis=1).tolist()
    ([1.0, 1.0, 2.0], [1, 1, 2])
    """
    bound = [testlet.items for testlet in demands.testlets]
    if any(testlet.fewest < len(testlet.items) for testlet in demands.testlets):
        raise ValueError("as_units: a testlet of which a part may be taken is no unit")
    loose = sorted(set(range(demands.items)) - {item for items in bound for item in items})
    holds = np.zeros((len(loose) + len(bound), demands.items), dtype=bool)
    for unit, items in enumerate([*((item,) for item in loose), *bound]):
        holds[unit, list(items)] = True
    unit_of = holds.argmax(axis=0)
    groups = [unit_of[list(group)] for group in demands.enemies]
    torn = [int(unit) for group in groups for unit in np.flatnonzero(np.bincount(group) > 1)]
    out = set(unit_of[list(demands.excluded)].tolist()) | set(torn)
    return Demands(
        len(holds),
        tuple(Constraint(c.name, holds @ c.weights, c.lower, c.upper) for c in demands.constraints),
        demands.forms,
        demands.max_overlap,
        demands.max_use,
        tuple(tuple(sorted(set(group.tolist()))) for group in groups),
        (),
        tuple(sorted(out)),
    ), holds


def violations(demands: Demands, selected: Mask) -> tuple[str, ...]:
    """Names of what the forms `selected` (F, J) break: constraints, then enemies, testlets, excluded, use, overlap.

    >>> violations(Demands.of(3, [Constraint("length", np.ones(3), 2, 2)]), np.array([[True, False, False]]))
    ('length',)
    """
    x = np.asarray(selected, dtype=bool).reshape(-1, demands.items)
    sums = x @ demands.matrix.T
    outside = np.any((sums < demands.lower - SLACK) | (sums > demands.upper + SLACK), axis=0)
    broken = [c.name for c, bad in zip(demands.constraints, outside, strict=True) if bad]
    counts = {t: x[:, list(t.items)].sum(axis=1) for t in demands.testlets}
    shared = x.astype(np.int64) @ x.T.astype(np.int64)
    most_shared = shared[np.triu_indices(len(x), 1)].max(initial=0)
    whole = {
        "enemies": any((x[:, list(group)].sum(axis=1) > 1).any() for group in demands.enemies),
        "testlets": any(((n > 0) & ((n < t.fewest) | (n > t.most))).any() for t, n in counts.items()),
        "excluded": bool((x & ~demands.allowed).any()),
        "use": demands.max_use is not None and bool((x.sum(axis=0) > demands.max_use).any()),
        "overlap": demands.max_overlap is not None and bool(most_shared > demands.max_overlap),
    }
    return (*broken, *(name for name, bad in whole.items() if bad))
