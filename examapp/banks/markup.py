"""Markdown of items to HTML: numbers put in place of {names}, formulas kept as TeX, everything else on an allow-list.

Two walls: the reader knows no links, images or HTML, and its output is cleaned once more against the allow-list.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

TAGS = {
    "p", "br", "strong", "em", "code", "pre", "ul", "ol", "li", "blockquote", "span", "hr",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"span": {"data-tex"}, "ol": {"start"}}
CLASSES = {"span": {"math", "display"}, "th": {"align-right", "align-center"}, "td": {"align-right", "align-center"}}
PLACEHOLDER = re.compile(r"\{(_?[A-Za-z][A-Za-z0-9]{0,15}_?)\}")
RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def placeholders(text: str) -> frozenset[str]:
    """Return the names in braces that stand outside formulas and code."""
    found: set[str] = set()
    for token in _reader().parse(text):
        for inner in token.children or ():
            if inner.type == "text":
                found.update(PLACEHOLDER.findall(inner.content))
    return frozenset(found)


def shown(number: str) -> str:
    """Return a decimal string as people read it: a true minus sign, and powers of ten for the very large and small.

    >>> shown("-12.50"), shown("0.00000032")
    ('−12.50', '3.2×10⁻⁷')
    """
    value = Decimal(number)
    sign = "−" if value < 0 else ""
    if value == 0 or -3 <= value.adjusted() < 6:
        return f"{sign}{abs(value):f}"
    digits = "".join(str(digit) for digit in value.as_tuple().digits).rstrip("0")
    mantissa = digits[0] + ("." + digits[1:] if digits[1:] else "")
    return f"{sign}{mantissa}×10{str(value.adjusted()).translate(RAISED)}"


def block(text: str, values: Mapping[str, str] | None = None) -> str:
    """Return the HTML of paragraphs, lists and tables, with the numbers of `values` in place of {names}."""
    return _rendered(text, tuple(sorted((values or {}).items())), False)


def inline(text: str, values: Mapping[str, str] | None = None) -> str:
    """Return the HTML of one line, as options and labels need it."""
    return _rendered(text, tuple(sorted((values or {}).items())), True)


@lru_cache(maxsize=2048)
def _rendered(text: str, values: tuple[tuple[str, str], ...], is_inline: bool) -> str:
    reader = _reader()
    tokens = reader.parseInline(text) if is_inline else reader.parse(text)
    _substitute(tokens, {name: shown(number) for name, number in values})
    html: str = reader.renderer.render(tokens, reader.options, {})
    return nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, allowed_classes=CLASSES, url_schemes=set()).strip()


def _substitute(tokens: Sequence[Token], texts: Mapping[str, str]) -> None:
    for token in tokens:
        _align_by_class(token)
        if token.type == "text":
            token.content = PLACEHOLDER.sub(lambda match: texts.get(match[1], match[0]), token.content)
        _substitute(token.children or (), texts)


def _align_by_class(token: Token) -> None:
    style = token.attrs.pop("style", None)
    if style in ("text-align:right", "text-align:center"):
        token.attrs["class"] = f"align-{str(style).removeprefix('text-align:')}"


@lru_cache(maxsize=1)
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.disable(["link", "image", "autolink", "reference", "html_inline", "html_block"])
    reader.use(dollarmath_plugin, allow_space=False, allow_digits=True, allow_labels=False)
    reader.add_render_rule("math_inline", _inline_formula)
    reader.add_render_rule("math_block", _display_formula)
    return reader


def _inline_formula(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return _formula(tokens[index].content, "math")


def _display_formula(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return f"<p>{_formula(tokens[index].content, 'math display')}</p>\n"


def _formula(tex: str, classes: str) -> str:
    escaped = escapeHtml(tex.strip())
    return f'<span class="{classes}" data-tex="{escaped}">{escaped}</span>'
