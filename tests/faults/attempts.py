"""One series of the long run with its controls: what it shows, and what keeps it from showing anything."""

import time

from tests.faults.series import SERIES, Series
from tests.faults.table import Row, cells

CONTROLS = 3


def attempt(name: str, share: float, seed: int) -> tuple[list[tuple[str, ...]], list[str]]:
    """Run a series and say at once what came of it; return its line of the table, and what does not hold."""
    begun = time.monotonic()
    try:
        row, controls, problems = _run(name, SERIES[name], share, seed)
    except Exception as error:
        # the other series are worth seeing
        return [], [f"{name}, seed {seed}: {error!r}"]
    line = cells(row, controls)
    print(f"{name}: {'  '.join(line)}; {row.note or 'done'}; {time.monotonic() - begun:.0f} s, seed {seed}", flush=True)
    return [line], problems


def _run(name: str, series: Series, share: float, seed: int) -> tuple[Row, list[Row], list[str]]:
    """Return a series, its controls, and what does not hold."""
    wanted = max(1, round(series.long * share))
    row = series.run(wanted, seed)
    controls = [
        series.run(series.control, seed + number, series.breaks) for number in range(CONTROLS if series.breaks else 0)
    ]
    problems = [f"{name}, seed {seed}: {each}" for each in row.problems(wanted)]
    if row.is_slow:
        problems.append(f"{name}, seed {seed}: acknowledged nothing for {row.back:.1f} s after a fault")
    problems += [
        f"{name}: control {number} lost nothing, so the series shows nothing"
        for number, control in enumerate(controls)
        if not control.loses
    ]
    return row, controls, problems
