"""How much of the differences between ability estimates is real: reliability under a response model."""

from __future__ import annotations

import numpy as np

from examapp.psychometrics import irt
from examapp.psychometrics.ability import Ability
from examapp.psychometrics.irt import Items


def marginal_reliability(items: Items, *, mean: float = 0.0, sd: float = 1.0) -> float:
    """Reliability of theta over a normal population: the mean of I / (I + 1 / sd^2) (Green et al. 1984).

    >>> round(marginal_reliability(Items.of("2pl", a=[1.7] * 20, b=[0.0] * 20)), 3)
    0.872
    """
    nodes = irt.normal_grid(mean, sd)
    held = irt.information(items, nodes).sum(axis=1) * sd**2
    return float(irt.normal_weights(nodes, mean, sd) @ (held / (held + 1)))


def empirical_reliability(ability: Ability) -> float:
    """Share of the variance of EAP estimates in that variance plus the mean squared error, over N people (Kim 2012).

    >>> person = Ability(np.array([-1.0, 1.0]), np.array([1.0, 1.0]), irt.grid())
    >>> round(empirical_reliability(person), 3)
    0.667
    """
    if ability.theta.size < 2:
        raise ValueError("empirical_reliability: needs two people")
    known = np.isfinite(ability.theta) & np.isfinite(ability.standard_error)
    if not known.all():
        raise ValueError(f"empirical_reliability: person {int(np.argmin(known))} has no finite theta and error")
    variance = float(np.var(ability.theta, ddof=1))
    error = float(np.mean(ability.standard_error**2))
    if not variance + error > 0:
        raise ValueError(f"empirical_reliability: all {known.size} people have one theta, and no error")
    return variance / (variance + error)
