"""The long fault runs: prints what was injected and what became of what was acknowledged; exit 1 if any of it was lost.

python -m tests.faults [--only kill,power] [--share 0.1] [--seed 2026]
"""

import argparse
import sys
import time

from tests.faults.series import SERIES, Series
from tests.faults.table import Row, cells, table

CONTROLS = 3


def main() -> int:
    """Run the series that are asked for, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(SERIES), help="which series: " + ", ".join(SERIES))
    parser.add_argument("--share", type=float, default=1.0, help="of the long run's faults, 0.1 for a tenth")
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    rows, problems = [], []
    for name in options.only.split(","):
        try:
            row, controls, found = _run(name, SERIES[name], options.share, options.seed)
        except (OSError, AssertionError, RuntimeError) as error:
            # the other series are worth seeing
            problems.append(f"{name}, seed {options.seed}: {error}")
            continue
        rows.append(cells(row, controls))
        problems += found
    print("\n" + table(rows))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _run(name: str, series: Series, share: float, seed: int) -> tuple[Row, list[Row], list[str]]:
    """Return a series, its controls, and what does not hold."""
    wanted, begun = max(1, round(series.long * share)), time.monotonic()
    row = series.run(wanted, seed)
    controls = [
        series.run(series.control, seed + number, series.breaks) for number in range(CONTROLS if series.breaks else 0)
    ]
    print(f"{name}: {row.note or 'done'}; {time.monotonic() - begun:.0f} s, seed {seed}", flush=True)
    problems = [f"{name}, seed {seed}: {each}" for each in row.problems(wanted)]
    if row.is_slow:
        problems.append(f"{name}, seed {seed}: acknowledged nothing for {row.back:.1f} s after a fault")
    problems += [
        f"{name}: control {number} lost nothing, so the series shows nothing"
        for number, control in enumerate(controls)
        if not control.loses
    ]
    return row, controls, problems


if __name__ == "__main__":
    sys.exit(main())
