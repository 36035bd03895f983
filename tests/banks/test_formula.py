"""Formulas and typed numbers."""

import math
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from examapp.banks.formula import (
    CONSTANTS,
    FUNCTIONS,
    LONGEST_FORMULA,
    FormulaError,
    evaluate,
    names,
    parse_number,
)

TYPED = {
    "5": "5", "0.5": "0.5", ".5": "0.5", "5.": "5", " 12 ": "12", "+3": "3", "-3": "-3", "\u22123.5": "-3.5",
    "1.2e-3": "0.0012", "1.2E-3": "0.0012", "1.2×10^-3": "0.0012", "1.2 × 10^-3": "0.0012", "1.2x10^-3": "0.0012",
    "1.2*10**-3": "0.0012", "1.2×10^(-3)": "0.0012", "1.2×10⁻³": "0.0012", "10^-3": "0.001", "10³": "1000",
    "−10⁻³": "-0.001", "３．１４": "3.14", "－２": "-2", "3。14": "3.14", "１.２×１０^－３": "0.0012",
    "1,234.5": "1234.5", "1,234,567": "1234567", "12,345,678.9": "12345678.9", "0": "0", "0.000": "0", "1e300": "1e300",
}  # fmt: skip
UNREADABLE = [
    "", " ", "abc", "1,5", "0,203", "1,234", "0,203.5", "1,23,456", "12,34.5", "1_000", "nan", "NaN", "inf", "-inf",
    "Infinity", "1e", "e5", "1e5.5", "1.2.3", "--1", "+-1", "5 nm", "5%", "1/2", "½", "2²", "1₂", "①", "٣", "१",
    "0x10", "1e999", "1e-999", "1×10-3", "10^", "1×2", "1 2", "1" * 65, "1\n2", "3,14", "$5", "1e1_0", "10^^3",
    "\ud800", "1\u200b2",
]  # fmt: skip
REFUSED = [
    "", "1 +", "__import__('os')", "a.b", "a[0]", "lambda: 1", "f(x)", "sqrt(1, 2)", "sqrt()", "sqrt(x=1)",
    "a if b else c", "a and b", "1 < 2", "'a'", "a % b", "a // b", "~a", "1j", "1_000", "0x10", "[1]", "a := 1",
    "sqrt(*a)", "π*r", "1and 2", "(" * 300 + "1" + ")" * 300, "-" * 100 + "1", "+".join("1" * 150),
    "1+" * LONGEST_FORMULA + "1", "x\x00", "a;b", "a\\\n",
]  # fmt: skip


@pytest.mark.parametrize(("text", "number"), TYPED.items())
def test_a_typed_number_is_read(text, number):
    assert parse_number(text) == Decimal(number)


@pytest.mark.parametrize("text", UNREADABLE, ids=ascii)
def test_an_ambiguous_or_broken_number_is_not_guessed(text):
    assert parse_number(text) is None


@given(st.text(max_size=70))
@example("9" * 64)
def test_any_text_is_read_as_a_finite_number_or_not_at_all(text):
    number = parse_number(text)
    assert number is None or math.isfinite(float(number))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_a_plain_decimal_is_read_as_itself(number):
    assert parse_number(str(number)) == number
    assert parse_number(f"{number:E}") == number


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        ("1 + 2*3", 7), ("2**3**2", 512), ("-2**2", -4), ("(1+2)*3", 9), ("7/2", 3.5), ("ln(exp(2))", 2),
        ("log10(1000)", 3), ("degrees(asin(1))", 90), ("sin(radians(30))", 0.5), ("erf(0)", 0), ("abs(-3)", 3),
        ("tan(0)+cos(0)", 1), ("sqrt(2)**2", 2), ("pi", math.pi), ("1.5e3", 1500), ("+x", 4), ("R", 8.314462618),
    ],
)  # fmt: skip
def test_a_formula_has_its_value(expr, value):
    assert evaluate(expr, {"x": "4"}) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("expr", REFUSED, ids=lambda expr: ascii(expr[:30]))
def test_anything_but_arithmetic_is_refused(expr):
    with pytest.raises(FormulaError):
        names(expr)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text):
    with suppress(FormulaError):
        assert names(text) >= set()


@pytest.mark.parametrize("expr", ["1/0", "ln(0)", "sqrt(-1)", "(-8)**0.5", "9**9**9", "exp(1000)", "asin(2)", "y"])
def test_a_formula_without_a_finite_value_says_so(expr):
    with pytest.raises(FormulaError, match=r"narrow|define"):
        evaluate(expr, {})


def test_a_variable_overrides_a_constant_of_its_name():
    assert evaluate("q", {"q": "2"}) == 2
    assert names("q*sqrt(n)") == {"q", "n"}


@pytest.mark.reference
def test_constants_and_functions_are_those_of_the_templates(templates):
    assert templates["constants"] | {"pi": math.pi} == CONSTANTS
    assert sorted(FUNCTIONS) == sorted(templates["functions"])
