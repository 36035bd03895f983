"""Markdown of items as safe HTML."""

from html.parser import HTMLParser

import pytest

from examapp.banks import markup


class Seen(HTMLParser):
    """Collects the names of tags, attributes and comments."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts |= {tag, *(name for name, _ in attrs)}

    def handle_comment(self, data: str) -> None:
        self.parts.add("comment")


def test_a_number_stands_where_its_name_was():
    assert markup.block("At {T} K and {p} Pa", {"T": "300", "p": "-0.00002"}) == "<p>At 300 K and −2×10⁻⁵ Pa</p>"


def test_braces_in_formulas_and_code_are_left_alone():
    html = markup.block(r"$\frac{n}{2}$ and `{n}` and {m}", {"n": "7"})
    assert r'<span class="math" data-tex="\frac{n}{2}">\frac{n}{2}</span>' in html
    assert "<code>{n}</code> and {m}" in html
    assert markup.placeholders(r"{a} $\frac{n}{2}$ `{c}` {as_}") == {"a", "as_"}


def test_a_display_formula_is_marked_as_one():
    assert '<span class="math display" data-tex="E&lt;0">E&lt;0</span>' in markup.block("$$E<0$$")


def test_chemistry_keeps_its_tex():
    assert r'data-tex="\ce{H2O2}"' in markup.inline(r"$\ce{H2O2}$")


def test_a_table_keeps_its_alignment_without_styles():
    html = markup.block("| a | b |\n| --- | ---: |\n| 1 | {x} |", {"x": "2"})
    assert '<td class="align-right">2</td>' in html
    assert "style" not in html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "![a](http://x/y.png)",
        "<http://x.example>", '$"onmouseover="alert(1)$', "<svg onload=alert(1)>", "[a]: http://x\n\n[a]",
        "&lt;script&gt;", "`<b>`", "<a href=//x>y</a>", "<!-- x -->", "$$</span><script>$$",
    ],
)  # fmt: skip
def test_nothing_active_or_external_comes_out(hostile):
    for html in (markup.block(hostile), markup.inline(hostile)):
        seen = Seen()
        seen.feed(html)
        assert seen.parts <= {"p", "code", "span", "class", "data-tex"}


def test_code_that_looks_hostile_is_shown_as_written():
    html = markup.inline("is `<b>` the same as `&lt;b&gt;`? `{{x}}` and `=A1`")
    assert "<code>&lt;b&gt;</code>" in html
    assert "<code>&amp;lt;b&amp;gt;</code>" in html
    assert "<code>{{x}}</code>" in html


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("0", "0"), ("300", "300"), ("-5", "−5"), ("1.0", "1.0"), ("1.2346E+5", "123460"), ("1E+7", "1×10⁷"),
        ("0.00015", "1.5×10⁻⁴"),
    ],
)  # fmt: skip
def test_numbers_are_shown_as_people_write_them(number, shown):
    assert markup.shown(number) == shown
