import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics import ability, cut_scores, irt
from examapp.psychometrics.irt import Items
from examapp.psychometrics.simulation import simulate_abilities, simulate_responses
from examapp.psychometrics.undetermined import as_nan

BANK = Items.of("2pl", a=[1.0, 1.4, 0.8, 1.2, 1.6, 1.1], b=[-1.2, -0.5, 0.0, 0.2, 0.7, 1.3])


def test_angoff_rounds_and_judges():
    rounds = [[[0.5, 0.7], [0.7, 0.9]], [[0.6, 0.8], [0.6, 1.0]]]
    study = cut_scores.angoff_cut(rounds)
    assert study.cut == pytest.approx(1.5)
    assert study.rounds.tolist() == pytest.approx([1.4, 1.5])
    assert study.standard_error == pytest.approx(0.1)
    assert study.judge_cuts[1].tolist() == pytest.approx([1.4, 1.6])


def test_a_missing_rating_is_replaced_by_the_other_judges():
    assert cut_scores.angoff_cut([[0.5, np.nan], [0.7, 0.8]]).judge_cuts[0].tolist() == pytest.approx([1.3, 1.5])


def test_judges_who_know_the_items_agree_with_their_difficulty():
    agreement = cut_scores.judge_agreement([[0.2, 0.5, 0.8], [0.8, 0.5, 0.2]], [0.1, 0.5, 0.9])
    assert agreement.tolist() == pytest.approx([1.0, -1.0])


def test_the_agreement_of_a_judge_who_rates_all_alike_is_refused():
    with pytest.raises(
        ValueError, match=r"judge_agreement: judges 1 \(1 of 2\) undetermined: they rate all items alike"
    ):
        cut_scores.judge_agreement([[0.2, 0.5, 0.8], [0.5, 0.5, 0.5]], [0.1, 0.5, 0.9])


def test_the_theta_at_a_score_has_that_expected_score():
    theta = cut_scores.theta_at_score(BANK, 3.7)
    assert ability.test_characteristic(BANK, [theta])[0] == pytest.approx(3.7, abs=1e-9)
    with pytest.raises(ValueError, match="not between"):
        cut_scores.theta_at_score(BANK, 6.0)


def test_the_bookmark_is_the_last_item_mastered():
    thetas, places = cut_scores.bookmark_locations(BANK)
    assert (np.diff(thetas) > 0).all()
    assert len(places) == 6
    chance = irt.probabilities(BANK, [cut_scores.bookmark_cut(BANK, [3])])[0, places[2, 0], 1]
    assert chance == pytest.approx(2 / 3, abs=1e-9)


def test_level_probabilities_from_posterior_and_from_errors_agree(rng):
    items = Items.of("2pl", a=rng.uniform(0.8, 1.6, 60), b=rng.normal(size=60))
    found = ability.estimate(simulate_responses(rng, [-1.0, 0.0, 1.0], items), items)
    plain = ability.Ability(found.theta, found.standard_error, found.grid)
    levels = cut_scores.level_probabilities(found, [-0.5, 0.5])
    assert levels.sum(axis=1) == pytest.approx(1.0)
    assert levels == pytest.approx(cut_scores.level_probabilities(plain, [-0.5, 0.5]), abs=0.02)


@pytest.mark.slow
def test_the_stated_accuracy_is_the_simulated_one(rng):
    items = Items.of("2pl", a=rng.uniform(0.8, 1.6, 30), b=rng.normal(size=30))
    theta, cuts = simulate_abilities(rng, 40_000), [-0.3, 0.9]
    found = ability.estimate(simulate_responses(rng, theta, items), items, method="ML")
    nodes = irt.grid(-5, 5, 201)
    stated = cut_scores.rudner(
        nodes, 1 / np.sqrt(irt.information(items, nodes).sum(axis=1)), irt.normal_weights(nodes), cuts
    )
    right = np.searchsorted(cuts, theta, side="right") == np.searchsorted(cuts, found.theta, side="right")
    assert right.mean() == pytest.approx(stated.accuracy, abs=0.01)
    eap = ability.estimate(simulate_responses(rng, theta[:10_000], items), items)
    levels = cut_scores.level_probabilities(eap, cuts)
    hit = levels.argmax(axis=1) == np.searchsorted(cuts, theta[:10_000], side="right")
    assert hit.mean() == pytest.approx(levels.max(axis=1).mean(), abs=0.01)


RATINGS = np.array([[0.6, 0.8, 0.3, np.nan], [0.4, 0.7, np.nan, 0.5], [0.5, 0.9, 0.2, 0.6]])


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(3)), st.permutations(range(4)), st.floats(0.1, 10.0))
def test_neither_order_of_judges_and_items_nor_the_unit_of_ratings_matters(judges, order, unit):
    one, other = cut_scores.angoff_cut(RATINGS), cut_scores.angoff_cut(unit * RATINGS[judges][:, order])
    assert [other.cut, other.standard_error] == pytest.approx([unit * one.cut, unit * one.standard_error])
    assert other.judge_cuts[0] == pytest.approx(unit * one.judge_cuts[0, judges])
    assert other.item_means == pytest.approx(unit * one.item_means[order])
    assert other.item_spread == pytest.approx(unit * one.item_spread[order])


@as_nan()
def test_a_judge_who_rated_nothing_is_no_judge():
    one, other = cut_scores.angoff_cut(RATINGS), cut_scores.angoff_cut(np.vstack([RATINGS, np.full(4, np.nan)]))
    assert (other.cut, other.standard_error) == (one.cut, one.standard_error)
    assert other.item_spread.tolist() == one.item_spread.tolist()
    assert np.isnan(other.judge_cuts[0, 3])


def test_a_judge_who_left_after_the_first_round_counts_there_alone():
    left = np.stack([RATINGS, np.where(np.arange(3)[:, None] == 0, np.nan, RATINGS)])
    with as_nan():  # their own cut in the second round
        study = cut_scores.angoff_cut(left)
    assert study.rounds[0] == cut_scores.angoff_cut(RATINGS).rounds[0]
    assert study.cut == cut_scores.angoff_cut(RATINGS[1:]).cut


@as_nan()
def test_a_single_judge_has_a_cut_without_an_error():
    study = cut_scores.angoff_cut([[0.5, 0.7]])
    assert study.cut == pytest.approx(1.2)
    assert np.isnan(study.standard_error)
    assert study.item_spread.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cut_scores.angoff_cut([[0.5, np.nan], [0.4, np.nan]]), "round 0, item 1: no judge rated it"),
        (lambda: cut_scores.angoff_cut([[-0.5]]), "not negative"),
        (lambda: cut_scores.angoff_cut(np.zeros((0, 3))), "judges by items"),
        (lambda: cut_scores.judge_agreement([[0.5, 0.4]], [0.5]), "do not belong together"),
        (lambda: cut_scores.bookmark_locations(BANK, chance=1.0), "between 0 and 1"),
        (lambda: cut_scores.bookmark_cut(BANK, [7]), "must lie in 1..6"),
        (lambda: cut_scores.information_needed(0.0), "distance > 0"),
        (lambda: cut_scores.rudner([0.0], [1.0], [-1.0], [0.0]), "none negative"),
    ],
)
def test_misuse_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("cuts", [[1.0, 0.0], [np.nan], [[0.0]]])
def test_cuts_out_of_order_are_refused(cuts):
    with pytest.raises(ValueError, match="cuts"):
        cut_scores.level_probabilities(ability.Ability(np.zeros(1), np.ones(1), irt.grid()), cuts)
