"""Commands about exams: import the plan, assemble forms, decide a cut score."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.cli.doors import door
from examapp.db import transaction
from examapp.exams import exam_forms, form_assembly
from examapp.exams.plan_files import read_plan
from examapp.scoring import calibration_runs


@click.group()
def exams() -> None:
    """Exams and their blueprints."""


@exams.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@with_appcontext
@door
def import_exam(folder: Path) -> None:
    """Store the exam that FOLDER/exam.yaml describes.

    Example: examapp exams import question_banks/ic-materials
    """
    plan = read_plan(folder)
    with transaction():
        exam_forms.import_plan(OPERATOR, plan)
    click.echo(f"Stored {plan.code}: {', '.join(plan.parts)}.")


@click.group()
def forms() -> None:
    """Exam forms."""


@forms.command("assemble")
@click.argument("exam_code")
@click.argument("part", type=click.Choice(["theory", "practical"]))
@click.argument("codes", nargs=-1, required=True)
@click.option("--seed", type=int, required=True, help="Every draw follows from it.")
@with_appcontext
@door
def assemble(exam_code: str, part: str, codes: tuple[str, ...], seed: int) -> None:
    """Build one form for each of CODES from the blueprint and the bank.

    Example: examapp forms assemble ic-materials-primary theory A B --seed 2026
    """
    exam = exam_forms.exam_by_code(exam_code)
    chosen = form_assembly.choose_forms(OPERATOR, exam, part, codes, seed=seed)
    with transaction():
        made = form_assembly.store_forms(OPERATOR, exam, chosen, at=clock.now())
        lines = [f"{each.code}: {len(each.slots)} items, {each.digest}" for each in made]
    click.echo("\n".join(lines))


@click.command()
@click.argument("exam_code")
@click.argument("part", type=click.Choice(["theory", "practical"]))
@click.argument("theta", type=float)
@click.option("--method", required=True, help="How it was decided, such as 'modified Angoff'.")
@with_appcontext
@door
def cut(exam_code: str, part: str, theta: float, method: str) -> None:
    """Decide the pass mark of a part, as an ability on the exam's scale.

    Example: examapp cut ic-materials-primary theory --method "modified Angoff" -- -0.6
    """
    with transaction():
        exam = exam_forms.exam_by_code(exam_code)
        decided = exam_forms.decide_cut(OPERATOR, exam, part, theta, method, at=clock.now())
    click.echo(f"The pass mark of {exam_code} {part} is {decided.theta} (number {decided.number}).")


@click.command()
@click.argument("exam_code")
@click.argument("part", type=click.Choice(["theory", "practical"]))
@with_appcontext
@door
def calibrate(exam_code: str, part: str) -> None:
    """Replace the items' parameters by those that the sittings of a part give.

    Example: examapp calibrate ic-materials-primary theory
    """
    with transaction():
        done = calibration_runs.run(OPERATOR, exam_forms.exam_by_code(exam_code), part, at=clock.now())
        told = ", ".join(f"{name} {value}" for name, value in done.report.items())
    click.echo(f"Calibrated: {told}.")
