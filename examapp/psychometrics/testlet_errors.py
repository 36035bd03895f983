"""Standard errors of a testlet calibration: observed information by Oakes (1999), or the cross-product form.

The gradient g of the marginal log-posterior follows from the sums of an E-step (Fisher's identity), so the observed
information -dg / dv is two E-steps for each parameter; sum_i E_i(s) E_i(s)' is one pass over the people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examapp.psychometrics import undetermined
from examapp.psychometrics.blas import single_thread
from examapp.psychometrics.priors import Priors
from examapp.psychometrics.response_models import Floats
from examapp.psychometrics.responses import Codes, codes
from examapp.psychometrics.standard_errors import StandardErrors, errors_of, inverted
from examapp.psychometrics.testlet_expectation import Frame, expect, score_products
from examapp.psychometrics.testlets import TestletCalibration, gradient_and_step

STEP = 1e-4


@dataclass(frozen=True)
class TestletErrors:
    """Errors of the items, of the testlets' SDs (T,) and the covariance (P + T, P + T) of the calibration's vector.

    Undetermined where a parameter belongs to items that nobody saw.
    """

    __test__ = False

    items: StandardErrors
    sd: Floats
    covariance: Floats
    positive: bool


@undetermined.refused("items", "nobody saw them, or they are flat", covariance="parameters")
def standard_errors(
    fit: TestletCalibration,
    responses: npt.ArrayLike,
    *,
    priors: Priors | None = None,
    kind: str = "oakes",
    points: tuple[int, int] = (41, 21),
) -> TestletErrors:
    """Errors at a calibration's solution from the responses (N, J), priors and points it was fitted with.

    `kind` is "oakes" (observed information, two E-steps a parameter) or "cross-product" (one pass, noisier; without
    the priors' information).

    >>> from examapp.psychometrics.testlets import calibrate_testlets
    >>> data = np.random.default_rng(1).integers(0, 2, (200, 4))
    >>> fit = calibrate_testlets(data, [0, 0, -1, -1], max_cycles=5)
    >>> standard_errors(fit, data, kind="cross-product").sd.shape
    (1,)
    """
    if kind not in ("oakes", "cross-product"):
        raise ValueError(f"standard_errors: kind is oakes or cross-product, not {kind!r}")
    scores, frame = codes(responses, fit.items.categories), Frame.of(points, fit.testlet)
    with single_thread():
        if kind == "oakes":
            information = observed_information(fit, scores, frame, priors or Priors())
        else:
            information = score_products(scores, fit.layout, fit.vector, fit.items, fit.sd, frame)
    covariance, positive = inverted(information)
    own = covariance[: fit.layout.size, : fit.layout.size]
    items = errors_of(fit.items, fit.layout, fit.vector[: fit.layout.size], np.ones(1), own, positive)
    spread = np.sqrt(np.maximum(np.diag(covariance)[fit.layout.size :], 0.0))
    return TestletErrors(items, fit.sd * spread, covariance, positive)


def observed_information(fit: TestletCalibration, scores: Codes, frame: Frame, priors: Priors) -> Floats:
    """Minus the derivative (P + T, P + T) of the gradient for `scores` (N, J), by central differences (Oakes 1999).

    >>> from examapp.psychometrics.testlets import calibrate_testlets
    >>> data = np.random.default_rng(1).integers(0, 2, (60, 3)).astype(np.int8)
    >>> fit = calibrate_testlets(data, [0, 0, -1], points=(15, 7), max_cycles=3)
    >>> observed_information(fit, data, Frame.of((15, 7), fit.testlet), Priors()).shape
    (7, 7)
    """
    plan, size = fit.layout, fit.vector.size

    def gradient(vector: Floats) -> Floats:
        sums = expect(scores, plan.items(vector, len(fit.items)), np.exp(vector[plan.size :]), frame)
        return gradient_and_step(plan, vector, frame, sums, len(scores), priors)[0]

    out = np.empty((size, size))
    for at in range(size):
        h = STEP * np.eye(size)[at]
        out[at] = (gradient(fit.vector - h) - gradient(fit.vector + h)) / (2 * STEP)
    return np.asarray((out + out.T) / 2, dtype=np.float64)
