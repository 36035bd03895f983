"""Variants: the drawn numbers of an item or of a stimulus with its items, and whether the numbers hold together."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from examapp.banks import markup
from examapp.banks.content import ItemContent, StimulusContent, Variant
from examapp.banks.fields import Problem, Text
from examapp.banks.formula import CONSTANTS, FormulaError, draw, evaluate, names
from examapp.banks.item_types import ITEM_TYPES
from examapp.banks.variables import Answer

SEEDS = range(50)


def draw_variant(content: ItemContent, rng: np.random.Generator, given: Mapping[str, str] | None = None) -> Variant:
    """Return the form's variant of an item: its numbers, added to those of its stimulus, and its order of options."""
    values = draw(content.variables, rng, _answers([content]), given)
    kind = ITEM_TYPES[content.type]
    order = kind.arranged(content)
    return Variant(values, tuple(str(code) for code in rng.permutation(order)) if kind.is_shuffled else order)


def draw_testlet(
    stimulus: StimulusContent, items: Sequence[ItemContent], rng: np.random.Generator
) -> tuple[dict[str, str], dict[str, Variant]]:
    """Return the numbers of a stimulus and the variant of each of its items, by id, all from one draw."""
    only_shared = [item for item in items if not item.variables]
    values = draw(stimulus.variables, rng, _answers(only_shared))
    return values, {item.id: draw_variant(item, rng, values) for item in items}


def problems(content: ItemContent, stimulus: StimulusContent | None = None) -> list[Problem]:
    """Return what is wrong with an item's numbers: unknown names, numbers not shown, traps like the key in any draw."""
    found = _name_problems(content, stimulus) if stimulus else []
    for seed in SEEDS if not found else ():
        rng = np.random.default_rng(seed)
        try:
            drawn = draw_testlet(stimulus, [content], rng)[1][content.id] if stimulus else draw_variant(content, rng)
            if content.answer is not None:
                _require_reach(content.answer, drawn.values)
        except FormulaError as error:
            return [Problem(("answer",), str(error))]
    return found


def _require_reach(answer: Answer, values: Mapping[str, str]) -> None:
    if answer.value(values) == 0 and answer.rel_tol is not None:
        raise FormulaError("the key is 0 in some draws, where rel_tol accepts nothing near it; give abs_tol")


def stimulus_problems(stimulus: StimulusContent) -> list[Problem]:
    """Return what is wrong with a stimulus: placeholders and figure values that name no variable."""
    defined = defined_names(stimulus)
    found = _placeholder_problems("text", stimulus.text, defined)
    for name, expr in stimulus.figure.values.items() if stimulus.figure else ():
        found += [Problem(("figure", "values", name), f"uses `{unknown}`, which is neither a variable nor a constant")
                  for unknown in sorted(names(expr) - defined - set(CONSTANTS))]  # fmt: skip
    for seed in SEEDS if not found else ():
        try:
            figure_values(stimulus, draw_testlet(stimulus, [], np.random.default_rng(seed))[0])
        except FormulaError as error:
            return [Problem(("variables",), str(error))]
    return found


def figure_values(stimulus: StimulusContent, values: Mapping[str, str]) -> dict[str, float]:
    """Return the numbers of a stimulus's figure at the drawn values."""
    given = stimulus.figure.values if stimulus.figure else {}
    return {name: evaluate(expr, values) for name, expr in given.items()}


def defined_names(*contents: ItemContent | StimulusContent) -> set[str]:
    """Return the names that the variables of these contents define."""
    return {name for content in contents for variable in content.variables for name in variable.names()}


def _answers(items: Iterable[ItemContent]) -> list[Any]:
    return [item.answer for item in items if item.answer is not None]


def _placeholder_problems(where: str, text: Text, defined: set[str]) -> list[Problem]:
    chinese, english = markup.placeholders(text.zh), markup.placeholders(text.en)
    found = [Problem((where,), f"shows {{{name}}} in one language only") for name in sorted(chinese ^ english)]
    return found + [Problem((where,), f"shows {{{name}}}, which no variable defines or which is hidden")
                    for name in sorted(english) if name not in defined or name.startswith("_")]  # fmt: skip


def _name_problems(content: ItemContent, stimulus: StimulusContent) -> list[Problem]:
    defined = defined_names(content, stimulus)
    found = _placeholder_problems("stem", content.stem, defined)
    visible = markup.placeholders(content.stem.en) | markup.placeholders(stimulus.text.en)
    for expr in stimulus.figure.values.values() if stimulus.figure else ():
        visible |= names(expr)
    if content.answer is None:
        return found
    used = {("answer", "expr"): names(content.answer.expr)}
    for where, found_names in used.items():
        found += [Problem(where, f"uses `{name}`, which is neither a variable nor a constant")
                  for name in sorted(found_names - defined - set(CONSTANTS))]  # fmt: skip
        found += [Problem(where, f"uses `{name}`, which neither stem, stimulus nor figure shows")
                  for name in sorted((found_names & defined) - visible)]  # fmt: skip
    return found
