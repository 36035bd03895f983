"""Responses of N people to J items as small integers: the one place where missing and impossible scores are read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int8]


def codes(responses: npt.ArrayLike, categories: npt.ArrayLike | None = None) -> Codes:
    """Category scores (N, J) as int8 with -1 where nothing was seen.

    `responses` (N, J) are floats with NaN or integers with any negative number for unseen. `categories` (J,) is the
    number of categories of each item; a score outside 0..K-1 or between two integers is refused.

    >>> codes([[1.0, float("nan")], [0.0, 2.0]]).tolist()
    [[1, -1], [0, 2]]
    """
    raw = np.asarray(responses)
    if raw.ndim != 2:
        raise ValueError(f"responses: needs people by items, got shape {raw.shape}")
    out = raw if raw.dtype == np.int8 else _narrowed(raw) if raw.dtype.kind == "i" else _rounded(raw)
    if out.min(initial=-1) < -1:
        out = np.maximum(out, -1)
    if categories is not None:
        _check_range(out, np.asarray(categories))
    return out


def person_blocks(count: int, size: int) -> Iterator[slice]:
    """Slices over `count` people, at most `size` at a time.

    >>> list(person_blocks(5, 3))
    [slice(0, 3, None), slice(3, 5, None)]
    """
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def _narrowed(raw: npt.NDArray[np.generic]) -> Codes:
    """Whole numbers need no rounding; too high ones are named as fractions are."""
    return np.maximum(raw, -1).astype(np.int8) if raw.max(initial=0) <= 126 else _rounded(raw)


def _rounded(raw: npt.NDArray[np.generic]) -> Codes:
    """Blocks keep a matrix of floats from being doubled in memory."""
    out = np.empty(raw.shape, dtype=np.int8)
    for rows in person_blocks(len(raw), 4096):
        block = np.asarray(raw[rows], dtype=np.float64)
        unseen = ~(block >= 0)
        filled = np.where(unseen, -1.0, block)
        wrong = (filled != np.floor(filled)) | (filled > 126)
        if wrong.any():
            person, item = (int(i) for i in np.argwhere(wrong)[0])
            raise ValueError(
                f"responses: person {rows.start + person}, item {item}: {block[person, item]} is no category"
            )
        out[rows] = filled
    return out


def _check_range(out: Codes, categories: npt.NDArray[np.generic]) -> None:
    if categories.shape != (out.shape[1],):
        raise ValueError(f"responses: {out.shape[1]} items, but parameters of {categories.size}")
    if out.shape[0] and (out.max(axis=0) >= categories).any():
        item = int(np.flatnonzero(out.max(axis=0) >= categories)[0])
        top = int(out[:, item].max())
        raise ValueError(f"responses: item {item}: score {top} but only {categories[item]} categories")
