"""Simulated trainees and responses; every function takes the NumPy Generator that its chance comes from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import irt
from examapp.psychometrics.irt import Items
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import person_blocks

Mask = npt.NDArray[np.bool_]


def simulate_abilities(rng: np.random.Generator, count: int, mean: float = 0.0, sd: float = 1.0) -> Floats:
    """Abilities (N,) drawn from N(mean, sd^2), on the scale of that mean.

    >>> simulate_abilities(np.random.default_rng(1), 3).round(3).tolist()
    [0.346, 0.822, 0.33]
    """
    if count < 0 or not 0 <= sd < np.inf or not np.isfinite(mean):
        raise ValueError(
            f"simulate_abilities: needs count and sd of 0 or more and a mean, got {count}, {sd} and {mean}"
        )
    return rng.normal(mean, sd, count)


def simulate_responses(
    rng: np.random.Generator, theta: npt.ArrayLike, items: Items, seen: npt.ArrayLike | None = None
) -> Floats:
    """Category scores (N, J) as floats at abilities `theta` (N,) on the items' scale; NaN where `seen` (N, J) is false.

    One uniform number u per person and item, person by person: the score is the number of categories whose
    cumulated probability lies at or below u.

    >>> simulate_responses(np.random.default_rng(1), [9.0, -9.0], Items.of("2pl", b=[0.0, 0.5])).tolist()
    [[1.0, 1.0], [0.0, 0.0]]
    """
    abilities = np.asarray(theta, dtype=np.float64)
    if abilities.ndim != 1:
        raise ValueError(f"simulate_responses: theta needs one dimension, got shape {abilities.shape}")
    out = np.empty((abilities.size, len(items)))
    for rows in person_blocks(abilities.size, 1024):
        cumulated = irt.probabilities(items, abilities[rows]).cumsum(axis=2)[:, :, :-1]
        u = rng.random(out[rows].shape)
        out[rows] = np.minimum((u[:, :, None] >= cumulated).sum(axis=2), items.categories - 1)
    if seen is not None:
        mask = np.asarray(seen, dtype=bool)
        if mask.shape != out.shape:
            raise ValueError(f"simulate_responses: seen has shape {mask.shape}, responses {out.shape}")
        out[~mask] = np.nan
    return out


def random_design(rng: np.random.Generator, people: int, items: int, seen: int) -> Mask:
    """A mask (N, J) in which each person sees `seen` items at random.

    >>> random_design(np.random.default_rng(1), 2, 5, 3).sum(axis=1).tolist()
    [3, 3]
    """
    if not 0 <= seen <= items:
        raise ValueError(f"random_design: cannot show {seen} of {items} items")
    order = rng.random((people, items)).argsort(axis=1)
    return order < seen
