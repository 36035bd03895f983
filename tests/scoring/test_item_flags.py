from dataclasses import dataclass

import pytest

from examapp.scoring.item_flags import Limits, flags_of


@dataclass(frozen=True)
class Chosen:
    is_key: bool | None
    share: float = 0.2
    top_share: float = 0.1
    rest_correlation: float = -0.1


KEY = Chosen(True, 0.6, 0.8, 0.4)
SOUND = [KEY, Chosen(False), Chosen(False)]


def flags(people=200, difficulty=0.6, rest_correlation=0.4, options=SOUND, variants=None):
    return flags_of(people, difficulty, rest_correlation, options, variants or {}, Limits())


def test_sound_item_has_no_flags():
    assert flags() == ()


@pytest.mark.feature("P2")
@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"options": [KEY, Chosen(False, rest_correlation=0.5)]}, "key_suspect"),
        ({"options": [Chosen(True, 0.6, 0.8, -0.01), Chosen(False)]}, "key_suspect"),
        ({"rest_correlation": 0.14}, "weak"),
        ({"difficulty": 0.951}, "too_easy"),
        ({"difficulty": 0.299}, "too_hard"),
        ({"options": [KEY, Chosen(False, share=0.019)]}, "dead_option"),
        ({"options": [KEY, Chosen(False, top_share=0.26)]}, "strong_distractor"),
        ({"variants": {"one": (30, 10), "other": (12, 28)}}, "variant_spread"),
    ],
)
def test_what_passes_a_limit_is_flagged(changes, flag):
    assert flags(**changes) == (flag,)


@pytest.mark.parametrize(
    "changes",
    [
        {"difficulty": 0.95},
        {"difficulty": 0.30},
        {"rest_correlation": 0.15},
        {"options": [KEY, Chosen(False, share=0.02)]},
        {"options": [KEY, Chosen(False, top_share=0.25)]},
        {"variants": {"one": (30, 10), "few": (2, 27)}},
        {"variants": {"one": (30, 10), "like": (28, 12)}},
    ],
)
def test_what_only_reaches_a_limit_is_not_flagged(changes):
    assert flags(**changes) == ()


def test_options_wait_for_a_hundred_and_all_flags_for_fifty():
    dead = [KEY, Chosen(False, share=0.0)]
    assert flags(people=99, difficulty=0.97, rest_correlation=0.1, options=dead) == ("too_easy",)
    assert flags(people=49, difficulty=0.97, options=dead) == ()
