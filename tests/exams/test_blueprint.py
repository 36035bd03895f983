"""Exam plans: what a file must say before forms are built from it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from examapp.exams.blueprint import ExamPlan
from examapp.exams.plan_files import read_plan

FOLDER = Path(__file__).resolve().parents[2] / "question_banks" / "ic-materials"


def test_every_area_of_the_real_exam_has_a_title_in_both_languages():
    plan = read_plan(FOLDER)
    assert {area for part in plan.parts.values() for area in part.areas} == set(plan.areas)
    assert plan.areas["ic-materials.t.film"].text("en") == "Thin films, metallisation and targets"
    assert plan.areas["ic-materials.t.film"].text("zh") == "薄膜与金属化材料、靶材"


def test_area_without_a_title_is_named():
    fields = read_plan(FOLDER).model_dump()
    del fields["areas"]["ic-materials.t.film"]
    with pytest.raises(ValidationError, match=r"differ by ic-materials\.t\.film"):
        ExamPlan.model_validate(fields)
