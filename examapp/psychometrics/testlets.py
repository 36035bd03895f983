"""Testlets: items that share a text or figure share something besides ability (Bradlow, Wainer & Wang 1999).

An item j of testlet t answers to eta = theta + gamma_t, gamma_t ~ N(0, sd_t^2) independent of theta ~ N(0, 1) and
of the other testlets: the bifactor model with testlet slopes proportional to the general ones. Given theta the
testlets are independent, so every integral has two dimensions however many testlets there are (Gibbons & Hedeker
1992):

    L_i = sum_q w_q prod_t sum_r v_r prod_(j in t) P_j(x_ij | theta_q + sd_t z_r)

An item is put into a testlet where its model is named: "2pl@reading" is a 2PL item of the testlet "reading".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.ability import Ability
from examapp.psychometrics.blas import single_thread
from examapp.psychometrics.expectation import Block
from examapp.psychometrics.free_parameters import Kind, Layout, layout
from examapp.psychometrics.irt import MODELS, Indices, Items
from examapp.psychometrics.maximization import Anderson, is_possible
from examapp.psychometrics.priors import Priors
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import Codes, codes, person_blocks
from examapp.psychometrics.starting_values import margins, start_items
from examapp.psychometrics.testlet_expectation import ROWS, Frame, Sums, expect, posterior

SMALLEST_SD = 0.02


@dataclass(frozen=True)
class TestletCalibration:
    """Items on the scale of the general ability, N(0, 1), and the SD (T,) that each testlet adds to it.

    `testlet` (J,) is the testlet of each item, -1 for items that stand alone, `labels` (T,) what they are called.
    `vector` holds the items' free parameters where `layout` says, then the testlets' log SDs.
    """

    __test__ = False

    items: Items
    testlet: Indices
    sd: Floats
    log_likelihood: float
    converged: bool
    cycles: int
    largest_change: float
    labels: tuple[str, ...]
    layout: Layout
    vector: Floats


def calibrate_testlets(
    responses: npt.ArrayLike,
    testlet: npt.ArrayLike | None = None,
    model: str | Sequence[str] = "2pl",
    *,
    priors: Priors | None = None,
    points: tuple[int, int] = (41, 21),
    tolerance: float = 1e-3,
    max_cycles: int = 500,
) -> TestletCalibration:
    """Fit items and testlet spreads to responses (N, J) by marginal maximum likelihood with accelerated EM.

    Items belong to testlets as their models are named ("grm@reading"), or as `testlet` (J,) labels them with 0, 1,
    ..., and -1 for none. Every model of `MODELS` but the 1PL may be mixed with others, so long as some slope is
    free. `points` are the nodes for the general ability and for a testlet; `tolerance` is in standard errors. The
    likelihood and its sources stand at the head of this module. People who saw nothing do not count.

    >>> rng = np.random.default_rng(1)
    >>> models = ["2pl@text", "2pl@text", "2pl", "rasch"]
    >>> fit = calibrate_testlets(rng.integers(0, 2, (300, 4)), model=models, max_cycles=3)
    >>> fit.sd.shape, fit.labels, fit.testlet.tolist()
    ((1,), ('text',), [0, 0, -1, -1])
    """
    scores, chosen = codes(responses), priors or Priors()
    scores = scores[(scores >= 0).any(axis=1)]
    if not scores.size:
        raise ValueError("calibrate_testlets: nobody saw anything")
    given = (model,) * scores.shape[1] if isinstance(model, str) else tuple(model)
    names, belongs, labels = models_and_testlets(given)
    if testlet is not None:
        belongs = np.asarray(testlet, dtype=np.intp)
        labels = tuple(str(t) for t in range(int(belongs.max(initial=-1)) + 1))
        if (belongs < -1).any():
            raise ValueError(
                f"calibrate_testlets: item {int(belongs.argmin())}: testlet {int(belongs.min())} is below -1"
            )
    if belongs.shape != (scores.shape[1],) or len(names) != belongs.size:
        raise ValueError(f"calibrate_testlets: {scores.shape[1]} items, {belongs.size} testlets, {len(names)} models")
    _check(names)
    found = margins([Block(scores)])
    has_prior = bool(chosen.b or chosen.intercept)
    items = start_items(found.counts, names, None, None, np.zeros(0, dtype=np.intp), has_prior=has_prior)
    plan = layout(items, np.zeros(0, dtype=np.intp), np.zeros(1), np.ones(1), [False], [False])
    with single_thread():
        return _climb(scores, plan, Frame.of(points, belongs), labels, chosen, tolerance, max_cycles)


def models_and_testlets(names: Sequence[str]) -> tuple[tuple[str, ...], Indices, tuple[str, ...]]:
    """Model of each item, number of its testlet (J,) or -1, and the testlets' labels, from names like "2pl@text".

    >>> models_and_testlets(["2pl@b", "grm@a", "rasch", "2pl@b"])
    (('2pl', 'grm', 'rasch', '2pl'), array([ 0,  1, -1,  0]), ('b', 'a'))
    """
    parts = [name.partition("@") for name in names]
    labels = tuple(dict.fromkeys(label for _, at, label in parts if at))
    testlet = [labels.index(label) if at else -1 for _, at, label in parts]
    return tuple(model for model, _, _ in parts), np.array(testlet, dtype=np.intp), labels


def estimate(responses: npt.ArrayLike, fit: TestletCalibration, points: tuple[int, int] = (61, 21)) -> Ability:
    """EAP of the general ability (N,), what the items of a testlet share besides it being integrated out.

    `responses` (N, J) are to the calibrated items, `points` the nodes for the general ability and for a testlet. The
    posterior is that of Bock & Mislevy (1982) with L_i as at the head of this module.

    >>> x = (np.arange(64)[:, None] >> np.arange(6)) & 1
    >>> fit = calibrate_testlets(x, [0, 0, 0, -1, -1, -1], max_cycles=2)
    >>> estimate(x[:3], fit).theta.shape
    (3,)
    """
    scores, frame = codes(responses, fit.items.categories), Frame.of(points, fit.testlet)
    found = [posterior(scores[rows], fit.items, fit.sd, frame).theta for rows in person_blocks(len(scores), ROWS)]
    weights = np.concatenate([*found, np.zeros((0, frame.theta.size))])
    theta = weights @ frame.theta
    variance = weights @ frame.theta**2 - theta**2
    return Ability(theta, np.sqrt(np.maximum(variance, 0.0)), frame.theta, weights)


def gradient_and_step(
    plan: Layout, vector: Floats, frame: Frame, sums: Sums, people: int, priors: Priors
) -> tuple[Floats, Floats, Floats, float]:
    """Gradient of the marginal log-posterior, the scoring step, one over complete-data SEs, and the log prior.

    `vector` (P + T,): the items step at their own nodes, the testlets' log SDs by EM. The gradient is the expected
    complete-data one (Fisher's identity; Louis 1982), (P + T,) as the step and the scale.

    >>> data = np.random.default_rng(1).integers(0, 2, (60, 3)).astype(np.int8)
    >>> fit = calibrate_testlets(data, [0, 0, -1], points=(15, 7), max_cycles=3)
    >>> frame = Frame.of((15, 7), fit.testlet)
    >>> sums = expect(data, fit.items, fit.sd, frame)
    >>> gradient_and_step(fit.layout, fit.vector, frame, sums, 60, Priors())[0].shape
    (7,)
    """
    gradient, step, scale = np.zeros_like(vector), np.zeros_like(vector), np.ones_like(vector)
    sd, log_prior = np.exp(vector[plan.size :]), 0.0
    for kind in plan.kinds:
        density, by, bend = priors.terms(kind.model, kind.values(vector), (kind.index >= 0).astype(np.float64))
        log_prior += float(density.sum())
        for row, item in enumerate(kind.at.tolist()):
            index, free = kind.index[row], kind.index[row] >= 0
            eta = frame.eta(int(frame.testlet[item]), sd)
            own, information = _item_terms(kind, row, vector, eta, sums.counts[item])
            own, information = own + by[row, free], information + np.diag(np.maximum(np.diag(bend[row]), 0.0)[free])
            move = np.linalg.solve(information + 1e-9 * np.eye(own.size), own)
            gradient[index[free]], scale[index[free]] = own, np.sqrt(np.diag(information) + 1e-9)
            step[index[free]] = move / max(1.0, float(np.abs(move).max(initial=0.0)))
    log_sd = np.log(np.maximum(np.sqrt(sums.spread) * sd, 1.05 * SMALLEST_SD))
    gradient[plan.size :] = people * (sums.spread - 1)
    step[plan.size :], scale[plan.size :] = log_sd - vector[plan.size :], np.sqrt(2 * people)
    return gradient, step, scale, log_prior


def _item_terms(kind: Kind, row: int, vector: Floats, eta: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Gradient and expected information of one item's free parameters at its nodes."""
    xi, free, own = kind.values(vector)[row : row + 1], kind.index[row] >= 0, counts[: kind.categories]
    flat = kind.model.log_derivatives(xi, eta)[0, free].reshape(int(free.sum()), -1)
    expected = np.exp(kind.model.log_probabilities(xi, eta)[0]) * own.sum(axis=0)
    return flat @ own.ravel(), (flat * expected.ravel()) @ flat.T


def _check(names: tuple[str, ...]) -> None:
    """Refuse models that are unknown or leave the scale of the general ability open."""
    unknown = sorted(set(names) - set(MODELS) | set(names) & {"1pl"})
    if unknown:
        raise ValueError(f"calibrate_testlets: models are {', '.join(MODELS)} but 1pl, not {', '.join(unknown)}")
    if not any("slope" in part for name in names for part in MODELS[name].free):
        raise ValueError("calibrate_testlets: no item has a free slope, so the SD of the general ability is not 1")


def _climb(
    scores: Codes,
    plan: Layout,
    frame: Frame,
    labels: tuple[str, ...],
    priors: Priors,
    tolerance: float,
    max_cycles: int,
) -> TestletCalibration:
    """Accelerated EM over the working parameters of all items and the log SDs of the testlets."""
    count = frame.testlet.size
    vector = np.concatenate([plan.start(), np.full(frame.count, np.log(0.5))])
    anderson, best, plain, change = Anderson(), -np.inf, vector, np.inf
    for cycle in range(1, max_cycles + 1):
        items, sd = plan.items(vector, count), np.exp(vector[plan.size :])
        sums = expect(scores, items, sd, frame)
        _, step, scale, log_prior = gradient_and_step(plan, vector, frame, sums, len(scores), priors)
        value = sums.log_likelihood + log_prior
        if value < best - 1e-9 * abs(best) and cycle < max_cycles:
            anderson.clear()
            vector, best = plain, -np.inf
            continue
        best, plain = value, vector + step
        following = anderson.next(vector, step, scale)
        change = float(np.max(np.abs(following - vector) * scale, initial=0.0))
        if change < tolerance:
            break
        if cycle < max_cycles:
            vector = following if _possible(plan, following) else plain
    return TestletCalibration(
        items=items,
        testlet=frame.testlet,
        sd=np.asarray(sd, dtype=np.float64),
        log_likelihood=sums.log_likelihood,
        converged=change < tolerance,
        cycles=cycle,
        largest_change=change,
        labels=labels,
        layout=plan,
        vector=vector,
    )


def _possible(plan: Layout, vector: Floats) -> bool:
    """Graded intercepts fall, nothing has run away, and no testlet SD is below its floor."""
    spread = vector[plan.size :]
    low, high = (spread > np.log(SMALLEST_SD)).all(), (spread < 4).all()
    return bool(low and high) and is_possible(plan, vector[: plan.size])
