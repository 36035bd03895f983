"""False alarms and power of the copying test on simulated cohorts: how much copying an exam of some length can show.

python benchmarks/forensics_power.py [--cohorts N] [--seed N]

Four options an item under the nominal model with known parameters; the copier takes each answer of the source with
the given probability; p-values are exact (GBT, source fixed). False alarms: all ordered pairs of clean cohorts.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from examapp.psychometrics.irt import Items
from examapp.psychometrics.similarity import copying
from examapp.psychometrics.simulation import simulate_responses

LEVELS = (0.05, 0.01, 0.001, 1e-5)
PAIRS = 30


def nominal_items(rng: np.random.Generator, count: int) -> Items:
    """Items whose last option is the key: it rises with ability, the distractors differ in draw and slope."""
    slopes = np.column_stack([rng.normal(0.0, 0.3, (count, 2)), rng.uniform(0.8, 1.6, count)])
    intercepts = np.column_stack([rng.normal(0.0, 0.6, (count, 2)), rng.normal(0.9, 0.9, count)])
    return Items.of("nrm", b=-intercepts, slopes=slopes)


def clean_p_values(rng: np.random.Generator, length: int, cohorts: int) -> np.ndarray:
    everyone = np.array(list(itertools.permutations(range(PAIRS), 2)))
    found = []
    for _ in range(cohorts):
        items, theta = nominal_items(rng, length), rng.normal(size=PAIRS)
        found.append(copying(simulate_responses(rng, theta, items), items, theta, everyone).gbt_p)
    return np.concatenate(found)


def copied_p_values(rng: np.random.Generator, length: int, share: float, cohorts: int = 12) -> np.ndarray:
    pairs, found = np.arange(2 * PAIRS).reshape(PAIRS, 2), []
    for _ in range(cohorts):
        items, theta = nominal_items(rng, length), rng.normal(size=2 * PAIRS)
        answers = simulate_responses(rng, theta, items)
        taken = rng.random((PAIRS, length)) < share
        answers[pairs[:, 0]] = np.where(taken, answers[pairs[:, 1]], answers[pairs[:, 0]])
        found.append(copying(answers, items, theta, pairs).gbt_p)
    return np.concatenate(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohorts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    print("false alarms as a share of alpha:", ", ".join(f"{level:g}" for level in LEVELS[:3]))
    for length in (40, 60, 100):
        p_values = clean_p_values(rng, length, options.cohorts)
        print(f"{length:>5} items", *(f"{(p_values <= level).mean() / level:.2f}" for level in LEVELS[:3]))
    print("power at alpha:", ", ".join(f"{level:g}" for level in LEVELS[1:]))
    for length, share in itertools.product((40, 60, 100), (0.2, 0.4, 0.6)):
        p_values = copied_p_values(rng, length, share)
        print(f"{length:>5} items {share:.0%} copied", *(f"{(p_values <= level).mean():.2f}" for level in LEVELS[1:]))


if __name__ == "__main__":
    main()
