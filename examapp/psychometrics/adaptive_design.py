"""How an adaptive test is given: what it draws from, how it chooses, what it balances, when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from examapp.psychometrics import selection
from examapp.psychometrics.adaptive_pool import AdaptivePool
from examapp.psychometrics.decisions import DecisionRule
from examapp.psychometrics.irt import Indices

ESTIMATORS = ("EAP", "MAP", "ML", "WLE")


@dataclass(frozen=True)
class Stopping:
    """When a test ends: after `most` items or `seconds`; from `fewest` items on, once the standard error is at most
    `error` or every cut of the `decision` is decided.

    >>> Stopping(most=30, error=0.3).fewest
    0
    """

    most: int
    fewest: int = 0
    error: float | None = None
    seconds: float | None = None
    decision: DecisionRule | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.fewest <= self.most or self.most < 1:
            raise ValueError(f"Stopping: needs 0 <= fewest <= most and most >= 1, got {self.fewest} and {self.most}")


@dataclass(frozen=True)
class Design:
    """How one adaptive test is given.

    `criterion` is one of selection.CRITERIA; `best` > 1 picks at random among that many best (randomesque, Kingsbury
    & Zara 1989). With `strata` > 1 items are grouped by rising slope and the test moves from group to group
    (a-stratified, Chang & Ying 1999). `areas` (J,) with the `shares` (A,) wanted makes the next item come from the
    area furthest behind (Kingsbury & Zara 1989), of several equally far the one with the better item. `enemies` are
    groups of which a test holds one at most. The theta that a criterion looks at is the `estimator`'s; before both a
    high and a low score are seen ML gives way to EAP.
    """

    pool: AdaptivePool
    stopping: Stopping
    criterion: str = "mfi"
    best: int = 1
    strata: int = 1
    areas: tuple[int, ...] | None = None
    shares: tuple[float, ...] = ()
    enemies: tuple[tuple[int, ...], ...] = ()
    estimator: str = "EAP"

    def __post_init__(self) -> None:
        _check(self)

    @cached_property
    def foes(self) -> dict[int, Indices]:
        """The enemies of each item that has any."""
        foes: dict[int, set[int]] = {}
        for group in self.enemies:
            for item in group:
                foes.setdefault(item, set()).update(other for other in group if other != item)
        return {item: np.array(sorted(others), dtype=np.intp) for item, others in foes.items()}

    @cached_property
    def stratum(self) -> Indices:
        """The stratum (J,) of each item by its slope, 0 for the lowest."""
        rank = self.pool.items.a.argsort(kind="stable").argsort()
        return np.asarray(rank * self.strata // len(self.pool), dtype=np.intp)

    @cached_property
    def area_at(self) -> list[int]:
        """The area of each item, as a list of J."""
        return list(self.areas or ())

    @cached_property
    def area_of(self) -> Indices:
        """The area of each item, (J,)."""
        return np.array(self.area_at, dtype=np.intp)


def _check(design: Design) -> None:
    count = len(design.pool)
    if design.criterion not in selection.CRITERIA:
        raise ValueError(f"Design: unknown criterion {design.criterion!r}, known are {', '.join(selection.CRITERIA)}")
    if design.estimator not in ESTIMATORS:
        raise ValueError(f"Design: unknown estimator {design.estimator!r}, known are {', '.join(ESTIMATORS)}")
    if design.best < 1 or not 1 <= design.strata <= count:
        raise ValueError(f"Design: needs best >= 1 and 1 to {count} strata, got {design.best} and {design.strata}")
    if design.areas is not None and len(design.areas) != count:
        raise ValueError(f"Design: {len(design.areas)} areas for {count} items")
    if (design.areas is None) != (not design.shares) or any(share < 0 for share in design.shares):
        raise ValueError("Design: areas and shares of 0 or more go together")
    if design.areas is not None and not all(0 <= area < len(design.shares) for area in design.areas):
        raise ValueError(f"Design: areas must be 0 .. {len(design.shares) - 1}")
    if any(not 0 <= item < count for group in design.enemies for item in group):
        raise ValueError(f"Design: enemies must be items 0 .. {count - 1}")
