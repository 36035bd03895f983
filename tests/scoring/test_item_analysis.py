import numpy as np
import pytest

from examapp.accounts.access import OPERATOR
from examapp.app import create_app
from examapp.db import db
from examapp.errors import NotAllowed
from examapp.exams.models import Exam
from examapp.psychometrics import irt
from examapp.psychometrics.classical import classical_statistics
from examapp.psychometrics.score_group_fit import score_group_fit
from examapp.scoring import item_analysis
from examapp.scoring.part_answers import answers_of
from tests import makers
from tests.conftest import make_config

PEOPLE = 120
SHARES = [str(round(share, 2)) for share in np.linspace(0.4, 0.8, 8)]


@pytest.fixture(scope="module")
def exam(tmp_path_factory, empty_database):
    """An exam of eight single choices and a multiple choice that 120 trainees sat; tests only read it."""
    folder = tmp_path_factory.mktemp("sat")
    (folder / "examapp.db").write_bytes(empty_database.read_bytes())
    with create_app(make_config(folder)).app_context():
        contents = [makers.make_content(expected_share=share) for share in SHARES]
        exam_form = makers.make_exam_form(contents=[*contents, makers.make_content("multiple_choice")])
        makers.make_marked_sittings(exam_form, np.random.default_rng(5).standard_normal(PEOPLE))
        yield exam_form.exam
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def part(exam):
    return item_analysis.analyse(OPERATOR, exam, "theory")


@pytest.fixture(scope="module")
def answers(exam):
    return answers_of(exam, "theory")


def column(answers, analysis):
    return [version.id for version in answers.versions].index(analysis.version.id)


@pytest.mark.feature("P1")
def test_difficulty_and_corrected_correlation_are_the_classical_ones(part, answers):
    shares = answers.scores / answers.highest
    for each in part.items:
        own = column(answers, each)
        rest = shares.sum(axis=1) - shares[:, own]
        assert each.difficulty == pytest.approx(shares[:, own].mean())
        assert each.rest_correlation == pytest.approx(np.corrcoef(shares[:, own], rest)[0, 1])


@pytest.mark.feature("P1")
def test_form_has_alpha_and_standard_error_of_its_points(part, answers):
    single = answers.highest == 1
    whole = classical_statistics(answers.scores[:, single])
    (form,) = part.forms
    reliability = item_analysis._reliability("F", answers.earned[:, single])
    assert (reliability.alpha, reliability.standard_error) == pytest.approx((whole.alpha, whole.standard_error))
    assert (form.people, form.mean) == (PEOPLE, pytest.approx(answers.earned.sum(axis=1).mean()))


@pytest.mark.feature("P2")
def test_distractor_table_has_everybody_once_with_the_key_s_correlation(part):
    for each in part.items:
        if each.content.type == "single_choice":
            key = next(option for option in each.options if option.is_key)
            assert sum(option.count for option in each.options) == each.people == PEOPLE
            assert key.id == each.content.key == "b"
            assert key.share == pytest.approx(each.difficulty)
            assert key.rest_correlation == pytest.approx(each.rest_correlation)


@pytest.mark.feature("P2")
def test_options_of_a_multiple_choice_are_counted_one_by_one(part):
    (each,) = [item for item in part.items if item.content.type == "multiple_choice"]
    assert [option.id for option in each.options if option.is_key] == ["a", "c"]
    assert sum(option.share for option in each.options) > 1


def test_items_that_fit_are_met_by_the_intervals_of_ability_groups(part):
    groups = [group for each in part.items for group in each.groups]
    assert sum(group.people for group in part.items[0].groups) == PEOPLE
    assert np.mean([group.low <= group.expected <= group.high for group in groups]) >= 0.85
    assert all(abs(each.fit.infit - 1) < 0.35 for each in part.items)


def test_group_stands_where_the_curve_gives_what_is_expected_of_it(part):
    for each in part.items[:3]:
        group = each.groups[2]
        assert irt.expected_score(each.item, [group.theta])[0, 0] == pytest.approx(group.expected, abs=0.01)
        assert irt.information(each.item, [group.theta])[0, 0] == pytest.approx(group.information)


def test_score_group_fit_is_the_engine_s_without_parameters_estimated(part, answers):
    rows = {each.version.id: each.parameters for each in part.items}
    items = item_analysis.as_items([rows[version.id] for version in answers.versions])
    fit = score_group_fit(answers.scores, items, parameters=np.zeros(len(items), dtype=int))
    for each in part.items:
        own = column(answers, each)
        assert each.fit.statistic == pytest.approx(fit.statistic[own])
        assert (each.fit.degrees_of_freedom, each.fit.p_value) == pytest.approx(
            (fit.degrees_of_freedom[own], fit.p_value[own])
        )


@pytest.mark.feature("P12")
def test_exposure_of_items_on_the_only_form_is_whole_in_every_band(part):
    assert {(each.exposure, each.exposure_by_band) for each in part.items} == {(1.0, (1.0, 1.0, 1.0))}


def test_one_item_s_page_has_the_same_numbers_as_the_whole_part(part):
    first = part.items[0]
    (alone,) = item_analysis.analyses_of(OPERATOR, first.version)
    assert (alone.people, alone.flags) == (first.people, first.flags)
    assert [option.count for option in alone.options] == [option.count for option in first.options]
    assert (alone.fit.infit, alone.fit.statistic) == pytest.approx((first.fit.infit, first.fit.statistic))


def test_trainees_see_no_statistics(exam):
    with pytest.raises(NotAllowed):
        item_analysis.analyse(makers.make_user(), exam, "theory")


@pytest.fixture
def small(app):
    """A form of two items that fifty-five trainees sat."""
    exam_form = makers.make_exam_form(contents=[makers.make_content(), makers.make_content("true_false")])
    return exam_form, makers.make_marked_sittings(exam_form, np.linspace(-2, 2, 55))


@pytest.mark.feature("P12")
def test_versions_and_forms_stay_apart(small):
    exam_form, _ = small
    newer = makers.make_content(id=exam_form.slots[0].item_version.item.code, version=2)
    other = makers.make_exam_form(exam_form.exam, [newer, makers.make_content("true_false")])
    makers.make_marked_sittings(other, np.linspace(-2, 2, 50))
    part = item_analysis.analyse(OPERATOR, exam_form.exam, "theory")
    assert [each.people for each in part.items if each.content.id == newer.id] == [55, 50]
    assert part.items[0].exposure == pytest.approx(55 / 105)
    assert {form.people for form in part.forms} == {55, 50}


def test_voided_and_unmarked_sittings_count_nowhere(small):
    exam_form, sittings = small
    sittings[0].status = "voided"
    makers.answer(
        makers.make_sitting(makers.make_registration(administration=sittings[0].registration.administration)), {}
    )
    db.session.commit()
    part = item_analysis.analyse(OPERATOR, exam_form.exam, "theory")
    assert (part.people, {each.people for each in part.items}) == (54, {54})


def test_numbers_of_fewer_than_fifty_trainees_are_hidden(small):
    exam_form, sittings = small
    for sitting in sittings[:6]:
        sitting.status = "voided"
    db.session.commit()
    part = item_analysis.analyse(OPERATOR, exam_form.exam, "theory")
    assert (part.items, part.forms, [people for _, people in part.hidden]) == ((), (), [49, 49])
    assert item_analysis.analyses_of(OPERATOR, exam_form.slots[0].item_version) == []


def test_part_that_nobody_sat_has_no_numbers(app):
    exam = makers.make_exam()
    assert item_analysis.analyse(OPERATOR, exam, "theory").people == 0
    assert item_analysis.analyse(OPERATOR, makers.make_exam_form().exam, "theory").items == ()
    assert db.session.get(Exam, exam.id) is exam
