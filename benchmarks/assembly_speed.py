"""Form assembly: seconds to ten parallel forms, their distance from the target or bound, and an infeasible blueprint.

python benchmarks/assembly_speed.py --peers DIR      a table, on the problems of DIR/ata_peers.py
python DIR/ata_peers.py --plugin ours=benchmarks/assembly_speed.py     the same problems against other solvers
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path
from types import ModuleType

import numpy as np

from examapp.psychometrics import assembly
from examapp.psychometrics.constraints import Constraint

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "tools" / "peers"
PROBLEMS = ("A-minimax", "A-maximin", "B-minimax")


def blueprint(problem: dict) -> list[Constraint]:
    """Length, an exact count for each area, bounds for each cell of area and level."""
    length = problem["length"]
    rows = [Constraint("length", np.ones(len(problem["area"])), length, length)]
    for area, count in enumerate(problem["per_area"]):
        rows.append(Constraint(f"area {area}", (problem["area"] == area).astype(float), count, count))
    for cell, (low, high) in enumerate(zip(problem["lo"], problem["hi"], strict=True)):
        rows.append(Constraint(f"cell {cell}", (problem["cell"] == cell).astype(float), low, high))
    return rows


def solve(problem: dict, time_limit: float, extra: list[Constraint] = []) -> assembly.Assembly:  # noqa: B006
    return assembly.assemble(
        problem["info"],
        problem["target"],
        [*blueprint(problem), *extra],
        objective=problem["objective"],
        forms=problem["forms"],
        max_use=problem["max_use"],
        max_overlap=problem["max_overlap"],
        enemies=problem["enemies"],
        band=problem["band"] if problem["objective"] == "maximin" else None,
        time_limit_seconds=time_limit,
    )


def assemble(problem: dict, time_limit: float) -> np.ndarray:
    """The plug-in: forms by items."""
    return solve(problem, time_limit).selected


def peers_module(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("ata_peers", folder / "ata_peers.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"no ata_peers.py in {folder}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, default=BESIDE, help="folder of ata_peers.py")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for one problem")
    options = parser.parse_args()
    peers = peers_module(options.peers)
    print("| problem | CPU s | worst deviation % | least relative information | bound | violations |")
    print("|---|---|---|---|---|---|")
    for name in PROBLEMS:
        problem = peers.make_problem(name)
        start = time.process_time()
        found = solve(problem, options.limit)
        took = time.process_time() - start
        seen = peers.check(problem, found.selected)
        print(
            f"| {name} | {took:.2f} | {seen['max_dev_pct']:.2f} | {seen['min_rel']:.4f} | {found.bound:.4f}"
            f" | {', '.join(seen['violations']) or 'none'} |"
        )
    for name in PROBLEMS:
        problem = peers.make_problem(name)
        clash = Constraint("clash", np.isin(problem["cell"], [0, 1, 2]).astype(float), problem["per_area"][0] + 1, 60)
        start = time.process_time()
        conflicts = solve(problem, options.limit, [clash]).conflicts
        print(f"infeasible {name}: {time.process_time() - start:.2f} CPU s, clashing: {', '.join(conflicts)}")


if __name__ == "__main__":
    main()
