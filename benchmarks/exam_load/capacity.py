"""The capacity page, made from a stored run; no figure in it is typed by hand.

    python -m benchmarks.exam_load.capacity [--load FILE ...] [--save FILE] [--deadline FILE]

Takes what new measurements say (`--out` of `benchmarks.exam_load`, `--json` of `benchmarks.save_cost --http` and of
`benchmarks.deadline`) into `benchmarks/exam_load/run.json`, in the place of what that said of the same, and writes
`examapp/delivery/CAPACITY.md` anew. The plan on it is made by `plan.py`.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.exam_load import plan
from benchmarks.exam_load.scenarios import SCENARIOS

RUN, TEMPLATE = (Path(__file__).with_name(name) for name in ("run.json", "capacity.template.md"))
PAGE = Path(__file__).resolve().parents[2] / "examapp/delivery/CAPACITY.md"
COLUMNS = [
    "scenario", "trainees", "runs", "start p50 / p99 ms", "save p50 / p99 ms", "hand-in p50 / p99 ms",
    "saves/s at most", "scored after s", "answers audited", "violations", "what did not hold",
]  # fmt: skip
# so fast do saves of a knee run follow one another that the service, not the trainees, sets the pace
KNEE = "knee"


def store(
    run: dict[str, Any], load: Iterable[dict[str, Any]], save: dict[str, Any] | None, deadline: dict[str, Any] | None
) -> dict[str, Any]:
    """Return a stored run in which new measurements have taken the place of old ones; medians over their runs."""
    scenarios = dict(run.get("scenarios", {}))
    machine = run.get("machine")
    for each in load:
        machine = each["machine"]
        for name, runs in each.items():
            if isinstance(runs, list):
                scenarios[name] = {"began": each["began"], **_medians(runs)}
    return {
        "machine": machine, "scenarios": scenarios, "save": save or run["save"],
        "deadline": deadline or run["deadline"], "connections": plan.connections_each(),
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
    knees = {name: each for name, each in run["scenarios"].items() if name.startswith(KNEE)}
    exams = {name: each for name, each in run["scenarios"].items() if name not in knees}
    began = sorted(each["began"] for each in run["scenarios"].values())
    return TEMPLATE.read_text(encoding="utf-8").format(
        **run["machine"], began=began[0], ended=began[-1], scenarios=_scenario_table(exams),
        besides=_besides(exams), method=_method_table(run["scenarios"]), knee=_knee_table(run, knees),
        costs=_cost_table(run), plan=markdown(plan.table(run)), save_every=plan.SAVE_EVERY, bell=plan.BELL_MEAN,
        rush=plan.RUSH_MEAN, busy=f"{plan.BUSY:.0%}", few=f"{plan.FEW:,}", connections=run["connections"],
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
    return markdown(rows)


def _besides(scenarios: dict[str, Any]) -> str:
    """Tell of what few scenarios measure."""
    told = [
        f"- {name}: at most {each['back_after']} s from `kill -9` of all serving processes to the next acknowledgement."
        for name, each in scenarios.items()
        if each["back_after"]
    ]
    told += [
        f"- {name}: {each['idle_connections']:,} idle connections took {each['idle_bytes'] / 1e6:,.0f} MB; the same "
        "load without them is `alone`."
        for name, each in scenarios.items()
        if each["idle_connections"]
    ]
    return "\n".join([*told, ""]) if told else ""


def _method_table(names: Iterable[str]) -> str:
    """Say of each scenario with what flags the generator makes its load."""
    rows = [["scenario", "seconds from bell to end", "signed in before", "the generator's flags"]]
    for kind in dict.fromkeys(name.partition(" ")[0] for name in names):
        found = SCENARIOS[kind]
        kills = [f"kill -9 at {' and '.join(map(str, found.kills_at))} s"] if found.kills_at else []
        rows.append([kind, str(found.duration), f"{found.signed_in:.0%}", "; ".join([" ".join(found.flags), *kills])])
    return markdown(rows)


def _knee_table(run: dict[str, Any], knees: dict[str, Any]) -> str:
    rows = [["load", "saves/s", "save p50 / p99 ms"]]
    for each in run["save"]["http"]:
        if each["name"].startswith("save"):
            rate = f"{1e6 / each['cpu_us']:,.0f} a core" if "connections" in each["name"] else each["name"].split()[1]
            rows.append(
                [f"{each['name']} ({each['database']})", rate, _latency({"p50": each["p50_ms"], "p99": each["p99_ms"]})]
            )
    for name, each in knees.items():
        rows.append([name, f"{each['acks_per_second']:,.0f}", _latency(each["operations"].get("answer"))])
    return markdown(rows)


def _latency(taken: dict[str, float] | None) -> str:
    return f"{taken['p50']:,.0f} / {taken['p99']:,.0f}" if taken else "-"


def _cost_table(run: dict[str, Any]) -> str:
    rows = [["what", "processor time", "one core does", "besides, of the database's server"]]
    for each in run["save"]["http"]:
        besides = f"{each['database_us']:.0f} us" if each.get("database_us") else "-"
        name, rate = f"{each['name']} ({each['database']})", f"{1e6 / each['cpu_us']:,.0f}/s"
        rows.append([name, f"{each['cpu_us']:.0f} us", rate, besides])
    for each in run["save"]["committer"]:
        if each["database"] == "postgresql" and each["size"] in (8, 32):
            rows.append([f"PostgreSQL's own share of a save, batches of {each['size']}", f"{each['server_us']:.0f} us",
                         f"{1e6 / each['server_us']:,.0f}/s", "-"])  # fmt: skip
    ms = run["deadline"]["cpu_ms"]
    rows.append(["close, mark and score one sitting of 90 items", f"{ms:.1f} ms", f"{1000 / ms:,.0f}/s", "-"])
    return markdown(rows)


def markdown(rows: list[list[str]]) -> str:
    """Return a table whose first row is its head."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "| " + " | ".join(["---"] * len(rows[0])) + " |", *lines[1:], ""])


def main() -> None:
    """Take in new measurements and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--load", type=Path, nargs="+", default=[])
    parser.add_argument("--save", type=Path)
    parser.add_argument("--deadline", type=Path)
    options = parser.parse_args()
    load, (save, deadline) = map(_read, options.load), map(_read, (options.save, options.deadline))
    run = store(json.loads(RUN.read_text(encoding="utf-8")), load, save, deadline)
    RUN.write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(run), encoding="utf-8")


def _read(path: Path | None) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path else None


if __name__ == "__main__":
    main()
