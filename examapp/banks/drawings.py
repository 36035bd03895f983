"""A matplotlib drawing as small plain SVG in a language: deterministic, without styles, scripts or outside references.

A figure is drawn once, with plain tokens such as `wordx` where words stand, and the words of each language are put in
afterwards: text stays text, and no font needs to know Chinese while drawing. A strict content security policy leaves
the SVG whole, and equal drawings give equal bytes.
"""

import io
import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as XML

import matplotlib
from matplotlib.figure import Figure

FONTS = (
    "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Source Han Sans SC', "
    "'WenQuanYi Micro Hei', sans-serif"
)
SVG = "{http://www.w3.org/2000/svg}"
NAMESPACES = {"": "http://www.w3.org/2000/svg", "xlink": "http://www.w3.org/1999/xlink"}
_DECIMALS = re.compile(r"-?\d+\.\d{3,}")
_TOKEN = re.compile(r"word([a-z]+)")

# Set once, at import: the drawing itself must not depend on anybody's settings
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "examapp", "path.simplify": True})


def as_svg(figure: Figure) -> str:
    """Return the SVG that matplotlib writes, without date or tool."""
    written = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(written, format="svg", metadata=nothing)
    return written.getvalue()


def in_language(drawn: str, words: Mapping[str, str], alt: str, language: str, prefix: str) -> str:
    """Return a drawing with `words` in place of its tokens, `alt` for those who cannot see it, ids under `prefix`."""
    root = XML.fromstring(drawn)  # noqa: S314 - our own drawing, written a moment ago
    _strip(root)
    _number_ids(root, prefix)
    _flatten(root)
    for element in root.iter(f"{SVG}text"):
        element.text = _TOKEN.sub(lambda match: words[match[1]], element.text or "")
    _describe(root, alt, language)
    for name, address in NAMESPACES.items():
        XML.register_namespace(name, address)
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


def _describe(root: XML.Element, alt: str, language: str) -> None:
    root.set("role", "img")
    root.set("aria-label", alt)
    root.set("lang", language)
    root.set("font-family", FONTS)
    root.set("stroke-linejoin", "round")
    root.set("stroke-linecap", "butt")
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
