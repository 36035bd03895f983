"""Which numbers a calibration is free to change, as one vector: items first, then group means and log SDs.

An item's parameters are the working parameters of its model (`response_models`). Several items may share one
entry (the common slope of the one-parameter model); a fixed parameter has index -1 and keeps its start value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from examapp.psychometrics.irt import MODELS, Indices, Items
from examapp.psychometrics.response_models import Floats, ResponseModel


@dataclass(frozen=True)
class Kind:
    """Items of one model and number of categories: positions (n,), start values and vector indices (n, p)."""

    name: str
    model: ResponseModel
    at: Indices
    categories: int
    start: Floats
    index: Indices

    def values(self, vector: Floats) -> Floats:
        """Working parameters (n, p) with the vector's entries filled in."""
        if not vector.size:
            return self.start
        return np.where(self.index >= 0, vector[np.maximum(self.index, 0)], self.start)


@dataclass(frozen=True)
class Layout:
    """Where each free parameter stands in the vector of `size` numbers."""

    kinds: tuple[Kind, ...]
    mean: Floats
    sd: Floats
    mean_index: Indices
    sd_index: Indices
    size: int
    shared: bool

    @property
    def straight(self) -> bool:
        """Whether log P(X = k) / P(X = 0) is a straight line in theta for every item."""
        return all(kind.model.is_straight(kind.start) for kind in self.kinds)

    def start(self) -> Floats:
        """The vector of start values."""
        vector = np.zeros(self.size)
        for kind in self.kinds:
            free = kind.index >= 0
            vector[kind.index[free]] = kind.start[free]
        vector[self.mean_index[self.mean_index >= 0]] = self.mean[self.mean_index >= 0]
        vector[self.sd_index[self.sd_index >= 0]] = np.log(self.sd[self.sd_index >= 0])
        return vector

    def distribution(self, vector: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of ability in each group, (G,) each."""
        mean, sd = self.mean.copy(), self.sd.copy()
        free = self.mean_index >= 0
        mean[free] = vector[self.mean_index[free]]
        free = self.sd_index >= 0
        sd[free] = np.exp(vector[self.sd_index[free]])
        return mean, sd

    def items(self, vector: Floats, count: int) -> Items:
        """The items that this vector stands for."""
        width = max(kind.categories for kind in self.kinds) - 1
        names = [""] * count
        a, c, d = np.zeros(count), np.zeros(count), np.ones(count)
        b, slopes = np.full((count, width), np.nan), np.full((count, width), np.nan)
        for kind in self.kinds:
            values = kind.model.natural(kind.values(vector))
            a[kind.at], c[kind.at], d[kind.at] = values[0], values[2], values[3]
            b[kind.at, : kind.categories - 1], slopes[kind.at, : kind.categories - 1] = values[1], values[4]
            for item in kind.at.tolist():
                names[item] = kind.name
        return Items(tuple(names), a, b, c, d, slopes)

    def names(self) -> tuple[tuple[str, int], ...]:
        """For each entry what it is and the item or group it belongs to (-1 if shared by several items)."""
        out: list[tuple[str, int]] = [("", -1)] * self.size
        for kind in self.kinds:
            labels = kind.model.kinds(kind.categories)
            for row, item in zip(kind.index.tolist(), kind.at.tolist(), strict=True):
                for entry, label in zip(row, labels, strict=True):
                    if entry >= 0:
                        out[entry] = (label, -1 if out[entry][0] else item)
        for label, index in (("mean", self.mean_index), ("log sd", self.sd_index)):
            for group, entry in enumerate(index.tolist()):
                if entry >= 0:
                    out[entry] = (label, group)
        return tuple(out)


def layout(
    start: Items, fixed: Indices, mean: Floats, sd: Floats, free_mean: Sequence[bool], free_sd: Sequence[bool]
) -> Layout:
    """Number the free parameters of these items (all but the `fixed` positions) and of the groups.

    `fixed` (n,) are positions, `mean` (G,) and `sd` (G,) start values or what stays.

    >>> two = Items.of("2pl", a=[1.0, 1.0], b=[0.0, 1.0])
    >>> plan = layout(two, np.array([1]), np.zeros(1), np.ones(1), [True], [False])
    >>> plan.size, plan.names()
    (3, (('slope', 0), ('intercept', 0), ('mean', 0)))
    """
    kinds, size, shared = [], 0, -1
    keys = list(zip(start.model, start.categories.tolist(), strict=True))
    for (name, categories), (model, at, xi) in zip(dict.fromkeys(keys), start.kinds(), strict=True):
        labels = model.kinds(categories)
        index = np.full(xi.shape, -1, dtype=np.intp)
        loose = ~np.isin(at, fixed)
        for column, label in enumerate(labels):
            if label not in model.free or not loose.any():
                continue
            if label == "slope" and model.common_slope:
                shared, size = (size, size + 1) if shared < 0 else (shared, size)
                index[loose, column] = shared
                continue
            index[loose, column] = size + np.arange(int(loose.sum()))
            size += int(loose.sum())
        kinds.append(Kind(name, MODELS[name], at, categories, xi, index))
    mean_index, sd_index = np.full(mean.shape, -1, dtype=np.intp), np.full(mean.shape, -1, dtype=np.intp)
    for entries, free in ((mean_index, free_mean), (sd_index, free_sd)):
        for group in np.flatnonzero(free).tolist():
            entries[group], size = size, size + 1
    return Layout(tuple(kinds), mean, sd, mean_index, sd_index, size, shared >= 0)
