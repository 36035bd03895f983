"""The long fault runs: prints what was injected and what became of what was acknowledged; exit 1 if any of it was lost.

python -m tests.faults [--only kill,power] [--share 0.1] [--seed 2026] [--jobs 2]
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from tests.faults.attempts import attempt
from tests.faults.series import SERIES
from tests.faults.table import table


def main() -> int:
    """Run the series that are asked for, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(SERIES), help="which series: " + ", ".join(SERIES))
    parser.add_argument("--share", type=float, default=1.0, help="of the long run's faults, 0.1 for a tenth")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--jobs", type=int, default=1, help="how many series at a time")
    options = parser.parse_args()
    names, rows, problems = options.only.split(","), [], []
    # a process of its own for each, so that none slows another's trainees down
    with ProcessPoolExecutor(options.jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        for found in pool.map(partial(attempt, share=options.share, seed=options.seed), names):
            rows += found[0]
            problems += found[1]
    print("\n" + table(rows))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
