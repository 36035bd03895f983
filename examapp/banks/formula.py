"""The checked formula language of parametric items, drawing of their numbers, and reading of numbers that people type.

A formula is arithmetic over numbers, variables, physical constants and a few functions. It is walked as a syntax tree
and never executed; all arithmetic is in double precision. Constants are the CODATA 2018 values in SI units.
"""

import ast
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

import numpy as np

CONSTANTS: dict[str, float] = {
    "pi": math.pi,
    "R": 8.314462618,
    "kB": 1.380649e-23,
    "NA": 6.02214076e23,
    "F": 96485.33212,
    "q": 1.602176634e-19,
    "eps0": 8.8541878128e-12,
    "mu0": 1.2566370614359173e-06,
    "h": 6.62607015e-34,
    "c": 299792458.0,
}
FUNCTIONS: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "asin": math.asin,
    "cos": math.cos,
    "degrees": math.degrees,
    "erf": math.erf,
    "exp": math.exp,
    "ln": math.log,
    "log10": math.log10,
    "radians": math.radians,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}
OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.Pow: math.pow,
}
LONGEST_FORMULA = 400
MOST_NODES = 200
DEEPEST = 30
LONGEST_NUMBER = 64
LARGEST_EXPONENT = 300
MOST_DRAWS = 200
SHOWN_FIGURES = 5

_TOKEN = re.compile(
    r"(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?(?![\w.])|[A-Za-z_]\w*|[-+*/(),]|\s)", re.ASCII
)  # fmt: skip


class FormulaError(ValueError):
    """A formula, or a draw of its numbers, that does not give one finite number; the text says what to change."""


class Drawable(Protocol):
    """A variable, or several that are drawn together."""

    def draw(self, rng: np.random.Generator, values: Mapping[str, str]) -> dict[str, str]: ...


class Answerable(Protocol):
    """A key with the value that the usual mistake gives."""

    def is_confusable(self, values: Mapping[str, str]) -> bool: ...


def names(expr: str) -> frozenset[str]:
    """Return the names of the variables and constants that a formula uses."""
    tree = _parsed(expr)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called)


def evaluate(expr: str, values: Mapping[str, str | Decimal | float]) -> float:
    """Return the value of a formula at `values`, which override constants of the same name.

    >>> round(evaluate("h*c/(Eg*q)*1e9", {"Eg": "1.24"}), 1)
    999.9
    """
    try:
        known = CONSTANTS | {name: float(value) for name, value in values.items()}
        result = _value(_parsed(expr).body, known)
    except (ArithmeticError, ValueError) as error:
        if isinstance(error, FormulaError):
            raise
        raise FormulaError(f"`{expr}` has no value here ({error}); narrow the variables") from error
    if not math.isfinite(result):
        raise FormulaError(f"`{expr}` is not finite here; narrow the variables")
    return result


def rounded(number: float, figures: int = SHOWN_FIGURES) -> str:
    """Return a number rounded to significant figures, as a decimal string.

    >>> rounded(28.4428731), rounded(6.0)
    ('28.443', '6')
    """
    return str(Decimal(f"{number:.{figures}g}"))


def draw(
    variables: Iterable[Drawable],
    rng: np.random.Generator,
    answers: Sequence[Answerable] = (),
    given: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return drawn numbers as decimal strings, added to `given`, so that no answer's trap looks like its key."""
    variables = list(variables)
    for _ in range(MOST_DRAWS):
        values = dict(given or {})
        for variable in variables:
            values.update(variable.draw(rng, values))
        if not any(answer.is_confusable(values) for answer in answers):
            return values
        if not variables:
            break
    raise FormulaError(
        "the usual mistake gives a value within the tolerance of the key in every draw; "
        "narrow the tolerance, change the variables or name another trap"
    )


@lru_cache(maxsize=4096)
def _parsed(expr: str) -> ast.Expression:
    if len(expr) > LONGEST_FORMULA:
        raise FormulaError(f"the formula is longer than {LONGEST_FORMULA} characters; introduce a derived variable")
    _refuse_strange_tokens(expr)
    try:
        tree = ast.parse(expr.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"`{expr}` is not a formula; write it like 2*pi*r or sqrt(4*D*t)") from error
    if sum(1 for _ in ast.walk(tree)) > MOST_NODES:
        raise FormulaError(f"the formula has more than {MOST_NODES} parts; introduce a derived variable")
    _check(tree.body, 0)
    return tree


def _refuse_strange_tokens(expr: str) -> None:
    position = 0
    while position < len(expr):
        token = _TOKEN.match(expr, position)
        if token is None:
            raise FormulaError(f"`{expr[position : position + 10]}` cannot stand in a formula; use + - * / ** and ( )")
        position = token.end()


def _check(node: ast.expr, depth: int) -> None:
    if depth > DEEPEST:
        raise FormulaError(f"the formula is nested deeper than {DEEPEST}; introduce a derived variable")
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        _check(node.left, depth + 1)
        _check(node.right, depth + 1)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        _check(node.operand, depth + 1)
    elif isinstance(node, ast.Call):
        _check_call(node, depth)
    elif not (isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and type(node.value) in (int, float))):
        raise FormulaError("only numbers, names, + - * / ** and the listed functions may stand in a formula")


def _check_call(node: ast.Call, depth: int) -> None:
    if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        raise FormulaError(f"`{ast.unparse(node.func)}` is not a function here; use one of {', '.join(FUNCTIONS)}")
    if len(node.args) != 1 or node.keywords:
        raise FormulaError(f"`{node.func.id}` takes exactly one argument")
    _check(node.args[0], depth + 1)


def _value(node: ast.expr, known: Mapping[str, float]) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name):
        if node.id not in known:
            raise FormulaError(f"`{node.id}` is not a variable or a constant; define it under `variables`")
        return known[node.id]
    if isinstance(node, ast.UnaryOp):
        operand = _value(node.operand, known)
        return -operand if isinstance(node.op, ast.USub) else operand
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](_value(node.left, known), _value(node.right, known))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return FUNCTIONS[node.func.id](_value(node.args[0], known))
    raise FormulaError("only numbers, names, + - * / ** and the listed functions may stand in a formula")


# Superscripts are read before compatibility folding, which would turn 10³ into 103; fractions, subscripts and
# circled digits fold to plain digits too, so they are not folded at all.
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_RAISED = re.compile(r"10([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_FOLDED = ("<wide>", "<narrow>", "<font>", "<noBreak>")
_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "。": ".", "✕": "×", "∗": "*"})
_MANTISSA = r"(?:[1-9]\d{0,2}(?:,\d{3}){2,}(?:\.\d*)?|[1-9]\d{0,2}(?:,\d{3})+\.\d+|\d+\.?\d*|\.\d+)"
_POWER = r"10\s*(?:\^|\*\*)\s*(?:([+-]?\d{1,4})|\(([+-]?\d{1,4})\)|\{([+-]?\d{1,4})\})"
_TYPED = re.compile(
    rf"([+-]?)(?:({_MANTISSA})(?:[eE]([+-]?\d{{1,4}})|\s*[×xX*·]\s*{_POWER})?|{_POWER})\Z", re.ASCII
)  # fmt: skip


def parse_number(text: str) -> Decimal | None:
    """Return the number that a person typed, or None where it cannot be read in exactly one way.

    >>> parse_number("１．２×10^-3"), parse_number("1,234.5"), parse_number("0,203")
    (Decimal('0.0012'), Decimal('1234.5'), None)
    """
    folded = _folded(text) if len(text) <= LONGEST_NUMBER else None
    match = _TYPED.match(folded) if folded else None
    if match is None:
        return None
    sign, mantissa, *exponents = match.groups()
    exponent = int(next((found for found in exponents if found), "0"))
    number = Decimal(sign + (mantissa or "1").replace(",", "")).scaleb(exponent)
    return None if number and abs(number.adjusted()) > LARGEST_EXPONENT else number


def _folded(text: str) -> str | None:
    raised = _RAISED.sub(lambda match: "10^" + match[1].translate(_SUPERSCRIPTS), _wide_folded(text))
    signed = raised.strip().translate(_SIGNS)
    return signed if not any(unicodedata.decomposition(character) for character in signed) else None


def _wide_folded(text: str) -> str:
    return "".join(
        unicodedata.normalize("NFKC", character)
        if unicodedata.decomposition(character).startswith(_FOLDED)
        else character
        for character in text
    )
