"""A form as it is printed: its paper, item by item, beside the response that earns most."""

from dataclasses import dataclass
from typing import Any

from examapp.banks.content import ItemContent
from examapp.banks.item_types import ITEM_TYPES
from examapp.canonical import loads
from examapp.delivery import paper
from examapp.exams.models import ExamForm


@dataclass(frozen=True)
class Sheet:
    """One item of a printed form; `stimulus` stands where its first item stands, `key` is in the paper's own ids."""

    item: dict[str, Any]
    stimulus: dict[str, Any] | None
    key: str


def printed(exam_form: ExamForm) -> list[Sheet]:
    """Return the items of a form as its paper has them; nothing is stored."""
    content = loads(paper.build(exam_form))
    sheets, shown = [], set()
    for slot, item in zip(exam_form.slots, content["slots"], strict=True):
        code = item["stimulus"]
        stimulus = content["stimuli"].get(code) if code and code not in shown else None
        shown.add(code)
        own = ItemContent.from_json(slot.item_version.content)
        right = ITEM_TYPES[own.type].right_response(own, paper.variant_of(slot))
        sheets.append(Sheet(item, stimulus, _legible(right, own.type)))
    return sheets


def _legible(response: Any, item_type: str) -> str:
    if isinstance(response, dict):
        return ", ".join(f"{row}–{_letter(choice[1:])}" for row, choice in response.items())
    if isinstance(response, list):
        letters = [_letter(each) if item_type == "multiple_choice" else each for each in response]
        return (" → " if item_type == "ordering" else ", ").join(letters)
    return _letter(response) if item_type == "single_choice" else str(response)


def _letter(presented: str) -> str:
    return chr(ord("A") + int(presented) - 1)
