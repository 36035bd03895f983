from itertools import pairwise

import numpy as np
import pytest

from examapp.psychometrics import irt
from examapp.psychometrics.irt import Items
from examapp.scoring.item_numbers import ability_groups, correlation, group, option_numbers, within

GRID = irt.grid()
RASCH = Items.of("rasch", b=[0.5])


def at(theta, people):
    """Posteriors of people whose ability is known to the grid's next point."""
    return np.tile(np.arange(len(GRID)) == np.argmin(abs(GRID - theta)), (people, 1)).astype(float)


def test_interval_of_a_share_is_wilson_s():
    # 8 of 10: 0.490 to 0.943 (Agresti & Coull 1998)
    found = group(np.array([1.0] * 8 + [0.0] * 2), at(1.0, 10), RASCH, GRID)
    assert (found.observed, found.low, found.high) == pytest.approx((0.8, 0.4902, 0.9433), abs=1e-4)


def test_share_of_nobody_and_of_everybody_has_an_interval_within_0_and_1():
    none, all_right = (group(np.full(10, share), at(0.0, 10), RASCH, GRID) for share in (0.0, 1.0))
    assert (none.low, all_right.high) == pytest.approx((0.0, 1.0))
    assert none.high > 0.2
    assert all_right.low < 0.8


@pytest.mark.parametrize("item", [RASCH, Items.of("pcm", b=[[-0.5, 0.5]]), Items.of("2pl", a=[-1.0], b=[0.0])])
def test_people_of_one_ability_stand_at_it(item):
    found = group(np.array([0.0, 1.0] * 5), at(1.0, 10), item, GRID)
    assert found.theta == pytest.approx(1.0)
    assert found.expected == pytest.approx(irt.expected_score(item, [1.0])[0, 0] / (item.categories[0] - 1))


def test_ability_groups_hold_everybody_once_from_the_lowest():
    theta = np.random.default_rng(1).standard_normal(203)
    groups = ability_groups(theta)
    assert len(groups) == 10
    assert sorted(np.concatenate(groups).tolist()) == list(range(203))
    assert all(theta[low].max() <= theta[high].min() for low, high in pairwise(groups))


def test_correlation_within_forms_ignores_how_hard_the_forms_are():
    forms = np.array([0] * 4 + [1] * 4)
    item, rest = np.array([0.0, 0, 1, 1] * 2), np.array([1.0, 2, 3, 4] * 2)
    apart = correlation(within(item, forms), within(rest + 100 * forms, forms))
    assert apart == pytest.approx(correlation(item, rest))


def test_option_that_nobody_chose_has_no_ability_and_no_correlation():
    theta, rest, forms = np.linspace(-1, 1, 50), np.linspace(-5, 5, 50), np.zeros(50, dtype=int)
    found = option_numbers("d", False, np.zeros(50, dtype=bool), theta, rest, forms, ability_groups(theta))
    assert (found.count, found.share, found.by_group) == (0, 0.0, (0.0,) * 5)
    assert np.isnan([found.mean_theta, found.rest_correlation]).all()
