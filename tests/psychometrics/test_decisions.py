import numpy as np
import pytest

from examapp.psychometrics import decisions, simulation
from examapp.psychometrics.adaptive_design import Design, Stopping
from examapp.psychometrics.adaptive_pool import AdaptivePool
from examapp.psychometrics.adaptive_runs import run
from examapp.psychometrics.decisions import DecisionRule
from examapp.psychometrics.irt import Items

CUTS = [-0.6, 0.8]
rng = np.random.default_rng(2)
ITEMS = Items.of("2pl", a=rng.lognormal(0.1, 0.3, 600), b=rng.uniform(-2.0, 2.0, 600))
POOL = AdaptivePool.of(ITEMS)


@pytest.mark.slow
@pytest.mark.feature("P11")
@pytest.mark.parametrize("kind", ["sprt", "glr"])
@pytest.mark.parametrize("cut", [0, 1])
@pytest.mark.parametrize("side", [-1, 1])
def test_each_cut_is_decided_with_the_stated_error_rate(kind: str, cut: int, side: int) -> None:
    rule = getattr(decisions, kind)(ITEMS, CUTS, half_width=0.25, alpha=0.05, beta=0.05)
    theta = np.full(2000, CUTS[cut] + side * 0.25)
    marks = simulation.simulate_responses(np.random.default_rng(10 + 2 * cut + side), theta, ITEMS)
    done = run(Design(POOL, Stopping(most=400, fewest=10, decision=rule)), marks)
    wrong = done.level != cut + (side > 0)
    assert done.stopped.count("decision") >= 1980
    assert wrong.mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 2000)


def test_an_interval_decides_when_it_leaves_the_cut_outside() -> None:
    rule = decisions.interval([0.0, 1.0], confidence=0.9)
    found = rule.decide(np.zeros((3, 0)), np.array([0.4, 0.6, 2.0]), np.full(3, 0.3))
    assert found.tolist() == [[0, -1], [1, 0], [1, 1]]
    assert decisions.level(found).tolist() == [-1, -1, 2]


@pytest.mark.parametrize("make", [decisions.sprt, decisions.glr])
def test_all_right_passes_and_all_wrong_fails_every_cut(make) -> None:
    rule: DecisionRule = make(ITEMS, CUTS, half_width=0.3)
    for score, sign in ((1, 1), (0, -1)):
        at = rule.log_likelihood(range(600), [score] * 600)
        assert rule.decide(at[None], np.zeros(1), np.ones(1)).tolist() == [[sign, sign]]


def test_sprt_is_the_ratio_of_the_two_hypotheses() -> None:
    rule = decisions.sprt(Items.of("2pl", a=[1.0], b=[0.0]), [0.0], half_width=0.5, alpha=0.05, beta=0.1)
    low, high = rule.log_likelihood([0], [1])
    assert high - low == pytest.approx(np.log((1 + np.exp(0.5)) / (1 + np.exp(-0.5))))
    assert rule.bounds == pytest.approx((np.log(0.1 / 0.95), np.log(0.9 / 0.05)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: decisions.sprt(ITEMS, [], half_width=0.3), "cuts"),
        (lambda: decisions.glr(ITEMS, [1.0, 0.0], half_width=0.3), "rise"),
        (lambda: decisions.sprt(ITEMS, [0.0], half_width=0.0), "half_width"),
        (lambda: decisions.sprt(ITEMS, [0.0], half_width=0.3, alpha=0.5), "alpha"),
        (lambda: decisions.interval([0.0], confidence=1.0), "confidence"),
    ],
)
def test_misuse_says_what_is_wrong(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
