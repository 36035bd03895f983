"""Marks to a score: pure functions from a result's evidence to its outcome, by the scorer's name.

Evidence is the JSON that a result stores and a bundle carries: items with their digests, parameters, responses and
categories, how ability is estimated, and the cut. A scorer that was ever used stays here unchanged, so every score can
be recomputed to the last digit by the scorer that made it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import irt
from examapp.psychometrics.ability import Ability, CategoryLogs, category_logs, expected_a_posteriori
from examapp.psychometrics.cut_scores import level_probabilities
from examapp.psychometrics.irt import Items
from examapp.psychometrics.response_models import TINY, Floats
from examapp.psychometrics.responses import codes

Evidence = Mapping[str, Any]
Outcome = dict[str, Any]
Rule = Callable[[Sequence[int]], Outcome]

REPORTED_CUT = Decimal(60)
CURRENT_SCORER = "examapp-score/1"


def score_1(evidence: Evidence) -> Rule:
    """Return the rule by which categories on the items of `evidence` become an outcome, all as decimal strings.

    Ability is the mean of the posterior (EAP) under the stated normal prior, summed over the stated grid (Bock &
    Mislevy 1982); an item without a response is category 0. The reported scale is 60 + slope * (theta - cut), kept
    within 0 and 100 and rounded down to a tenth, so that 60 is reached exactly when the cut is. `probability` is the
    posterior probability that ability lies on the decided side of the cut; `area_profile` the share of points by area.

    Each person is summed alone: in a sum over many people at once the last bits would depend on who else is in it.
    """
    posterior, points = _posterior(evidence), _points(evidence["items"])
    cut, slope = evidence["cut"]["theta"], Decimal(evidence["scale_slope"])

    def outcome(categories: Sequence[int]) -> Outcome:
        found = posterior(categories)
        theta = _fixed(float(found.theta[0]))
        is_passed = Decimal(theta) >= Decimal(cut)
        below, above = level_probabilities(found, [float(cut)])[0]
        return {
            **points(categories),
            "theta": theta,
            "standard_error": _fixed(float(found.standard_error[0])),
            "scaled": _scaled(Decimal(theta) - Decimal(cut), slope),
            "is_passed": is_passed,
            "probability": _fixed(float(above if is_passed else below), 4),
        }

    return outcome


def _posterior(evidence: Evidence) -> Callable[[Sequence[int]], Ability]:
    ability = evidence["ability"]
    if ability["method"] != "EAP":
        raise ValueError(f"ability is estimated by EAP, not {ability['method']!r}")
    test = _test(
        tuple(_parameters(each) for each in evidence["items"]),
        tuple(float(ability["grid"][name]) for name in ("low", "high", "points")),
    )
    prior = irt.normal_weights(test.nodes, float(ability["prior"]["mean"]), float(ability["prior"]["sd"]))
    log_prior = np.log(prior + TINY)

    def of(categories: Sequence[int]) -> Ability:
        scores = codes(np.array([categories], dtype=np.int64), test.categories)
        return expected_a_posteriori(scores, test.items, test.nodes, log_prior, test.logs)

    return of


@dataclass(frozen=True)
class _Test:
    """The items of a form with their numbers of categories (J,), the nodes of a grid (Q,), log probabilities there."""

    items: Items
    categories: npt.NDArray[np.intp]
    nodes: Floats
    logs: CategoryLogs


def _parameters(item: Mapping[str, Any]) -> tuple[Any, ...]:
    values = item["parameters"]
    return (item["model"], values["a"], tuple(values["b"]), values["c"], values["d"])


# thousands sit the same form, and the probabilities are most of the work
@lru_cache(maxsize=32)
def _test(parameters: tuple[tuple[Any, ...], ...], grid: tuple[float, ...]) -> _Test:
    models, a, b, c, d = zip(*parameters, strict=True)
    thresholds = [[float(threshold) for threshold in each] for each in b]
    slopes, low, high = ([float(each) for each in values] for values in (a, c, d))
    items = Items.of(models, a=slopes, b=thresholds, c=low, d=high)
    nodes = irt.grid(grid[0], grid[1], int(grid[2]))
    return _Test(items, items.categories, nodes, category_logs(items, nodes))


def _points(items: Sequence[Mapping[str, Any]]) -> Callable[[Sequence[int]], Outcome]:
    worth, top = [Decimal(each["points"]) for each in items], [int(each["highest"]) for each in items]
    most: dict[str, Decimal] = {}
    for each, points in zip(items, worth, strict=True):
        most[each["area"]] = most.get(each["area"], Decimal(0)) + points
    highest, areas = _plain(sum(worth, Decimal(0))), {area: _plain(most[area]) for area in sorted(most)}

    @cache
    def share(place: int, category: int) -> Decimal:
        return worth[place] * category / top[place]

    def earned(categories: Sequence[int]) -> Outcome:
        raw, by_area = Decimal(0), dict.fromkeys(areas, Decimal(0))
        for place, category in enumerate(categories):
            # adding nothing changes nothing, and most of what a hurried trainee leaves is nothing
            if category:
                got = share(place, category)
                raw += got
                by_area[items[place]["area"]] += got
        return {
            "raw_points": _plain(raw),
            "highest_points": highest,
            "area_profile": {area: [_plain(got), areas[area]] for area, got in by_area.items()},
        }

    return earned


def _scaled(above_cut: Decimal, slope: Decimal) -> str:
    reported = REPORTED_CUT + slope * above_cut
    return str(min(max(reported, Decimal(0)), Decimal(100)).quantize(Decimal("0.1"), rounding=ROUND_FLOOR))


@lru_cache(4096)
def _plain(number: Decimal) -> str:
    return f"{number.quantize(Decimal('0.01')).normalize():f}"


def _fixed(number: float, digits: int = 6) -> str:
    # the last bits of a double depend on the machine; six decimals do not, and are far below any standard error
    return f"{number + 0.0:.{digits}f}"


RULES: dict[str, Callable[[Evidence], Rule]] = {"examapp-score/1": score_1}


def rule_of(evidence: Evidence) -> Rule:
    """Return what turns categories, in the order of the evidence's items, into an outcome; it serves many people.

    Only what is the same for all of them is read: scorer, items with their parameters, estimator and cut. An unknown
    scorer is a `ValueError`.
    """
    name = str(evidence.get("scorer"))
    if name not in RULES:
        raise ValueError(f"no scorer is called {name!r}")
    return RULES[name](evidence)


def rescore(evidence: Evidence) -> Outcome:
    """Return the outcome that the evidence's own scorer gives; an unknown scorer is a `ValueError`."""
    return rule_of(evidence)([each["category"] for each in evidence["items"]])


def percent(probability: str | float) -> str:
    """Return a probability as it is shown to people, to a tenth of a percent; an estimate never claims certainty.

    >>> percent("0.9733"), percent("0.9999"), percent(0.0002)
    ('97.3 %', '> 99.9 %', '< 0.1 %')
    """
    value = float(probability)
    if value > 0.999:
        return "> 99.9 %"
    return "< 0.1 %" if value < 0.001 else f"{100 * value:.1f} %"
