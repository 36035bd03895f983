"""Figures of stimuli, drawn from the same numbers as the keys of their items, as small SVG in both languages.

A figure is drawn once, with plain tokens where words stand, and the words of each language are put in afterwards: text
stays text, and no font needs to know Chinese while drawing. The SVG has no style sheets, scripts, ids from outside or
references but to itself, so a strict content security policy leaves it whole, and equal numbers give equal bytes.
"""

import io
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as XML

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from examapp.banks import markup
from examapp.banks.content import FigureContent, StimulusContent
from examapp.banks.fields import Problem, Text
from examapp.banks.variants import figure_values

FONTS = (
    "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Source Han Sans SC', "
    "'WenQuanYi Micro Hei', sans-serif"
)
WIDTH, HEIGHT = 6.6, 4.2
SVG = "{http://www.w3.org/2000/svg}"
NAMESPACES = {"": "http://www.w3.org/2000/svg", "xlink": "http://www.w3.org/1999/xlink"}
_DECIMALS = re.compile(r"-?\d+\.\d{3,}")
_TOKEN = re.compile(r"word([a-z]+)")

# Set once, at import: the drawing itself must not depend on anybody's settings
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "examapp", "path.simplify": True})


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
    written = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(written, format="svg", metadata=nothing)
    return written.getvalue()


def _power_of_ten(value: float, position: int | None = None) -> str:
    return "10" + str(round(math.log10(value))).translate(markup.RAISED)


def _in_language(drawn: str, content: FigureContent, language: str) -> str:
    place = 0 if language == "zh" else 1
    words = {name: pair[place] for name, pair in FIGURES[content.kind].words.items()}
    root = XML.fromstring(drawn)  # noqa: S314 - our own drawing, written a moment ago
    _strip(root)
    _number_ids(root, f"{content.kind.replace('_', '-')}-{language}-")
    _flatten(root)
    for element in root.iter(f"{SVG}text"):
        element.text = _TOKEN.sub(lambda match: words[match[1]], element.text or "")
    _describe(root, content.alt, language)
    for prefix, address in NAMESPACES.items():
        XML.register_namespace(prefix, address)
    return _DECIMALS.sub(lambda match: f"{float(match[0]):.2f}", XML.tostring(root, encoding="unicode"))


def _strip(root: XML.Element) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{SVG}metadata", f"{SVG}style"):
                parent.remove(child)
    for element in root.iter():
        for name, value in _presentation(element.attrib.pop("style", "")):
            element.set(name, value)
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]


def _flatten(parent: XML.Element) -> None:
    children = list(parent)
    for child in children:
        _flatten(child)
        child.tail = None
    if parent.tag != f"{SVG}text":
        parent.text = None
    # A group that says nothing gives its place to what it holds
    parent[:] = [
        part for child in children for part in (child if child.tag == f"{SVG}g" and not child.attrib else [child])
    ]


def _presentation(style: str) -> Iterator[tuple[str, str]]:
    for declaration in style.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font":
            yield "font-size", value.split()[0].removesuffix("px")
        elif name and name != "font-family":
            yield name, value


def _number_ids(root: XML.Element, prefix: str) -> None:
    references = "".join(value for element in root.iter() for value in element.attrib.values() if "#" in value)
    renamed: dict[str, str] = {}
    for element in root.iter():
        code = element.attrib.pop("id", None)
        if code and f"#{code}" in references:
            renamed[code] = f"{prefix}{len(renamed) + 1}"
            element.set("id", renamed[code])
    for element in root.iter():
        for name, value in element.attrib.items():
            element.set(name, re.sub(r"#([\w-]+)", lambda match: "#" + renamed.get(match[1], match[1]), value))


def _describe(root: XML.Element, alt: Text, language: str) -> None:
    root.set("role", "img")
    root.set("aria-label", getattr(alt, language))
    root.set("lang", language)
    root.set("font-family", FONTS)
    root.set("stroke-linejoin", "round")
    root.set("stroke-linecap", "butt")
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
