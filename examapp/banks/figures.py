"""Figures of stimuli, drawn from the same numbers as the keys of their items, as small SVG in both languages.

Equal numbers give equal bytes.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from examapp.banks import markup
from examapp.banks.content import StimulusContent
from examapp.banks.drawings import Drawing, Scale, told
from examapp.banks.fields import Problem
from examapp.banks.variants import figure_values

SIZE, FRAME = (6.6, 4.2), (0.115, 0.135, 0.855, 0.845)
INK, OTHER_INK, GRID, FINE_GRID = "#0b3d91", "#8a3b00", "#9a9a9a", "#dddddd"
Words = Mapping[str, str]


@dataclass(frozen=True)
class FigureKind:
    """A way to draw: the numbers it needs, the words on it in Chinese and English, and the function that draws."""

    needs: frozenset[str]
    words: Mapping[str, tuple[str, str]]
    draw: Callable[[Mapping[str, float], Words, str], Drawing]


def _sims_profile(numbers: Mapping[str, float], words: Words, prefix: str) -> Drawing:
    depth = np.linspace(0, numbers["range"], 281)
    steps = (depth - numbers["depth"]) / numbers["straggle"]
    concentration = numbers["peak"] * np.exp(-(steps**2) / 2) + numbers["floor"]
    drawing = Drawing(SIZE, FRAME, Scale(0, numbers["range"]), Scale(numbers["floor"], 1e20, is_log=True), prefix)
    _rule(drawing, (100, 20), 0, words)
    drawing.curve(drawing.points(depth, concentration), INK, 1.8)
    drawing.curve(drawing.points(depth[[0, -1]], numbers["background"]), OTHER_INK, 1.4, dash=(6, 4))
    ((x, y),) = drawing.points(numbers["range"] * 0.015, numbers["background"] / 1.25)
    drawing.text((x, y + 9), words["background"], colour=OTHER_INK)
    return drawing


def _xrd_scan(numbers: Mapping[str, float], words: Words, prefix: str) -> Drawing:
    angle = np.linspace(numbers["low"], numbers["high"], 701)
    theta = np.radians(angle / 2)
    centre = np.radians(numbers["layer"] / 2)
    # A layer of finite thickness gives a squared sinc in the angle, with fringes at lambda / (t cos theta)
    phase = 2 * np.pi * numbers["thickness"] * np.cos(centre) / numbers["wavelength"] * (theta - centre)
    layer = 3e3 * np.sinc(phase / np.pi) ** 2
    substrate = 3e5 / (1 + ((angle - numbers["substrate"]) / 0.012) ** 2)
    drawing = Drawing(SIZE, FRAME, Scale(numbers["low"], numbers["high"]), Scale(2, 1e6, is_log=True), prefix)
    _rule(drawing, (0.5, 0.1), 1, words)
    drawing.curve(drawing.points(angle, layer + substrate + 4), INK, 1.4)
    (x, y), (x_layer, y_layer) = drawing.points([numbers["substrate"], numbers["layer"]], [2e5, 3.4e3])
    drawing.text((x - 9, y), words["substrate"], anchor="end")
    drawing.text((x_layer, y_layer - 6), words["layer"], anchor="middle")
    return drawing


def _rule(drawing: Drawing, steps: tuple[float, float], decimals: int, words: Words) -> None:
    """Draw the grids, coarse and fine, of an even axis below and a logarithmic one beside it, and label both."""
    coarse, fine = map(drawing.x.multiples, steps)
    drawing.grid(fine, drawing.y.between_powers(), FINE_GRID, 0.5)
    drawing.grid(coarse, drawing.y.powers(), GRID, 0.7)
    beside = {value: _power_of_ten(value) for value in drawing.y.powers()}
    drawing.label({value: told(value, decimals) for value in coarse}, beside, words["x"], words["y"])


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
    figure, numbers = stimulus.figure, figure_values(stimulus, values)
    kind = FIGURES[figure.kind]
    shown = {}
    for place, language in enumerate(("zh", "en")):
        words = {name: pair[place] for name, pair in kind.words.items()}
        drawing = kind.draw(numbers, words, f"{figure.kind.replace('_', '-')}-{language}-")
        shown[language] = drawing.svg(getattr(figure.alt, language), language)
    return shown


def present_stimulus(stimulus: StimulusContent, values: Mapping[str, str]) -> dict[str, dict[str, str] | None]:
    """Return what a trainee sees of a stimulus: its text as HTML and its figure as SVG, in both languages."""
    text = {"zh": markup.block(stimulus.text.zh, values), "en": markup.block(stimulus.text.en, values)}
    return {"text": text, "figure": draw(stimulus, values)}


def _power_of_ten(value: float) -> str:
    return "10" + str(round(math.log10(value))).translate(markup.RAISED)
