"""Items answered by giving each row one of the choices."""

from collections.abc import Mapping
from typing import Any, ClassVar

from examapp.banks.content import ItemContent, Variant
from examapp.banks.fields import Problem
from examapp.banks.item_types.item_type import (
    ItemType,
    check_ids,
    inline_texts,
    listed,
    malformed,
    positions,
    presented_ids,
)

# Rows are "1".."n" as authored; choices are "b1".."bm" in the form's order
CHOICE = "b"


class Matching(ItemType):
    """Give each row its choice; one category for each right row. A choice may serve several rows, or none."""

    fields: ClassVar = frozenset({"variables", "rows", "choices", "key"})

    def _check(self, content: ItemContent) -> list[Problem]:
        problems = check_ids("rows", content.rows, 2, 8) + check_ids("choices", content.choices, 3, 10)
        rows, choices = {row.id for row in content.rows}, {choice.id for choice in content.choices}
        key = content.key
        if not isinstance(key, Mapping) or set(key) != rows or not set(key.values()) <= choices:
            problems.append(Problem(("key",), "must give every row one choice, as in key: {r1: c2, r2: c1}"))
        return problems

    def arranged(self, content: ItemContent) -> tuple[str, ...]:
        return tuple(choice.id for choice in content.choices)

    def highest(self, content: ItemContent) -> int:
        return len(content.rows)

    def _present(self, content: ItemContent, variant: Variant) -> dict[str, Any]:
        rows = [
            {"id": number, "text": inline_texts(row, variant)}
            for number, row in zip(presented_ids(content.rows), content.rows, strict=True)
        ]
        return {"rows": rows, "choices": listed(content.choices, variant, CHOICE)}

    def read_response(self, content: ItemContent, value: Any) -> dict[str, str] | None:
        if value is None or value == {}:
            return None
        rows, choices = presented_ids(content.rows), presented_ids(content.choices, CHOICE)
        if not isinstance(value, dict) or not set(value) <= set(rows):
            raise malformed()
        if not all(isinstance(choice, str) and choice in choices for choice in value.values()):
            raise malformed()
        return {row: value[row] for row in rows if row in value}

    def mark(self, content: ItemContent, variant: Variant, value: Any) -> int:
        right = right_pairs(content, variant)
        return sum((value or {}).get(row) == choice for row, choice in right.items())

    def response_for(self, content: ItemContent, variant: Variant, category: int) -> dict[str, str]:
        choices = presented_ids(content.choices, CHOICE)
        pairs = enumerate(right_pairs(content, variant).items())
        return {
            row: right if number < category else next(choice for choice in choices if choice != right)
            for number, (row, right) in pairs
        }


def right_pairs(content: ItemContent, variant: Variant) -> dict[str, str]:
    """Return presented row: presented choice, as the key has them."""
    place = positions(content.choices, variant, CHOICE)
    key: Any = content.key
    numbers = zip(presented_ids(content.rows), content.rows, strict=True)
    return {number: place[key[row.id]] for number, row in numbers}
