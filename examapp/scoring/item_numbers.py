"""Pure numbers of one item: ability groups against its curve, and who chose which option."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import irt
from examapp.psychometrics.classical import correlations
from examapp.psychometrics.irt import Items
from examapp.psychometrics.undetermined import as_nan

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
MANY, FEW_GROUPS, MANY_GROUPS, TOP = 200, 5, 10, 5
Z95 = 1.959964


@dataclass(frozen=True)
class Group:
    """People of like ability without the item: their mean share of its highest score, against the curve's.

    `theta` is the ability at which the item's curve gives `expected`; `low` to `high` is the observed share's 95 %
    interval (Wilson 1927; normal for more than two categories), `information` the item's at `theta`.
    """

    people: int
    theta: float
    expected: float
    observed: float
    low: float
    high: float
    information: float


@dataclass(frozen=True)
class OptionNumbers:
    """Who chose an option: share of all and of the best fifth, mean ability, point-biserial with the other items.

    `is_key` is None where choosing is neither right nor wrong; `by_group` holds the share in each ability group.
    """

    id: str
    is_key: bool | None
    count: int
    share: float
    top_share: float
    mean_theta: float
    rest_correlation: float
    by_group: tuple[float, ...]


def option_numbers(
    id: str, is_key: bool | None, took: npt.NDArray[np.bool_], theta: Floats, rest: Floats,
    forms: Indices, groups: Sequence[Indices],
) -> OptionNumbers:  # fmt: skip
    """Return the numbers of an option from who took it (N,), ability and rest score without the item, and forms."""
    top = np.argsort(theta, kind="stable")[-max(1, len(theta) // TOP) :]
    return OptionNumbers(
        id=id,
        is_key=is_key,
        count=int(took.sum()),
        share=float(took.mean()),
        top_share=float(took[top].mean()),
        mean_theta=float(theta[took].mean()) if took.any() else float("nan"),
        rest_correlation=correlation(within(took.astype(np.float64), forms), rest),
        by_group=tuple(float(took[own].mean()) for own in groups),
    )


def ability_groups(theta: Floats) -> list[Indices]:
    """Return the people of each ability group, equally many, from the lowest."""
    count = MANY_GROUPS if len(theta) >= MANY else FEW_GROUPS
    return np.array_split(np.argsort(theta, kind="stable"), count)


def group(observed: Floats, posterior: Floats, item: Items, grid: Floats) -> Group:
    """Return a group from its people's shares of the highest score (n,) and posteriors without the item (n, Q).

    `item` is the one item of a test, `grid` (Q,) the abilities that posteriors stand on.
    """
    share = irt.expected_score(item, grid)[:, 0] / (item.categories[0] - 1)
    expected, people = float((posterior @ share).mean()), len(observed)
    rising = share[-1] >= share[0]
    theta = float(np.interp(expected, share if rising else share[::-1], grid if rising else grid[::-1]))
    mean = float(observed.mean())
    if set(np.unique(observed).tolist()) <= {0.0, 1.0}:
        middle = (mean + Z95**2 / (2 * people)) / (1 + Z95**2 / people)
        reach = Z95 * np.sqrt(mean * (1 - mean) / people + Z95**2 / (4 * people**2)) / (1 + Z95**2 / people)
    else:
        middle, reach = mean, Z95 * float(observed.std(ddof=1)) / np.sqrt(people)
    low, high = max(0.0, float(middle - reach)), min(1.0, float(middle + reach))
    return Group(people, theta, expected, mean, low, high, float(irt.information(item, [theta])[0, 0]))


def within(values: Floats, forms: Indices) -> Floats:
    """Return deviations from the mean of the people with the same form."""
    counts = np.maximum(np.bincount(forms), 1)
    return np.asarray(values - (np.bincount(forms, weights=values) / counts)[forms])


@as_nan()
def correlation(values: Floats, rest: Floats) -> float:
    """Return the correlation of two variables (N,); NaN where one does not vary."""
    return float(correlations(values[:, None], rest[:, None])[0])
