"""Forms from the real bank: every constraint of the blueprint, measured on what was built."""

from collections import Counter
from pathlib import Path

import pytest

from examapp.accounts.access import OPERATOR
from examapp.banks.authoring import import_bank
from examapp.banks.bank_files import read_bank
from examapp.banks.content import ItemContent
from examapp.db import db
from examapp.delivery import paper
from examapp.errors import Refused
from examapp.exams import exam_forms, form_assembly
from examapp.exams.plan_files import read_plan
from tests.makers import AT

FOLDER = Path(__file__).resolve().parents[2] / "question_banks" / "ic-materials"


@pytest.fixture(scope="module")
def bank_files():
    return read_bank(FOLDER)


@pytest.fixture
def exam(app, bank_files):
    import_bank(OPERATOR, bank_files, at=AT)
    found = exam_forms.import_plan(OPERATOR, read_plan(FOLDER))
    db.session.flush()
    return found


def assemble(exam, part, seed=2026):
    chosen = form_assembly.choose_forms(OPERATOR, exam, part, ["A", "B"], seed=seed)
    forms = form_assembly.store_forms(OPERATOR, exam, chosen, at=AT)
    db.session.flush()
    return forms


def contents(exam_form):
    return [(slot, ItemContent.from_json(slot.item_version.content)) for slot in exam_form.slots]


def points_by(exam_form, name):
    total = Counter()
    for slot, content in contents(exam_form):
        total[getattr(content, name)] += float(slot.points)
    return total


def test_theory_forms_meet_the_blueprint_and_share_a_fifth_at_most(exam):
    blueprint = exam_forms.plan_of(exam).parts["theory"]
    forms = assemble(exam, "theory")
    for exam_form in forms:
        types = Counter(content.type for _, content in contents(exam_form))
        assert types == {kind: wanted.count for kind, wanted in blueprint.item_types.items()}
        areas = points_by(exam_form, "area")
        assert all(abs(areas[area] - wanted) <= 2 for area, wanted in blueprint.areas.items())
        assert set(areas) == set(blueprint.areas)
        levels = points_by(exam_form, "cognitive")
        assert all(abs(levels[level] - wanted) <= 4 for level, wanted in blueprint.cognitive.items())
        assert sum(areas.values()) == 100
    first, second = ({slot.item_version_id for slot in exam_form.slots} for exam_form in forms)
    assert len(first & second) <= 18


def test_practical_forms_are_four_tasks_worth_a_hundred_points(exam):
    for exam_form in assemble(exam, "practical"):
        assert points_by(exam_form, "area") == exam_forms.plan_of(exam).parts["practical"].areas
        stimuli = [slot.stimulus_version.stimulus.code for slot in exam_form.slots]
        assert len(dict.fromkeys(stimuli)) == 4
        runs = [code for place, code in enumerate(stimuli) if place == 0 or stimuli[place - 1] != code]
        assert len(runs) == 4, "a task's items stand together"


def test_the_same_seed_builds_the_same_forms(exam):
    digests = []
    for _ in range(2):
        with db.session.begin_nested() as nested:
            digests.append([exam_form.digest for exam_form in assemble(exam, "theory")])
            nested.rollback()
    assert digests[0] == digests[1]


def test_a_blueprint_that_the_bank_cannot_meet_is_refused_by_name(exam):
    plan = exam_forms.plan_of(exam)
    none = {"ic-materials.t.process": 0.0, "ic-materials.t.film": 0.0}
    areas = {**plan.parts["theory"].areas, "ic-materials.t.ethics": 40.0, **none}
    theory = plan.parts["theory"].model_copy(update={"areas": areas})
    exam_forms.import_plan(OPERATOR, plan.model_copy(update={"parts": {**plan.parts, "theory": theory}}))
    with pytest.raises(Refused, match=r"ethics"):
        assemble(exam, "theory")


def test_a_form_code_is_used_once(exam):
    assemble(exam, "theory")
    with pytest.raises(Refused, match="already"):
        assemble(exam, "theory")


def test_choosing_writes_nothing_and_a_code_taken_meanwhile_is_refused(exam):
    chosen = form_assembly.choose_forms(OPERATOR, exam, "practical", ["A"], seed=1)
    assert exam_forms.forms_of(exam, "practical") == []
    assert not db.session.new
    form_assembly.store_forms(OPERATOR, exam, chosen, at=AT)
    with pytest.raises(Refused, match="already"):
        form_assembly.store_forms(OPERATOR, exam, chosen, at=AT)


def test_the_paper_of_a_real_form_tells_no_rationale_source_or_key(exam):
    for part in ("theory", "practical"):
        for exam_form in assemble(exam, part):
            built = paper.build(exam_form).decode()
            for slot, content in contents(exam_form):
                told = [content.rationale.zh, content.rationale.en, content.source]
                told += [text for option in content.options if option.why for text in (option.why.zh, option.why.en)]
                if content.answer is not None:
                    key = f"{content.answer.value(slot.variant):.5g}"
                    told += [key] if len(key.replace("-", "")) > 5 else []
                assert [text for text in told if text in built] == [], content.id
