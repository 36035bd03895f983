"""Items answered by putting steps in order, marked by the neighbours that are right."""

from itertools import pairwise
from typing import Any, ClassVar

from examapp.banks.content import ItemContent, Variant
from examapp.banks.fields import Problem
from examapp.banks.item_types.item_type import ItemType, check_ids, listed, malformed, positions, presented_ids


class Ordering(ItemType):
    """Put the options in order; one category for each step that directly follows its right predecessor.

    With n steps the highest category is n - 1, and a right chain that begins too late still earns its links.
    """

    fields: ClassVar = frozenset({"variables", "options", "key"})

    def _check(self, content: ItemContent) -> list[Problem]:
        problems = check_ids("options", content.options, 3, 8)
        key = content.key
        if not isinstance(key, tuple) or sorted(key) != sorted(option.id for option in content.options):
            problems.append(Problem(("key",), "must list every option once, in the right order, as in key: [b, a, c]"))
        return problems

    def highest(self, content: ItemContent) -> int:
        return len(content.options) - 1

    def _present(self, content: ItemContent, variant: Variant) -> dict[str, Any]:
        return {"options": listed(content.options, variant)}

    def read_response(self, content: ItemContent, value: Any) -> list[str] | None:
        if value is None or value == []:
            return None
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise malformed()
        if sorted(value) != sorted(presented_ids(content.options)):
            raise malformed()
        return value

    def mark(self, content: ItemContent, variant: Variant, value: Any) -> int:
        return len(set(pairwise(value or ())) & set(pairwise(right_order(content, variant))))

    def response_for(self, content: ItemContent, variant: Variant, category: int) -> list[str]:
        # Blocks of the right order, themselves in reverse, keep exactly the links inside the blocks
        right = right_order(content, variant)
        first = category + 1
        blocks = [right[:first], *([step] for step in right[first:])]
        return [step for block in reversed(blocks) for step in block]


def right_order(content: ItemContent, variant: Variant) -> list[str]:
    """Return the presented ids in the order of the key."""
    place = positions(content.options, variant)
    return [place[code] for code in content.key or ()]  # type: ignore[union-attr]
