"""What a case holds that no judge looks at, and why: a quantity nobody compares must not hide in a table of passes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any

WHY = {
    "the name, kind, source or description of the case": (
        "/id /kind /model /parameterisation /se_note */oracle/* /oracle_note /note /*/note */*/note */*/*/note"
        " /data /data/set /data/design /data/note /data/anchors /data/reference_group /source /seed /persons /items"
        " /settings/* /bank_parameters /bank_source /bank/item /metric /definitions/* /sem_source /matching /rounding"
        " /covariance/order /checks/*_order /group_statistics_use_all_rows */call /results/*/weight */TOL"
        " /results/*/item_parameters */method */patterns/name */item /scores/WLE/left_out /adaptive_tests/estimator"
        " /adaptive_tests/start /adaptive_tests/generating_theta /key /M2/type /eap_first_rows/rows"
        " /*/*_balanced*/value"
    ),
    "a tolerance for quantities that the case does not hold, or of a kind with tolerances of its own": "/tolerances/*",
    "how long or in how many steps the reference's own program ran": (
        "*/seconds* */iterations */runs/* */median_seconds */runs/loadavg */cpu_seconds */converged"
    ),
    "the reference's fit at its default tolerance, which its README calls not converged": (
        "/fit_default_tolerance/* /default_tolerance_fit/*"
    ),
    "the reference's check of itself": "/checks/difference /checks/direct_maximisation_*",
    "the truth that data were simulated from, not an estimate": "/true/* /true_g2_on_g1/*",
    "errors of links between forms whose parameters the folder does not hold (the constants are compared)": (
        "/direct/*/se_? /chains/*/se_?"
    ),
    "the product of slope and threshold, which are used": "/estimates/d",
    "the critical value of a chi-square table; the flags it leads to are compared": "/results/*/threshold",
}

WORDS_ONLY = tuple(WHY)[:2]


class Watched(dict[str, Any]):
    """A case that remembers which of its parts were asked for, as paths without positions in lists."""

    def __init__(self, values: dict[str, Any], path: str = "", seen: set[str] | None = None) -> None:
        super().__init__(values)
        self.path, self.seen = path, set() if seen is None else seen

    def __getitem__(self, key: str) -> Any:
        self.seen.add(f"{self.path}/{key}")
        return _watched(super().__getitem__(key), f"{self.path}/{key}", self.seen)

    def get(self, key: str, default: Any = None) -> Any:
        """As of a dict, but remembered."""
        return self[key] if super().__contains__(key) else default

    def items(self) -> Any:
        """As of a dict, but remembered."""
        return [(key, self[key]) for key in self]

    def values(self) -> Any:
        """As of a dict, but remembered."""
        return [self[key] for key in self]

    def left(self) -> set[str]:
        """Paths of the values that nobody asked for."""
        return set(_paths(dict.copy(self), "")) - self.seen


class _Rows(list[Any]):
    """A list of rows in a watched case."""

    def __init__(self, rows: list[Any], path: str, seen: set[str]) -> None:
        super().__init__(rows)
        self.path, self.seen = path, seen

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return _Rows(found, self.path, self.seen) if isinstance(at, slice) else _watched(found, self.path, self.seen)

    def __iter__(self) -> Iterator[Any]:
        return (_watched(row, self.path, self.seen) for row in super().__iter__())


def _watched(value: Any, path: str, seen: set[str]) -> Any:
    if isinstance(value, dict):
        return Watched(value, path, seen)
    return _Rows(value, path, seen) if _is_rows(value) else value


def _paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _paths(part, f"{path}/{key}")
    elif _is_rows(value):
        for row in value:
            yield from _paths(row, path)
    elif value is not None:
        yield path


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(row, dict) for row in value)


def reason(path: str) -> str:
    """Why a quantity is not compared, or nothing if there is no reason."""
    for why, patterns in WHY.items():
        if any(fnmatch(path, pattern) for pattern in patterns.split()):
            return why
    return ""


def report(left: dict[str, set[str]]) -> str:
    """For each reason what it leaves out, in how many cases; what has none comes first. `left`: case to paths."""
    counts: dict[str, dict[str, int]] = {"": {}, **{why: {} for why in WHY}}
    for paths in left.values():
        for short in {(reason(path), re.sub(r"form\d\.[form\d.]+", "<forms>", path)) for path in paths}:
            counts[short[0]][short[1]] = counts[short[0]].get(short[1], 0) + 1
    lines = ["held by the cases and not compared:"]
    for why, found in counts.items():
        if found:
            listed = ", ".join(f"{path} ({number})" for path, number in sorted(found.items()))
            shown = f"{len(found)} entries" if why in WORDS_ONLY else listed
            lines.append(f"- {why or 'NO REASON KNOWN'}: {shown}")
    return "\n".join(lines)
