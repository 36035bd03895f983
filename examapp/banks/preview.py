"""Items drawn for a seed as a form would draw them: what trainees see, and, apart from it, what authors see."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from examapp.banks import markup, variants
from examapp.banks.content import ItemContent, StimulusContent, Variant
from examapp.banks.fields import Label, Text
from examapp.banks.figures import present_stimulus
from examapp.banks.formula import evaluate, rounded
from examapp.banks.item_types import ITEM_TYPES
from examapp.banks.item_types.item_type import option_order

SEEDS = (1, 2, 3)
TRAINEE_ITEM_SLOT = 1


@dataclass(frozen=True)
class Numbers:
    """The numbers of one draw: the key of a numeric item, what it accepts, and what the usual mistake gives."""

    values: dict[str, str]
    key: str | None
    low: str | None
    high: str | None
    trap: str | None


@dataclass(frozen=True)
class Author:
    """What trainees never see: reasons of options, solution, source, numbers and the response that earns most."""

    rationale: dict[str, str]
    reasons: tuple[tuple[str, dict[str, str], bool | None, dict[str, str] | None], ...]
    numbers: Numbers
    trap: dict[str, str] | None
    right_response: Any
    highest: int


@dataclass(frozen=True)
class Preview:
    """One draw of an item: `item` and `stimulus` are exactly what a paper would hold."""

    seed: int
    item: dict[str, Any]
    stimulus: dict[str, Any] | None
    author: Author


def preview(content: ItemContent, stimulus: StimulusContent | None, seed: int) -> Preview:
    """Return an item as the form drawn with `seed` would show it."""
    variant = _drawn(content, stimulus, seed)
    shown = ITEM_TYPES[content.type].present(content, variant)
    place = {"slot": TRAINEE_ITEM_SLOT, "points": str(content.points or 1), "stimulus": content.stimulus}
    return Preview(
        seed, {**shown, **place}, present_stimulus(stimulus, variant.values) if stimulus else None,
        _for_author(content, variant),
    )  # fmt: skip


def numbers(content: ItemContent, stimulus: StimulusContent | None, seed: int) -> Numbers:
    """Return only the numbers of a draw."""
    return _numbers(content, _drawn(content, stimulus, seed))


def stimulus_preview(stimulus: StimulusContent, seed: int) -> dict[str, Any]:
    """Return a stimulus as a paper would hold it."""
    return dict(present_stimulus(stimulus, variants.draw_testlet(stimulus, [], np.random.default_rng(seed))[0]))


def is_parametric(content: ItemContent, stimulus: StimulusContent | None) -> bool:
    """Say whether draws with different seeds show different numbers."""
    return bool(content.variables or (stimulus and stimulus.variables))


def _drawn(content: ItemContent, stimulus: StimulusContent | None, seed: int) -> Variant:
    rng = np.random.default_rng(seed)
    if stimulus is None:
        return variants.draw_variant(content, rng)
    return variants.draw_testlet(stimulus, [content], rng)[1][content.id]


def _for_author(content: ItemContent, variant: Variant) -> Author:
    kind, values = ITEM_TYPES[content.type], variant.values
    trap = content.answer.trap if content.answer else None
    return Author(
        rationale={"zh": markup.block(content.rationale.zh, values), "en": markup.block(content.rationale.en, values)},
        reasons=tuple(_reason(option, content, variant) for option in _in_order(content, variant)),
        numbers=_numbers(content, variant),
        trap=_line(trap, variant) if trap else None,
        right_response=kind.right_response(content, variant),
        highest=kind.highest(content),
    )


def _in_order(content: ItemContent, variant: Variant) -> list[Any]:
    own = content.options or content.choices
    order = option_order(own, variant)
    return sorted(own, key=lambda option: order.index(option.id))


def _reason(option: Any, content: ItemContent, variant: Variant) -> tuple[Any, ...]:
    """Return an option's presented letter or number, its text, whether it is right (None where order decides), why."""
    why = _line(option.why, variant) if option.why else None
    return _shown_id(option, content, variant), _line(option, variant), _is_right(option.id, content), why


def _shown_id(option: Label, content: ItemContent, variant: Variant) -> str:
    place = option_order(content.options or content.choices, variant).index(option.id)
    return chr(ord("A") + place) if content.type in ("single_choice", "multiple_choice") else str(place + 1)


def _is_right(option_id: str, content: ItemContent) -> bool | None:
    if content.type in ("ordering", "matching"):
        return None
    return option_id in content.key if isinstance(content.key, tuple) else option_id == content.key


def _line(text: Text, variant: Variant) -> dict[str, str]:
    return {"zh": markup.inline(text.zh, variant.values), "en": markup.inline(text.en, variant.values)}


def _numbers(content: ItemContent, variant: Variant) -> Numbers:
    answer, values = content.answer, variant.values
    shown = {name: markup.shown(value) for name, value in values.items()}
    if answer is None:
        return Numbers(shown, None, None, None, None)
    key = answer.value(values)
    reach = float(answer.rel_tol) * abs(key) if answer.rel_tol is not None else float(answer.abs_tol or 0)
    trap = rounded(evaluate(answer.trap.expr, values)) if answer.trap else None
    exact, low, high = (markup.shown(rounded(each)) for each in (key, key - reach, key + reach))
    return Numbers(shown, exact, low, high, markup.shown(trap) if trap else None)
