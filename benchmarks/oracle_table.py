"""Our numbers against the independent reference: a table of kind, cases passed, and the worst ratio to tolerance.

python benchmarks/oracle_table.py --reference DIR [--kind KIND ...] [--case PART] [--json FILE] [--verbose]

Any folder of the reference's layout can be judged. A case passes when every quantity that it holds lies within
its tolerance; a kind without a judge counts as failed. What no judge looks at is listed below the table, with the
reason. Exits 1 if anything failed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1])]

from benchmarks import oracle  # noqa: E402
from benchmarks.oracle.compare import Check, Checks, read  # noqa: E402
from benchmarks.oracle.held import Watched, report  # noqa: E402
from examapp.psychometrics.undetermined import as_nan  # noqa: E402


def judges() -> dict[str, list[Checks]]:
    """For each kind of case the functions that judge it: a module's KINDS, or the kind it is named after."""
    found: dict[str, list[Checks]] = {}
    for info in pkgutil.iter_modules(oracle.__path__):
        module = importlib.import_module(f"{oracle.__name__}.{info.name}")
        if hasattr(module, "checks"):
            for kind in getattr(module, "KINDS", (info.name,)):
                found.setdefault(kind, []).append(module.checks)
    return found


def entries(folder: Path) -> list[dict[str, str]]:
    """What the folder's index lists: id, kind, model and file of each case."""
    listed = json.loads((folder / "index.json").read_text())
    found: list[dict[str, str]] = listed if isinstance(listed, list) else listed["cases"]
    return found


def judge(folder: Path, entry: dict[str, str], by_kind: dict[str, list[Checks]]) -> dict[str, Any]:
    """One case: every check, or the error that kept it from being judged."""
    checks: list[Check] = []
    error, start = "", time.process_time()
    case = Watched(read(folder, entry["file"]))
    for function in by_kind.get(entry["kind"], []):
        try:
            with as_nan():  # the reference has gaps, and `compare` looks at each number
                checks.extend(function(folder, case))
        except Exception as problem:  # one broken case must not hide the others
            error = f"{type(problem).__name__}: {problem}"
    worst = max((check.worst for check in checks), default=float("inf"))
    return {
        "id": entry["id"],
        "kind": entry["kind"],
        "passed": bool(checks) and not error and all(check.passed for check in checks),
        "worst": worst,
        "error": error or ("" if checks else "no judge for this kind"),
        "numbers": sum(check.compared for check in checks),
        "seconds": round(time.process_time() - start, 3),
        "left": sorted(case.left()),
        "checks": [{"quantity": c.quantity, "worst": c.worst, "numbers": c.compared} for c in checks],
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The table, one line a kind."""
    lines = [f"{'kind':<18}{'passed/total':>14}{'numbers':>10}{'worst':>10}  worst case and quantity"]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        own = [row for row in rows if row["kind"] == kind]
        passed, numbers = sum(row["passed"] for row in own), sum(row["numbers"] for row in own)
        row = max(own, key=lambda row: row["worst"])
        quantity = max(row["checks"], key=lambda c: c["worst"], default={"quantity": row["error"]})["quantity"]
        counted = f"{passed}/{len(own)}"
        lines.append(f"{kind:<18}{counted:>14}{numbers:>10}{row['worst']:>10.3g}  {row['id']}: {quantity}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = Path(__file__).parents[2] / "shared" / "reference" / "irt"
    parser.add_argument("--reference", type=Path, default=beside, help="folder with index.json")
    parser.add_argument("--kind", action="append", help="only these kinds")
    parser.add_argument("--case", default="", help="only cases whose id contains this")
    parser.add_argument("--json", type=Path, help="write every check here")
    parser.add_argument("--verbose", action="store_true", help="also list the cases")
    options = parser.parse_args()
    chosen = [
        e
        for e in entries(options.reference)
        if options.case in e["id"] and (not options.kind or e["kind"] in options.kind)
    ]
    by_kind, rows = judges(), []
    for entry in chosen:
        row = judge(options.reference, entry, by_kind)
        rows.append(row)
        missed = [f"{c['quantity']} {c['worst']:.3g}" for c in row["checks"] if c["worst"] > 1]
        if options.verbose or not row["passed"]:
            state = "pass" if row["passed"] else "MISS"
            print(f"{state} {row['id']:<34} worst {row['worst']:.3g} {row['error']} {'; '.join(missed)}", flush=True)
    print(table(rows))
    print(report({row["id"]: set(row["left"]) for row in rows}))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    return 0 if rows and all(row["passed"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
