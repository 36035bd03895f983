"""Calibrations of unlike data are stationary points of a marginal likelihood that shares no code with the engine."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.special import expit, logsumexp

from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.irt import Items
from examapp.psychometrics.priors import LogNormal, Normal, Priors
from examapp.psychometrics.simulation import simulate_responses
from examapp.psychometrics.standard_errors import standard_errors

NODES = np.linspace(-9.0, 9.0, 361)
NONE = Priors(logit_c=None, logit_d=None, a=None, b=None)
GUESSING = Priors(logit_c=Normal(-1.4, 0.5), logit_d=None, a=None, b=None)
WHOLE = Priors(logit_c=Normal(-1.1, 0.5), logit_d=None, a=LogNormal(0.0, 0.5), b=None, intercept=Normal(0.0, 2.0))


@dataclass
class Study:
    model: str
    responses: np.ndarray
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None
    priors: Priors = NONE


def probabilities(model, a, d, c, theta):
    """One item's categories at theta, from the slope and the intercepts alone."""
    if model in ("gpcm", "pcm"):
        terms = np.outer(theta, a * np.arange(d.size + 1)) + np.append(0.0, np.cumsum(d))
        return np.exp(terms - logsumexp(terms, axis=1, keepdims=True))
    above = c + (1 - c) * expit(a * theta[:, None] + d)
    ends = np.ones((theta.size, 1)), np.zeros((theta.size, 1))
    return -np.diff(np.concatenate([ends[0], above, ends[1]], axis=1))


def criterion(study, a, d, c, mean, sd):
    """Marginal log-likelihood plus log prior: sums over people, their groups' abilities, and items."""
    weights = np.ones(len(study.responses)) if study.weights is None else study.weights
    groups = np.zeros(len(study.responses), dtype=int) if study.groups is None else study.groups
    total = 0.0
    for g in range(len(mean)):
        rows, theta = study.responses[groups == g], mean[g] + sd[g] * NODES
        logs = np.tile(-0.5 * NODES**2 - logsumexp(-0.5 * NODES**2), (len(rows), 1))
        for j, column in enumerate(rows.T):
            p, seen = probabilities(study.model, a[j], d[j], c[j], theta), ~np.isnan(column)
            logs[seen] += np.log(p[:, column[seen].astype(int)].T + 1e-300)
        total += weights[groups == g] @ logsumexp(logs, axis=1)
    known = study.priors
    for prior, values in ((known.logit_c, np.log(c / (1 - c + 1e-300) + 1e-300)), (known.intercept, np.concatenate(d))):
        total += 0.0 if prior is None else -0.5 * (((values - prior.mean) / prior.sd) ** 2).sum()
    if known.a is not None:
        total -= (0.5 * ((np.log(a) - known.a.mean) / known.a.sd) ** 2 + np.log(a)).sum()
    return total


def drawn(rng, items, people, mean=0.0, sd=1.0):
    return simulate_responses(rng, rng.normal(mean, sd, size=people), items)


def studies():
    rng = np.random.default_rng(20)
    b = rng.normal(size=7)
    a = rng.uniform(0.6, 2.2, 7)
    steps = np.sort(rng.normal(size=(7, 4)), axis=1)
    mixed = [steps[j, : 1 + j % 4].tolist() for j in range(7)]
    holes = drawn(rng, Items.of("2pl", a=a, b=b), 500)
    holes[rng.random(holes.shape) < 0.4] = np.nan
    holes[7] = np.nan
    graded = drawn(rng, Items.of("grm", a=a, b=mixed), 500)
    graded[rng.random(graded.shape) < 0.1] = np.nan
    patterns, counts = np.unique(drawn(rng, Items.of("2pl", a=a[:4], b=b[:4]), 5000), axis=0, return_counts=True)
    two = np.repeat([0, 1], [400, 300])
    apart = np.concatenate(
        [drawn(rng, Items.of("2pl", a=a, b=b), n, m, s) for n, m, s in ((400, 0, 1), (300, 0.8, 1.5))]
    )
    apart[:400, 5:] = np.nan
    apart[400:, :2] = np.nan
    return {
        "holes and a person who saw nothing": Study("2pl", holes),
        "a table of patterns": Study("2pl", patterns, weights=counts.astype(float)),
        "groups with common items": Study("2pl", apart, groups=two),
        "a wide ability distribution": Study("rasch", drawn(rng, Items.of("rasch", b=3 * b), 400, sd=4.0)),
        "a narrow one": Study("rasch", drawn(rng, Items.of("rasch", b=b), 600, sd=0.3)),
        "unlike numbers of categories": Study("grm", graded),
        "generalized partial credit": Study("gpcm", drawn(rng, Items.of("gpcm", a=a, b=mixed), 600)),
        "partial credit": Study("pcm", drawn(rng, Items.of("pcm", b=mixed), 500, sd=1.6)),
        "guessing": Study("3pl", drawn(rng, Items.of("3pl", a=a, b=b, c=[0.2] * 7), 800), priors=GUESSING),
        "priors on everything": Study("3pl", drawn(rng, Items.of("3pl", a=a, b=b, c=[0.2] * 7), 300), priors=WHOLE),
    }


STUDIES = studies()


def slopes(study, fit, errors):
    """Difference quotients of the criterion at the estimates, each along one standard error of a free parameter."""
    a, c, mean, sd = fit.items.a.copy(), fit.items.c.copy(), fit.mean.copy(), fit.sd.copy()
    d = [-slope * row[np.isfinite(row)] for slope, row in zip(a, fit.items.b, strict=True)]
    fixed = study.model in ("rasch", "pcm")
    moved = [(d[j], k, errors.intercepts[j, k]) for j in range(len(d)) for k in range(d[j].size)]
    moved += [] if fixed else [(a, j, errors.a[j]) for j in range(a.size)]
    moved += [(c, j, errors.logit_c[j] * c[j] * (1 - c[j])) for j in range(c.size)] if study.model == "3pl" else []
    moved += [(mean, g, errors.mean[g]) for g in range(1, mean.size)]
    moved += [(sd, g, errors.variance[g] / (2 * sd[g])) for g in range(0 if fixed else 1, sd.size)]
    out = []
    for values, at, error in moved:
        here, sides = values[at], []
        for step in (1e-3 * error, -1e-3 * error):
            values[at] = here + step
            sides.append(criterion(study, a, d, c, mean, sd))
        values[at] = here
        out.append((sides[0] - sides[1]) / 2e-3)
    return np.array(out)


@pytest.mark.parametrize("name", STUDIES)
def test_a_calibration_is_where_the_plain_likelihood_is_flat(name):
    study = STUDIES[name]
    options = {"weights": study.weights, "groups": study.groups, "priors": study.priors}
    fit = calibrate(study.responses, study.model, **options)
    errors = standard_errors(fit, study.responses, **options)
    assert fit.converged
    assert np.abs(slopes(study, fit, errors)).max() < 0.005
    beside = replace(fit, items=replace(fit.items, b=fit.items.b + 0.01))
    assert np.abs(slopes(study, beside, errors)).max() > 0.01


@pytest.mark.parametrize("name", [name for name, study in STUDIES.items() if study.priors == NONE])
def test_its_likelihood_is_the_plain_one(name):
    study = STUDIES[name]
    fit = calibrate(study.responses, study.model, weights=study.weights, groups=study.groups, priors=NONE)
    d = [-slope * row[np.isfinite(row)] for slope, row in zip(fit.items.a, fit.items.b, strict=True)]
    plain = criterion(study, fit.items.a, d, fit.items.c, fit.mean, fit.sd)
    assert plain == pytest.approx(fit.log_likelihood, abs=1e-4)
