"""Calibration beside its peers: CPU seconds, ratio, distance to the maximum; then our own floor, memory and start.

python benchmarks/irt_speed.py --tools ../shared/tools/peers [--venvs DIR --peers mirt-squarem,theta-irt]
                               [--cases small|claims|CASE,...] [--out FILE]

The peer benchmark measures every engine in a process of its own on the same data and evaluates all results with
one routine. Without --venvs only our own figures are printed. A case is model:people:items:percent missing.
The protocol is the peer benchmark's own default for every engine: the median of three fits in one process, or of fewer
once --rep-budget (60) seconds are spent. "median n" is such a median of n fits, of which the first alone imports and
compiles; of two it is their mean, so half of that is in it; "first" is a first fit with all that, where a peer is too
slow for more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from examapp.psychometrics import irt
from examapp.psychometrics.blas import single_thread
from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.expectation import Block, Columns, block_sums, tables
from examapp.psychometrics.irt import Items
from examapp.psychometrics.simulation import simulate_abilities, simulate_responses

HERE = Path(__file__).parent
CLAIMS = {
    "2pl:1000:50:0": 2,
    "2pl:10000:50:0": 5,
    "2pl:10000:200:0": 12,
    "2pl:100000:50:0": 12,
    "grm:100000:50:0": 20,
    "3pl:100000:50:0": 15,
    "2pl:100000:200:50": 15,
    "2pl:100000:200:0": 30,
}
SMALL = ("2pl:1000:50:0", "2pl:10000:50:0", "2pl:10000:200:0")


def measured(options: argparse.Namespace, cases: list[str], out: Path) -> list[dict[str, Any]]:
    """Run the peer benchmark on these cases and read what it found."""
    command = [sys.executable, str(options.tools / "irt_peers.py"), "--cases", ",".join(cases)]
    command += ["--plugin", f"examapp={HERE / 'irt_plugin.py'}", "--out", str(out), "--md", str(out.with_suffix(".md"))]
    command += ["--peers", options.peers if options.venvs else "none", "--timeout", str(options.timeout)]
    command += ["--rep-budget", str(options.rep_budget)]
    command += ["--venvs", str(options.venvs)] if options.venvs else []
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found: list[dict[str, Any]] = json.loads(out.read_text())
    return found


def table(found: list[dict[str, Any]], cases: list[str]) -> list[str]:
    """One line a case: our CPU seconds, the fastest peer's, the ratio beside the claim, both distances."""
    lines = [f"{'':<20}{'examapp':>8}{'':>6}{'':>11}  fastest peer"]
    lines.append(
        f"{'case':<20}{'CPU s':>8}{'MiB':>6}{'below max':>11}  "
        f"{'':<14}{'fits':<9}{'CPU s':>8}{'below max':>11}{'ratio':>8}{'claim':>7}"
    )
    for case in cases:
        model, *numbers = case.split(":")
        rows = [r for r in found if r["case"] == [model, *map(int, numbers)] and r["status"] == "ok"]
        ours = next((r for r in rows if r["peer"] == "examapp"), None)
        if ours is None:
            lines.append(f"{case:<20} not measured")
            continue
        best = max(r["ll"] for r in rows) if model != "3pl" else ours["ll"]
        line = f"{case:<20}{ours['cpu']:>8.2f}{ours['peak_mb']:>6.0f}{best - ours['ll']:>11.3f}  "
        peer = min((r for r in rows if r is not ours), key=lambda r: r["cpu"], default=None)
        if peer:
            ratio = peer["cpu"] / ours["cpu"]
            line += f"{peer['peer']:<14}{_way(peer):<9}{peer['cpu']:>8.2f}{best - peer['ll']:>11.2f}{ratio:>8.1f}"
        lines.append(line + ("" if peer else f"{'-':<50}") + f"{CLAIMS.get(case, 0):>7}")
    return lines


def _way(row: dict[str, Any]) -> str:
    """How an engine was measured."""
    return f"median {row['n_reps']}" if row["n_reps"] > 1 else "first"


def floor(model: str, people: int, items: int, nodes: int) -> str:
    """CPU of one E-step over the CPU of the two single-precision products of people, items and nodes."""
    rng = np.random.default_rng(1)
    c = 0.2 if model == "3pl" else 0.0
    bank = Items.of(model, a=rng.lognormal(0, 0.3, items), b=rng.normal(size=items), c=c)
    scores = simulate_responses(rng, simulate_abilities(rng, people), bank).astype(np.int8)
    theta = irt.grid(points=nodes)
    columns, block = Columns.of(bank.categories, False, model == "2pl"), Block(scores)
    logs, weights = [irt.log_probabilities(bank, theta)], irt.normal_weights(theta)[None]
    tabled = tables(columns, logs, weights, np.float32, theta[None])
    whole = [scores[start : start + 1024].astype(np.float32) for start in range(0, people, 1024)]
    right = rng.normal(size=(items, nodes)).astype(np.float32)

    def products() -> None:
        for rows in whole:
            rows.T @ (rows @ right)

    with single_thread():
        least = min(_seconds(products) for _ in range(3))
        ours = min(_seconds(lambda: block_sums(block, columns, tabled)) for _ in range(3))
    times = f"{ours * 1e3:.0f} ms, two single-precision products {least * 1e3:.0f} ms, ratio {ours / least:.2f}"
    return f"E-step {model} {people} x {items}, {nodes} nodes: {times}"


def doubled(model: str, people: int, items: int, precision: str) -> str:
    """Distance of the estimates from those of a fit in double precision on twice the nodes."""
    rng = np.random.default_rng(2)
    c = rng.uniform(0.1, 0.3, items) if model == "3pl" else 0.0
    bank = Items.of(model, a=rng.lognormal(0, 0.3, items), b=rng.normal(size=items), c=c)
    scores = simulate_responses(rng, simulate_abilities(rng, people), bank).astype(np.int8)
    fit = calibrate(scores, model, precision=precision)
    nodes = fit.nodes.shape[1]
    exact = calibrate(scores, model, precision="double", points=2 * nodes, tolerance=1e-7, start=fit.items)
    far = [
        f"{name} {np.sqrt(np.mean((getattr(fit.items, name) - getattr(exact.items, name)) ** 2)):.1e}"
        for name in ("a", "b", "c")[: 3 if model == "3pl" else 2]
    ]
    return f"{model} {people} x {items}, {precision}, {nodes} nodes: RMS from the exact maximum {', '.join(far)}"


def cold_start() -> str:
    """Wall and CPU of a new process that imports the engine and calibrates 1,000 x 50."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import numpy as np;"
        "from examapp.psychometrics.calibration import calibrate;"
        "x = np.random.default_rng(1).integers(0, 2, (1000, 50), dtype=np.int8); calibrate(x, '2pl')"
    )
    start, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-c", code, str(HERE.parent)], check=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return (
        f"cold start to the end of a first fit (1000 x 50): {time.perf_counter() - start:.2f} s wall, {cpu:.2f} s CPU"
    )


def _seconds(function: Any) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=Path, default=HERE.parents[1] / "shared" / "tools" / "peers")
    parser.add_argument("--venvs", type=Path)
    parser.add_argument("--peers", default="mirt-squarem,theta-irt")
    parser.add_argument("--cases", default="claims", help="small, claims, or a list")
    parser.add_argument("--timeout", type=float, default=300)
    parser.add_argument("--rep-budget", type=float, default=60)
    parser.add_argument("--out", type=Path, help="keep the measurements here; later runs add to them")
    options = parser.parse_args()
    named = {"claims": list(CLAIMS), "small": list(SMALL)}
    cases = named.get(options.cases) or options.cases.split(",")
    with tempfile.TemporaryDirectory() as folder:
        out = options.out or Path(folder) / "speed.json"
        print("\n".join(table(measured(options, cases, out), cases)))
    for model in ("3pl", "2pl"):
        print(floor(model, 50_000, 200, 64))
    for precision in ("auto", "single"):
        print(doubled("2pl", 20_000, 50, precision))
        print(doubled("2pl", 10_000, 200, precision))
        print(doubled("3pl", 20_000, 50, precision))
    print(cold_start())
    return 0


if __name__ == "__main__":
    sys.exit(main())
