from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from examapp.psychometrics.undetermined import as_nan, gaps, refused

NAN = float("nan")


@dataclass(frozen=True)
class Table:
    easy: np.ndarray
    hard: np.ndarray
    total: float
    converged: np.ndarray

    @property
    def blank(self):
        return {"hard": ~self.converged}


def table(hard, total=1.0):
    return Table(np.zeros(3), np.array(hard), total, np.array([True, True, False]))


@refused("items", "nobody saw them")
def given(found):
    return found


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (NAN, "given: the result is undetermined"),
        (np.array([1.0, NAN]), r"given: items 1 \(1 of 2\) undetermined"),
        (np.full(9, NAN, dtype=np.float32), r"given: items 0, 1, 2, 3, 4, \.\.\. \(9 of 9\) undetermined"),
        (np.array([[1.0, NAN]]), r"given: items \(0, 1\) \(1 of 2\) undetermined"),
        ((1.0, np.array([NAN])), r"given: \[1\] of items 0 \(1 of 1\) undetermined"),
        ([table([0.0, NAN, 0.0])], r"given: \[0\]\.hard of items 1 \(1 of 3\) undetermined"),
        (table([NAN, NAN, 0.0], NAN), r"given: hard of items 0, 1 \(2 of 3\); total undetermined"),
    ],
)
def test_what_is_undetermined_is_refused_by_quantity_and_place(found, said) -> None:
    with pytest.raises(ValueError, match=f"^{said}: nobody saw"):
        given(found)


def test_what_is_undetermined_is_nan_within_a_block() -> None:
    marked = refused("items", "nothing")(lambda: NAN)
    with as_nan():
        assert [gap.quantity for gap in gaps(marked())] == [""]
    with pytest.raises(ValueError, match="undetermined"):
        marked()


def test_whoever_asks_within_an_exception_does_not_ask_for_good() -> None:
    with pytest.raises(KeyError), as_nan():
        raise KeyError
    with pytest.raises(ValueError, match="undetermined"):
        given(NAN)


def test_another_thread_asks_for_itself() -> None:
    with as_nan(), ThreadPoolExecutor(1) as threads, pytest.raises(ValueError, match="undetermined"):
        threads.submit(given, NAN).result()


def test_only_the_outermost_function_looks() -> None:
    outer = refused("items", "nothing")(lambda: np.nan_to_num(given(np.array([NAN, 1.0]))))
    assert outer().tolist() == [0.0, 1.0]


def test_what_is_blank_by_design_is_not_undetermined() -> None:
    assert gaps(given(table([0.0, 1.0, NAN]))) == []


def test_the_diagonal_alone_is_no_pair() -> None:
    pairs = refused("people", "nothing shared", diagonal=False)(lambda: np.array([[NAN, 0.0], [NAN, NAN]]))
    with pytest.raises(ValueError, match=r"people \(1, 0\) \(1 of 4\)"):
        pairs()


def test_neither_numbers_nor_words_nor_whole_numbers_are_gaps() -> None:
    assert gaps((1.0, np.inf, "nan", np.array([1, 2]), np.array(["nan"]), None, Table)) == []
