"""Figures of stimuli, drawn from the same numbers as the keys of their items, as small SVG in both languages.

A figure is drawn once; `drawings` puts the words of each language in. Equal numbers give equal bytes.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from examapp.banks import markup
from examapp.banks.content import FigureContent, StimulusContent
from examapp.banks.drawings import as_svg, in_language
from examapp.banks.fields import Problem
from examapp.banks.variants import figure_values

WIDTH, HEIGHT = 6.6, 4.2


@dataclass(frozen=True)
class FigureKind:
    """A way to draw: the numbers it needs, the words on it, and the function that draws on given axes."""

    needs: frozenset[str]
    words: Mapping[str, tuple[str, str]]
    draw: Callable[[Axes, Mapping[str, float]], None]


def _sims_profile(axes: Axes, numbers: Mapping[str, float]) -> None:
    depth = np.linspace(0, numbers["range"], 281)
    steps = (depth - numbers["depth"]) / numbers["straggle"]
    concentration = numbers["peak"] * np.exp(-(steps**2) / 2) + numbers["floor"]
    axes.semilogy(depth, concentration, color="#0b3d91", linewidth=1.8)
    axes.axhline(numbers["background"], color="#8a3b00", linewidth=1.4, linestyle=(0, (6, 4)))
    axes.text(numbers["range"] * 0.015, numbers["background"] / 1.25, "wordbackground", va="top", color="#8a3b00")
    axes.set_xlim(0, numbers["range"])
    axes.set_ylim(numbers["floor"], 1e20)
    axes.xaxis.set_major_locator(MultipleLocator(100))
    axes.xaxis.set_minor_locator(MultipleLocator(20))


def _xrd_scan(axes: Axes, numbers: Mapping[str, float]) -> None:
    angle = np.linspace(numbers["low"], numbers["high"], 701)
    theta = np.radians(angle / 2)
    centre = np.radians(numbers["layer"] / 2)
    # A layer of finite thickness gives a squared sinc in the angle, with fringes at lambda / (t cos theta)
    phase = 2 * np.pi * numbers["thickness"] * np.cos(centre) / numbers["wavelength"] * (theta - centre)
    layer = 3e3 * np.sinc(phase / np.pi) ** 2
    substrate = 3e5 / (1 + ((angle - numbers["substrate"]) / 0.012) ** 2)
    axes.semilogy(angle, layer + substrate + 4, color="#0b3d91", linewidth=1.4)
    axes.annotate("wordsubstrate", (numbers["substrate"], 2e5), (-9, -2), textcoords="offset points", ha="right")
    axes.annotate("wordlayer", (numbers["layer"], 3.4e3), (0, 6), textcoords="offset points", ha="center")
    axes.set_xlim(numbers["low"], numbers["high"])
    axes.set_ylim(2, 1e6)
    axes.xaxis.set_major_locator(MultipleLocator(0.5))
    axes.xaxis.set_minor_locator(MultipleLocator(0.1))


FIGURES: dict[str, FigureKind] = {
    "sims_profile": FigureKind(
        frozenset({"peak", "depth", "straggle", "background", "floor", "range"}),
        {
            "x": ("深度 (nm)", "Depth (nm)"),
            "y": ("硼浓度 (cm⁻³)", "Boron concentration (cm⁻³)"),
            "background": ("衬底施主浓度", "donor concentration of the substrate"),
        },
        _sims_profile,
    ),
    "xrd_scan": FigureKind(
        frozenset({"wavelength", "substrate", "layer", "thickness", "low", "high"}),
        {
            "x": ("衍射角 2θ (°)", "Diffraction angle 2θ (°)"),
            "y": ("强度 (计数/秒)", "Intensity (counts/s)"),
            "substrate": ("衬底 Si (004)", "substrate Si (004)"),
            "layer": ("外延层 (004)", "layer (004)"),
        },
        _xrd_scan,
    ),
}


def check(stimulus: StimulusContent) -> list[Problem]:
    """Return what keeps the stimulus's figure from being drawn."""
    if stimulus.figure is None:
        return []
    kind = FIGURES.get(stimulus.figure.kind)
    if kind is None:
        return [Problem(("figure", "kind"), f"is not a kind of figure; use one of {', '.join(FIGURES)}")]
    wrong = sorted(kind.needs ^ set(stimulus.figure.values))
    listed = ", ".join(sorted(kind.needs))
    return [Problem(("figure", "values"), f"`{name}` is missing or unknown; give {listed}") for name in wrong]


def draw(stimulus: StimulusContent, values: Mapping[str, str]) -> dict[str, str] | None:
    """Return the stimulus's figure at the drawn numbers as SVG in Chinese and in English; None where it has none."""
    if stimulus.figure is None:
        return None
    numbers = figure_values(stimulus, values)
    tree = _drawn(FIGURES[stimulus.figure.kind], numbers)
    return {language: _in_language(tree, stimulus.figure, language) for language in ("zh", "en")}


def present_stimulus(stimulus: StimulusContent, values: Mapping[str, str]) -> dict[str, dict[str, str] | None]:
    """Return what a trainee sees of a stimulus: its text as HTML and its figure as SVG, in both languages."""
    text = {"zh": markup.block(stimulus.text.zh, values), "en": markup.block(stimulus.text.en, values)}
    return {"text": text, "figure": draw(stimulus, values)}


def _drawn(kind: FigureKind, numbers: Mapping[str, float]) -> str:
    figure = Figure(figsize=(WIDTH, HEIGHT))
    axes = figure.add_axes((0.115, 0.135, 0.855, 0.845))
    kind.draw(axes, numbers)
    axes.grid(which="major", color="#9a9a9a", linewidth=0.7, clip_on=False)
    axes.grid(which="minor", color="#dddddd", linewidth=0.5, clip_on=False)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_formatter(FuncFormatter(_power_of_ten))
    axes.tick_params(which="both", bottom=False, left=False)
    axes.set_xlabel("wordx")
    axes.text(-0.1, 0.5, "wordy", transform=axes.transAxes, rotation=90, rotation_mode="anchor", ha="center")
    return as_svg(figure)


def _power_of_ten(value: float, position: int | None = None) -> str:
    return "10" + str(round(math.log10(value))).translate(markup.RAISED)


def _in_language(drawn: str, content: FigureContent, language: str) -> str:
    place = 0 if language == "zh" else 1
    words = {name: pair[place] for name, pair in FIGURES[content.kind].words.items()}
    prefix = f"{content.kind.replace('_', '-')}-{language}-"
    return in_language(drawn, words, getattr(content.alt, language), language, prefix)
