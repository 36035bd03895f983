"""Adaptive testing: microseconds a step, simulees a second, error of theta, and a shadow-test step.

python benchmarks/cat_speed.py [--peers DIR]         our own table, on the simulees of DIR/cat_peers.py
python DIR/cat_peers.py --plugin ours=benchmarks/cat_speed.py     the same simulees against other engines
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np

from examapp.psychometrics import adaptive, adaptive_runs, decisions, irt, shadow, simulation
from examapp.psychometrics.adaptive_design import Design, Stopping
from examapp.psychometrics.adaptive_pool import AdaptivePool
from examapp.psychometrics.constraints import Constraint, Demands

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "tools" / "peers"
LENGTH = 30


def prepare(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> AdaptivePool:
    """The plug-in: tables of a bank."""
    pool = AdaptivePool.of(irt.Items.of("3pl", a=a, b=b, c=c))
    pool.ceilings  # noqa: B018 - built here, not in the first step
    return pool


class session:
    """The plug-in: one live test, as a server would hold it."""

    def __init__(self, a: np.ndarray, b: np.ndarray, c: np.ndarray, length: int, prep: AdaptivePool) -> None:
        self.design = Design(prep, Stopping(most=length))
        self.state = adaptive.begin(self.design)

    def next(self) -> int | None:
        return adaptive.next_step(self.design, self.state).item

    def answer(self, item: int, correct: bool) -> None:
        self.state = adaptive.respond(self.design, self.state, item, int(correct))

    def theta(self) -> float:
        return self.state.theta


def batch(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, theta: np.ndarray, u: np.ndarray, length: int, prep: AdaptivePool
) -> np.ndarray:
    """The plug-in: all simulees in lock step."""
    right = u < c + (1 - c) / (1 + np.exp(-a * (theta[:, None] - b)))
    return adaptive_runs.run(Design(prep, Stopping(most=length)), right.view(np.int8)).final_theta


def peers_module(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("cat_peers", folder / "cat_peers.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"no cat_peers.py in {folder}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def masked(pool: AdaptivePool, seed: int) -> Design:
    """Five areas with shares, a hundred pairs of enemies."""
    rng = np.random.default_rng(seed)
    areas = tuple(rng.integers(5, size=len(pool)).tolist())
    pairs = tuple(map(tuple, rng.permutation(len(pool))[:200].reshape(-1, 2).tolist()))
    return Design(pool, Stopping(most=LENGTH), areas=areas, shares=(0.3, 0.2, 0.2, 0.2, 0.1), enemies=pairs)


def step_times(design: Design, right: np.ndarray, eligible: np.ndarray) -> np.ndarray:
    """Microseconds from each answer to the next item."""
    took = []
    for n, row in enumerate(right):
        state = adaptive.begin(design, n, eligible[n])
        item = adaptive.next_step(design, state).item
        while item is not None:
            start = time.perf_counter()
            state = adaptive.respond(design, state, item, int(row[item]))
            item = adaptive.next_step(design, state).item
            took.append(time.perf_counter() - start)
    return np.array(took) * 1e6


def shadow_times(pool: AdaptivePool, right: np.ndarray) -> np.ndarray:
    """CPU milliseconds of shadow-test steps: 24 cells of 8 areas and 3 levels, exact areas, words, enemies."""
    rng = np.random.default_rng(4)
    count = len(pool)
    area, level, words = rng.integers(8, size=count), rng.integers(3, size=count), rng.normal(60, 15, count)
    per_area = np.array([4, 4, 4, 4, 4, 4, 3, 3])
    rows = [Constraint("length", np.ones(count), LENGTH, LENGTH), Constraint("words", words, 1600, 1900)]
    rows += [Constraint(f"area {k}", (area == k).astype(float), n, n) for k, n in enumerate(per_area)]
    rows += [
        Constraint(f"cell {k}-{m}", ((area == k) & (level == m)).astype(float), 0, 3)
        for k in range(8)
        for m in range(3)
    ]
    pairs = rng.permutation(count)[:60].reshape(-1, 2).tolist()
    design = shadow.ShadowDesign(pool, Demands.of(count, rows, enemies=pairs))
    took = []
    for n, row in enumerate(right):
        state = shadow.begin(design, seed=n)
        while True:
            start = time.process_time()
            step = shadow.next_step(design, state)
            took.append(time.process_time() - start)
            if step.item is None:
                break
            state = shadow.respond(design, state, step.item, int(row[step.item]))
    return np.array(took) * 1e3


def decision_errors(trainees: int = 6000) -> None:
    """Errors at the edges of the indifference zones, where they are largest; stated are 5 %, from ten items on."""
    rng = np.random.default_rng(2)
    items = irt.Items.of("2pl", a=rng.lognormal(0.1, 0.3, 600), b=rng.uniform(-2.0, 2.0, 600))
    pool, cuts, half = AdaptivePool.of(items), (-0.6, 0.8), 0.25
    print("| rule | theta | decided wrongly % | items (mean) | undecided at 400 % |")
    print("|---|---|---|---|---|")
    for kind in (decisions.sprt, decisions.glr):
        rule = kind(items, cuts, half_width=half)
        for cut, mark in enumerate(cuts):
            for side in (-1, 1):
                theta = np.full(trainees, mark + side * half)
                stopping = Stopping(most=400, fewest=10, decision=rule)
                marks = simulation.simulate_responses(rng, theta, items)
                done = adaptive_runs.run(Design(pool, stopping), marks)
                wrong = np.mean(done.level != cut + (side > 0))
                late = done.stopped.count("length") / trainees
                name = f"{rule.kind} at cuts {cuts[0]}, {cuts[1]}"
                print(f"| {name} | {theta[0]:+.2f} | {100 * wrong:.1f} | {done.length.mean():.0f} | {100 * late:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, default=BESIDE, help="folder of cat_peers.py")
    options = parser.parse_args()
    sys.path.insert(0, str(options.peers))
    peers = peers_module(options.peers)
    print("| bank | plain step us | p99 | with areas, enemies, exposure us | p99 | simulees/CPU s | theta RMSE |")
    print("|---|---|---|---|---|---|---|")
    for bank in (500, 5000):
        a, b, c, theta, u = peers.simulate("2pl", bank, 1000)
        pool = prepare(a, b, c)
        right = u < 1 / (1 + np.exp(-a * (theta[:, None] - b)))
        everything, most = np.ones(right.shape, bool), np.random.default_rng(1).random(right.shape) < 0.7
        plain = step_times(Design(pool, Stopping(most=LENGTH)), right[:200], everything)
        full = step_times(masked(pool, 2), right[:200], most)
        start = time.process_time()
        found = batch(a, b, c, theta, u, LENGTH, pool)
        rate = theta.size / (time.process_time() - start)
        print(
            f"| {bank} | {np.median(plain):.1f} | {np.percentile(plain, 99):.0f} | {np.median(full):.1f}"
            f" | {np.percentile(full, 99):.0f} | {rate:,.0f} | {np.sqrt(np.mean((found - theta) ** 2)):.4f} |"
        )
        if bank == 500:
            took = shadow_times(pool, right[:20])
    print(
        f"shadow-test step at 500 items, 34 constraints, 30 pairs of enemies: median {np.median(took):.1f} CPU ms,"
        f" p99 {np.percentile(took, 99):.1f} ms, longest {took.max():.1f} ms"
    )
    decision_errors()


if __name__ == "__main__":
    main()
