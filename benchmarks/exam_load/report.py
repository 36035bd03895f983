"""What a run shows, as a table, and what in it did not hold."""

from statistics import median
from typing import Any

from rich.table import Table

from benchmarks.exam_load.scenarios import IDLE_BYTES, Scenario

COLUMNS = (
    "scenario", "runs", "start p50/p99 ms", "save p50/p99 ms", "hand-in p50/p99 ms", "acks/s", "CPU us/request",
    "scored after s", "audited", "violations", "problems",
)  # fmt: skip


def table(found: dict[str, Any], names: list[str]) -> Table:
    """One row a scenario, medians over its runs."""
    shown = Table(title=f"exam load: medians, {found['machine']['processor']}, Python {found['machine']['python']}")
    for title in COLUMNS:
        shown.add_column(title, justify="left" if title in ("scenario", "problems") else "right")
    for name in names:
        runs = found[name]
        shown.add_row(
            name, str(len(runs)), _latency(runs, "start"), _latency(runs, "answer"), _latency(runs, "submit"),
            str(median(run.get("peak_acks_per_s", 0) for run in runs)),
            _cpu(runs),
            f"{median(run['closed_and_scored_after'] for run in runs):.1f}",
            str(sum(run["tally"].get("audited_acked_items", 0) for run in runs)),
            str(sum(run["violation_count"] for run in runs)),
            "; ".join(sorted({problem for run in runs for problem in run["problems"]})) or "none",
        )  # fmt: skip
    return shown


def _latency(runs: list[dict[str, Any]], operation: str) -> str:
    taken = [run["ops"][operation] for run in runs if run["ops"].get(operation, {}).get("p99")]
    return f"{median(t['p50'] for t in taken):.0f} / {median(t['p99'] for t in taken):.0f}" if taken else "-"


def _cpu(runs: list[dict[str, Any]]) -> str:
    # a process that was killed takes its count with it
    if any(run["back_after"] for run in runs):
        return "-"
    return str(median(run.get("server_cpu_us_per_request", 0) for run in runs))


def problems(scenario: Scenario, run: dict[str, Any], code: int) -> list[str]:
    """Say what did not hold in a run that the generator ended with exit `code`."""
    found = [
        f"{key}: {count}" for key, count in run["tally"].items() if key.startswith(("violation", "fatal", "could"))
    ]
    found += [f"missed {miss}" for miss in run.get("slo_missed", [])]
    if scenario.limits and run["closed_and_scored_after"] > 10:
        found.append(f"closed and scored {run['closed_and_scored_after']:.1f} s after the end")
    found += [f"first acknowledgement {each:.1f} s after kill -9" for each in run["back_after"] if each > 5]
    if len(run["back_after"]) != len(scenario.kills_at) or run["not_scored"]:
        found.append(f"{run['not_scored']} not scored, back after {len(run['back_after'])} kills")
    if run["idle_bytes"] > IDLE_BYTES:
        found.append(f"idle connections took {run['idle_bytes'] / 1e6:.0f} MB")
    if run["idle_connections"] < scenario.idle_connections:
        found.append(f"{run['idle_connections']:,} of {scenario.idle_connections:,} idle connections stayed open")
    outcomes = [pair for operation in run["ops"].values() for pair in operation["outcomes"].items()]
    # a hall is to be served whole; elsewhere 503 is the answer that the scenario asks for
    errors = ("500", "502", "503", "504") if scenario.limits else ("500", "502", "504")
    server_errors = sum(count for status, count in outcomes if status in errors)
    found += [f"{server_errors} server errors"] if server_errors else []
    return found + ([f"exit {code}"] if code in (1, 3, 4) else [])


def doubled(found: dict[str, Any]) -> list[str]:
    """Say whether idle connections doubled what the same load alone waits at most, where both were run."""
    if "idle" not in found or "alone" not in found:
        return []
    idle, alone = (median(run["ops"]["answer"]["p99"] for run in found[name]) for name in ("idle", "alone"))
    return [f"save p99 {idle:.0f} ms beside idle connections, {alone:.0f} ms alone"] if idle > 2 * alone else []
