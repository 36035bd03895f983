"""What every type of item offers, and the parts that several types share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from examapp.banks import markup
from examapp.banks.content import ItemContent, Variant
from examapp.banks.fields import Label, Problem, Text
from examapp.errors import N_, InvalidInput

TYPE_FIELDS = ("variables", "options", "rows", "choices", "answer", "key")


class ItemType(ABC):
    """A way to ask and to mark.

    `fields` are those of `TYPE_FIELDS` that its content may have; `is_shuffled` says whether a form, and each trainee,
    may get the options in an order of their own.
    """

    fields: ClassVar[frozenset[str]]
    is_shuffled: ClassVar[bool] = True

    def arranged(self, content: ItemContent) -> tuple[str, ...]:
        """Return the authored ids that `Variant.option_order` puts in order; none where there is nothing to choose."""
        return tuple(option.id for option in content.options)

    def check(self, content: ItemContent) -> list[Problem]:
        """Return what keeps this content from being an item of this type."""
        foreign = [name for name in TYPE_FIELDS if name not in self.fields and getattr(content, name) not in ((), None)]
        problems = [Problem((name,), f"has no place in a {content.type} item; remove it") for name in foreign]
        return problems or self._check(content)

    @abstractmethod
    def _check(self, content: ItemContent) -> list[Problem]: ...

    @abstractmethod
    def highest(self, content: ItemContent) -> int:
        """Return the highest score category; categories run from 0."""

    def present(self, content: ItemContent, variant: Variant) -> dict[str, Any]:
        """Return what a trainee may see, and nothing else."""
        return {
            "item_type": content.type,
            "stem": block_texts(content.stem, variant),
            **self._present(content, variant),
        }

    @abstractmethod
    def _present(self, content: ItemContent, variant: Variant) -> dict[str, Any]: ...

    @abstractmethod
    def read_response(self, content: ItemContent, value: Any) -> Any:
        """Return a response as it is stored (None: cleared); raise `InvalidInput` for anything else."""

    @abstractmethod
    def mark(self, content: ItemContent, variant: Variant, value: Any) -> int:
        """Return the score category of a stored response; no response is category 0."""

    @abstractmethod
    def response_for(self, content: ItemContent, variant: Variant, category: int) -> Any:
        """Return a response that is marked with this category, for previews and simulated trainees."""

    def right_response(self, content: ItemContent, variant: Variant) -> Any:
        """Return the response that earns the highest category."""
        return self.response_for(content, variant, self.highest(content))


def malformed() -> InvalidInput:
    """Return the error for a response that this item cannot have."""
    return InvalidInput("response.malformed", N_("This response does not fit the item."))


def block_texts(text: Text, variant: Variant) -> dict[str, str]:
    """Return the HTML of paragraphs in both languages."""
    return {"zh": markup.block(text.zh, variant.values), "en": markup.block(text.en, variant.values)}


def inline_texts(text: Text, variant: Variant) -> dict[str, str]:
    """Return the HTML of a line in both languages."""
    return {"zh": markup.inline(text.zh, variant.values), "en": markup.inline(text.en, variant.values)}


def option_order(options: Sequence[Label], variant: Variant) -> tuple[str, ...]:
    """Return the authored ids in the order in which the form lists them."""
    authored = tuple(option.id for option in options)
    order = variant.option_order or authored
    if sorted(order) != sorted(authored):
        raise ValueError(f"the form lists the options {order}, the item has {authored}")
    return order


def positions(options: Sequence[Label], variant: Variant, prefix: str = "") -> dict[str, str]:
    """Return authored id: presented id, which is a number that says only where the form lists the option."""
    return {code: f"{prefix}{number}" for number, code in enumerate(option_order(options, variant), start=1)}


def listed(options: Sequence[Label], variant: Variant, prefix: str = "") -> list[dict[str, Any]]:
    """Return the options in the form's order, each with its presented id and text."""
    by_code = {option.id: option for option in options}
    return [
        {"id": presented, "text": inline_texts(by_code[code], variant)}
        for code, presented in positions(options, variant, prefix).items()
    ]


def presented_ids(options: Sequence[Label], prefix: str = "") -> tuple[str, ...]:
    """Return the ids that a client may send for these options."""
    return tuple(f"{prefix}{number}" for number in range(1, len(options) + 1))


def read_selection(options: Sequence[Label], value: Any) -> list[str] | None:
    """Return a set of presented ids in ascending order, or None for an empty one."""
    allowed = presented_ids(options)
    if value is None or value == []:
        return None
    if not isinstance(value, list) or not all(isinstance(part, str) and part in allowed for part in value):
        raise malformed()
    if len(set(value)) != len(value):
        raise malformed()
    return sorted(value, key=allowed.index)


def check_ids(where: str, options: Sequence[Label], fewest: int, most: int) -> list[Problem]:
    """Return problems of a list of options: their number, repeated ids, repeated texts."""
    problems = []
    if not fewest <= len(options) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
        problems.append(Problem((where,), f"has {len(options)} entries; this type needs {wanted}"))
    for number, option in enumerate(options):
        earlier = options[:number]
        if option.id in {other.id for other in earlier}:
            problems.append(Problem((where, number, "id"), f"`{option.id}` stands twice; give each its own id"))
        problems += [
            Problem((where, number, language), "says the same as an earlier one; make them differ")
            for language in ("zh", "en")
            if getattr(option, language).strip() in {getattr(other, language).strip() for other in earlier}
        ]
    return problems


def check_whys(options: Sequence[Any]) -> list[Problem]:
    """Return a problem for each option that does not say why it is right or wrong."""
    return [
        Problem(("options", number, "why"), "is missing; say in one sentence why it is right or wrong")
        for number, option in enumerate(options)
        if option.why is None
    ]
