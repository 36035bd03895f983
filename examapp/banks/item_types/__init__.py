"""The registry of item types; the one place where an item's key meets what a trainee sees and gives."""

from examapp.banks.content import ItemContent
from examapp.banks.fields import Problem
from examapp.banks.item_types.choice import FaultFinding, MultipleChoice, SingleChoice, TrueFalse
from examapp.banks.item_types.item_type import ItemType
from examapp.banks.item_types.matching import Matching
from examapp.banks.item_types.numeric import Numeric
from examapp.banks.item_types.ordering import Ordering

ITEM_TYPES: dict[str, ItemType] = {
    "single_choice": SingleChoice(),
    "multiple_choice": MultipleChoice(),
    "true_false": TrueFalse(),
    "numeric": Numeric(),
    "ordering": Ordering(),
    "matching": Matching(),
    "fault_finding": FaultFinding(),
}


def check(content: ItemContent) -> list[Problem]:
    """Return what keeps this content from being an item of its type."""
    if content.type not in ITEM_TYPES:
        return [Problem(("type",), f"`{content.type}` is not a type; use one of {', '.join(ITEM_TYPES)}")]
    return ITEM_TYPES[content.type].check(content)
