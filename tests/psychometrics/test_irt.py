import numpy as np
import pytest

from examapp.psychometrics import irt
from examapp.psychometrics.irt import MODELS, Items

MIXED = Items.concatenate(
    [
        Items.of("rasch", b=[0.3]),
        Items.of("3pl", a=[1.4], b=[-0.2], c=[0.2]),
        Items.of("4pl", a=[0.8], b=[0.5], c=[0.1], d=[0.95]),
        Items.of("grm", a=[1.2], b=[[-1.0, 0.2, 1.1]]),
        Items.of("gpcm", a=[0.7], b=[[0.5, -0.4]]),
        Items.of("nrm", b=[[0.5, -0.4]], slopes=[[-0.6, 1.3]]),
    ]
)
THETA = np.array([-2.3, -0.4, 0.0, 1.7])


def test_probabilities_add_up_to_one_and_absent_categories_are_zero():
    p = irt.probabilities(MIXED, THETA)
    assert np.allclose(p.sum(axis=2), 1.0)
    assert (p[:, 0, 2:] == 0).all()


def test_derivatives_by_theta_match_differences():
    h = 1e-5
    _, first, second = irt.theta_derivatives(MIXED, THETA)
    up, here, down = (irt.probabilities(MIXED, THETA + step) for step in (h, 0, -h))
    assert np.allclose(first, (up - down) / (2 * h), atol=1e-9)
    assert np.allclose(second, (up - 2 * here + down) / h**2, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_derivatives_by_parameters_match_differences(name, rng):
    model, width = MODELS[name], 2 if name[1:] == "pl" or name == "rasch" else 4
    b = np.sort(rng.normal(size=(3, width - 1)), axis=1)
    c, d = (rng.uniform(0.1, 0.3, 3), rng.uniform(0.8, 0.95, 3)) if width == 2 else (np.zeros(3), np.ones(3))
    xi = model.working(rng.uniform(0.5, 2, 3), b, c, d, rng.normal(size=b.shape))
    counts = rng.uniform(1, 9, (3, width, THETA.size))
    h, score, curvature = 1e-5, model.log_derivatives(xi, THETA), model.curvature(xi, THETA, counts)
    for p in range(xi.shape[1]):
        step = np.zeros_like(xi)
        step[:, p] = h
        rise = model.log_probabilities(xi + step, THETA) - model.log_probabilities(xi - step, THETA)
        assert np.allclose(score[:, p], rise / (2 * h), atol=1e-8)
        change = model.log_derivatives(xi + step, THETA) - model.log_derivatives(xi - step, THETA)
        assert np.allclose(-curvature[:, p], np.einsum("jpkq,jkq->jp", change, counts) / (2 * h), atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_working_parameters_lead_back_to_the_item(name):
    model = MODELS[name]
    a, c, d = np.array([1.3]), np.zeros(1), np.ones(1)
    b = np.array([[0.4]]) if name[1:] == "pl" or name == "rasch" else np.array([[-0.5, 0.4]])
    back = model.natural(model.working(a, b, c, d, np.ones_like(b)))
    assert np.allclose(back[0][:, None] * back[4], 1.3)
    assert np.allclose(back[1], b)


def test_taking_and_concatenating_keep_the_items():
    again = Items.concatenate([MIXED.take([0, 1, 2]), MIXED.take([3, 4, 5])])
    assert np.allclose(irt.probabilities(again, THETA), irt.probabilities(MIXED, THETA))
    assert MIXED.take([5, 0]).model == ("nrm", "rasch")
    assert len(MIXED.take([])) == 0


def test_information_is_the_expected_squared_score():
    p, first, second = irt.theta_derivatives(MIXED, THETA)
    curvature = (first**2 / np.maximum(p, 1e-300) - second).sum(axis=2)
    assert np.allclose(irt.information(MIXED, THETA), curvature)


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        ("5pl", {}, "unknown model"),
        ("2pl", {"a": np.nan}, "a must be finite"),
        ("3pl", {"c": 1.0}, "0 <= c < d <= 1"),
        ("2pl", {"b": [[0.0, 1.0]]}, "one threshold"),
        ("grm", {"b": [[1.0, 0.0]]}, "in order"),
        ("2pl", {"a": [1.0, 2.0], "b": [0.0]}, "1 items but parameters"),
    ],
)
def test_impossible_items_are_refused(model, values, message):
    with pytest.raises(ValueError, match=message):
        Items.of(model, **values)


def test_far_abilities_give_numbers():
    far = np.array([-500.0, 500.0])
    assert np.isfinite(irt.information(MIXED, far)).all()
    assert np.allclose(irt.probabilities(MIXED, far).sum(axis=2), 1.0)
