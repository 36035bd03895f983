"""Drawings: values stand where the axes say, and what comes out is plain, whole SVG."""

import re
from xml.etree import ElementTree as XML

import pytest

from examapp.banks.drawings import CROSSES, OUTLINES, Drawing, Scale, told

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def drawing():
    return Drawing((2, 1), (0.25, 0.25, 0.5, 0.5), Scale(0, 10), Scale(1, 100, is_log=True), "one-")


@pytest.mark.parametrize(
    ("x", "y", "point"), [(0, 1, (36, 54)), (10, 100, (108, 18)), (5, 10, (72, 36)), (-10, 1000, (-36, 0))]
)
def test_values_stand_where_the_axes_say(drawing, x, y, point):
    assert drawing.points(x, y) == [pytest.approx(point)]
    assert drawing.place(0.5, 0.5) == (72, 36)


def test_one_value_goes_with_many():
    drawing = Drawing((1, 1), (0, 0, 1, 1), Scale(0, 1), Scale(0, 1), "")
    assert drawing.points(0.5, [0, 1]) == [pytest.approx((36, 72)), pytest.approx((36, 0))]


def test_steps_of_axes():
    assert Scale(66.5, 70).multiples(0.5) == pytest.approx([66.5, 67, 67.5, 68, 68.5, 69, 69.5, 70])
    assert Scale(-0.9, 1).multiples(1) == [0, 1]
    assert Scale(2, 2000, is_log=True).powers() == [10, 100, 1000]
    assert Scale(2, 25, is_log=True).between_powers() == [2, 3, 4, 5, 6, 7, 8, 9, 20]
    assert [told(-1, 0), told(0.25, 2), told(0.5, 1)] == ["−1", "0.25", "0.5"]


def test_all_that_is_drawn_is_whole_svg_without_styles(drawing):
    drawing.grid([0, 5], [1, 10], "#cccccc", 0.5)
    drawing.curve(drawing.points([0, 10], [1, 100]), "#000000", 2, dash=(2, 1))
    drawing.area(drawing.points([0, 10], [1, 100]), "#000000", 0.1)
    for kind in ("o", *OUTLINES, *CROSSES):
        drawing.mark((10, 10), kind, "#000000", 5)
    drawing.label({0: "0"}, {1: "1"}, "a < b & c", "“y”")
    svg = drawing.svg('what "it" shows & tells', "en")
    root = XML.fromstring(svg)  # noqa: S314 - drawn a moment ago
    assert root.get("aria-label") == 'what "it" shows & tells'
    assert {"a < b & c", "“y”"} <= {each.text for each in root.iter(f"{SVG}text")}
    assert {each.tag.removeprefix(SVG) for each in root.iter()} == {
        "svg", "defs", "clipPath", "rect", "path", "circle", "text",
    }  # fmt: skip
    assert not re.search(r"style|script|href|nan|inf", svg)
