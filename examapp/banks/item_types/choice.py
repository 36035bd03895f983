"""Items answered by choosing: one of several, several of several, true or false, and the faulty lines of a document."""

from typing import Any, ClassVar

from examapp.banks.content import ItemContent, Variant
from examapp.banks.fields import Problem
from examapp.banks.item_types.item_type import (
    ItemType,
    check_ids,
    check_whys,
    listed,
    malformed,
    option_order,
    positions,
    presented_ids,
    read_selection,
)


class SingleChoice(ItemType):
    """One of four options is right: category 1, else 0."""

    fields: ClassVar = frozenset({"variables", "options", "key"})

    def _check(self, content: ItemContent) -> list[Problem]:
        problems = check_ids("options", content.options, 4, 4) + check_whys(content.options)
        if not isinstance(content.key, str) or content.key not in {option.id for option in content.options}:
            problems.append(Problem(("key",), "must be the id of one option, as in key: b"))
        return problems

    def highest(self, content: ItemContent) -> int:
        return 1

    def _present(self, content: ItemContent, variant: Variant) -> dict[str, Any]:
        return {"options": listed(content.options, variant)}

    def read_response(self, content: ItemContent, value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str) or value not in presented_ids(content.options):
            raise malformed()
        return value

    def mark(self, content: ItemContent, variant: Variant, value: Any) -> int:
        return int(value == positions(content.options, variant)[str(content.key)])

    def response_for(self, content: ItemContent, variant: Variant, category: int) -> str:
        right = positions(content.options, variant)[str(content.key)]
        return right if category else next(other for other in presented_ids(content.options) if other != right)


class TrueFalse(ItemType):
    """A statement that is true or false: category 1 for the right judgement, else 0."""

    fields: ClassVar = frozenset({"variables", "key"})

    def _check(self, content: ItemContent) -> list[Problem]:
        return [] if isinstance(content.key, bool) else [Problem(("key",), "must be true or false, without quotes")]

    def highest(self, content: ItemContent) -> int:
        return 1

    def _present(self, content: ItemContent, variant: Variant) -> dict[str, Any]:
        return {}

    def read_response(self, content: ItemContent, value: Any) -> bool | None:
        if value is not None and not isinstance(value, bool):
            raise malformed()
        return value

    def mark(self, content: ItemContent, variant: Variant, value: Any) -> int:
        return int(value is content.key)

    def response_for(self, content: ItemContent, variant: Variant, category: int) -> bool:
        return bool(content.key) if category else not content.key


def chosen_codes(content: ItemContent, variant: Variant, value: Any) -> set[str]:
    """Return the authored ids of the presented ids in a stored selection."""
    order = option_order(content.options, variant)
    return {order[int(presented) - 1] for presented in value or ()}


class Selection(ItemType):
    """Some of several options are right; the response is the set of those chosen."""

    fields: ClassVar = frozenset({"variables", "options", "key"})

    def _present(self, content: ItemContent, variant: Variant) -> dict[str, Any]:
        return {"options": listed(content.options, variant)}

    def read_response(self, content: ItemContent, value: Any) -> list[str] | None:
        return read_selection(content.options, value)

    def _selection(self, content: ItemContent, variant: Variant, codes: set[str]) -> list[str]:
        place = positions(content.options, variant)
        return sorted((place[code] for code in codes), key=int)


class MultipleChoice(Selection):
    """Two to four of five options are right: all of them 2; some of them and nothing wrong 1; anything wrong 0."""

    def _check(self, content: ItemContent) -> list[Problem]:
        problems = check_ids("options", content.options, 5, 5) + check_whys(content.options)
        return problems + check_key_set(content, 2, 4)

    def highest(self, content: ItemContent) -> int:
        return 2

    def mark(self, content: ItemContent, variant: Variant, value: Any) -> int:
        chosen, right = chosen_codes(content, variant, value), set(content.key or ())  # type: ignore[arg-type]
        if not chosen or not chosen <= right:
            return 0
        return 2 if chosen == right else 1

    def response_for(self, content: ItemContent, variant: Variant, category: int) -> list[str]:
        right = sorted(content.key or ())  # type: ignore[arg-type]
        wrong = [option.id for option in content.options if option.id not in right]
        return self._selection(content, variant, set((wrong[:1], right[:1], right)[category]))


class FaultFinding(Selection):
    """The lines of a document, some of them faulty: faults found less lines wrongly marked, never below 0.

    At most half of the lines are faulty, so that marking every line earns nothing. Lines keep the document's order.
    """

    is_shuffled: ClassVar = False

    def _check(self, content: ItemContent) -> list[Problem]:
        problems = check_ids("options", content.options, 4, 20) + check_whys(content.options)
        return problems + check_key_set(content, 1, len(content.options) // 2)

    def highest(self, content: ItemContent) -> int:
        return len(content.key or ())  # type: ignore[arg-type]

    def mark(self, content: ItemContent, variant: Variant, value: Any) -> int:
        chosen, faults = chosen_codes(content, variant, value), set(content.key or ())  # type: ignore[arg-type]
        return max(0, len(chosen & faults) - len(chosen - faults))

    def response_for(self, content: ItemContent, variant: Variant, category: int) -> list[str]:
        faults = sorted(content.key or ())  # type: ignore[arg-type]
        sound = [option.id for option in content.options if option.id not in faults]
        return self._selection(content, variant, set(faults[:category] if category else sound[:1]))


def check_key_set(content: ItemContent, fewest: int, most: int) -> list[Problem]:
    """Return a problem unless the key is a list of `fewest` to `most` different options."""
    key = content.key
    if not isinstance(key, tuple) or not set(key) <= {option.id for option in content.options}:
        return [Problem(("key",), "must be a list of option ids, as in key: [a, c]")]
    if len(set(key)) != len(key) or not fewest <= len(key) <= most:
        return [Problem(("key",), f"must name {fewest} to {most} different options")]
    return []
