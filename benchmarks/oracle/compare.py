"""One quantity of one reference case, ours beside theirs, as a ratio to its tolerance."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from examapp.psychometrics.irt import Items
from examapp.psychometrics.undetermined import as_nan


@dataclass(frozen=True)
class Check:
    """`worst` is the largest distance in units of the tolerance: at most 1 passes; `compared` counts the numbers."""

    quantity: str
    worst: float
    compared: int

    @property
    def passed(self) -> bool:
        return self.worst <= 1.0


Checks = Callable[[Path, dict[str, Any]], Iterator[Check]]


def compare(
    quantity: str, ours: npt.ArrayLike, theirs: Any, tolerance: float, relative: bool = False, floor: float = 1e-9
) -> Check:
    """Compare where the reference holds a number; a missing number of ours is a miss."""
    reference = numbers(theirs)
    given = np.broadcast_to(np.asarray(ours, dtype=np.float64), reference.shape)
    known = np.isfinite(reference)
    distance = np.abs(given - reference)[known]
    if relative:
        distance = distance / np.maximum(np.abs(reference[known]), floor)
    worst = float(np.where(np.isnan(distance), np.inf, distance).max(initial=0.0)) / tolerance
    return Check(quantity, worst, int(known.sum()))


def numbers(values: Any) -> npt.NDArray[np.float64]:
    """Reference numbers as floats, with null as NaN and the strings Inf and -Inf as infinities."""
    if isinstance(values, list):
        return np.array([numbers(value) for value in values], dtype=np.float64)
    return np.array(np.nan if values is None else float(values))


def cases(folder: Path, kind: str) -> list[str]:
    """Names of the files of one kind, in the order of the index."""
    entries = json.loads((folder / "index.json").read_text())
    entries = entries if isinstance(entries, list) else entries["cases"]
    return [entry["file"] for entry in entries if entry["kind"] == kind]


def read(folder: Path, name: str) -> dict[str, Any]:
    """One JSON file."""
    loaded: dict[str, Any] = json.loads((folder / name).read_text())
    return loaded


def table(path: Path) -> tuple[list[str], npt.NDArray[np.str_]]:
    """Header and cells of a CSV file, plain or gzipped."""
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    rows = [[cell.strip().strip('"') for cell in line.split(",")] for line in text.splitlines() if line.strip()]
    return rows[0], np.array(rows[1:])


def responses(path: Path, names: Sequence[str]) -> npt.NDArray[np.float64]:
    """Responses (N, J) to the named items, NaN where the cell is blank."""
    header, cells = table(path)
    columns = cells[:, [header.index(name) for name in names]]
    return np.where(np.isin(columns, ["", "NA"]), "nan", columns).astype(np.float64)


def consecutive(data: npt.NDArray[np.float64], counts: Sequence[int]) -> npt.NDArray[np.float64]:
    """Responses (N, J) counted from 0 without the values that nobody gave, as the reference does before it fits.

    `counts` (J,) says how many categories it found; where these are not the values used, nothing is changed.
    """
    out = data.copy()
    for column, count in zip(out.T, counts, strict=True):
        values = np.unique(column[np.isfinite(column)])
        if values.size == count:
            column[np.isfinite(column)] = np.searchsorted(values, column[np.isfinite(column)])
    return out


def calibrated(case: dict[str, Any]) -> Items:
    """The items of a calibration case, from its published slopes and intercepts."""
    model, rows = case["model"].lower(), case["items"]
    a = np.array([row.get("a") or 1.0 for row in rows], dtype=np.float64)
    d = [np.atleast_1d(np.asarray(row["d"], dtype=np.float64)) for row in rows]
    if model in ("gpcm", "pcm"):
        d = [np.diff(one) if one[0] == 0 else np.diff(one, prepend=0.0) for one in d]
    b = [(-one / slope).tolist() for one, slope in zip(d, a)]
    return Items.of(model, a=a, b=b, c=[row.get("c") or 0.0 for row in rows])


@as_nan()
def missed(folder: Path, kind: str, checks: Checks, least: int = 1) -> list[str]:
    """What does not pass, over every case of a kind; also said if fewer than `least` numbers were compared."""
    out, compared = [], 0
    for name in cases(folder, kind):
        for check in checks(folder, read(folder, name)):
            compared += check.compared
            if not check.passed:
                out.append(f"{name}: {check.quantity}: {check.worst:.3g} times the tolerance")
    return out if compared >= least else [*out, f"{kind}: only {compared} numbers compared"]
