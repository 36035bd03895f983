"""Do items and people fit the model? Residuals at estimated abilities: infit, outfit and local dependence (Q3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import irt, undetermined
from examapp.psychometrics.irt import Items
from examapp.psychometrics.response_models import TINY, Floats
from examapp.psychometrics.responses import codes, person_blocks

BLOCK = 4096
LARGEST_SPREAD = np.sqrt(2.0)


@dataclass(frozen=True)
class MeanSquares:
    """Squared standardised residuals of items or people, 1 expected: plain mean `outfit`, weighted `infit`.

    `outfit_z` and `infit_z` are their cube-root normal transforms. Undetermined where nothing was seen, or all was
    certain.
    """

    outfit: Floats
    outfit_z: Floats
    infit: Floats
    infit_z: Floats


@undetermined.refused("{of}", "nothing was seen, or every outcome was certain")
def mean_squares(
    responses: npt.ArrayLike, items: Items, theta: npt.ArrayLike, *, of: str = "items", least_variance: float = 0.0
) -> MeanSquares:
    """Outfit and infit of "items" (J,) or of "people" (N,), from `responses` (N, J) at abilities `theta` (N,).

    Source: Wright & Masters (1982, ch. 5).

    With residual e, its variance W and fourth moment C: outfit = mean(e^2 / W), infit = sum(e^2) / sum(W). For z
    a mean square m of spread q becomes (m^(1/3) - 1) 3/q + q/3, with q^2 = sum(C/W^2)/n^2 - 1/n for outfit and
    sum(C - W^2) / sum(W)^2 for infit, q at most the square root of 2. One surprise where the outcome was nearly
    certain dominates outfit; `least_variance` keeps W from below.

    >>> items = Items.of("rasch", b=[0.0, 0.0])
    >>> mean_squares([[1, 0], [0, 1]], items, [0.0, 0.0]).outfit.tolist()
    [1.0, 1.0]
    """
    if of not in ("items", "people"):
        raise ValueError(f"mean_squares: of is items or people, not {of!r}")
    scores, abilities = codes(responses, items.categories), np.asarray(theta, dtype=np.float64)
    if abilities.shape != (len(scores),):
        raise ValueError(f"mean_squares: {len(scores)} people, but theta of shape {abilities.shape}")
    sums = np.zeros((6, len(items) if of == "items" else len(scores)))
    for rows in person_blocks(len(scores), BLOCK):
        parts = _residual_sums(scores[rows], items, abilities[rows], 0 if of == "items" else 1, least_variance)
        if of == "items":
            sums += parts
        else:
            sums[:, rows] = parts
    n, ratio, spread, error, total, excess = sums
    known, safe = n > 0, np.maximum(n, 1)
    outfit, infit = ratio / safe, error / np.where(known, total, 1.0)
    q_out = np.sqrt(np.clip(spread / safe**2 - 1 / safe, 0.0, None))
    q_in = np.sqrt(np.clip(excess, 0.0, None)) / np.where(known, total, 1.0)
    values = (outfit, _cube_root_z(outfit, q_out), infit, _cube_root_z(infit, q_in))
    return MeanSquares(*(np.where(known, value, np.nan) for value in values))


@undetermined.refused("items", "nothing is left to correlate")
def q3(responses: npt.ArrayLike, items: Items, theta: npt.ArrayLike) -> Floats:
    """Correlations (J, J) of the residuals x - E(x | theta) of each pair of items (Yen 1984).

    About -1 / (J - 1) is expected of independent items; larger means that they share more than theta. Pairs are
    taken over the people who saw both. Undetermined where that leaves nothing to correlate.

    `responses` (N, J) are scores, `theta` (N,) abilities on the items' scale.

    >>> items = Items.of("rasch", b=[0.0, 0.0])
    >>> q3([[1, 1], [0, 0]], items, [0.0, 0.0]).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    scores, abilities = codes(responses, items.categories), np.asarray(theta, dtype=np.float64)
    if abilities.shape != (len(scores),):
        raise ValueError(f"q3: {len(scores)} people, but theta of shape {abilities.shape}")
    seen = ((scores >= 0) & np.isfinite(abilities)[:, None]).astype(np.float64)
    expected = irt.expected_score(items, np.where(np.isfinite(abilities), abilities, 0.0))
    residual = np.where(seen > 0, scores - expected, 0.0)
    n, first = np.maximum(seen.T @ seen, 1), residual.T @ seen
    square = (residual**2).T @ seen - first**2 / n
    product = residual.T @ residual - first * first.T / n
    scale = np.sqrt(np.maximum(square * square.T, 0.0))
    return np.where(scale > 1e-12, product / np.where(scale > 1e-12, scale, 1.0), np.nan)


def _residual_sums(
    scores: npt.NDArray[np.int8], items: Items, theta: Floats, axis: int, least_variance: float
) -> Floats:
    """Count, then sums of e^2/W, C/W^2, e^2, W and C - W^2 over people (axis 0) or items (axis 1)."""
    known = np.isfinite(theta)
    p = irt.probabilities(items, np.where(known, theta, 0.0))
    k = np.arange(p.shape[2])
    expected = p @ k
    off = k - expected[:, :, None]
    W = np.maximum((p * off**2).sum(axis=2), max(least_variance, TINY))
    C = (p * off**4).sum(axis=2)
    seen = (scores >= 0) & known[:, None] & (W > 1e-12)
    W, square = np.where(seen, W, 1.0), (scores - expected) ** 2
    parts = (np.ones_like(W), square / W, C / W**2, square, W, C - W**2)
    return np.stack([np.where(seen, part, 0.0).sum(axis=axis) for part in parts])


def _cube_root_z(value: Floats, spread: Floats) -> Floats:
    q = np.clip(spread, 1e-12, LARGEST_SPREAD)
    return np.where(spread > 1e-9, (np.cbrt(value) - 1) * 3 / q + q / 3, 0.0)
