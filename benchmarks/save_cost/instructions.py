"""Instructions of a save in the committer: they are the same on a busy machine, so a test can hold them.

    valgrind --tool=cachegrind ... python -m benchmarks.save_cost.instructions DATABASE SITTING...

stores two numbers of saves, each in a fork of the same process; the difference of what valgrind counted is their cost.
"""

import itertools
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from benchmarks.save_cost.rows import saves
from examapp.delivery.acceptance import Accepted, Request
from examapp.delivery.hot_rows import rows_of, settle

BATCH = 8
FEW, MANY = 10, 60  # batches


def count(database: Path, sittings: list[int], folder: Path) -> float:
    """Return the instructions of one save, in batches of 8, in a SQLite database with these running sittings."""
    command = [
        "valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={folder}/count.%p", sys.executable,
        "-m", "benchmarks.save_cost.instructions", str(database), *map(str, sittings),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    few, many = (_instructions(folder / f"count.{pid}") for pid in done.stdout.split())
    return (many - few) / (BATCH * (MANY - FEW))


def _instructions(report: Path) -> int:
    return int(report.read_text().split("summary:")[1].split()[0])


def main() -> None:
    """Store saves in forks, and print their process ids."""
    engine = create_engine(f"sqlite:///{sys.argv[1]}", poolclass=NullPool)
    requests = saves([int(text) for text in sys.argv[2:]])
    for number in (FEW, MANY):
        # as many are made for both, so that only storing them makes the difference
        made = [list(itertools.islice(requests, BATCH)) for _ in range(MANY)]
        child = os.fork()
        if child == 0:
            _store(engine, made[:number])
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            sys.exit("the saves were not stored")
        print(child, flush=True)


def _store(engine: Engine, batches: list[list[Request]]) -> None:
    with engine.connect() as connection:
        rows = rows_of(connection)
        for batch in batches:
            rows.begin()
            outcomes = settle(rows, batch, timedelta(0), commit=True)
            if not all(isinstance(outcome, Accepted) for outcome in outcomes):
                os._exit(1)


if __name__ == "__main__":
    main()
