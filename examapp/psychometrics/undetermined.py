"""What the data do not determine: refused with its place, or NaN for a caller who asks for it, as with `np.errstate`.

No number is right for the correlation with something constant, or for the fit of an item that nobody saw. A function
marked `refused` raises a ValueError there; within `as_nan` it gives NaN. Only the outermost marked function looks at
what it gives, so that one may be built on the gaps of another.

NaN that is layout is another matter. A result says in `blank` which entries of which field hold no number by design:
what fills up a row, parameters that a model fixes, or items whose own `converged` is false.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Given = ParamSpec("Given")
Found = TypeVar("Found")
FEW = 5

_wanted = ContextVar("NaN is wanted", default=False)


@dataclass(frozen=True)
class Gap:
    """Where a result holds NaN: the `quantity` ("" for the result itself), positions `at` (n, axes) and its `shape`."""

    quantity: str
    at: npt.NDArray[np.intp]
    shape: tuple[int, ...]


@contextmanager
def as_nan() -> Iterator[None]:
    """Within this block, or function, of this thread what is undetermined is NaN instead of a ValueError.

    >>> from examapp.psychometrics.classical import cronbach_alpha
    >>> with as_nan():
    ...     cronbach_alpha(np.ones((1, 1)))
    nan
    """
    before = _wanted.set(True)
    try:
        yield
    finally:
        _wanted.reset(before)


def refused(
    axes: str, because: str, *, diagonal: bool = True, **of: str
) -> Callable[[Callable[Given, Found]], Callable[Given, Found]]:
    """Mark a function whose result may hold NaN: outside `as_nan` that is a ValueError with quantity, place and reason.

    `axes` says what positions count ("items", "people × items", or "{of}" for what the argument `of` says), and `of`
    the same for single fields; `because` is the reason as the docstring has it. A matrix of pairs has no `diagonal`.

    >>> @refused("people", "they saw nothing")
    ... def mean_score(responses):
    ...     return np.array([np.nan if np.isnan(row).all() else np.nanmean(row) for row in responses])
    >>> mean_score([[1.0, 0.0], [np.nan, np.nan]])
    Traceback (most recent call last):
        ...
    ValueError: mean_score: people 1 (1 of 2) undetermined: they saw nothing; leave out, or ask for NaN: `as_nan()`
    """

    def mark(function: Callable[Given, Found]) -> Callable[Given, Found]:
        @wraps(function)
        def marked(*args: Given.args, **kwargs: Given.kwargs) -> Found:
            if _wanted.get():
                return function(*args, **kwargs)
            with as_nan():
                found = function(*args, **kwargs)
            if holes := gaps(found, diagonal=diagonal):
                bound = inspect.signature(function).bind(*args, **kwargs)
                bound.apply_defaults()
                words = [of.get(hole.quantity.rpartition(".")[2], axes).format(**bound.arguments) for hole in holes]
                where = f"{function.__name__}: {_places(holes, words)}"
                raise ValueError(f"{where} undetermined: {because}; leave out, or ask for NaN: `as_nan()`")
            return found

        return marked

    return mark


def gaps(found: object, *, diagonal: bool = True) -> list[Gap]:
    """Where numbers, arrays of any shape, and what holds them (dataclasses, tuples, lists) are NaN but not `blank`.

    A matrix of pairs has no `diagonal`: there it is blank.

    >>> [(gap.quantity, gap.at.tolist()) for gap in gaps((1.0, np.array([0.5, np.nan])))]
    [('[1]', [[1]])]
    """
    no_pairs = np.eye(len(found), dtype=np.bool_) if isinstance(found, np.ndarray) and not diagonal else None
    return list(_walk(found, "", no_pairs))


def _walk(found: object, name: str, blank: Mask | None) -> Iterator[Gap]:
    if isinstance(found, float | np.floating | np.ndarray):
        yield from _holes(np.asarray(found), name, blank)
    elif isinstance(found, tuple | list):
        for place, part in enumerate(found):
            yield from _walk(part, f"{name}[{place}]", None)
    elif is_dataclass(found) and not isinstance(found, type):
        own: Mapping[str, Mask] = getattr(found, "blank", {})
        for each in fields(found):
            yield from _walk(getattr(found, each.name), f"{name}.{each.name}".lstrip("."), own.get(each.name))


def _holes(values: npt.NDArray[np.generic], name: str, blank: Mask | None) -> Iterator[Gap]:
    if values.dtype.kind != "f":
        return
    holes = np.isnan(values.astype(np.float64, copy=False))
    if blank is not None:
        holes &= ~np.asarray(blank).reshape(np.shape(blank) + (1,) * (holes.ndim - np.ndim(blank)))
    if holes.any():
        yield Gap(name, np.argwhere(holes), values.shape)


def _places(holes: list[Gap], words: list[str]) -> str:
    """What is undetermined by where it is: "alpha; sd, rest_correlation of items 0, 3 (2 of 8)"."""
    by_place: dict[str, list[str]] = {}
    for gap, axes in zip(holes, words, strict=True):
        by_place.setdefault(_place(gap, axes), []).append(gap.quantity)
    said = [" of ".join(filter(None, (", ".join(names), place))) for place, names in by_place.items()]
    return "; ".join(said) or "the result is"


def _place(gap: Gap, axes: str) -> str:
    """The first few positions, and how many there are: "items 0, 3 (2 of 8)"."""
    if not gap.shape:
        return ""
    shown = [str(place[0]) if len(place) == 1 else f"{tuple(place)}" for place in gap.at[:FEW].tolist()]
    more = ", ..." if len(gap.at) > FEW else ""
    return f"{axes} {', '.join(shown)}{more} ({len(gap.at)} of {int(np.prod(gap.shape))})"
