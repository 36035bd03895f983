"""Recovery of known parameters and abilities, beside the Cramer-Rao value: does the engine lose anything?

python benchmarks/irt_recovery.py [--people 2000 --items 40 --repeats 4]

`people` is how many answer each item; in sparse designs there are more of them. For each model and design: bias and
RMSE of slopes and intercepts from simulated data, and the ratio of the RMSE to the root mean squared standard error
(the Cramer-Rao value at the estimates; 1 is all there is to have).
For ability: RMSE of EAP beside the mean posterior error, coverage of 95 % intervals; and the stated classification
accuracy at two cuts beside the simulated one; last a mixed test with testlets. Exits 1 if a ratio exceeds 1.1 (1.4
for the few testlet SDs) or coverage or accuracy is more than a point off.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from examapp.psychometrics import ability, cut_scores, testlet_errors, testlets
from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.irt import Items
from examapp.psychometrics.priors import Normal, Priors
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.simulation import random_design, simulate_abilities, simulate_responses
from examapp.psychometrics.standard_errors import standard_errors
from examapp.psychometrics.testlets import calibrate_testlets, models_and_testlets

CUTS = [-0.5, 0.7]
TESTLET_POINTS = (31, 15)
TESTLET_SD_LIMIT = 1.4  # of 24 numbers the ratio itself is uncertain by 15 %
MODELS = ("rasch", "1pl", "2pl", "3pl", "4pl", "grm", "pcm", "gpcm", "nrm")


@dataclass
class Recovery:
    """Differences between estimate and truth, and standard errors, gathered over repeats."""

    difference: dict[str, list[Floats]] = field(default_factory=dict)
    error: dict[str, list[Floats]] = field(default_factory=dict)

    def add(self, name: str, difference: Floats, error: Floats) -> None:
        known = np.isfinite(error) & (error > 0)
        self.difference.setdefault(name, []).append(difference[known])
        self.error.setdefault(name, []).append(error[known])

    def row(self, name: str) -> tuple[float, float, float]:
        """Bias, RMSE, and RMSE over the root mean squared standard error."""
        difference, error = np.concatenate(self.difference[name]), np.concatenate(self.error[name])
        rmse = float(np.sqrt(np.mean(difference**2)))
        return float(difference.mean()), rmse, rmse / float(np.sqrt(np.mean(error**2)))


def bank(rng: np.random.Generator, model: str, items: int) -> Items:
    """True items; asymptotes are drawn from the prior that they are estimated under."""
    a = np.ones(items) if model in ("rasch", "pcm", "nrm") else np.full(items, 1.2)
    if model not in ("rasch", "pcm", "nrm", "1pl"):
        a = rng.lognormal(0.1, 0.25, items)
    c = 1 / (1 + np.exp(-rng.normal(-1.386, 0.5, items))) if model in ("3pl", "4pl") else 0.0
    d = 1 / (1 + np.exp(-rng.normal(2.944, 0.5, items))) if model == "4pl" else 1.0
    if model in ("grm", "pcm", "gpcm", "nrm"):
        b = rng.normal(0, 0.7, (items, 1)) + np.array([-0.9, 0.0, 0.9])
        slopes = np.sort(rng.uniform(0.4, 2.5, (items, 3)), axis=1) if model == "nrm" else 1.0
        return Items.of(model, a=a, b=b, slopes=slopes)
    return Items.of(model, a=a, b=np.clip(rng.normal(size=items), -1.8, 1.8), c=c, d=d)


def recover(model: str, people: int, items: int, repeats: int, share: float) -> tuple[list[str], bool]:
    """Lines for one model and design, and whether all ratios hold."""
    gathered, theta_difference, theta_error, inside, stated, hit = Recovery(), [], [], [], [], []
    priors = Priors(logit_c=Normal(-1.386, 0.5), logit_d=Normal(2.944, 0.5))
    for repeat in range(repeats):
        rng = np.random.default_rng([repeat, MODELS.index(model), int(100 * share)])
        truth, theta = bank(rng, model, items), simulate_abilities(rng, people)
        seen = random_design(rng, people, items, round(share * items)) if share < 1 else None
        data = simulate_responses(rng, theta, truth, seen)
        fit = calibrate(data, model, priors=priors)
        errors = standard_errors(fit, data, priors=priors)
        slope = fit.items.slopes if model == "nrm" else fit.items.a
        if model == "1pl":
            error = np.sqrt(np.diag(errors.covariance))[fit.layout.kinds[0].index[:1, 0]]
            gathered.add("a", fit.items.a[:1] - truth.a[:1], error)
        elif model not in ("rasch", "pcm"):
            own = np.sqrt(np.diag(errors.covariance)) if model == "nrm" else errors.a
            at = fit.layout.kinds[0].index[:, :3] if model == "nrm" else slice(None)
            gathered.add("a", (slope - (truth.slopes if model == "nrm" else truth.a)).ravel(), own[at].ravel())
        gathered.add("d", *_intercepts(fit.items, truth, errors.intercepts))
        found = ability.estimate(data, fit.items, mean=float(fit.mean[0]), sd=float(fit.sd[0]))
        theta_difference.append(found.theta - theta)
        theta_error.append(found.standard_error)
        inside.append(np.abs(found.theta - theta) < 1.96 * found.standard_error)
        levels = cut_scores.level_probabilities(found, CUTS)
        stated.append(levels.max(axis=1))
        hit.append(levels.argmax(axis=1) == np.searchsorted(CUTS, theta, side="right"))
    label, lines, good = f"{model} {round(100 * share)} %", [], True
    for name in gathered.difference:
        bias, rmse, ratio = gathered.row(name)
        lines.append(f"{label:<12}{name:<6}{bias:>9.4f}{rmse:>9.4f}{ratio:>9.3f}")
        good &= ratio <= 1.1
    difference, error = np.concatenate(theta_difference), np.concatenate(theta_error)
    rmse, coverage = float(np.sqrt(np.mean(difference**2))), float(np.mean(np.concatenate(inside)))
    ratio = rmse / float(np.sqrt(np.mean(error**2)))
    accuracy, said = float(np.mean(np.concatenate(hit))), float(np.mean(np.concatenate(stated)))
    text = f"coverage {coverage:.4f}, accuracy {accuracy:.4f} (stated {said:.4f})"
    lines.append(f"{label:<12}{'theta':<6}{difference.mean():>9.4f}{rmse:>9.4f}{ratio:>9.3f}  {text}")
    return lines, good and ratio <= 1.1 and abs(coverage - 0.95) <= 0.01 and abs(accuracy - said) <= 0.01


def recover_testlets(people: int, repeats: int) -> tuple[list[str], bool]:
    """Lines for a mixed test of 20 items with three testlets: slopes, intercepts, testlet SDs, general ability."""
    gathered, sd = Recovery(), np.array([0.9, 0.6, 0.4])
    models = [f"{name}@{t}" for t in "abc" for name in ("2pl", "2pl", "2pl", "grm", "gpcm")] + ["2pl"] * 5
    names, testlet, _ = models_and_testlets(models)
    for repeat in range(repeats):
        rng = np.random.default_rng([repeat, 99])
        steps = [rng.normal(0, 0.7) + np.array([0.0] if name == "2pl" else [-0.6, 0.6]) for name in names]
        truth = Items.of(names, a=rng.lognormal(0.2, 0.25, len(names)), b=steps)
        theta, shared = simulate_abilities(rng, people), rng.normal(size=(people, 3)) * sd
        eta = theta[:, None] + np.where(testlet >= 0, shared[:, np.maximum(testlet, 0)], 0.0)
        data = np.column_stack([simulate_responses(rng, eta[:, j], truth.take([j])) for j in range(len(names))])
        fit = calibrate_testlets(data, model=models, points=TESTLET_POINTS, tolerance=0.01)
        errors = testlet_errors.standard_errors(fit, data, points=TESTLET_POINTS)
        gathered.add("a", fit.items.a - truth.a, errors.items.a)
        gathered.add("b", (fit.items.b - truth.b).ravel(), errors.items.b.ravel())
        gathered.add("sd", fit.sd - sd, errors.sd)
        found = testlets.estimate(data, fit)
        gathered.add("theta", found.theta - theta, found.standard_error)
    lines, good = [], True
    for name, limit in (("a", 1.1), ("b", 1.1), ("sd", TESTLET_SD_LIMIT), ("theta", 1.1)):
        bias, rmse, ratio = gathered.row(name)
        lines.append(f"{'testlets':<12}{name:<6}{bias:>9.4f}{rmse:>9.4f}{ratio:>9.3f}")
        good &= ratio <= limit
    return lines, good


def _intercepts(ours: Items, truth: Items, error: Floats) -> tuple[Floats, Floats]:
    """Differences of intercepts on the working scale, and their errors."""
    if ours.model[0] == "nrm":
        return -(ours.b - truth.b).ravel(), error.ravel()
    cumulate = ours.model[0] in ("pcm", "gpcm")
    given = [-one.a[:, None] * (np.cumsum(one.b, axis=1) if cumulate else one.b) for one in (ours, truth)]
    return (given[0] - given[1]).ravel(), error.ravel()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--items", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=4)
    options = parser.parse_args()
    print(f"{'model seen':<12}{'':<6}{'bias':>9}{'RMSE':>9}{'/ bound':>9}")
    good = True
    for share in (1.0, 0.5, 0.25):
        for model in MODELS if share == 1.0 else ("2pl", "3pl", "grm"):
            lines, holds = recover(model, round(options.people / share), options.items, options.repeats, share)
            print("\n".join(lines), "" if holds else "  <- beyond the bound", flush=True)
            good &= holds
    lines, holds = recover_testlets(options.people, 2 * options.repeats)
    print("\n".join(lines), "" if holds else "  <- beyond the bound", flush=True)
    return 0 if good and holds else 1


if __name__ == "__main__":
    sys.exit(main())
