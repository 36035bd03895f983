"""Figures: the same numbers, the same bytes; words in both languages; nothing that a strict page refuses."""

import re

import numpy as np
import pytest

from examapp.banks import drawings, figures
from examapp.banks.content import StimulusContent
from examapp.banks.variants import draw_testlet
from tests.makers import text

NUMBERS = {
    "sims_profile": {
        "peak": "p*1e18", "depth": "150", "straggle": "60", "background": "1e15", "floor": "1e14", "range": "700",
    },
    "xrd_scan": {
        "wavelength": "0.15406", "substrate": "69.13", "layer": "68+p/10", "thickness": "40",
        "low": "66.5", "high": "70",
    },
}  # fmt: skip


def make_figure(kind: str, **changes: str) -> StimulusContent:
    figure = {"kind": kind, "values": {**NUMBERS.get(kind, {}), **changes}, "alt": text("A curve")}
    return StimulusContent.model_validate({"id": "one", "version": 1, "text": text("See {p}"), "figure": figure})


@pytest.mark.parametrize("kind", figures.FIGURES)
def test_equal_numbers_give_equal_bytes_and_other_numbers_others(kind):
    stimulus = make_figure(kind)
    assert figures.draw(stimulus, {"p": "2"}) == figures.draw(stimulus, {"p": "2"})
    assert figures.draw(stimulus, {"p": "2"}) != figures.draw(stimulus, {"p": "3"})


@pytest.mark.parametrize("kind", figures.FIGURES)
def test_words_stand_as_text_in_their_language(kind):
    drawn = figures.draw(make_figure(kind), {"p": "2"})
    for place, language in enumerate(("zh", "en")):
        words = set(re.findall(r">([^<]+)</text>", drawn[language]))
        assert {pair[place] for pair in figures.FIGURES[kind].words.values()} <= words
        assert not any(word.startswith("word") for word in words)


@pytest.mark.parametrize("kind", figures.FIGURES)
def test_a_figure_has_no_styles_scripts_dates_or_outside_addresses(kind):
    for svg in figures.draw(make_figure(kind), {"p": "2"}).values():
        assert not re.search(r"<style|style=|<script|<metadata|<!--|<!DOCTYPE|on\w+=|20\d\d-", svg)
        assert set(re.findall(r"https?://[^\"]+", svg)) <= set(drawings.NAMESPACES.values())
        assert len(svg) < 25_000


def test_two_languages_and_kinds_share_no_id():
    ids = [
        code
        for kind in figures.FIGURES
        for svg in figures.draw(make_figure(kind), {"p": "2"}).values()
        for code in re.findall(r' id="([^"]+)"', svg)
    ]
    assert len(ids) == len(set(ids)) > 0


def test_a_figure_says_what_it_is_to_those_who_cannot_see_it():
    assert 'aria-label="A curve"' in figures.draw(make_figure("xrd_scan"), {"p": "2"})["en"]


@pytest.mark.parametrize(
    ("stimulus", "where"),
    [(make_figure("pie"), ("figure", "kind")), (make_figure("xrd_scan", colour="1"), ("figure", "values"))],
)
def test_a_figure_that_cannot_be_drawn_is_named(stimulus, where):
    assert [problem.where for problem in figures.check(stimulus)] == [where]


def test_every_figure_of_the_bank_can_be_drawn(ic_materials):
    drawable = [stimulus for stimulus in ic_materials.stimuli if stimulus.figure]
    assert [figures.check(stimulus) for stimulus in drawable] == [[], []]
    for stimulus in drawable:
        values, _ = draw_testlet(stimulus, [], np.random.default_rng(3))
        assert set(figures.present_stimulus(stimulus, values)["figure"]) == {"zh", "en"}
