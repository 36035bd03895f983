"""The published load result: the page is what the generator makes of the stored run, and says how that was measured."""

import copy
import json
import re

import pytest

from benchmarks.exam_load import capacity, plan
from benchmarks.exam_load.scenarios import SCENARIOS


@pytest.fixture
def run():
    return json.loads(capacity.RUN.read_text(encoding="utf-8"))


@pytest.mark.feature("O7")
def test_the_published_page_is_what_the_stored_run_gives(run):
    assert capacity.PAGE.read_text(encoding="utf-8") == capacity.page(run)


@pytest.mark.feature("O7")
def test_the_page_tells_machine_method_audit_and_every_miss_of_each_scenario(run):
    page = capacity.PAGE.read_text(encoding="utf-8")
    assert all(str(run["machine"][name]) in page for name in ("processor", "cores", "python", "system"))
    assert "hall" in run["scenarios"]
    for name, each in run["scenarios"].items():
        assert each["began"]
        assert " ".join(SCENARIOS[name.partition(" ")[0]].flags) in page
        assert f"{each['audited']:,} | {each['violations']} |" in page or name.startswith(capacity.KNEE)
        assert all(problem in page for problem in each["problems"] if not name.startswith(capacity.KNEE))


def test_no_figure_of_the_template_is_typed_by_hand():
    template = capacity.TEMPLATE.read_text(encoding="utf-8")
    typed = re.findall(r"\d[\d,.]* ?(?:us|ms|MB|GB|cores?|/s)\b", template)
    assert typed == []


@pytest.mark.parametrize("changed", ["hall", "save", "deadline"])
def test_a_new_measurement_takes_the_place_of_the_old_one(run, changed):
    measured = copy.deepcopy(run[changed]) if changed != "hall" else None
    if changed == "save":
        measured["http"] = [{**each, "cpu_us": 2 * each["cpu_us"]} for each in measured["http"]]
    elif changed == "deadline":
        measured["cpu_ms"] *= 2
    load = [{"machine": run["machine"], "began": "2027-01-01T00:00:00Z", "hall": [LOAD, LOAD]}] if not measured else []
    named = {"save": None, "deadline": None} | ({changed: measured} if measured else {})
    other = capacity.store(run, load, **named)
    assert capacity.page(other) != capacity.page(run)
    assert capacity.store(other, [], run["save"], run["deadline"])["save"] == run["save"]


LOAD = {
    "trainees": 5000, "ops": {"start": {"p50": 1.0, "p99": 2.0}}, "tally": {"audited_acked_items": 10},
    "closed_and_scored_after": 1.0, "back_after": [3.25], "idle_connections": 8, "idle_bytes": 88_000,
    "violation_count": 0, "problems": ["missed start.p99"],
}  # fmt: skip


def test_medians_sums_and_worst_values_of_the_runs_are_kept():
    other = {**LOAD, "closed_and_scored_after": 4.0, "back_after": [], "violation_count": 1, "problems": []}
    kept = capacity.store(
        {"save": {}, "deadline": {}}, [{"machine": {}, "began": "x", "power": [LOAD, other]}], None, None
    )
    found = kept["scenarios"]["power"]
    assert (found["runs"], found["scored_after"], found["back_after"]) == (2, 2.5, 3.2)
    assert (found["audited"], found["violations"], found["problems"]) == (20, 1, ["missed start.p99"])


def test_the_plan_takes_the_cost_at_the_rate_that_it_plans_for(run):
    costs = {(each["name"], each["database"]): each["cpu_us"] for each in run["save"]["http"]}
    assert plan._save(run, "sqlite", plan.FEW) == costs["save, 500 a second", "sqlite"] / 1e6
    assert plan._save(run, "postgresql", plan.FEW + 1) == costs["save, 32 connections", "postgresql"] / 1e6
    assert plan.connections_each() > 1
