"""Figures of an item's numbers for examiners: its curve with what was observed, its information, and its options.

Small SVG in both languages with equal bytes for equal numbers; every line has a mark or a stroke of its own and a name
beside it, so nothing is told by colour alone, and a table with the same numbers stands beneath each figure.
"""

import itertools
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from scipy.optimize import isotonic_regression

from examapp.banks.drawings import as_svg, in_language
from examapp.banks.item_types import ITEM_TYPES
from examapp.psychometrics import irt
from examapp.scoring.item_analysis import ItemAnalysis
from examapp.scoring.item_numbers import OptionNumbers
from examapp.scoring.item_options import KEY, NONE, OTHER, TRAP

WIDTH, HEIGHT = 4.8, 3.4
REACH = 3.0
INK, MUTED, GRID = "#0b3d91", "#4b5660", "#c9ced3"
# told apart by mark and stroke too; colours for all kinds of sight (Okabe & Ito 2008)
COLOURS = ("#a33d00", "#00684f", "#7a3b69", "#8a6a00", "#2b6ca3", "#5b5b5b", "#000000")
KEY_MARKS = ("o", "d", "<", ">")
MARKS = ("s", "^", "D", "v", "x", "+", "*")
STROKES = ((0, (5, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 1.2)), (0, (8, 3)), (0, (4, 1, 1, 1)), (0, (3, 3)))
LOOKS: tuple[dict[str, Any], ...] = tuple(
    {"color": colour, "marker": mark, "linestyle": stroke}
    for colour, mark, stroke in zip(COLOURS, MARKS, STROKES, strict=True)
)
MOST_LINES = 8
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
    drawn = {"curve": _curve(analysis), "information": _information(analysis), "options": _options(analysis)}
    return {name: {language: _worded(analysis, name, svg, language) for language in ("zh", "en")}
            for name, svg in drawn.items()}  # fmt: skip


def _worded(analysis: ItemAnalysis, name: str, svg: str, language: str) -> str:
    place = 0 if language == "zh" else 1
    words = {token: pair[place] for token, pair in WORDS.items()}
    alt = ALTS[name][place].format(code=analysis.content.id)
    prefix = f"{analysis.part}-{analysis.content.id}-{analysis.version.version}-{name}-{language}-"
    return in_language(svg, words, alt, language, prefix)


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, HEIGHT))
    axes = figure.add_axes((0.13, 0.15, 0.84, 0.75))
    axes.set_xlim(-REACH, REACH)
    axes.xaxis.set_major_locator(MultipleLocator(1))
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(bottom=False, left=False)
    axes.set_xlabel(x)
    # turned text beside an axis loses its place when its words change length; this keeps its middle
    axes.text(-0.12, 0.5, y, transform=axes.transAxes, rotation=90, rotation_mode="anchor", ha="center")
    return figure, axes


def _as_shares(axes: Axes) -> None:
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_locator(MultipleLocator(0.2))


def _curve(analysis: ItemAnalysis) -> str:
    figure, axes = _axes("wordtheta", "wordscore")
    _as_shares(axes)
    theta = irt.grid(-REACH, REACH, 121)
    highest = ITEM_TYPES[analysis.content.type].highest(analysis.content)
    axes.plot(theta, irt.expected_score(analysis.item, theta)[:, 0] / highest, color=INK, linewidth=1.8)
    groups = [each for each in analysis.groups if abs(each.theta) <= REACH]
    ends = np.array([(each.observed - each.low, each.high - each.observed) for each in groups]).reshape(-1, 2)
    axes.errorbar(
        [each.theta for each in groups], [each.observed for each in groups], yerr=np.maximum(ends, 0).T, fmt="o",
        color="#12181f", markersize=4.5, elinewidth=1.1, capsize=3, clip_on=False,
    )  # fmt: skip
    _legend(axes, (("-", "", INK, "wordcurve"), ("-", "o", "#12181f", "wordobserved")))
    return as_svg(figure)


def _legend(axes: Axes, rows: tuple[tuple[str, str, str, str], ...]) -> None:
    """Name lines in a row above the axes, where no item's points can lie."""
    y = 1.06
    for place, (stroke, mark, colour, name) in zip((0.02, 0.4), rows, strict=True):
        look: dict[str, Any] = {"color": colour, "transform": axes.transAxes, "clip_on": False}
        axes.plot((place, place + 0.06), (y, y), stroke, linewidth=1.4, **look)
        axes.plot(place + 0.03, y, mark, markersize=4.5, **look)
        axes.text(place + 0.08, y, name, transform=axes.transAxes, va="center", fontsize=9)


def _information(analysis: ItemAnalysis) -> str:
    figure, axes = _axes("wordtheta", "wordinformation")
    theta = irt.grid(-REACH, REACH, 121)
    values = irt.information(analysis.item, theta)[:, 0]
    axes.plot(theta, values, color=INK, linewidth=1.8)
    axes.fill_between(theta, values, color=INK, alpha=0.08, linewidth=0)
    axes.set_ylim(0, max(0.3, float(values.max()) * 1.1))
    return as_svg(figure)


def _options(analysis: ItemAnalysis) -> str:
    figure, axes = _axes("wordtheta", "wordchosen")
    _as_shares(axes)
    axes.set_position((0.13, 0.15, 0.66, 0.75))
    theta = [each.theta for each in analysis.groups]
    edge = min(REACH, max(1.0, max(theta) + 0.1))
    axes.set_xlim(max(-REACH, min(-1.0, min(theta) - 0.1)), edge)
    shown = _most_chosen(analysis.options)
    keys, others = itertools.cycle(KEY_MARKS), itertools.cycle(LOOKS)
    for option in shown:
        if option.is_key is True:
            look: dict[str, Any] = {"color": INK, "marker": next(keys), "linestyle": "-", "linewidth": 2.8}
        else:
            look = {**next(others), "linewidth": 1.2}
        axes.plot(theta, option.by_group, markersize=5, clip_on=False, **look)
    for option, line, y in zip(shown, axes.get_lines(), _apart([each.by_group[-1] for each in shown]), strict=True):
        weight = "bold" if option.is_key else "normal"
        axes.plot(1.05, y, marker=line.get_marker(), color=line.get_color(), transform=axes.transAxes, clip_on=False,
                  markersize=4.5)  # fmt: skip
        axes.text(1.09, y, _name(option), transform=axes.transAxes, va="center", color=line.get_color(),
                  fontweight=weight, fontsize=9)  # fmt: skip
    return as_svg(figure)


def _most_chosen(options: tuple[OptionNumbers, ...]) -> list[OptionNumbers]:
    """Return the options that anybody chose, the most frequent if there are many, in their order."""
    chosen = sorted((each for each in options if each.count), key=lambda each: -each.count)[:MOST_LINES]
    return [each for each in options if each in chosen]


def _name(option: OptionNumbers) -> str:
    return f"word{option.id}" if option.id in WORDS else option.id.upper()


def _apart(heights: list[float]) -> list[float]:
    """Return heights in [0, 1] with room for a name between any two, each as near to its own as its order allows."""
    order = np.argsort(heights, kind="stable")
    steps = NEAREST_NAMES * np.arange(len(heights))
    # least squares under "each at least a step above the one below" is isotonic regression of what is left of steps
    rest = isotonic_regression(np.array(heights)[order] - steps).x if heights else steps
    placed = np.empty(len(heights))
    placed[order] = np.clip(rest, 0.0, 1.0 - steps.max(initial=0.0)) + steps
    return [float(height) for height in placed]
