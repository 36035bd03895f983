"""Items answered by a number, with a key computed from the numbers shown, a tolerance and a unit."""

import unicodedata
from typing import Any, ClassVar

from examapp.banks import markup
from examapp.banks.content import ItemContent, Variant
from examapp.banks.fields import Problem
from examapp.banks.formula import CONSTANTS, LONGEST_NUMBER, names, parse_number, rounded
from examapp.banks.item_types.item_type import ItemType, malformed
from examapp.banks.variables import Answer

DIMENSIONLESS = "1"
# The same for every item: a hint made from the item's tolerance would tell it
HINT = {
    "zh": "填写数字，计算时至少保留三位有效数字；可写成 1.2e-3 或 1.2×10^-3。",
    "en": "Enter a number; calculate with at least three significant figures. You may write 1.2e-3 or 1.2×10^-3.",
}


class Numeric(ItemType):
    """A number within the tolerance of the key is category 1, anything else 0; an unreadable number is kept and 0."""

    fields: ClassVar = frozenset({"variables", "answer"})

    def _check(self, content: ItemContent) -> list[Problem]:
        if content.answer is None:
            return [Problem(("answer",), "is missing; give expr, unit, rel_tol or abs_tol, and trap")]
        problems = check_twice(content) + check_placeholders(content)
        # The variables of a shared stimulus are checked where the stimulus is known
        return problems if content.stimulus else problems + check_names(content, content.answer)

    def highest(self, content: ItemContent) -> int:
        return 1

    def _present(self, content: ItemContent, variant: Variant) -> dict[str, Any]:
        unit = content.answer.unit if content.answer else ""
        return {"unit": "" if unit == DIMENSIONLESS else unit, "hint": dict(HINT)}

    def read_response(self, content: ItemContent, value: Any) -> str | None:
        if value is None or value == "":
            return None
        if not isinstance(value, str) or len(value) > LONGEST_NUMBER:
            raise malformed()
        # Control characters and lone surrogates have no place in stored text
        if any(unicodedata.category(character) in ("Cc", "Cs", "Cn") for character in value):
            raise malformed()
        return value if value.strip() else None

    def mark(self, content: ItemContent, variant: Variant, value: Any) -> int:
        number = parse_number(value) if isinstance(value, str) else None
        return int(number is not None and content.answer is not None and content.answer.accepts(number, variant.values))

    def response_for(self, content: ItemContent, variant: Variant, category: int) -> str:
        if content.answer is None:
            raise ValueError(f"{content.id} has no answer")
        key = content.answer.value(variant.values)
        return rounded(key if category else 2 * key + 1)


def check_twice(content: ItemContent) -> list[Problem]:
    """Return a problem for each variable that is defined twice."""
    problems, seen = [], set()
    for number, variable in enumerate(content.variables):
        for name in variable.names():
            if name in seen:
                problems.append(Problem(("variables", number), f"defines `{name}` a second time; rename it"))
            seen.add(name)
    return problems


def check_placeholders(content: ItemContent) -> list[Problem]:
    """Return problems of the {names} in the stem: they must be the same in both languages, and never hidden ones."""
    chinese, english = markup.placeholders(content.stem.zh), markup.placeholders(content.stem.en)
    if chinese != english:
        differing = ", ".join(sorted("{" + name + "}" for name in chinese ^ english))
        return [Problem(("stem",), f"shows {differing} in one language only; show the same numbers in both")]
    hidden = [name for name in sorted(english) if name.startswith("_")]
    return [Problem(("stem",), f"shows the hidden variable {{{name}}}; show a derived one") for name in hidden]


def check_names(content: ItemContent, answer: Answer) -> list[Problem]:
    """Return problems of an item without stimulus: key and trap may use only the numbers that the stem shows."""
    defined = {name for variable in content.variables for name in variable.names()}
    displayed = markup.placeholders(content.stem.en)
    problems = [
        Problem(("stem",), f"shows {{{name}}}, which no variable defines; define it or correct its spelling")
        for name in sorted(displayed - defined)
    ]
    used: dict[tuple[str, ...], frozenset[str]] = {("answer", "expr"): names(answer.expr)}
    if answer.trap is not None:
        used["answer", "trap", "expr"] = names(answer.trap.expr)
    for where, found in used.items():
        problems += [Problem(where, f"uses `{name}`, which is neither a variable nor a constant")
                     for name in sorted(found - defined - set(CONSTANTS))]  # fmt: skip
        problems += [Problem(where, f"uses `{name}`, which the stem does not show; write {{{name}}} in the stem")
                     for name in sorted((found & defined) - displayed)]  # fmt: skip
    return problems
