from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examapp.psychometrics.irt import grid
from examapp.scoring.rules import percent, rescore

PARAMETERS = {"a": "1.0", "c": "0.0", "d": "1.0"}


def evidence(categories, thresholds, cut="0.0", points="1"):
    items = [
        {"slot": number, "area": "one" if number % 2 else "two", "points": points, "highest": len(b), "category": k,
         "model": "rasch" if len(b) == 1 else "pcm", "parameters": {**PARAMETERS, "b": [str(each) for each in b]}}
        for number, (k, b) in enumerate(zip(categories, thresholds, strict=True), start=1)
    ]  # fmt: skip
    ability = {"method": "EAP", "prior": {"mean": "0.0", "sd": "1.0"},
               "grid": {"low": "-6.0", "high": "6.0", "points": 121}}  # fmt: skip
    return {"scorer": "examapp-score/1", "items": items, "ability": ability, "cut": {"theta": cut},
            "scale_slope": "12.0"}  # fmt: skip


def by_hand(categories, thresholds, cut):
    """EAP by direct summation over the same grid, written without the engine."""
    nodes = grid(-6.0, 6.0, 121)
    posterior = np.exp(-(nodes**2) / 2)
    for k, b in zip(categories, thresholds, strict=True):
        steps = np.array([[sum(theta - each for each in b[:j]) for j in range(len(b) + 1)] for theta in nodes])
        posterior *= np.exp(steps[:, k]) / np.exp(steps).sum(axis=1)
    posterior /= posterior.sum()
    theta = float(posterior @ nodes)
    return theta, float(np.sqrt(posterior @ (nodes - theta) ** 2))


THRESHOLDS = [[-1.0], [0.0], [0.5], [-0.5, 0.5], [1.0]]


@pytest.mark.parametrize("categories", [[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 2, 1]])
def test_ability_and_its_error_equal_a_direct_sum(categories):
    outcome = rescore(evidence(categories, THRESHOLDS))
    theta, error = by_hand(categories, THRESHOLDS, 0.0)
    assert float(outcome["theta"]) == pytest.approx(theta, abs=1e-6)
    assert float(outcome["standard_error"]) == pytest.approx(error, abs=1e-6)


@given(st.lists(st.integers(0, 1), min_size=12, max_size=12), st.sampled_from(["-0.6", "0.0", "0.3"]))
def test_sixty_is_reached_exactly_when_the_cut_is(categories, cut):
    outcome = rescore(evidence(categories, [[b / 4] for b in range(-6, 6)], cut))
    assert outcome["is_passed"] == (Decimal(outcome["scaled"]) >= 60)
    assert outcome["is_passed"] == (Decimal(outcome["theta"]) >= Decimal(cut))
    assert 0 <= float(outcome["probability"]) <= 1


@given(st.lists(st.integers(0, 1), min_size=8, max_size=8), st.integers(0, 7))
def test_one_more_right_answer_never_lowers_the_score(categories, place):
    thresholds = [[b / 3] for b in range(-4, 4)]
    more = [*categories[:place], 1, *categories[place + 1 :]]
    lower, higher = (rescore(evidence(each, thresholds)) for each in (categories, more))
    assert float(higher["theta"]) >= float(lower["theta"])
    assert Decimal(higher["raw_points"]) >= Decimal(lower["raw_points"])


def test_the_order_of_items_does_not_change_the_score():
    forward = evidence([1, 0, 1, 2, 0], THRESHOLDS)
    backward = {**forward, "items": forward["items"][::-1]}
    assert rescore(forward) == rescore(backward)


def test_points_are_shared_by_category_and_area():
    outcome = rescore(evidence([1, 0, 1, 1, 0], THRESHOLDS, points="2"))
    assert (outcome["raw_points"], outcome["highest_points"]) == ("5", "10")
    assert outcome["area_profile"] == {"one": ["4", "6"], "two": ["1", "4"]}


def test_an_unknown_scorer_is_named():
    with pytest.raises(ValueError, match="examapp-score/9"):
        rescore({"scorer": "examapp-score/9"})


@pytest.mark.feature("B1")
@pytest.mark.parametrize(
    ("probability", "shown"),
    [("1.0000", "> 99.9 %"), ("0.9991", "> 99.9 %"), ("0.9990", "99.9 %"), ("0.5", "50.0 %"), ("0.0000", "< 0.1 %")],
)
def test_no_probability_is_shown_as_certainty(probability, shown):
    assert percent(probability) == shown
