"""Curves, marks and words between two axes, as small plain SVG: without styles, scripts or outside references.

A strict content security policy leaves the SVG whole, text stays text, and equal drawings give equal bytes. Lengths are
points, 72 to the inch. It is written directly: a plotting library takes a hundred times as long to draw one figure, and
that in the process in which others wait for their saves.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import ArrayLike

FONTS = (
    "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Source Han Sans SC', "
    "'WenQuanYi Micro Hei', sans-serif"
)
NAMESPACES = {"": "http://www.w3.org/2000/svg"}
FONT_SIZE = 10.0
_STAR = [(r * math.sin(k * math.pi / 5), -r * math.cos(k * math.pi / 5)) for k, r in enumerate((1, 0.382) * 5)]
# outlines of marks around their middle, for a radius of 1
OUTLINES: Mapping[str, Sequence[tuple[float, float]]] = {
    "s": ((-1, -1), (1, -1), (1, 1), (-1, 1)), "^": ((0, -1), (1, 1), (-1, 1)), "v": ((0, 1), (1, -1), (-1, -1)),
    "<": ((-1, 0), (1, -1), (1, 1)), ">": ((1, 0), (-1, -1), (-1, 1)),
    "D": ((0, -1.41), (1.41, 0), (0, 1.41), (-1.41, 0)), "d": ((0, -1.41), (0.85, 0), (0, 1.41), (-0.85, 0)),
    "*": tuple(_STAR),
}  # fmt: skip
CROSSES: Mapping[str, Sequence[tuple[tuple[float, float], tuple[float, float]]]] = {
    "x": (((-1, -1), (1, 1)), ((-1, 1), (1, -1))), "+": (((-1, 0), (1, 0)), ((0, -1), (0, 1))),
}  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """What an axis spans, evenly or by powers of ten."""

    low: float
    high: float
    is_log: bool = False

    def shares(self, values: ArrayLike) -> np.ndarray:
        """Return how far along the axis values lie, 0 at its low end and 1 at its high end."""
        given, ends = np.asarray(values, float), np.array([self.low, self.high])
        if self.is_log:
            given, ends = np.log10(given), np.log10(ends)
        return np.asarray((given - ends[0]) / (ends[1] - ends[0]))

    def multiples(self, step: float) -> list[float]:
        """Return the multiples of a step within the axis."""
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]

    def powers(self) -> list[float]:
        """Return the powers of ten within the axis."""
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        return [10.0**power for power in range(first, last + 1)]

    def between_powers(self) -> list[float]:
        """Return the double to ninefold of the powers of ten within the axis."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)))
        steps = [digit * 10.0**power for power in decades for digit in range(2, 10)]
        return [step for step in steps if self.low <= step <= self.high]


class Drawing:
    """A frame with an axis along each side, and what is drawn in and around it."""

    def __init__(
        self, size: tuple[float, float], frame: tuple[float, float, float, float], x: Scale, y: Scale, prefix: str
    ) -> None:
        """Begin a drawing of some inches; `frame` is its left, bottom, width and height as shares of them."""
        self.width, self.height = (72 * each for each in size)
        self.left, self.inner = frame[0] * self.width, frame[2] * self.width
        self.bottom, self.inner_height = self.height * (1 - frame[1]), frame[3] * self.height
        self.x, self.y = x, y
        self._cut = f"{prefix}frame"
        self._lines: list[str] = []
        self._texts: list[str] = []

    def place(self, across: float, up: float) -> tuple[float, float]:
        """Return the point that lies so far across and up the frame, as shares of it."""
        return self.left + across * self.inner, self.bottom - up * self.inner_height

    def points(self, xs: ArrayLike, ys: ArrayLike) -> list[tuple[float, float]]:
        """Return the points of values on the axes."""
        across, up = np.broadcast_arrays(self.x.shares(xs), self.y.shares(ys))
        return [self.place(*each) for each in zip(across.ravel(), up.ravel(), strict=True)]

    def grid(self, xs: Iterable[float], ys: Iterable[float], colour: str, width: float) -> None:
        """Draw lines across the frame at these values."""
        ways = [f"M{_xy(self.place(across, 0))}v{_number(-self.inner_height)}" for across in self.x.shares(list(xs))]
        ways += [f"M{_xy(self.place(0, up))}h{_number(self.inner)}" for up in self.y.shares(list(ys))]
        self._lines.append(f'<path d="{"".join(ways)}" {_stroke(colour, width)}/>')

    def curve(
        self, points: Sequence[tuple[float, float]], colour: str, width: float, *, dash: Sequence[float] = (),
        is_cut: bool = True,
    ) -> None:  # fmt: skip
        """Draw a line through points; `dash` in widths of the line, and cut off at the frame if wanted."""
        dashes = f' stroke-dasharray="{" ".join(_number(each * width) for each in dash)}"' if dash else ""
        cut = f' clip-path="url(#{self._cut})"' if is_cut else ""
        self._lines.append(f'<path d="{_way(points)}" {_stroke(colour, width)}{dashes}{cut}/>')

    def area(self, points: Sequence[tuple[float, float]], colour: str, opacity: float) -> None:
        """Fill what lies between a curve and the bottom of the frame."""
        ends = [(points[-1][0], self.bottom), (points[0][0], self.bottom)]
        look = f'fill="{colour}" fill-opacity="{_number(opacity)}" clip-path="url(#{self._cut})"'
        self._lines.append(f'<path d="{_way([*points, *ends])}Z" {look}/>')

    def mark(self, point: tuple[float, float], kind: str, colour: str, size: float) -> None:
        """Draw a mark so many points wide."""
        x, y, radius = *point, size / 2
        if kind == "o":
            circle = f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}" fill="{colour}"/>'
            self._lines.append(circle)
        elif kind in CROSSES:
            ways = [_way([(x + radius * a, y + radius * b) for a, b in line]) for line in CROSSES[kind]]
            self._lines.append(f'<path d="{"".join(ways)}" {_stroke(colour, 1.2)}/>')
        else:
            outline = _way([(x + radius * a, y + radius * b) for a, b in OUTLINES[kind]])
            self._lines.append(f'<path d="{outline}Z" fill="{colour}"/>')

    def text(
        self, point: tuple[float, float], words: str, *, anchor: str = "start", size: float = FONT_SIZE,
        colour: str = "#000000", is_bold: bool = False, turn: bool = False,
    ) -> None:  # fmt: skip
        """Write words whose line begins, ends or has its middle at a point."""
        x, y = map(_number, point)
        look = f'font-size="{_number(size)}" text-anchor="{anchor}" fill="{colour}"'
        look += ' font-weight="bold"' if is_bold else ""
        look += f' transform="rotate(-90 {x} {y})"' if turn else ""
        self._texts.append(f'<text x="{x}" y="{y}" {look}>{escape(words)}</text>')

    def label(self, xs: Mapping[float, str], ys: Mapping[float, str], x_title: str, y_title: str) -> None:
        """Write numbers beside both axes, and what the axes are; the turned title keeps its middle in any language."""
        for value, words in xs.items():
            x, y = self.place(float(self.x.shares(value)), 0)
            self.text((x, y + 1.45 * FONT_SIZE), words, anchor="middle")
        for value, words in ys.items():
            x, y = self.place(0, float(self.y.shares(value)))
            self.text((x - 0.6 * FONT_SIZE, y + 0.36 * FONT_SIZE), words, anchor="end")
        x, y = self.place(0.5, 0)
        self.text((x, y + 2.8 * FONT_SIZE), x_title, anchor="middle")
        self.text((0.24 * self.left, self.place(0, 0.5)[1]), y_title, anchor="middle", turn=True)

    def svg(self, alt: str, language: str) -> str:
        """Return the drawing, with `alt` for those who cannot see it."""
        box = f'x="{_number(self.left)}" y="{_number(self.bottom - self.inner_height)}"'
        box += f' width="{_number(self.inner)}" height="{_number(self.inner_height)}"'
        size = f"{_number(self.width)} {_number(self.height)}"
        return (
            f'<svg xmlns="{NAMESPACES[""]}" viewBox="0 0 {size}" role="img" aria-label={quoteattr(alt)}'
            f' lang="{language}" font-family="{FONTS}" stroke-linejoin="round">'
            f'<defs><clipPath id="{self._cut}"><rect {box}/></clipPath></defs>'
            f'<rect width="{_number(self.width)}" height="{_number(self.height)}" fill="#ffffff"/>'
            f"{''.join(self._lines)}<rect {box} {_stroke('#000000', 0.8)}/>{''.join(self._texts)}</svg>"
        )


def told(value: float, decimals: int) -> str:
    """Return a number as it stands beside an axis."""
    return f"{value:.{decimals}f}".replace("-", "−")


def _stroke(colour: str, width: float) -> str:
    return f'fill="none" stroke="{colour}" stroke-width="{_number(width)}"'


def _way(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(_xy(point) for point in points)


def _xy(point: tuple[float, float]) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
