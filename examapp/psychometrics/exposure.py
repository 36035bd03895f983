"""Keeping items from being seen too often: who may get which item is drawn before the test begins.

In the method of Sympson & Hetter (1985) an item that is selected is given with probability k_j and else leaves this
trainee's pool; as each item is tried once at most, that is the same as drawing beforehand, with probability k_j,
whether the trainee is eligible for it. Eligibility control (van der Linden & Veldkamp 2004) draws so with probabilities
that it learns from counts. So a test knows one mask, and replays from its seed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import undetermined
from examapp.psychometrics.constraints import Mask
from examapp.psychometrics.response_models import Floats

Hashes = npt.NDArray[np.uint64]


def uniform(seed: npt.ArrayLike, number: npt.ArrayLike) -> Floats:
    """The number-th uniform of each seed, in [0, 1), by the finaliser of SplitMix64 (Steele, Lea & Flood 2014).

    A pure function of two integers, so that a step needs no generator and replays anywhere; `seed` and `number` may
    have any shape, and the result has the shape of both.

    >>> uniform(7, [0, 1]).round(4).tolist()
    [0.7215, 0.1559]
    """
    with np.errstate(over="ignore"):
        z = _mixed(np.asarray(seed, dtype=np.uint64)) + np.asarray(number, dtype=np.uint64)
        return np.asarray((_mixed(z) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def draw_eligible(seed: int, probabilities: npt.ArrayLike) -> Mask:
    """Which items (J,) the trainee with this seed may get, given the `probabilities` (J,).

    Only eligible items are given, so no item's exposure exceeds its probability, whoever comes: a proved limit.

    >>> draw_eligible(1, [0.0, 1.0]).tolist()
    [False, True]
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"draw_eligible: needs one probability in [0, 1] for each item, got shape {p.shape}")
    return np.asarray(uniform(seed ^ 0x5DEECE66D, np.arange(p.size)) < p)


def sympson_hetter(selected: npt.ArrayLike, trainees: int, most: float) -> Floats:
    """Exposure parameters k (J,) from how often each item was selected, given or not, among simulated trainees.

    k_j = 1 where P(selected) <= most, else most / P(selected); simulate with them again until P(given) settles below
    the rate `most`, a share of 1 (Sympson & Hetter 1985). `selected` (J,) counts among so many `trainees`.

    >>> sympson_hetter([50, 10], 100, 0.25).tolist()
    [0.5, 1.0]
    """
    share = np.asarray(selected, dtype=np.float64) / _positive(trainees, most)
    if not ((share >= 0) & (share <= 1)).all():
        item = int(np.argmin((share >= 0) & (share <= 1)))
        raise ValueError(f"sympson_hetter: item {item} cannot have been selected for {share[item]:.6g} of the trainees")
    return np.asarray(np.minimum(1.0, most / np.maximum(share, most)), dtype=np.float64)


def eligibility(given: npt.ArrayLike, eligible: npt.ArrayLike, most: float) -> Floats:
    """Next probabilities of eligibility from counts so far, of any shape: (J,), or (cells, J) conditional on ability.

    p = min(1, most * eligible / given), counts of any shape: so many trainees got the item, and so many were drawn to
    be allowed it, `given` (J,) and `eligible` (J,) (van der Linden & Veldkamp 2004, eq. 15; conditional: 2007). Items
    not given yet have p = 1. Counts that fade, multiplied by a little less than 1 for each trainee, follow a pool whose
    use still changes.

    >>> eligibility([40, 0], [100, 100], 0.2).tolist()
    [0.5, 1.0]
    """
    _positive(1, most)
    seen, allowed = np.asarray(given, dtype=np.float64), np.asarray(eligible, dtype=np.float64)
    if seen.shape != allowed.shape or not (seen >= 0).all() or not (allowed >= 0).all():
        raise ValueError(f"eligibility: counts of shapes {seen.shape} and {allowed.shape}, all 0 or more")
    return np.where(seen > 0, np.minimum(1.0, most * allowed / np.where(seen > 0, seen, 1.0)), 1.0)


@undetermined.refused("bands × items", "the band is without trainees")
def exposure_rates(given: npt.ArrayLike, theta: npt.ArrayLike, items: int, edges: npt.ArrayLike = ()) -> Floats:
    """Share of the trainees in each ability band who got each item, (bands, J). Undetermined without trainees.

    `given` (N, L) holds item positions, -1 behind the end of a test; `theta` (N,) and `edges` (bands - 1,), which
    rise, are on one scale (conditional exposure: Stocking & Lewis 1998).

    >>> exposure_rates([[0, 1], [0, -1]], [-1.0, 1.0], 3, [0.0]).tolist()
    [[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    tests, ability = np.asarray(given, dtype=np.intp), np.asarray(theta, dtype=np.float64)
    if tests.ndim != 2 or ability.shape != (len(tests),) or tests.max(initial=-1) >= items:
        raise ValueError(f"exposure_rates: tests {tests.shape}, abilities {ability.shape}, {items} items")
    marks = np.asarray(edges, dtype=np.float64)
    if not np.isfinite(ability).all() or not (np.diff(marks) > 0).all():
        raise ValueError(f"exposure_rates: needs finite abilities and rising edges, got {marks.tolist()}")
    band = np.searchsorted(marks, ability, side="right")
    counts, people = np.zeros((marks.size + 1, items)), np.bincount(band, minlength=marks.size + 1)
    person, place = np.nonzero(tests >= 0)
    np.add.at(counts, (band[person], tests[person, place]), 1.0)
    return np.where(people[:, None] > 0, counts / np.maximum(people, 1)[:, None], np.nan)


def shared_items(given: npt.ArrayLike) -> float:
    """Mean number of items that two trainees have in common, over all pairs of the tests `given` (N, L).

    sum_j n_j (n_j - 1) / (N (N - 1)), n_j trainees having got item j (Chen, Ankenmann & Spray 2003).

    >>> shared_items([[0, 1], [1, 2]])
    1.0
    """
    tests = np.asarray(given, dtype=np.intp)
    people = len(tests)
    if tests.ndim != 2 or people < 2:
        raise ValueError(f"shared_items: needs at least two tests, got shape {tests.shape}")
    counts = np.bincount(tests[tests >= 0]).astype(np.float64)
    return float((counts * (counts - 1)).sum() / (people * (people - 1)))


def _mixed(z: Hashes) -> Hashes:
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


def _positive(trainees: int, most: float) -> int:
    if trainees < 1 or not 0 < most <= 1:
        raise ValueError(f"exposure: needs trainees >= 1 and a rate in (0, 1], got {trainees} and {most}")
    return trainees
