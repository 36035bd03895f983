"""A run shows nothing unless it injected what was asked for, something was acknowledged, and its controls lost."""

from dataclasses import replace

import pytest

from tests.faults import attempts
from tests.faults.audit import Audit
from tests.faults.series import Series
from tests.faults.table import Row, cells, table

GOOD = Row("faults", 10, Audit(100, 0, 0, 0))
BAD = Row("faults", 10, Audit(100, 3, 0, 0))


def test_a_run_that_holds_has_no_problem():
    assert GOOD.problems(10) == []


@pytest.mark.parametrize(
    "row",
    [
        replace(GOOD, injected=0),
        replace(GOOD, injected=9),
        replace(GOOD, audit=Audit(0, 0, 0, 0)),
        replace(GOOD, audit=Audit(100, 1, 0, 0)),
        replace(GOOD, audit=Audit(100, 0, 1, 0)),
        replace(GOOD, audit=Audit(100, 0, 0, 1)),
        replace(GOOD, audit=Audit(100, 0, 0, 0, ("entry 3",))),
        replace(GOOD, wrong=("409",)),
    ],
)
def test_whatever_else_a_run_shows_is_a_problem(row):
    assert row.problems(10)


def test_a_control_loses_only_if_each_of_its_images_lacks_something():
    assert BAD.loses
    assert not GOOD.loses
    assert not replace(BAD, each=(BAD.audit, GOOD.audit)).loses


def _series(row: Row, control: Row) -> Series:
    return Series(lambda times, seed, *options: control if options else row, 10, 1, "acknowledge-early", 1)


@pytest.mark.parametrize(
    ("row", "control", "said"),
    [
        (GOOD, BAD, ""),
        (replace(GOOD, injected=0), BAD, "only 0 of 10"),
        (BAD, BAD, "does not hold"),
        (GOOD, GOOD, "lost nothing, so the series shows nothing"),
        (replace(GOOD, back=6.0), BAD, "nothing for 6.0 s"),
    ],
)
def test_a_series_is_told_what_does_not_hold(row, control, said, monkeypatch):
    monkeypatch.setitem(attempts.SERIES, "own", _series(row, control))
    lines, problems = attempts.attempt("own", share=1.0, seed=1)
    assert bool(problems) == bool(said)
    assert said in str(problems)
    assert len(lines) == 1


def test_a_series_that_cannot_run_is_a_problem(monkeypatch):
    monkeypatch.setitem(attempts.SERIES, "own", Series(lambda *_: 1 / 0, 10, 1))
    assert "ZeroDivisionError" in str(attempts.attempt("own", share=1.0, seed=1))


def test_the_table_names_what_was_injected_and_what_the_controls_lost():
    last = table([cells(GOOD, [BAD, BAD])]).splitlines()[-1]
    assert last.split(maxsplit=6) == ["faults", "10", "100", "0", "0", "0", "3 of 100; 3 of 100"]
