import re
from dataclasses import replace

import numpy as np
import pytest

from examapp.accounts.access import OPERATOR
from examapp.banks.drawings import NAMESPACES
from examapp.scoring import item_figures
from examapp.scoring.item_analysis import analyse
from tests import makers


@pytest.fixture
def analyses(app):
    """One item of each of four types, as fifty trainees left them."""
    exam_form = makers.make_exam_form()
    makers.make_marked_sittings(exam_form, np.linspace(-2, 2, 50))
    return analyse(OPERATOR, exam_form.exam, "theory").items


def test_equal_numbers_give_equal_bytes_and_other_numbers_others(analyses):
    one = analyses[0]
    other = replace(one, groups=tuple(replace(group, observed=0.5, low=0.4, high=0.6) for group in one.groups))
    assert item_figures.figures(one) == item_figures.figures(one)
    assert item_figures.figures(one)["curve"] != item_figures.figures(other)["curve"]


def test_words_stand_as_text_in_their_language_and_no_token_is_left(analyses):
    for each in analyses:
        for name, drawn in item_figures.figures(each).items():
            for place, language in enumerate(("zh", "en")):
                words = re.findall(r">([^<]+)</text>", drawn[language])
                assert item_figures.WORDS["theta"][place] in words
                assert not any(word.startswith("word") for word in words)
                assert each.content.id in re.search(r'aria-label="([^"]+)"', drawn[language])[1], name


def test_figure_has_no_styles_scripts_dates_or_outside_addresses(analyses):
    for svg in (drawn[language] for drawn in item_figures.figures(analyses[0]).values() for language in drawn):
        assert not re.search(r"<style|style=|<script|<metadata|<!--|<!DOCTYPE|on\w+=|20\d\d-", svg)
        assert set(re.findall(r"https?://[^\"]+", svg)) <= set(NAMESPACES.values())


def test_figures_of_a_page_share_no_id(analyses):
    drawn = [svg for each in analyses for pair in item_figures.figures(each).values() for svg in pair.values()]
    ids = [code for svg in drawn for code in re.findall(r' id="([^"]+)"', svg)]
    assert len(ids) == len(set(ids)) > 0


def test_no_two_options_have_the_same_mark_and_stroke():
    looks = [(look["marker"], str(look["linestyle"])) for look in item_figures.LOOKS]
    assert len(set(looks)) == len(looks) >= item_figures.MOST_LINES - 1
    assert not {look["marker"] for look in item_figures.LOOKS} & set(item_figures.KEY_MARKS)


def test_names_keep_their_distance_and_their_order():
    placed = item_figures._apart([0.5, 0.5, 0.51, 0.0, 1.0])
    assert np.argsort(placed, kind="stable").tolist() == [3, 0, 1, 2, 4]
    assert np.diff(sorted(placed)).min() >= item_figures.NEAREST_NAMES - 1e-12
    assert np.mean(placed[:3]) == pytest.approx(np.mean([0.5, 0.5, 0.51]))
    assert item_figures._apart([]) == []
