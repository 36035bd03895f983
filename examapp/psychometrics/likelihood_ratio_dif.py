"""Differential item functioning by the likelihood ratio of an item calibrated once, or once in each group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, chdtri

from examapp.psychometrics import irt
from examapp.psychometrics.calibration import Calibration, calibrate
from examapp.psychometrics.dif import Labels, size_classes
from examapp.psychometrics.irt import Indices, Items
from examapp.psychometrics.matching import PURIFICATIONS, Mask, Purification
from examapp.psychometrics.parameter_vectors import owners
from examapp.psychometrics.priors import Priors
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import Codes, codes


@dataclass(frozen=True)
class LikelihoodRatioDif:
    """Per item (J,): chi-square, degrees of freedom, p-value; the effect and its class A, B or C.

    `difference` is the expected item score of the focal calibration less that of the reference one, averaged over
    the focal group's ability and divided by the highest score. `mean` and `sd` are the focal group's ability, the
    reference group being N(0, 1). `converged` (J,) tells which of an item's fits reached their maximum. It is false,
    and the others are NaN, for items that were not tested, or that only one group saw.
    """

    statistic: Floats
    degrees_of_freedom: npt.NDArray[np.intp]
    p_value: Floats
    difference: Floats
    effect_class: Labels
    flagged: Mask
    mean: float
    sd: float
    log_likelihood: float
    converged: Mask
    purification: Purification

    @property
    def blank(self) -> Mapping[str, Mask]:
        """Items without a test say so by `converged`."""
        return dict.fromkeys(("statistic", "p_value", "difference"), ~self.converged)


def likelihood_ratio_dif(
    responses: npt.ArrayLike,
    focal: npt.ArrayLike,
    model: str | tuple[str, ...] = "2pl",
    *,
    tested: npt.ArrayLike | None = None,
    alpha: float = 0.05,
    purify: bool = False,
    priors: Priors | None = None,
) -> LikelihoodRatioDif:
    """Chi-square of freeing one item's parameters in the focal group, all others held equal (Thissen et al. 1993).

    `responses` (N, J) may be missing by design, `focal` (N,) is boolean; the focal group's mean and variance of ability
    are free. `tested` (n,) are positions, by default all. `purify` repeats the tests with the items flagged before
    freed, so that only the rest are anchors, until the flags stay the same, at most ten times. Classes need
    significance and are B from a difference of 0.05, C from 0.10.

    >>> rng = np.random.default_rng(1)
    >>> right = rng.random((400, 5)) < 1 / (1 + np.exp(-rng.normal(size=(400, 1))))
    >>> likelihood_ratio_dif(right, np.arange(400) < 200, tested=[0]).degrees_of_freedom.tolist()
    [2, 0, 0, 0, 0]
    """
    fits = _Fits(codes(np.asarray(responses)), _groups(responses, focal), model, priors or Priors())
    wanted = fits.testable & _mask(tested, fits.count)
    statistic, freedom, converged, flagged, state = _purified(fits, wanted, alpha, PURIFICATIONS if purify else 0)
    split = ~state.anchors
    base = fits.fit(split)
    difference = np.full(fits.count, np.nan)
    for item in np.flatnonzero(wanted).tolist():
        difference[item] = fits.difference(item, split)
    classes = size_classes(np.where(flagged | np.isnan(difference), difference, 0.0), 0.05, 0.10)
    return LikelihoodRatioDif(
        statistic=statistic,
        degrees_of_freedom=freedom,
        p_value=chdtrc(np.maximum(freedom, 1), statistic),
        difference=difference,
        effect_class=classes,
        flagged=flagged,
        mean=float(base.mean[1]),
        sd=float(base.sd[1]),
        log_likelihood=base.log_likelihood,
        converged=converged,
        purification=state,
    )


class _Fits:
    """Two-group calibrations in which some items are split, one copy for each group; each is made once."""

    def __init__(self, scores: Codes, focal: Mask, model: str | tuple[str, ...], priors: Priors) -> None:
        self.scores, self.focal, self.priors = scores, focal, priors
        self.count = scores.shape[1]
        self.models = (model,) * self.count if isinstance(model, str) else tuple(model)
        seen = scores >= 0
        self.testable = np.asarray(seen[focal].any(axis=0) & seen[~focal].any(axis=0), dtype=bool)
        self.categories = np.maximum(scores.max(axis=0, initial=0) + 1, 2)
        self.known: dict[bytes, Calibration] = {}

    def fit(self, split: Mask) -> Calibration:
        key = split.tobytes()
        if key not in self.known:
            self.known[key] = self._calibrate(np.flatnonzero(split))
        return self.known[key]

    def difference(self, item: int, split: Mask) -> float:
        """Expected score of the focal copy less that of the reference copy, over the focal group's ability."""
        freed = split.copy()
        freed[item] = True
        found = self.fit(freed)
        copy = self.count + int(freed[:item].sum())
        scores = irt.expected_score(found.items.take([item, copy]), found.nodes[1])
        return float(found.weights[1] @ (scores[:, 1] - scores[:, 0])) / float(self.categories[item] - 1)

    def _calibrate(self, split: npt.NDArray[np.intp]) -> Calibration:
        start = None
        if split.size:
            whole = self.fit(np.zeros(self.count, dtype=bool)).items
            start = Items.concatenate([whole, whole.take(split)])
        columns = np.concatenate([self.scores, self.scores[:, split]], axis=1)
        columns[np.ix_(self.focal, split)] = -1
        columns[np.ix_(~self.focal, np.arange(self.count, columns.shape[1]))] = -1
        return calibrate(
            columns,
            (*self.models, *(self.models[item] for item in split)),
            groups=self.focal,
            categories=np.concatenate([self.categories, self.categories[split]]),
            priors=self.priors,
            start=start,
        )


def _purified(fits: _Fits, wanted: Mask, alpha: float, most: int) -> tuple[Floats, Indices, Mask, Mask, Purification]:
    """Statistic, degrees of freedom, convergence and flag of each item after at most so many purifications."""
    split = np.zeros(fits.count, dtype=bool)
    statistic, freedom, converged = _tests(fits, wanted, split)
    flagged, state = _flags(statistic, freedom, alpha), Purification(~split, 0, True)
    for done in range(1, most + 1):
        if (flagged == split).all():
            break
        split = flagged if not flagged[fits.testable].all() else split
        statistic, freedom, converged = _tests(fits, wanted, split)
        flagged = _flags(statistic, freedom, alpha)
        state = Purification(~split, done, bool((flagged == split).all()))
    return statistic, freedom, converged, flagged, state


def _tests(fits: _Fits, wanted: Mask, split: Mask) -> tuple[Floats, npt.NDArray[np.intp], Mask]:
    """Statistic, degrees of freedom and convergence of each wanted item, the items of `split` freed besides."""
    statistic, freedom = np.full(fits.count, np.nan), np.zeros(fits.count, dtype=np.intp)
    converged = np.zeros(fits.count, dtype=bool)
    for item in np.flatnonzero(wanted).tolist():
        equal, freed = split.copy(), split.copy()
        equal[item], freed[item] = False, True
        one, two = fits.fit(equal), fits.fit(freed)
        statistic[item] = max(2 * (two.log_likelihood + two.log_prior - one.log_likelihood - one.log_prior), 0.0)
        freedom[item] = int((owners(one.items) == item).sum()) if two.parameters > one.parameters else 0
        freedom[item] = min(int(freedom[item]), two.parameters - one.parameters)
        converged[item] = one.converged and two.converged
    return statistic, freedom, converged


def _flags(statistic: Floats, freedom: npt.NDArray[np.intp], alpha: float) -> Mask:
    return np.asarray((freedom > 0) & (statistic > chdtri(np.maximum(freedom, 1), alpha)), dtype=bool)


def _groups(responses: npt.ArrayLike, focal: npt.ArrayLike) -> Mask:
    group = np.asarray(focal)
    scores = codes(np.asarray(responses))
    if group.dtype != np.bool_ or group.shape != (len(scores),) or not group.any() or group.all():
        raise ValueError(f"focal: needs a boolean for each person and both groups, got {group.dtype} {group.shape}")
    if not ((scores[group] >= 0).any() and (scores[~group] >= 0).any()):
        raise ValueError("focal: both groups need people who saw something")
    return group


def _mask(tested: npt.ArrayLike | None, count: int) -> Mask:
    chosen = np.zeros(count, dtype=bool)
    at = np.arange(count) if tested is None else np.asarray(tested, dtype=np.intp)
    if at.size and (at.min() < 0 or at.max() >= count):
        raise ValueError(f"tested: positions must lie in 0..{count - 1}")
    chosen[at] = True
    return chosen
