"""Marks to a score: pure functions from a result's evidence to its outcome, by the scorer's name.

Evidence is the JSON that a result stores and a bundle carries: items with their digests, parameters, responses and
categories, how ability is estimated, and the cut. A scorer that was ever used stays here unchanged, so every score can
be recomputed to the last digit by the scorer that made it.
"""

from collections.abc import Callable, Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import numpy as np

from examapp.psychometrics import irt
from examapp.psychometrics.ability import estimate
from examapp.psychometrics.cut_scores import level_probabilities
from examapp.psychometrics.irt import Items

Evidence = Mapping[str, Any]
Outcome = dict[str, Any]

REPORTED_CUT = Decimal(60)
CURRENT_SCORER = "examapp-score/1"


def score_1(evidence: Evidence) -> Outcome:
    """Return raw points, ability, and the decision, all as decimal strings.

    Ability is the mean of the posterior (EAP) under the stated normal prior, summed over the stated grid (Bock &
    Mislevy 1982); an item without a response is category 0. The reported scale is 60 + slope * (theta - cut), kept
    within 0 and 100 and rounded down to a tenth, so that 60 is reached exactly when the cut is. `probability` is the
    posterior probability that ability lies on the decided side of the cut; `area_profile` the share of points by area.
    """
    items = Items.concatenate([_item(each) for each in evidence["items"]])
    categories = np.array([[float(each["category"]) for each in evidence["items"]]])
    ability, cut = evidence["ability"], float(evidence["cut"]["theta"])
    low, high, points = (ability["grid"][name] for name in ("low", "high", "points"))
    found = estimate(
        categories, items, method=ability["method"], mean=float(ability["prior"]["mean"]),
        sd=float(ability["prior"]["sd"]), grid=irt.grid(float(low), float(high), int(points)),
    )  # fmt: skip
    theta = _fixed(float(found.theta[0]))
    is_passed = Decimal(theta) >= Decimal(evidence["cut"]["theta"])
    below, above = level_probabilities(found, [cut])[0]
    return {
        **_points(evidence["items"]),
        "theta": theta,
        "standard_error": _fixed(float(found.standard_error[0])),
        "scaled": _scaled(Decimal(theta) - Decimal(evidence["cut"]["theta"]), Decimal(evidence["scale_slope"])),
        "is_passed": is_passed,
        "probability": _fixed(float(above if is_passed else below), 4),
    }


def _item(each: Mapping[str, Any]) -> Items:
    values = each["parameters"]
    a, c, d = ([float(values[name])] for name in ("a", "c", "d"))
    return Items.of(each["model"], a=a, b=[[float(threshold) for threshold in values["b"]]], c=c, d=d)


def _points(items: list[Mapping[str, Any]]) -> Outcome:
    earned = {each["slot"]: Decimal(each["points"]) * each["category"] / each["highest"] for each in items}
    areas: dict[str, list[Decimal]] = {}
    for each in items:
        share = areas.setdefault(each["area"], [Decimal(0), Decimal(0)])
        share[0] += earned[each["slot"]]
        share[1] += Decimal(each["points"])
    return {
        "raw_points": _plain(sum(earned.values(), Decimal(0))),
        "highest_points": _plain(sum((Decimal(each["points"]) for each in items), Decimal(0))),
        "area_profile": {area: [_plain(got), _plain(most)] for area, (got, most) in sorted(areas.items())},
    }


def _scaled(above_cut: Decimal, slope: Decimal) -> str:
    reported = REPORTED_CUT + slope * above_cut
    return str(min(max(reported, Decimal(0)), Decimal(100)).quantize(Decimal("0.1"), rounding=ROUND_FLOOR))


def _plain(number: Decimal) -> str:
    return f"{number.quantize(Decimal('0.01')).normalize():f}"


def _fixed(number: float, digits: int = 6) -> str:
    # the last bits of a double depend on the machine; six decimals do not, and are far below any standard error
    return f"{number + 0.0:.{digits}f}"


RULES: dict[str, Callable[[Evidence], Outcome]] = {"examapp-score/1": score_1}


def rescore(evidence: Evidence) -> Outcome:
    """Return the outcome that the evidence's own scorer gives; an unknown scorer is a `ValueError`."""
    name = str(evidence.get("scorer"))
    if name not in RULES:
        raise ValueError(f"no scorer is called {name!r}")
    return RULES[name](evidence)


def percent(probability: str | float) -> str:
    """Return a probability as it is shown to people, to a tenth of a percent; an estimate never claims certainty.

    >>> percent("0.9733"), percent("0.9999"), percent(0.0002)
    ('97.3 %', '> 99.9 %', '< 0.1 %')
    """
    value = float(probability)
    if value > 0.999:
        return "> 99.9 %"
    return "< 0.1 %" if value < 0.001 else f"{100 * value:.1f} %"
