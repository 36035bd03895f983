import numpy as np
import pytest

from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.irt import MODELS, Items
from examapp.psychometrics.parameter_vectors import numerical_jacobian
from examapp.psychometrics.simulation import simulate_responses
from examapp.psychometrics.standard_errors import standard_errors

THRESHOLDS = [[-0.8, 0.5], [-0.5, 0.7], [0.0, 0.6], [0.2, -0.2]]


@pytest.mark.parametrize("model", ["gpcm", "grm"])
def test_threshold_errors_follow_from_difference_quotients(rng, model):
    b = np.sort(THRESHOLDS, axis=1)
    data = simulate_responses(rng, rng.normal(size=400), Items.of(model, a=[1.0, 1.4, 0.8, 1.2], b=b))
    fit = calibrate(data, model)
    errors, kind = standard_errors(fit, data), fit.layout.kinds[0]
    for item, xi, index in zip(kind.at, kind.values(fit.vector), kind.index, strict=True):
        slopes = numerical_jacobian(lambda v: MODELS[model].natural(v[None])[1][0], xi)
        direct = np.sqrt(np.diag(slopes @ errors.covariance[np.ix_(index, index)] @ slopes.T))
        assert errors.b[item] == pytest.approx(direct, rel=1e-6)
