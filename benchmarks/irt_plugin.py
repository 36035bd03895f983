"""The engine as a plug-in of the peer benchmark: `irt_peers.py --plugin examapp=benchmarks/irt_plugin.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from examapp.psychometrics.calibration import calibrate

NAME = "examapp"
MISSING = True
METRIC = "n01"


def fit_2pl(responses):
    return _fitted(responses, "2pl")


def fit_3pl(responses):
    return _fitted(responses, "3pl")


def fit_grm(responses, n_categories):
    return _fitted(responses, "grm")


def _fitted(responses, model):
    fit = calibrate(responses, model)
    b = fit.items.b if model == "grm" else fit.items.b[:, 0]
    found = {"a": fit.items.a, "b": b, "loglik": fit.log_likelihood, "n_iter": fit.cycles}
    return found | {"c": fit.items.c} if model == "3pl" else found
