import numpy as np
import pytest

from examapp.accounts.access import OPERATOR
from examapp.banks.parameters import items_on_scale
from examapp.db import db, transaction
from examapp.errors import Refused
from examapp.psychometrics.irt import Items
from examapp.psychometrics.simulation import simulate_responses
from examapp.scoring import calibration_runs
from examapp.scoring.models import Mark
from tests.makers import (
    AT,
    SCALE,
    make_administration,
    make_content,
    make_exam,
    make_exam_form,
    make_registration,
    make_sitting,
)  # fmt: skip


@pytest.fixture
def exam(app):
    """An exam of ten items whose true difficulties lie half a unit beside the experts', taken by 150 people."""
    contents = [make_content("true_false") for _ in range(8)] + [make_content("multiple_choice") for _ in range(2)]
    exam_form = make_exam_form(make_exam(), contents)
    administration = make_administration(exam_form)
    before = items_on_scale([slot.item_version_id for slot in exam_form.slots], SCALE)
    true = Items.of(before.model, b=before.b + np.linspace(-0.5, 0.5, 10)[:, None])
    rng = np.random.default_rng(1)
    for row in simulate_responses(rng, rng.standard_normal(150), true):
        sitting = make_sitting(make_registration(administration=administration))
        db.session.add_all(
            Mark(sitting_id=sitting.id, slot=n, number=1, category=int(k), highest=2 if n > 8 else 1, marker="machine",
                 marked_at=AT)
            for n, k in enumerate(row, start=1)
        )  # fmt: skip
    db.session.commit()
    return exam_form.exam


def test_data_replace_expert_difficulties_and_keep_the_scale(exam):
    answers = calibration_runs.answers_of(exam, "theory")
    before = items_on_scale(answers.item_version_ids, SCALE)
    with transaction():
        run = calibration_runs.run(OPERATOR, exam, "theory", at=AT)
    after = items_on_scale(answers.item_version_ids, SCALE)
    assert run.report["people"] == 150
    assert not np.allclose(after.b, before.b, equal_nan=True)
    assert np.nanmean(after.b) == pytest.approx(np.nanmean(before.b))
    assert calibration_runs.population(SCALE) == (run.report["population_mean"], run.report["population_sd"])


def test_without_enough_responses_nothing_is_calibrated(app):
    exam_form = make_exam_form()
    with pytest.raises(Refused, match="100"):
        calibration_runs.run(OPERATOR, exam_form.exam, "theory", at=AT)
    assert calibration_runs.population(SCALE) == ("0.0", "1.0")
