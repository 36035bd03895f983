"""What in an item's numbers an examiner should look at: a lead each, never a verdict.

The limits are common practice and settings, not laws. Flags on response times, drift, groups of trainees and exposure
need other data than the marks of one part, and are not raised here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import chdtrc

KEY_SUSPECT, TOO_EASY, TOO_HARD, WEAK = "key_suspect", "too_easy", "too_hard", "weak"
DEAD_OPTION, STRONG_DISTRACTOR, VARIANT_SPREAD = "dead_option", "strong_distractor", "variant_spread"
FLAGS = (KEY_SUSPECT, TOO_EASY, TOO_HARD, WEAK, DEAD_OPTION, STRONG_DISTRACTOR, VARIANT_SPREAD)


@dataclass(frozen=True)
class Limits:
    """Where a flag begins, and how many people it needs; shares and correlations as fractions."""

    fewest: int = 50
    fewest_for_options: int = 100
    fewest_per_variant: int = 30
    easy: float = 0.95
    hard: float = 0.30
    weak: float = 0.15
    dead: float = 0.02
    strong: float = 0.25
    chance: float = 0.01


class Chosen(Protocol):
    """What a flag needs to know of an option: the share of all and of the best fifth, and its point-biserial."""

    @property
    def is_key(self) -> bool | None: ...
    @property
    def share(self) -> float: ...
    @property
    def top_share(self) -> float: ...
    @property
    def rest_correlation(self) -> float: ...


def flags_of(
    people: int, difficulty: float, rest_correlation: float, options: Sequence[Chosen],
    variants: Mapping[str, tuple[int, int]], limits: Limits,
) -> tuple[str, ...]:  # fmt: skip
    """Return the flags of an item, in the order of `FLAGS`; none below the fewest people.

    `difficulty` is the mean share of the highest score; `options` those of a choice, else none; `variants`
    gives right and wrong of each set of drawn numbers.
    """
    right = [option.rest_correlation for option in options if option.is_key is True and option.share > 0]
    wrong = [option for option in options if option.is_key is False]
    best_wrong = max((each.rest_correlation for each in wrong if each.share > 0), default=-1.0)
    many = people >= limits.fewest_for_options
    raised = {
        KEY_SUSPECT: rest_correlation < 0 or (bool(right) and (min(right) < 0 or best_wrong > min(right))),
        TOO_EASY: difficulty > limits.easy,
        TOO_HARD: difficulty < limits.hard,
        WEAK: many and rest_correlation < limits.weak,
        DEAD_OPTION: many and any(option.share < limits.dead for option in wrong),
        STRONG_DISTRACTOR: many and any(option.top_share > limits.strong for option in wrong),
        VARIANT_SPREAD: _spreads(variants, limits),
    }
    return tuple(flag for flag in FLAGS if raised[flag]) if people >= limits.fewest else ()


def _spreads(variants: Mapping[str, tuple[int, int]], limits: Limits) -> bool:
    """Say whether the shares right of the variants differ beyond chance (Pearson's chi-square)."""
    table = np.array([counts for counts in variants.values() if sum(counts) >= limits.fewest_per_variant])
    if len(table) < 2 or not table.sum(axis=0).all():
        return False
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    return float(chdtrc(freedom, np.sum((table - expected) ** 2 / expected))) < limits.chance
