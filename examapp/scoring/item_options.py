"""What people can be said to have chosen of an item: its options, or what comes nearest to them in its type."""

from typing import Any

from examapp.banks.content import ItemContent, Variant
from examapp.banks.formula import evaluate, parse_number
from examapp.banks.item_types import ITEM_TYPES
from examapp.banks.item_types.choice import chosen_codes
from examapp.banks.item_types.item_type import option_order
from examapp.banks.variables import Answer

NONE, KEY, TRAP, OTHER = "none", "key", "trap", "other"
SETS = ("multiple_choice", "fault_finding")
CHOSEN = ("single_choice", "true_false", *SETS)


def options_of(content: ItemContent) -> dict[str, bool | None]:
    """Return what can be chosen, and whether it is right; None where no single choice is right or wrong.

    Options by their authored ids; true and false; for a number the key, the usual mistake and any other; for an order
    or pairs the score categories. `NONE`, no response, is always the last.
    """
    if content.type == "true_false":
        return {"true": content.key is True, "false": content.key is False, NONE: None}
    if content.type == "numeric":
        trap = {TRAP: False} if content.answer and content.answer.trap else {}
        return {KEY: True, **trap, OTHER: False, NONE: None}
    if content.type in CHOSEN:
        right = set(content.key) if isinstance(content.key, tuple) else {content.key}
        return {**{option.id: option.id in right for option in content.options}, NONE: None}
    highest = ITEM_TYPES[content.type].highest(content)
    return {**{str(category): None for category in range(highest + 1)}, NONE: None}


def chosen(content: ItemContent, variant: Variant, value: Any, category: int) -> set[str]:
    """Return which of `options_of` a stored response amounts to; several where several may be chosen."""
    if value is None:
        return {NONE}
    if content.type == "single_choice":
        return {option_order(content.options, variant)[int(value) - 1]}
    if content.type in SETS:
        return chosen_codes(content, variant, value)
    if content.type == "true_false":
        return {"true" if value else "false"}
    if content.type == "numeric" and content.answer is not None:
        return {KEY if category else TRAP if _is_trap(content.answer, variant, value) else OTHER}
    return {str(category)}


def _is_trap(answer: Answer, variant: Variant, value: str) -> bool:
    """Say whether a number lies as near to the usual mistake as one that is right lies to the key."""
    number = parse_number(value)
    if number is None or answer.trap is None:
        return False
    trap = evaluate(answer.trap.expr, variant.values)
    reach = float(answer.rel_tol) * abs(trap) if answer.rel_tol is not None else float(answer.abs_tol or 0)
    return abs(float(number) - trap) <= reach
