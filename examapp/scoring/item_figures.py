"""Figures of an item's numbers for examiners: its curve with what was observed, its information, and its options.

Small SVG in both languages with equal bytes for equal numbers; every line has a mark or a stroke of its own and a name
beside it, so nothing is told by colour alone, and a table with the same numbers stands beneath each figure.
"""

import itertools
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression

from examapp.banks.drawings import Drawing, Scale, told
from examapp.banks.item_types import ITEM_TYPES
from examapp.psychometrics import irt
from examapp.scoring.item_analysis import ItemAnalysis
from examapp.scoring.item_numbers import OptionNumbers
from examapp.scoring.item_options import KEY, NONE, OTHER, TRAP

SIZE, FRAME, NARROW_FRAME = (4.8, 3.4), (0.13, 0.15, 0.84, 0.75), (0.13, 0.15, 0.66, 0.75)
REACH = 3.0
INK, OBSERVED, GRID = "#0b3d91", "#12181f", "#c9ced3"
# told apart by mark and stroke too; colours for all kinds of sight (Okabe & Ito 2008)
COLOURS = ("#a33d00", "#00684f", "#7a3b69", "#8a6a00", "#2b6ca3", "#5b5b5b", "#000000")
KEY_MARKS = ("o", "d", "<", ">")
MARKS = ("s", "^", "D", "v", "x", "+", "*")
STROKES = ((5, 2), (2, 1.5), (6, 2, 1, 2), (1, 1.2), (8, 3), (4, 1, 1, 1), (3, 3))


class Look(NamedTuple):
    """How an option's line is told apart: colour, mark, stroke in widths of the line, and its width."""

    colour: str
    mark: str
    dash: tuple[float, ...] = ()
    width: float = 1.2


LOOKS = tuple(itertools.starmap(Look, zip(COLOURS, MARKS, STROKES, strict=True)))
MOST_LINES, MARK = 8, 5.8
NEAREST_NAMES = 0.065
WORDS: dict[str, tuple[str, str]] = {
    "theta": ("能力 θ", "Ability θ"),
    "score": ("得分占满分的比例", "Share of the highest score"),
    "information": ("信息量", "Information"),
    "chosen": ("选择该项的比例", "Share who chose it"),
    "curve": ("模型曲线", "model's curve"),
    "observed": ("实测值及 95% 置信区间", "observed, 95 % interval"),
    "true": ("正确", "true"),
    "false": ("错误", "false"),
    KEY: ("答案", "key"),
    TRAP: ("常见错误", "usual mistake"),
    OTHER: ("其他", "other"),
    NONE: ("未作答", "none"),
}
ALTS: dict[str, tuple[str, str]] = {
    "curve": (
        "试题 {code}：模型曲线与各能力组的实测得分比例及 95% 置信区间；数据见下表。",
        "Item {code}: the model's curve, and the observed share of each ability group with its 95 % interval; "
        "the table below holds the numbers.",
    ),
    "information": (
        "试题 {code}：各能力水平上的信息量；数据见下表。",
        "Item {code}: information by ability; the table below holds the numbers.",
    ),
    "options": (
        "试题 {code}：各能力组选择每个选项的比例，粗线为正确选项；数据见下表。",
        "Item {code}: share of each ability group that chose each option, the key drawn thick; "
        "the table below holds the numbers.",
    ),
}


def figures(analysis: ItemAnalysis) -> dict[str, dict[str, str]]:
    """Return the figures of an item by name and language: "curve", "information" and "options"."""
    ways = {"curve": _curve, "information": _information, "options": _options}
    shown: dict[str, dict[str, str]] = {name: {} for name in ways}
    for name, draw in ways.items():
        for place, language in enumerate(("zh", "en")):
            words = {token: pair[place] for token, pair in WORDS.items()}
            prefix = f"{analysis.part}-{analysis.content.id}-{analysis.version.version}-{name}-{language}-"
            alt = ALTS[name][place].format(code=analysis.content.id)
            shown[name][language] = draw(analysis, words, prefix).svg(alt, language)
    return shown


def _curve(analysis: ItemAnalysis, words: Mapping[str, str], prefix: str) -> Drawing:
    drawing = Drawing(SIZE, FRAME, Scale(-REACH, REACH), Scale(0, 1), prefix)
    _rule(drawing, 0.2, words["theta"], words["score"])
    theta = irt.grid(-REACH, REACH, 121)
    highest = ITEM_TYPES[analysis.content.type].highest(analysis.content)
    drawing.curve(drawing.points(theta, irt.expected_score(analysis.item, theta)[:, 0] / highest), INK, 1.8)
    for each in analysis.groups:
        if abs(each.theta) <= REACH:
            bounds = [min(each.low, each.observed), each.observed, max(each.high, each.observed)]
            low, middle, high = drawing.points(each.theta, bounds)
            drawing.curve([low, high], OBSERVED, 1.1, is_cut=False)
            for x, y in (low, high):
                drawing.curve([(x - 3, y), (x + 3, y)], OBSERVED, 1.1, is_cut=False)
            drawing.mark(middle, "o", OBSERVED, MARK)
    _name_line(drawing, 0.02, INK, words["curve"])
    drawing.mark(drawing.place(0.43, 1.06), "o", OBSERVED, MARK)
    _name_line(drawing, 0.4, OBSERVED, words["observed"])
    return drawing


def _rule(drawing: Drawing, step: float, x_title: str, y_title: str) -> None:
    """Draw the grid, whole numbers across and steps upwards, and label it."""
    across, up = drawing.x.multiples(1), drawing.y.multiples(step)
    drawing.grid(across, up, GRID, 0.6)
    decimals = 1 if math.isclose(step * 10, round(step * 10)) else 2
    beneath = {value: told(value, 0) for value in across}
    drawing.label(beneath, {value: told(value, decimals) for value in up}, x_title, y_title)


def _name_line(drawing: Drawing, across: float, colour: str, name: str) -> None:
    """Name a line in a row above the frame, where no item's points can lie."""
    drawing.curve([drawing.place(across, 1.06), drawing.place(across + 0.06, 1.06)], colour, 1.4, is_cut=False)
    x, y = drawing.place(across + 0.08, 1.06)
    drawing.text((x, y + 3.2), name, size=9)


def _information(analysis: ItemAnalysis, words: Mapping[str, str], prefix: str) -> Drawing:
    theta = irt.grid(-REACH, REACH, 121)
    values = irt.information(analysis.item, theta)[:, 0]
    top = max(0.3, float(values.max()) * 1.1)
    drawing = Drawing(SIZE, FRAME, Scale(-REACH, REACH), Scale(0, top), prefix)
    _rule(drawing, _step(top), words["theta"], words["information"])
    points = drawing.points(theta, values)
    drawing.area(points, INK, 0.08)
    drawing.curve(points, INK, 1.8)
    return drawing


def _step(top: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that divides an axis from 0 into eight parts at most."""
    power = 10.0 ** math.floor(math.log10(top / 8))
    return next(factor * power for factor in (1, 2, 5, 10) if top / (factor * power) <= 8)


def _options(analysis: ItemAnalysis, words: Mapping[str, str], prefix: str) -> Drawing:
    theta = [each.theta for each in analysis.groups]
    low, high = max(-REACH, min(-1.0, min(theta) - 0.1)), min(REACH, max(1.0, max(theta) + 0.1))
    drawing = Drawing(SIZE, NARROW_FRAME, Scale(low, high), Scale(0, 1), prefix)
    _rule(drawing, 0.2, words["theta"], words["chosen"])
    shown = _most_chosen(analysis.options)
    keys, others = itertools.cycle(KEY_MARKS), itertools.cycle(LOOKS)
    looks = [Look(INK, next(keys), width=2.8) if each.is_key is True else next(others) for each in shown]
    for option, look, y in zip(shown, looks, _apart([each.by_group[-1] for each in shown]), strict=True):
        points = drawing.points(theta, option.by_group)
        drawing.curve(points, look.colour, look.width, dash=look.dash, is_cut=False)
        for point in points:
            drawing.mark(point, look.mark, look.colour, MARK)
        drawing.mark(drawing.place(1.05, y), look.mark, look.colour, MARK)
        x, middle = drawing.place(1.09, y)
        drawing.text(
            (x, middle + 3.2), words.get(option.id, option.id.upper()), size=9, colour=look.colour,
            is_bold=bool(option.is_key),
        )  # fmt: skip
    return drawing


def _most_chosen(options: tuple[OptionNumbers, ...]) -> list[OptionNumbers]:
    """Return the options that anybody chose, the most frequent if there are many, in their order."""
    chosen = sorted((each for each in options if each.count), key=lambda each: -each.count)[:MOST_LINES]
    return [each for each in options if each in chosen]


def _apart(heights: list[float]) -> list[float]:
    """Return heights in [0, 1] with room for a name between any two, each as near to its own as its order allows."""
    order = np.argsort(heights, kind="stable")
    steps = NEAREST_NAMES * np.arange(len(heights))
    # least squares under "each at least a step above the one below" is isotonic regression of what is left of steps
    rest = isotonic_regression(np.array(heights)[order] - steps).x if heights else steps
    placed = np.empty(len(heights))
    placed[order] = np.clip(rest, 0.0, 1.0 - steps.max(initial=0.0)) + steps
    return [float(height) for height in placed]
