"""What a careful reviewer of a bank looks for: items that give themselves away, repeat each other, or cannot be right.

Errors make an item unusable. Warnings ask somebody to look again: they rest on lengths, counts and likeness of texts,
and a good item may well trip one.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from scipy.sparse import csr_array
from scipy.special import chdtrc

from examapp.banks.bank_files import BANK_FILE, ERROR, WARNING, Reading, file_of
from examapp.banks.content import ItemContent
from examapp.banks.formula import FormulaError, draw
from examapp.banks.variables import Joint
from examapp.banks.variants import problems

LANGUAGES = ("zh", "en")
# beyond these an item tells nearly nothing about trainees near the cut
USABLE_SHARE = (Decimal("0.15"), Decimal("0.97"))
USUAL_SHARE = (Decimal("0.3"), Decimal("0.92"))
# the key stands out when it is longer than the next option by this factor and this many characters
LONGER_BY = 1.3
LONGER_MARGIN = 2
FEWEST_KEYS = 20
UNBALANCED_P = 0.01
GRAM = 3
ALIKE = 0.6
TRAP_DRAWS = 200
TRAP_SHARE = 0.1
FEWEST_WORDS = 4
_WORD = re.compile(r"[A-Za-z]{2,}")
_FORMULA = re.compile(r"\$[^$]*\$|\{[^}]*\}|`[^`]*`")
_CHINESE = re.compile("[\u3400-\u9fff]")
_IGNORED = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Lint:
    """One remark about an item (None: the whole bank): the field, how grave it is, its code, and the remedy."""

    item: ItemContent | None
    where: tuple[str | int, ...]
    severity: str
    code: str
    message: str


def lint(reading: Reading) -> None:
    """Add to a reading what the lints find in its items."""
    items = sorted(reading.items.values(), key=lambda item: item.id)
    found = [remark for lint_item in ITEM_LINTS for item in items for remark in lint_item(item)]
    found += [remark for lint_bank in BANK_LINTS for remark in lint_bank(items)]
    found += [remark for item in items for remark in trap_within_tolerance(reading, item)]
    for remark in found:
        name = file_of(remark.item) if remark.item else BANK_FILE
        reading.add(name, remark.where, remark.code, remark.message, remark.severity)
    reading.findings.sort(key=lambda finding: (finding.file, finding.place.line, finding.place.column))


def unlikely_share(item: ItemContent) -> Iterator[Lint]:
    """Remark an expected share that no useful item has, or that few have."""
    share = item.expected_share
    for severity, (low, high) in ((ERROR, USABLE_SHARE), (WARNING, USUAL_SHARE)):
        if not low <= share <= high:
            message = f"expected_share: {share} lies outside {low} to {high}; judge it again or change the item"
            yield Lint(item, ("expected_share",), severity, "lint.expected_share", message)
            return


def key_stands_out(item: ItemContent) -> Iterator[Lint]:
    """Remark a single choice whose right option is much longer than every other one."""
    if item.type != "single_choice":
        return
    for language in LANGUAGES:
        lengths = {option.id: len(getattr(option, language)) for option in item.options}
        key = lengths.pop(str(item.key), 0)
        if lengths and key > LONGER_BY * max(lengths.values()) + LONGER_MARGIN:
            message = f"key: the right option is by far the longest ({language}); shorten it or lengthen another"
            yield Lint(item, ("key",), WARNING, "lint.longest_key", message)


def option_without_reason(item: ItemContent) -> Iterator[Lint]:
    """Remark options of the types that need no `why` but have some, so that one was forgotten."""
    reasons = [option.why is not None for option in item.options]
    for position in [position for position, has in enumerate(reasons) if any(reasons) and not has]:
        message = f"options.{position}: the other options say why; say it here too"
        yield Lint(item, ("options", position), WARNING, "lint.why_missing", message)


def unit_missing(item: ItemContent) -> Iterator[Lint]:
    """Remark a variable without unit; a pure number has the unit 1."""
    for position, variable in enumerate(item.variables):
        units = variable.units if isinstance(variable, Joint) else (variable.unit,)
        if not all(unit.strip() for unit in units):
            message = f"variables.{position}: has no unit; write it, or '1' for a pure number"
            yield Lint(item, ("variables", position), ERROR, "lint.unit", message)


def copied_language(item: ItemContent) -> Iterator[Lint]:
    """Remark a stem or rationale that stands in one language under both names; formulas are of no language."""
    for name in ("stem", "rationale"):
        text = getattr(item, name)
        if len(_WORD.findall(_FORMULA.sub("", text.zh))) >= FEWEST_WORDS and not _CHINESE.search(text.zh):
            yield Lint(item, (name, "zh"), ERROR, "lint.language", f"{name}.zh: holds no Chinese; translate it")
        if len(_CHINESE.findall(text.en)) > len(_WORD.findall(text.en)):
            yield Lint(item, (name, "en"), ERROR, "lint.language", f"{name}.en: is mostly Chinese; translate it")


def unbalanced_keys(items: Sequence[ItemContent]) -> Iterator[Lint]:
    """Remark keys of single choices, or of true and false, that favour a position more than chance would."""
    for kind, positions in (("single_choice", ("a", "b", "c", "d")), ("true_false", (True, False))):
        keys = Counter(item.key for item in items if item.type == kind and isinstance(item.key, str | bool))
        counts = [keys[position] for position in positions]
        if sum(counts) >= FEWEST_KEYS and _chance(counts) < UNBALANCED_P:
            shown = ", ".join(f"{str(position).lower()} {count}" for position, count in zip(positions, counts))
            message = f"the keys of {kind} items favour a position ({shown}); move some"
            yield Lint(None, (), WARNING, "lint.key_balance", message)


def _chance(counts: Sequence[int]) -> float:
    """Return the probability of counts at least as uneven when all positions are alike (Pearson's chi-square)."""
    expected = sum(counts) / len(counts)
    return float(chdtrc(len(counts) - 1, sum((count - expected) ** 2 for count in counts) / expected))


def repeated_stems(items: Sequence[ItemContent]) -> Iterator[Lint]:
    """Remark stems that are the same but for case, spaces and punctuation (error), or nearly the same (warning)."""
    for language in LANGUAGES:
        stems = [normalised(getattr(item.stem, language)) for item in items]
        first: dict[str, ItemContent] = {}
        for item, stem in zip(items, stems, strict=True):
            if stem and first.setdefault(stem, item) is not item:
                message = f"stem.{language}: is the stem of {first[stem].id} too; ask something else or remove one"
                yield Lint(item, ("stem", language), ERROR, "lint.repeated_stem", message)
        for earlier, later, likeness in _alike(stems):
            message = f"stem.{language}: is {likeness:.0%} like that of {items[earlier].id}; see that both are needed"
            yield Lint(items[later], ("stem", language), WARNING, "lint.similar_stem", message)


def trap_within_tolerance(reading: Reading, item: ItemContent) -> Iterator[Lint]:
    """Remark a numeric item whose usual mistake would often be taken for the key, over seeded draws."""
    stimulus = reading.stimuli.get(item.stimulus or "")
    if item.answer is None or item.answer.trap is None or (item.stimulus and stimulus is None):
        return
    if problems(item, stimulus):
        return
    rng = np.random.default_rng(0)
    shared = stimulus.variables if stimulus else ()
    try:
        draws = [draw((*shared, *item.variables), rng) for _ in range(TRAP_DRAWS)]
        confused = sum(item.answer.is_confusable(values) for values in draws) / TRAP_DRAWS
    except FormulaError as error:
        yield Lint(item, ("answer",), ERROR, "lint.draw", f"answer: {error}")
        return
    if confused > TRAP_SHARE:
        message = f"answer.trap: lies within the tolerance in {confused:.0%} of draws; narrow the one or the other"
        yield Lint(item, ("answer", "trap"), WARNING, "lint.trap", message)


def normalised(text: str) -> str:
    """Return the letters and digits of a text, folded, so that texts that read alike are equal.

    >>> normalised("What is **GaN**?") == normalised("what is GaN ？")
    True
    """
    return _IGNORED.sub("", unicodedata.normalize("NFKC", text).casefold())


def _alike(texts: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of different texts, and the share of their letter triples that they have in common (Jaccard)."""
    grams = [{text[start : start + GRAM] for start in range(max(1, len(text) - GRAM + 1))} for text in texts]
    names = {gram: column for column, gram in enumerate(sorted(set().union(*grams)))}
    columns = [names[gram] for group in grams for gram in group]
    sizes = np.array([len(group) for group in grams])
    shape = (len(texts), max(1, len(names)))
    has = csr_array((np.ones(len(columns), dtype=np.int32), columns, np.concatenate([[0], np.cumsum(sizes)])), shape)
    common = (has @ has.T).tocoo()
    likeness = common.data / (sizes[common.row] + sizes[common.col] - common.data)
    for position in np.flatnonzero((common.row < common.col) & (likeness >= ALIKE)):
        earlier, later = int(common.row[position]), int(common.col[position])
        if texts[earlier] != texts[later]:
            yield earlier, later, float(likeness[position])


ITEM_LINTS: tuple[Callable[[ItemContent], Iterable[Lint]], ...] = (
    unlikely_share,
    key_stands_out,
    option_without_reason,
    unit_missing,
    copied_language,
)
BANK_LINTS: tuple[Callable[[Sequence[ItemContent]], Iterable[Lint]], ...] = (unbalanced_keys, repeated_stems)
