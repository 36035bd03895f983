"""Means of item scores, shares of categories and products of pairs: what limited-information fit compares.

Sources: Maydeu-Olivares & Joe (2006), Cai & Hansen (2013), Cai & Monroe (2014).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import irt, undetermined
from examapp.psychometrics.irt import Items
from examapp.psychometrics.parameter_vectors import category_gradient, owners
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import Codes

CERTAIN = 1e-12

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Margins:
    """Univariate margins (item and category, or 0 for the score itself) and pairs of items, M in all."""

    item: Indices
    category: Indices
    first: Indices
    second: Indices

    @property
    def size(self) -> int:
        """How many margins there are, M."""
        return int(self.item.size + self.first.size)


class Moments:
    """Margins and their covariance under the model, by quadrature over ability.

    `points` of equal distance reach to 6 standard deviations, unless `nodes` (Q,) says which abilities are taken.
    """

    def __init__(
        self,
        items: Items,
        margins: Margins,
        mean: float,
        sd: float,
        points: int = 121,
        nodes: Floats | None = None,
    ) -> None:
        self.items, self.margins, self.mean, self.sd = items, margins, mean, sd
        self.theta = irt.normal_grid(mean, sd, points) if nodes is None else nodes
        self.weights = irt.normal_weights(self.theta, mean, sd)
        self.p = irt.probabilities(items, self.theta)
        self.score = self.p @ np.arange(self.p.shape[2])
        self.at = self._conditional(self.p, self.score)

    def expected(self) -> Floats:
        """The margins in the population, (M,)."""
        return np.asarray(self.weights @ self.at, dtype=np.float64)

    def covariance(self) -> Floats:
        """Covariance (M, M) of one person's margins.

        Given theta items are independent, so only margins that share an item covary there: for each item the
        covariance of its own scores, times what the margins hold of other items.
        """
        centred = self.at - self.expected()
        out = centred.T @ (self.weights[:, None] * centred)
        for item, categories in enumerate(self.items.categories.tolist()):
            at, kind, rest = self.holding(item)
            within = self._item_covariance(item, categories)
            for s in np.unique(kind):
                for t in np.unique(kind):
                    rows, columns = np.flatnonzero(kind == s), np.flatnonzero(kind == t)
                    weight = self.weights * within[:, s, t]
                    out[np.ix_(at[rows], at[columns])] += rest[:, rows].T @ (weight[:, None] * rest[:, columns])
        m, first, second = self.margins.item.size, self.margins.first, self.margins.second
        variance = np.stack([self._item_covariance(j, int(k))[:, 0, 0] for j, k in enumerate(self.items.categories)])
        pairs = m + np.arange(first.size)
        out[pairs, pairs] += (self.weights * variance[first] * variance[second]).sum(axis=1)
        return np.asarray(out, dtype=np.float64)

    def derivatives(self, free_variance: bool, common_slope: bool) -> Floats:
        """Derivatives (M, P) of the expected margins by the free parameters."""
        gradient, owner = category_gradient(self.items, self.theta), owners(self.items)
        columns = np.zeros((self.margins.size, owner.size + int(free_variance)))
        for p, item in enumerate(owner.tolist()):
            at, kind, rest = self.holding(item)
            by_score = np.arange(gradient.shape[1]) @ gradient[p]
            rise = np.where(kind[:, None] == 0, by_score, gradient[p][kind])
            columns[at, p] = (self.weights * rise * rest.T).sum(axis=1)
        if free_variance:
            h = 1e-5
            up, down = (Moments(self.items, self.margins, self.mean, self.sd + s) for s in (h, -h))
            columns[:, -1] = (up.expected() - down.expected()) / (2 * h)
        if common_slope:
            slopes = np.concatenate([[True], owner[1:] != owner[:-1]])
            shared = columns[:, : owner.size][:, slopes].sum(axis=1, keepdims=True)
            columns = np.column_stack([columns[:, : owner.size][:, ~slopes], shared, columns[:, owner.size :]])
        return columns

    @undetermined.refused("items", "all is certain")
    def correlations(self) -> Floats:
        """Correlations (J, J) of the item scores that the model implies. Undetermined where all is certain."""
        mean = self.weights @ self.score
        centred = self.score - mean
        covariance = centred.T @ (self.weights[:, None] * centred)
        square = self.weights @ (self.p @ np.arange(self.p.shape[2]) ** 2)
        variance = square - mean**2
        spread = np.sqrt(np.where(variance > CERTAIN, variance, np.nan))
        return np.asarray(covariance / np.outer(spread, spread), dtype=np.float64)

    def _conditional(self, p: Floats, score: Floats) -> Floats:
        margins = self.margins
        single = np.where(margins.category == 0, score[:, margins.item], p[:, margins.item, margins.category])
        return np.concatenate([single, score[:, margins.first] * score[:, margins.second]], axis=1)

    def holding(self, item: int) -> tuple[Indices, Indices, Floats]:
        """Margins that hold an item, what of it they hold (category, 0 for the score), and the rest of them (Q, n)."""
        margins, m = self.margins, self.margins.item.size
        single = np.flatnonzero(margins.item == item)
        one, two = np.flatnonzero(margins.first == item), np.flatnonzero(margins.second == item)
        partner = np.concatenate([margins.second[one], margins.first[two]])
        at = np.concatenate([single, m + one, m + two])
        kind = np.concatenate([margins.category[single], np.zeros(partner.size, dtype=np.intp)])
        rest = np.concatenate([np.ones((self.theta.size, single.size)), self.score[:, partner]], axis=1)
        return at, kind, rest

    def _item_covariance(self, item: int, categories: int) -> Floats:
        """Covariance of an item's score (index 0) and category indicators (index 1 to K-1) given theta, (Q, K, K)."""
        values = np.vstack([np.arange(categories, dtype=np.float64), np.eye(categories)[1:]])
        p = self.p[:, item, :categories]
        mean = p @ values.T
        return np.asarray(np.einsum("qk,sk,tk->qst", p, values, values) - mean[:, :, None] * mean[:, None, :])


class IndependentMoments(Moments):
    """The margins of independent items with given category shares (J, K): one node without ability."""

    def __init__(self, items: Items, margins: Margins, shares: Floats) -> None:
        self.items, self.margins = items, margins
        self.weights, self.theta, self.p = np.ones(1), np.zeros(1), shares[None]
        self.score = self.p @ np.arange(shares.shape[1])
        self.at = self._conditional(self.p, self.score)

    def columns(self) -> Floats:
        """Derivatives (M, P) of the margins by the shares of categories 1 to K-1 of each item."""
        columns = []
        for item, categories in enumerate(self.items.categories.tolist()):
            at, kind, rest = self.holding(item)
            for k in range(1, categories):
                column = np.zeros(self.margins.size)
                column[at] = np.where(kind == 0, float(k), kind == k) * rest[0]
                columns.append(column)
        return np.stack(columns, axis=1)


def margins_of(items: Items, statistic: str) -> Margins:
    """The margins of M2 (mean scores and products) or of C2 (category shares and products).

    >>> margins_of(Items.of("pcm", b=[[-1.0, 1.0], [0.0, 0.5]]), "C2").size
    5
    """
    first, second = np.triu_indices(len(items), 1)
    if statistic == "M2":
        return Margins(np.arange(len(items)), np.zeros(len(items), dtype=np.intp), first, second)
    pairs = [(item, k) for item, count in enumerate(items.categories.tolist()) for k in range(1, count)]
    item, category = np.array(pairs, dtype=np.intp).T
    return Margins(item, category, first, second)


def observed_margins(scores: Codes, margins: Margins) -> Floats:
    """Sample means of the margins, (M,), from complete category scores (N, J).

    >>> margins = margins_of(Items.of("rasch", b=[0.0, 0.0]), "M2")
    >>> observed_margins(np.array([[1, 1], [1, 0]], dtype=np.int8), margins).tolist()
    [1.0, 0.5, 0.5]
    """
    x = scores.astype(np.float64)
    whole = margins.category == 0
    single = np.where(whole, x.mean(axis=0)[margins.item], 0.0)
    single[~whole] = (scores[:, margins.item[~whole]] == margins.category[~whole]).mean(axis=0)
    return np.concatenate([single, (x.T @ x / len(x))[margins.first, margins.second]])
