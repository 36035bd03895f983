import numpy as np
import pytest

from examapp.psychometrics import adaptive_runs, decisions, exposure, simulation
from examapp.psychometrics.adaptive_design import Design, Stopping
from examapp.psychometrics.adaptive_pool import AdaptivePool
from examapp.psychometrics.adaptive_runs import run
from examapp.psychometrics.irt import Items
from examapp.psychometrics.response_models import Floats

rng = np.random.default_rng(11)
ITEMS = Items.of("2pl", a=rng.lognormal(0.0, 0.3, 200), b=rng.normal(0.0, 1.0, 200))
POOL = AdaptivePool.of(ITEMS)
AREAS = {"areas": tuple(int(j) % 4 for j in range(200)), "shares": (0.4, 0.3, 0.2, 0.1)}


def responses(count: int, theta: Floats | float | None = None) -> Floats:
    chance = np.random.default_rng(3)
    abilities = chance.normal(size=count) if theta is None else np.broadcast_to(theta, count)
    return simulation.simulate_responses(chance, abilities, ITEMS)


@pytest.mark.parametrize(
    ("stopping", "rest"),
    [
        (Stopping(most=15), {}),
        (Stopping(most=12), {"best": 4}),
        (Stopping(most=12), {"strata": 3}),
        (Stopping(most=25, fewest=5, error=0.35), {**AREAS, "enemies": ((0, 1), (2, 3, 4))}),
        (Stopping(most=25, decision=decisions.sprt(ITEMS, [-0.5, 0.7], half_width=0.4)), {}),
        (Stopping(most=25, decision=decisions.glr(ITEMS, [-0.5, 0.7], half_width=0.4)), {}),
        (Stopping(most=25, decision=decisions.interval([0.5])), {}),
    ],
    ids=["plain", "randomesque", "strata", "areas", "sprt", "glr", "interval"],
)
def test_lock_step_takes_the_same_steps_as_one_trainee_alone(stopping: Stopping, rest: dict[str, object]) -> None:
    design = Design(POOL, stopping, **rest)  # type: ignore[arg-type]
    marks, seeds = responses(25), np.arange(25)
    eligible = np.random.default_rng(1).random(marks.shape) < 0.7
    together = run(design, marks, seeds=seeds, eligible=eligible)
    alone = adaptive_runs._step_by_step(design, marks.astype(np.int8), seeds, eligible)
    assert (together.items == alone.items).all()
    assert (together.stopped, together.level.tolist()) == (alone.stopped, alone.level.tolist())
    np.testing.assert_allclose(together.theta, alone.theta, atol=1e-12)


def test_the_estimate_recovers_ability_within_its_error() -> None:
    theta = np.random.default_rng(3).normal(size=1000)
    done = run(Design(POOL, Stopping(most=40)), responses(1000))
    error = done.final_theta - theta
    assert abs(error.mean()) < 0.03
    assert np.mean(np.abs(error) < 1.96 * done.error[:, -1]) == pytest.approx(0.95, abs=0.02)


def test_people_in_blocks_are_people_alone() -> None:
    marks = responses(600)
    done = run(Design(POOL, Stopping(most=10)), marks)
    assert (run(Design(POOL, Stopping(most=10)), marks[590:]).items == done.items[590:]).all()


def test_a_pool_that_runs_out_ends_the_test() -> None:
    few = AdaptivePool.of(ITEMS.take([0, 1, 2]))
    done = run(Design(few, Stopping(most=5)), [[1, 1, 1], [0, 0, 0]])
    assert done.stopped == ("empty", "empty")
    assert done.length.tolist() == [3, 3]


@pytest.mark.feature("E13", "B8")
def test_sympson_hetter_brings_every_exposure_below_the_limit() -> None:
    marks, design, most = responses(1000), Design(POOL, Stopping(most=15)), 0.25
    k, share = np.ones(200), np.ones(200)
    for turn in range(8):
        eligible = np.array([exposure.draw_eligible(1000 * turn + n, k) for n in range(1000)])
        done = run(design, marks, eligible=eligible)
        share = done.exposure(200)
        k = exposure.sympson_hetter(done.selected, 1000, most)
    assert run(design, marks).exposure(200).max() > 0.6
    assert share.max() <= most + 0.04


@pytest.mark.feature("E13", "B8")
def test_no_exposure_exceeds_the_probability_of_being_eligible() -> None:
    eligible = np.array([exposure.draw_eligible(n, np.full(200, 0.2)) for n in range(1000)])
    done = run(Design(POOL, Stopping(most=15)), responses(1000), eligible=eligible)
    assert (np.take_along_axis(eligible, done.items, axis=1)).all()
    assert done.exposure(200).max() <= 0.2 + 3.5 * np.sqrt(0.2 * 0.8 / 1000)


@pytest.mark.feature("B8", "P12")
def test_exposure_is_reported_for_each_item_and_ability_band() -> None:
    done = run(Design(POOL, Stopping(most=15)), responses(600))
    rates = exposure.exposure_rates(done.items, done.final_theta, 200, [-1.0, 0.0, 1.0])
    people = np.bincount(np.searchsorted([-1.0, 0.0, 1.0], done.final_theta), minlength=4)
    np.testing.assert_allclose(people @ rates / 600, done.exposure(200))
    assert rates.sum(axis=1).tolist() == pytest.approx([15.0] * 4)


def test_shared_items_are_those_of_the_mean_pair() -> None:
    items = run(Design(POOL, Stopping(most=6)), responses(20)).items
    pairs = [len(set(items[a]) & set(items[b])) for a in range(20) for b in range(a)]
    assert exposure.shared_items(items) == pytest.approx(np.mean(pairs))


def test_eligibility_learns_to_keep_the_limit() -> None:
    marks, design, most = responses(2000), Design(POOL, Stopping(most=15)), 0.25
    given, allowed = np.zeros(200), np.zeros(200)
    shares = []
    for start in range(0, 2000, 100):
        people = slice(start, start + 100)
        p = exposure.eligibility(given, allowed, most)
        eligible = np.array([exposure.draw_eligible(start + n, p) for n in range(100)])
        done = run(design, marks[people], eligible=eligible)
        given = 0.7 * given + 100 * done.exposure(200)
        allowed = 0.7 * allowed + eligible.sum(axis=0)
        shares.append(done.exposure(200))
    assert shares[0].max() > 0.6
    assert np.mean(shares[10:], axis=0).max() <= most + 0.06


@pytest.mark.parametrize(
    ("marks", "rest", "message"),
    [
        (np.zeros((0, 200)), {}, "no trainees"),
        (np.full((1, 200), np.nan), {}, "trainee 0 lacks a response"),
        (np.zeros((2, 200)), {"seeds": [1]}, "as many seeds"),
        (np.full((1, 200), 2.0), {}, "score 2"),
    ],
)
def test_misuse_says_what_and_where(marks: Floats, rest: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(Design(POOL, Stopping(most=5)), marks, **rest)  # type: ignore[arg-type]
