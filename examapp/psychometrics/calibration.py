"""Item parameters from responses, by marginal maximum likelihood (Bock & Aitkin 1981) or its penalised form.

What is maximised over items xi and the ability distributions of the groups g is

    sum_i log sum_q w_q prod_j P_j(x_ij | mean_g + sd_g z_q) + log prior(xi)

over everything a person saw; the rest is left out, which is right when what was shown depends at most on the
responses given before. Standard nodes z_q are equally spaced, so a group's own nodes move with its mean and SD.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import irt
from examapp.psychometrics.blas import single_thread
from examapp.psychometrics.expectation import Block, Columns
from examapp.psychometrics.free_parameters import Layout, layout
from examapp.psychometrics.irt import MODELS, Indices, Items
from examapp.psychometrics.latent_histogram import climb_with_histogram
from examapp.psychometrics.marginal_likelihood import SMALL, Ascent, Map, Problem, ascend, in_turn, mapper, sharpened
from examapp.psychometrics.priors import Priors
from examapp.psychometrics.response_models import TINY, Floats
from examapp.psychometrics.stacks import in_blocks, thinned
from examapp.psychometrics.starting_values import Margins, margins, start_items

MIDDLING = 4_000_000
FIRST_LOOK = 4096
MANY = SMALL
FINE, ROUGH, ROUGHEST = (1.25, 64), (1.6, 32), (2.0, 24)


@dataclass(frozen=True)
class Calibration:
    """A finished calibration.

    `items` are on the scale on which the first group has the distribution given by `mean` and `sd` (G,);
    `weights` (G, Q) and `nodes` (G, Q) describe the groups' ability distributions. `log_likelihood` is marginal,
    without the prior, whose density is `log_prior`. `converged` says whether the remaining distance to the
    maximum, estimated in complete-data standard errors, fell below the tolerance; `largest_change` is that
    distance, `gradient_norm` the largest derivative of the log-posterior at the last E-step, `cycles` the number of
    E-steps over all people.
    """

    items: Items
    mean: Floats
    sd: Floats
    nodes: Floats
    weights: Floats
    log_likelihood: float
    log_prior: float
    converged: bool
    cycles: int
    largest_change: float
    gradient_norm: float
    parameters: int
    people: float
    layout: Layout
    vector: Floats

    @property
    def aic(self) -> float:
        """Akaike's criterion, -2 log L + 2 parameters."""
        return 2 * self.parameters - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion, -2 log L + log(people) parameters."""
        return float(np.log(self.people)) * self.parameters - 2 * self.log_likelihood


def calibrate(
    responses: npt.ArrayLike | Sequence[Block],
    model: str | Sequence[str] = "2pl",
    *,
    groups: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    categories: npt.ArrayLike | None = None,
    priors: Priors | None = None,
    anchors: Items | None = None,
    anchored: npt.ArrayLike = (),
    start: Items | None = None,
    free_mean: Sequence[bool] | None = None,
    free_sd: Sequence[bool] | None = None,
    latent: str = "normal",
    points: int | None = None,
    tolerance: float | None = None,
    max_cycles: int = 1000,
    precision: str = "auto",
    map: Map | None = None,
) -> Calibration:
    """Fit one model, or one model per item, to responses (N, J), NaN or a negative integer where unseen.

    `groups` (N,) labels people whose abilities have distributions of their own, in sorted order; the first has
    mean 0 and, if any free item has a free slope, SD 1; the others are free. `weights` (N,) counts people.
    With `anchors`, J items of which those at positions `anchored` keep their parameters, every mean and SD is
    free. The iteration begins at `start` (J items of the same models) if given. `latent` is "normal" or
    "histogram" (free weights on the nodes, standardised in the first group). Instead of an array, a sequence of
    `Block`s may be given, whose E-steps are summed in order through `map`.

    `precision` is "double", "single" or "auto": single above 300,000 responses, where the estimates lose nothing that
    matters; above four million the log-likelihood too is summed so, good to 1e-7 of itself. `tolerance` is the
    distance to the maximum, in standard errors, at which the iteration ends: 1e-4, in single precision 2e-3.

    `categories` (J,) says how many categories each item has, by default one more than its highest score; `anchored`
    (n,) are positions. Source and equation stand at the head of this module; `converged` tells of trouble, ValueError
    of data that no estimate exists for.

    >>> rng = np.random.default_rng(1)
    >>> right = rng.random((500, 4)) < 1 / (1 + np.exp(-rng.normal(size=(500, 1))))
    >>> fit = calibrate(right, "rasch")
    >>> fit.converged, fit.items.b.shape
    (True, (4, 1))
    """
    chosen = priors or Priors()
    blocks = in_blocks(responses, groups, weights)
    found = margins(blocks)
    begin, held = _start(found, model, categories, anchors, anchored, start, chosen)
    plan = _plan(begin, held, found.groups, free_mean, free_sd)
    people = found.people
    if precision not in ("auto", "single", "double") or latent not in ("normal", "histogram"):
        raise ValueError(f"calibrate: unknown precision {precision!r} or latent {latent!r}")
    exact = precision == "double" or (precision == "auto" and people * len(begin) <= SMALL)
    z = irt.grid(points=points or 64)
    prior = np.tile(irt.normal_weights(z), (plan.mean.size, 1))
    columns = Columns.of(begin.categories, found.missing, plan.straight)
    with single_thread(), mapper(map, people * len(begin)) as mapped:
        problem = Problem(blocks, columns, plan, chosen, z, prior, np.float64 if exact else np.float32, mapped)
        spacing = None if points else FINE if exact or latent == "histogram" else ROUGH
        problem, vector = _first_look(problem, 0 if start else found.rows, spacing)
        climb = climb_with_histogram if latent == "histogram" else _normal
        problem, ascent = climb(problem, vector, tolerance or (1e-4 if exact else 2e-3), max_cycles)
        if precision == "auto" and not exact and people * len(begin) <= MIDDLING:
            finer = _needed_points(problem, ascent.vector, *FINE) if spacing == ROUGH else problem.z.size
            problem, ascent = sharpened(_on_nodes(problem, finer), ascent)
    return _finished(problem, ascent, people, len(begin))


def _start(
    found: Margins,
    model: str | Sequence[str],
    categories: npt.ArrayLike | None,
    anchors: Items | None,
    anchored: npt.ArrayLike,
    start: Items | None,
    priors: Priors,
) -> tuple[Items, Indices]:
    """Start items and the positions that stay fixed."""
    counts, items = found.counts, found.counts.shape[0]
    names = (model,) * items if isinstance(model, str) else tuple(model)
    unknown = sorted(set(names) - set(MODELS))
    if unknown or len(names) != items:
        raise ValueError(f"calibrate: {len(names)} models for {items} items, unknown: {unknown}")
    for name, given in (("anchors", anchors), ("start", start)):
        if given is not None and len(given) != items:
            raise ValueError(f"calibrate: {name} has {len(given)} items, the responses {items}")
    held = np.arange(items)[np.asarray(anchored, dtype=np.intp)]
    begin = start_items(counts, names, categories, anchors, held, has_prior=bool(priors.b or priors.intercept))
    if start is not None:
        parts = [begin.take([j]) if j in held else start.take([j]) for j in range(items)]
        begin = Items.concatenate(parts)
    return begin, held


def _plan(
    start: Items, held: Indices, groups: int, free_mean: Sequence[bool] | None, free_sd: Sequence[bool] | None
) -> Layout:
    """Number the free parameters; the scale is fixed by the first group unless anchors fix it."""
    loose = np.setdiff1d(np.arange(len(start)), held)
    rigid = not any("slope" in part for item in loose for part in MODELS[start.model[item]].free)
    first_mean, first_sd = bool(held.size), bool(held.size) or (rigid and bool(loose.size))
    means = list(free_mean) if free_mean is not None else [first_mean] + [True] * (groups - 1)
    sds = list(free_sd) if free_sd is not None else [first_sd] + [True] * (groups - 1)
    if len(means) != groups or len(sds) != groups:
        raise ValueError(f"calibrate: {groups} groups, but {len(means)} free_mean and {len(sds)} free_sd")
    return layout(start, held, np.zeros(groups), np.ones(groups), means, sds)


def _first_look(problem: Problem, rows: int, spacing: tuple[float, int] | None) -> tuple[Problem, Floats]:
    """Start from a few thousand people if there are many more, and make the grid as fine as the test is sharp."""
    vector = problem.layout.start()
    if rows > 2 * FIRST_LOOK and rows * problem.columns.item.size > MANY:
        few = replace(problem, blocks=thinned(problem.blocks, rows // min(FIRST_LOOK, rows // 4)), map=in_turn)
        vector = ascend(_on_nodes(few, _needed_points(few, vector, *ROUGH)), vector, 0.5, 60).vector
    if spacing:
        problem = _on_nodes(problem, _needed_points(problem, vector, *spacing))
    return problem, vector


def _on_nodes(problem: Problem, points: int) -> Problem:
    """The same problem with this number of nodes."""
    if points == problem.z.size:
        return problem
    z = irt.grid(points=points)
    return replace(problem, z=z, weights=np.tile(irt.normal_weights(z), (len(problem.weights), 1)))


def _needed_points(problem: Problem, vector: Floats, apart: float, least: int) -> int:
    """Nodes (a multiple of 8, at least `least`) no further than so many of the sharpest posterior SDs apart."""
    mean, sd = problem.layout.distribution(vector)
    sharpest = 1.0
    for kind in problem.layout.kinds:
        theta = (mean[:, None] + sd[:, None] * irt.grid(-3.0, 3.0, 25)).ravel()
        p, first, _ = kind.model.theta_derivatives(kind.values(vector), theta)
        held = (first**2 / np.maximum(p, TINY)).sum(axis=(1, 2)).reshape(mean.size, -1)
        sharpest += float((held.max(axis=1) * sd**2).max())
    return int(min(512, max(least, 8 * np.ceil(12 / apart * np.sqrt(sharpest) / 8))))


def _normal(problem: Problem, vector: Floats, tolerance: float, max_cycles: int) -> tuple[Problem, Ascent]:
    """The climb under normal abilities; where single precision will do, fewer nodes will at first, if they can."""
    points = problem.z.size
    if problem.dtype == np.float32:
        few = _needed_points(problem, vector, *ROUGHEST)
        points = few if few <= 0.8 * points else points
    return problem, ascend(problem, vector, tolerance, max_cycles, _on_nodes(problem, points))


def _finished(problem: Problem, ascent: Ascent, people: float, count: int) -> Calibration:
    nodes = problem.nodes(ascent.vector)
    mean = (problem.weights * nodes).sum(axis=1)
    sd = np.sqrt((problem.weights * (nodes - mean[:, None]) ** 2).sum(axis=1))
    if problem.weights.shape[0] and np.array_equal(problem.weights[0], irt.normal_weights(problem.z)):
        mean, sd = problem.layout.distribution(ascent.vector)
    return Calibration(
        items=problem.layout.items(ascent.vector, count),
        mean=mean,
        sd=sd,
        nodes=nodes,
        weights=problem.weights,
        log_likelihood=ascent.sums.log_likelihood,
        log_prior=ascent.step.log_prior,
        converged=ascent.converged,
        cycles=ascent.cycles,
        largest_change=ascent.change,
        gradient_norm=float(np.abs(ascent.step.gradient).max(initial=0.0)),
        parameters=problem.layout.size,
        people=people,
        layout=problem.layout,
        vector=ascent.vector,
    )
