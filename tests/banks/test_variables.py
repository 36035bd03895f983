"""Variables that are drawn, and keys computed from them."""

import numpy as np
import pytest
from pydantic import ValidationError

from examapp.banks.formula import FormulaError, draw, rounded
from examapp.banks.variables import Answer, Derived, Joint, Listed, Stepped


def test_draws_are_exact_decimals_and_follow_the_seed():
    variables = [
        Stepped(name="t", unit="s", min="0.1", max="0.7", step="0.1"),
        Listed(name="n", unit="1", values=[1, 2]),
    ]
    drawn = [draw(variables, np.random.default_rng(seed)) for seed in range(60)]
    assert {values["t"] for values in drawn} == {f"0.{tenth}" for tenth in range(1, 8)}
    assert {values["n"] for values in drawn} == {"1", "2"}
    assert drawn[0] == draw(variables, np.random.default_rng(0))


def test_joint_variables_come_from_one_row():
    joint = Joint(names=["a", "b"], units=["1", "1"], rows=[[1, 10], [2, 20]])
    drawn = [draw([joint], np.random.default_rng(seed)) for seed in range(20)]
    assert {(values["a"], values["b"]) for values in drawn} == {("1", "10"), ("2", "20")}


def test_a_derived_variable_is_rounded_to_the_figures_shown():
    derived = Derived(name="x", unit="1", derived="g/3")
    assert draw([derived], np.random.default_rng(0), given={"g": "1"}) == {"g": "1", "x": "0.33333"}
    assert rounded(123456.0) == "1.2346E+5"


def test_a_draw_whose_trap_looks_like_the_key_is_made_again():
    variable = Stepped(name="n", unit="1", min=1, max=5, step=1)
    answer = Answer(expr="n", unit="1", rel_tol=0.01, trap={"expr": "9/n", "zh": "倒", "en": "inverted"})
    assert {draw([variable], np.random.default_rng(seed), [answer])["n"] for seed in range(60)} == {"1", "2", "4", "5"}


def test_a_trap_that_always_looks_like_the_key_is_named():
    answer = Answer(expr="n", unit="1", rel_tol=0.01, trap={"expr": "n*1.001", "zh": "近", "en": "near"})
    with pytest.raises(FormulaError, match="usual mistake"):
        draw([Listed(name="n", unit="1", values=[1, 2])], np.random.default_rng(0), [answer])


@pytest.mark.parametrize("tolerances", [{}, {"rel_tol": 0.01, "abs_tol": 1}])
def test_an_answer_has_exactly_one_tolerance(tolerances):
    with pytest.raises(ValidationError, match="either rel_tol or abs_tol"):
        Answer(expr="1", unit="1", **tolerances)


def test_the_edge_of_a_tolerance_belongs_to_it():
    assert Answer(expr="0.3", unit="1", rel_tol="0.1").accepts(0.33, {})
    assert not Answer(expr="0.3", unit="1", rel_tol="0.1").accepts(0.3301, {})
    assert Answer(expr="0.3", unit="1", abs_tol="0.1").accepts(0.2, {})
