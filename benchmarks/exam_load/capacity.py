"""The capacity page, made from a stored run; no figure in it is typed by hand.

    python -m benchmarks.exam_load.capacity store --load FILE ... --save FILE --deadline FILE --out RUN.json
    python -m benchmarks.exam_load.capacity page benchmarks/exam_load/run.json > examapp/delivery/CAPACITY.md

`store` keeps of three measurements (`benchmarks.exam_load`, `benchmarks.save_cost`, `benchmarks.deadline`) what the
page needs. The plan is arithmetic on them: what one request costs, how many there are, and cores at 60 % of their time.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

BUSY = 0.6
SAVE_EVERY = 20
# arrivals after the bell are exponential with this mean; hand-ins fall on the last minute, densest at its end
BELL_MEAN, RUSH_MEAN = 20, 30
SIZES = (5_000, 10_000, 100_000, 1_000_000)
HOURS = 2
SCORED_WITHIN = 600
IDLE_BYTES = 11_000
COLUMNS = [
    "scenario", "trainees", "runs", "start p50 / p99 ms", "save p50 / p99 ms", "hand-in p50 / p99 ms",
    "saves/s at most", "scored after s", "answers audited", "violations", "what did not hold",
]  # fmt: skip

TEMPLATE = Path(__file__).with_name("capacity.template.md")


def store(load: list[dict[str, Any]], save: dict[str, Any], deadline: dict[str, Any]) -> dict[str, Any]:
    """Return what the page needs of three measurements, medians of the runs of each scenario."""
    scenarios = {name: _medians(runs) for each in load for name, runs in each.items() if isinstance(runs, list)}
    return {
        "machine": load[0]["machine"], "began": load[0]["began"], "scenarios": scenarios, "save": save,
        "deadline": deadline,
    }  # fmt: skip


def _medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    operations = {}
    for name in ("start", "paper", "answer", "submit"):
        taken = [run["ops"][name] for run in runs if run["ops"].get(name, {}).get("p99") is not None]
        if taken:
            operations[name] = {p: round(median(each[p] for each in taken), 1) for p in ("p50", "p99")}
    tally = [run["tally"] for run in runs]
    return {
        "runs": len(runs), "trainees": runs[0].get("trainees", 0), "operations": operations,
        "acks_per_second": median(run.get("peak_acks_per_s", 0) for run in runs),
        "us_per_request": median(run.get("server_cpu_us_per_request", 0) for run in runs),
        "scored_after": round(median(run["closed_and_scored_after"] for run in runs), 1),
        "back_after": round(max((each for run in runs for each in run["back_after"]), default=0.0), 1),
        "idle_connections": max(run["idle_connections"] for run in runs),
        "idle_bytes": round(median(run["idle_bytes"] for run in runs)),
        "audited": sum(each.get("audited_acked_items", 0) for each in tally),
        "violations": sum(run["violation_count"] for run in runs),
        "problems": sorted({problem for run in runs for problem in run["problems"]}),
    }  # fmt: skip


def page(run: dict[str, Any]) -> str:
    """Return the capacity page of a stored run, Markdown."""
    return TEMPLATE.read_text().format(
        **run["machine"], began=run["began"], scenarios=_scenario_table(run["scenarios"]), costs=_cost_table(run),
        plan=_plan_table(run), save_every=SAVE_EVERY, bell=BELL_MEAN, busy=f"{BUSY:.0%}",
    )  # fmt: skip


def _scenario_table(scenarios: dict[str, Any]) -> str:
    rows = [COLUMNS]
    for name, each in scenarios.items():
        latencies = [_latency(each["operations"].get(operation)) for operation in ("start", "answer", "submit")]
        audit = [f"{each['audited']:,}", str(each["violations"]), "; ".join(each["problems"]) or "-"]
        rate = f"{each['acks_per_second']:,.0f}"
        rows.append(
            [name, f"{each['trainees']:,}", str(each["runs"]), *latencies, rate, str(each["scored_after"]), *audit]
        )
    return _markdown(rows)


def _latency(taken: dict[str, float] | None) -> str:
    return f"{taken['p50']:,.0f} / {taken['p99']:,.0f}" if taken else "-"


def _cost_table(run: dict[str, Any]) -> str:
    rows = [["what", "processor time", "one core does"]]
    for each in run["save"]["http"]:
        rows.append(
            [f"{each['name']} ({each['database']})", f"{each['cpu_us']:.0f} us", f"{1e6 / each['cpu_us']:,.0f}/s"]
        )
    for each in run["save"]["committer"]:
        if each["database"] == "postgresql" and each["size"] in (8, 32):
            rows.append([f"PostgreSQL's own share of a save, batches of {each['size']}", f"{each['server_us']:.0f} us",
                         f"{1e6 / each['server_us']:,.0f}/s"])  # fmt: skip
    ms = run["deadline"]["cpu_ms"]
    rows.append(["close, mark and score one sitting of 90 items", f"{ms:.1f} ms", f"{1000 / ms:,.0f}/s"])
    return _markdown(rows)


def _plan_table(run: dict[str, Any]) -> str:
    save = _cost(run["save"]["http"], "sqlite") / 1e6
    start = run["scenarios"]["hall"]["us_per_request"] / 1e6
    database = next(
        each for each in run["save"]["committer"] if each["database"] == "postgresql" and each["size"] == 32
    )
    plans = [_plan(size, save, start, database, run["deadline"]["cpu_ms"] / 1000) for size in SIZES]
    return _markdown(
        [["", *[f"{size:,}" for size in SIZES]], *[[name, *[plan[name] for plan in plans]] for name in plans[0]]]
    )


def _cost(figures: list[dict[str, Any]], database: str) -> float:
    return next(
        float(each["cpu_us"])
        for each in figures
        if each["name"].startswith("save, 32") and each["database"] == database
    )


def _plan(size: int, save: float, start: float, database: dict[str, Any], score: float) -> dict[str, str]:
    """Return the rows of one column: rates, cores, bytes."""
    saves, starts, end = size / SAVE_EVERY, size / BELL_MEAN, size * (2 / RUSH_MEAN + 1 / SAVE_EVERY)
    journal = size * (HOURS * 3600 / SAVE_EVERY)
    return {
        "saves/s, steady": f"{saves:,.0f}",
        "starts/s at the bell": f"{starts:,.0f}",
        "requests/s in the last minute": f"{end:,.0f}",
        "service cores, steady": _cores(saves * save),
        "service cores at the bell": _cores(starts * 2 * start + saves * save),
        "service cores in the last minute": _cores(end * save),
        "PostgreSQL cores in the last minute": _cores(end * database["server_us"] / 1e6),
        "WAL in the last minute, MB/s": f"{end * database['bytes'] / 1e6:,.1f}",
        f"worker cores to score all in {SCORED_WITHIN // 60} minutes": _cores(size * score / SCORED_WITHIN),
        f"journal entries in {HOURS} h, million": f"{journal / 1e6:,.1f}",
        "held connections, GB": f"{size * IDLE_BYTES / 1e9:,.2f}",
    }


def _cores(seconds_a_second: float) -> str:
    return f"{seconds_a_second / BUSY:,.1f}"


def _markdown(rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "| " + " | ".join(["---"] * len(rows[0])) + " |", *lines[1:], ""])


def main() -> None:
    """Store a run, or print the page of one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    storing = commands.add_parser("store")
    storing.add_argument("--load", type=Path, nargs="+", required=True)
    storing.add_argument("--save", type=Path, required=True)
    storing.add_argument("--deadline", type=Path, required=True)
    storing.add_argument("--out", type=Path, required=True)
    commands.add_parser("page").add_argument("run", type=Path)
    options = parser.parse_args()
    if options.command == "page":
        sys.stdout.write(page(json.loads(options.run.read_text())))
        return
    load = [json.loads(each.read_text()) for each in options.load]
    kept = store(load, json.loads(options.save.read_text()), json.loads(options.deadline.read_text()))
    options.out.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
