"""The numbers behind an examiner's item pages, from the marks and responses of the closed sittings of an exam's part.

An item version is never mixed with another. Correlations are taken within forms and pooled, because totals of different
forms are not the same measure. Ability is EAP on the exam's scale; where an item is held against it, the item itself is
left out of the ability (the posterior is divided by the item's likelihood), so an item that fits is met on average.
What the answers do not determine is NaN, and a dash on the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from examapp.accounts import access
from examapp.banks.content import ItemContent
from examapp.banks.models import ItemParameters, ItemVersion
from examapp.banks.parameters import EXPERT, as_items, items_on_scale, rows_on_scale
from examapp.canonical import canonical_bytes
from examapp.delivery.paper import variant_of
from examapp.exams.exam_forms import plan_of
from examapp.exams.models import Exam
from examapp.psychometrics import irt
from examapp.psychometrics.ability import estimate
from examapp.psychometrics.classical import cronbach_alpha
from examapp.psychometrics.exposure import exposure_rates
from examapp.psychometrics.irt import Items
from examapp.psychometrics.item_fit import mean_squares
from examapp.psychometrics.score_group_fit import score_group_fit
from examapp.psychometrics.undetermined import as_nan
from examapp.scoring.calibration_runs import population
from examapp.scoring.item_flags import Limits, flags_of
from examapp.scoring.item_numbers import (
    Group,
    OptionNumbers,
    ability_groups,
    correlation,
    group,
    option_numbers,
    within,
)
from examapp.scoring.item_options import NONE, chosen, options_of
from examapp.scoring.part_answers import PartAnswers, answers_of, marked_people, values_of

Floats = npt.NDArray[np.float64]
LIMITS = Limits()
BANDS = 3
FLAGGED_OPTIONS = ("single_choice", "multiple_choice", "true_false")


@dataclass(frozen=True)
class Fit:
    """How an item follows its model: infit and outfit (1 expected), and S-X2 summed over forms."""

    infit: float
    outfit: float
    statistic: float
    degrees_of_freedom: int
    p_value: float


@dataclass(frozen=True)
class ItemAnalysis:
    """The numbers of one item version in one part: difficulty is the mean share of its highest score."""

    exam: Exam
    part: str
    version: ItemVersion
    content: ItemContent
    parameters: ItemParameters
    people: int
    difficulty: float
    rest_correlation: float
    groups: tuple[Group, ...]
    options: tuple[OptionNumbers, ...]
    fit: Fit
    # share of the part's people who saw it: of all, and by third of ability from the lowest
    exposure: float
    exposure_by_band: tuple[float, ...]
    flags: tuple[str, ...]

    @property
    def item(self) -> Items:
        """The item's parameters as the one item of a test."""
        return as_items([self.parameters])


@dataclass(frozen=True)
class FormReliability:
    """Raw points of the people who sat a form: coefficient alpha and standard error of measurement, in points."""

    code: str
    people: int
    mean: float
    sd: float
    alpha: float
    standard_error: float


@dataclass(frozen=True)
class PartAnalysis:
    """A part's forms, its analysed items by code, and the items that too few people have seen, with how many."""

    exam: Exam
    part: str
    people: int
    forms: tuple[FormReliability, ...]
    items: tuple[ItemAnalysis, ...]
    hidden: tuple[tuple[ItemVersion, int], ...]


def analyse(actor: access.Actor, exam: Exam, part: str) -> PartAnalysis:
    """Return the numbers of every item version of a part that enough people have seen."""
    access.require(actor, "bank.read")
    answers = answers_of(exam, part)
    seen = np.isfinite(answers.scores).sum(axis=0)
    order = sorted(range(len(answers.versions)), key=lambda j: (answers.versions[j].item.code, -seen[j]))
    enough = [column for column in order if seen[column] >= LIMITS.fewest]
    hidden = tuple((answers.versions[column], int(seen[column])) for column in order if seen[column] < LIMITS.fewest)
    forms = tuple(
        _reliability(form.code, answers.earned[answers.form == number])
        for number, form in enumerate(answers.forms)
        if (answers.form == number).sum() >= LIMITS.fewest
    )
    items = _analysed(answers, enough) if enough else ()
    return PartAnalysis(exam, part, len(answers.sitting_ids), forms, items, hidden)


def analyses_of(actor: access.Actor, version: ItemVersion) -> list[ItemAnalysis]:
    """Return the numbers of one item version in each part where enough people have seen it."""
    access.require(actor, "bank.read")
    found: list[ItemAnalysis] = []
    for exam, part, people in marked_people(version):
        if people >= LIMITS.fewest:
            answers = answers_of(exam, part)
            found += _analysed(answers, [[each.id for each in answers.versions].index(version.id)])
    return found


@as_nan()
def _reliability(code: str, earned: Floats) -> FormReliability:
    points = earned[:, np.isfinite(earned).all(axis=0)]
    total = points.sum(axis=1)
    alpha, sd = cronbach_alpha(np.atleast_2d(np.cov(points, rowvar=False))), float(total.std(ddof=1))
    error = sd * float(np.sqrt(max(0.0, 1 - alpha)))
    return FormReliability(code, len(total), float(total.mean()), sd, alpha, error)


@as_nan()
def _analysed(answers: PartAnswers, columns: Sequence[int]) -> tuple[ItemAnalysis, ...]:
    """Return the analyses of some columns; what all items share is computed once."""
    scale, ids = plan_of(answers.exam).scale, [version.id for version in answers.versions]
    mean, sd = (float(number) for number in population(scale))
    items, rows = items_on_scale(ids, scale), rows_on_scale(ids, scale)
    ability = estimate(answers.scores, items, mean=mean, sd=sd)
    if ability.posterior is None:
        raise ValueError("EAP came without a posterior")
    seen = np.isfinite(answers.scores)
    edges = np.quantile(ability.theta, np.arange(1, BANDS) / BANDS)
    given = np.where(seen, np.arange(len(rows)), -1)
    bands = exposure_rates(given, ability.theta, len(rows), edges)
    squares = mean_squares(answers.scores[:, columns], items.take(columns), ability.theta)
    sums = _score_group_sums(answers, rows, columns, mean, sd)
    fits = [
        Fit(float(squares.infit[place]), float(squares.outfit[place]), *sums[column])
        for place, column in enumerate(columns)
    ]
    return tuple(
        _analysis(answers, column, rows[column], (ability.grid, ability.posterior), fit, bands[:, column])
        for column, fit in zip(columns, fits, strict=True)
    )


def _score_group_sums(
    answers: PartAnswers, rows: Sequence[ItemParameters], columns: Sequence[int], mean: float, sd: float
) -> dict[int, tuple[float, int, float]]:
    """Return S-X2 of each column: chi-square and degrees of freedom add up over forms, whose people are different."""
    sums = dict.fromkeys(columns, (0.0, 0))
    for number in range(len(answers.forms)):
        people = answers.scores[answers.form == number]
        own = np.flatnonzero(np.isfinite(people).all(axis=0)) if len(people) >= LIMITS.fewest else np.array([], int)
        if len(own) < 2 or not set(own.tolist()) & set(columns):
            continue
        # what experts stated was not estimated from anybody, and costs no degree of freedom
        free = np.zeros(len(own), dtype=int) if all(rows[column].source == EXPERT for column in own) else None
        fit = score_group_fit(people[:, own], as_items([rows[j] for j in own]), mean=mean, sd=sd, parameters=free)
        for place, column in enumerate(own.tolist()):
            if column in sums and fit.degrees_of_freedom[place] > 0:
                statistic, freedom = sums[column]
                sums[column] = (statistic + float(fit.statistic[place]), freedom + int(fit.degrees_of_freedom[place]))
    return {
        column: (*pair, float(chdtrc(pair[1], pair[0])) if pair[1] else float("nan")) for column, pair in sums.items()
    }


def _analysis(
    answers: PartAnswers, column: int, row: ItemParameters, ability: tuple[Floats, Floats], fit: Fit, bands: Floats
) -> ItemAnalysis:
    version, seen = answers.versions[column], np.isfinite(answers.scores[:, column])
    content = ItemContent.from_json(version.content)
    highest = int(answers.highest[column])
    scores, forms = answers.scores[seen, column], answers.form[seen]
    rest = within(np.nansum(answers.earned[seen], axis=1) - answers.earned[seen, column], forms)
    grid, posterior = ability
    item = as_items([row])
    curve = irt.probabilities(item, grid)[:, 0]
    without = posterior[seen] / np.maximum(curve[:, scores.astype(int)].T, 1e-300)
    without /= without.sum(axis=1, keepdims=True)
    theta = without @ grid
    groups = ability_groups(theta)
    difficulty = float(scores.mean()) / highest
    discrimination = correlation(within(scores, forms), rest)
    sets, variants = _choices(answers, column, content)
    options = tuple(
        option_numbers(id, is_key, np.array([id in each for each in sets]), theta, rest, forms, groups)
        for id, is_key in options_of(content).items()
    )
    judged = [each for each in options if each.id != NONE] if content.type in FLAGGED_OPTIONS else []
    return ItemAnalysis(
        answers.exam, answers.part, version, content, row, len(scores), difficulty, discrimination,
        tuple(group(scores[own] / highest, without[own], item, grid) for own in groups),
        options, fit, float(seen.mean()), tuple(bands.tolist()),
        flags_of(len(scores), difficulty, discrimination, judged, variants, LIMITS),
    )  # fmt: skip


def _choices(
    answers: PartAnswers, column: int, content: ItemContent
) -> tuple[list[set[str]], dict[str, tuple[int, int]]]:
    """Return what each person who saw the item chose, and how many got each set of drawn numbers right and wrong."""
    values, sets = values_of(answers, column), []
    counts: dict[str, tuple[int, int]] = {}
    slots = [answers.slot_of(number, column) for number in range(len(answers.forms))]
    for person in np.flatnonzero(np.isfinite(answers.scores[:, column])).tolist():
        slot = slots[answers.form[person]]
        if slot is None:
            raise ValueError(f"a mark of {content.id} on a form that lacks it")
        category = int(answers.scores[person, column])
        sets.append(chosen(content, variant_of(slot), values[person], category))
        numbers = canonical_bytes(slot.variant).decode()
        right, wrong = counts.get(numbers, (0, 0))
        is_right = category == answers.highest[column]
        counts[numbers] = (right + is_right, wrong + (not is_right))
    return sets, counts
