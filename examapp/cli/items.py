"""Commands about items: the gallery of what trainees did with them."""

import sys
from pathlib import Path

import click
from flask import render_template
from flask.cli import with_appcontext
from flask_babel import force_locale

from examapp.accounts.access import OPERATOR
from examapp.cli.doors import door
from examapp.exams import exam_forms
from examapp.scoring.item_analysis import LIMITS, PartAnalysis, analyse
from examapp.scoring.item_figures import figures

LANGUAGES = ("zh", "en")


@click.group()
def items() -> None:
    """Items, as the responses of closed sittings show them."""


@items.command()
@click.argument("exam_code")
@click.argument("part", type=click.Choice(["theory", "practical"]))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The page to write.")
@with_appcontext
@door
def gallery(exam_code: str, part: str, out: Path) -> None:
    """Write one page of every item of a part: its curve, information, fit, options and flags, in both languages.

    The page stands by itself, without scripts, and holds what trainees must not see: share it with examiners only.

    \b
    Example: examapp items gallery ic-materials-primary theory --out theory.html
    """
    analysis = analyse(OPERATOR, exam_forms.exam_by_code(exam_code), part)
    out.write_text(page(analysis), encoding="utf-8")
    flagged = sum(1 for each in analysis.items if each.flags)
    few = f", {len(analysis.hidden)} with fewer than {LIMITS.fewest} trainees are left out" if analysis.hidden else ""
    click.echo(f"{out}: {len(analysis.items)} items of {analysis.people} trainees, {flagged} flagged{few}")


def page(analysis: PartAnalysis) -> str:
    """Return the gallery of a part as HTML, its tables and figures once in each language."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(analysis.items, label="Drawing", file=sys.stderr, hidden=hidden) as shown:
        drawn = [(each, figures(each)) for each in shown]
    bodies = {}
    for language in LANGUAGES:
        with force_locale(language):
            bodies[language] = render_template(
                "examiner/gallery_body.html", analysis=analysis, drawn_items=drawn, lang=language, fewest=LIMITS.fewest
            )
    return render_template("examiner/gallery.html", bodies=bodies, exam=analysis.exam)
