"""The exam beside a bank: `exam.yaml`, read with the place of every error."""

from pathlib import Path

from pydantic import ValidationError

from examapp.banks.located_yaml import read_located
from examapp.errors import N_, InvalidInput
from examapp.exams.blueprint import ExamPlan

PLAN_FILE = "exam.yaml"


def read_plan(folder: Path) -> ExamPlan:
    """Return the exam plan in a bank's folder; raise `InvalidInput` that names every error with line and column."""
    path = folder / PLAN_FILE
    if not path.is_file():
        raise InvalidInput(
            "plan.missing", N_("There is no %(path)s; write the exam's blueprint there."), path=str(path)
        )
    document = read_located(path.read_bytes())
    problems = [(f"{path}:{flaw.place.line}:{flaw.place.column}", flaw.message) for flaw in document.flaws]
    if not problems:
        try:
            return ExamPlan.model_validate(document.value)
        except ValidationError as error:
            for detail in error.errors():
                place = document.place(detail["loc"])
                problems.append((f"{path}:{place.line}:{place.column}", detail["msg"]))
    raise InvalidInput("plan.wrong", N_("The exam plan has errors; nothing was imported."), problems)
