"""The parametric items of the bank: each template of the blueprint, right over many draws."""

import math
from collections import Counter
from decimal import Decimal

import numpy as np
import pytest
from ruamel.yaml import YAML

from examapp.banks.formula import evaluate, parse_number
from examapp.banks.item_types import ITEM_TYPES
from examapp.banks.variables import Derived, Joint, Listed
from examapp.banks.variants import draw_testlet, draw_variant

PREFIX = "ic-n-"
DRAWS = range(300)
TASK_POINTS = {"calc": 35, "read": 30, "select": 20, "spc": 15}
CONFORMS = 1e-12
# What the templates call dies, and atoms/nm²; a word has no place in a unit that both languages show
UNITS_OF_COUNTS = ("1", "nm⁻²")
# `observed` holds the extremes of one sample of draws, and narrowed draws may go a little beyond one end of it
BEYOND = 3.0


@pytest.fixture(scope="session")
def parametric(ic_materials):
    """The items made from templates, by template."""
    return {item.id.removeprefix(PREFIX): item for item in ic_materials.items if item.id.startswith(PREFIX)}


@pytest.fixture(scope="session")
def template_of(templates):
    """The templates by id."""
    return {template["id"]: template for template in templates["templates"]}


def drawn_values(item):
    return [draw_variant(item, np.random.default_rng(seed)).values for seed in DRAWS]


@pytest.mark.reference
def test_every_template_that_the_blueprint_names_has_its_item(reference, parametric):
    field = YAML(typ="safe").load((reference / "blueprints" / "fields" / "ic-materials.yaml").read_text("utf-8"))
    areas = {area["id"]: area for part in ("theory", "practical") for area in field[part]}
    live = {code: area for code, area in areas.items() if area["weight"]["primary"] > 0}
    assert set(parametric) == {template for area in live.values() for template in area.get("templates", ())}
    assert all(template in live[item.area]["templates"] for template, item in parametric.items())


@pytest.mark.reference
def test_every_key_is_that_of_its_template(parametric, template_of):
    for code, item in parametric.items():
        answer = template_of[code]["answer"]
        assert float(item.answer.rel_tol) == answer["rel_tol"]
        assert item.answer.unit in (answer["unit"], *UNITS_OF_COUNTS)
        for values in drawn_values(item)[:50]:
            expected = evaluate(template_of[code]["expr"], values)
            assert item.answer.value(values) == pytest.approx(expected, rel=CONFORMS)


@pytest.mark.reference
def test_every_key_meets_the_reference_point_of_its_template(parametric, template_of):
    points = {code: template_of[code]["check"] for code in parametric if "check" in template_of[code]}
    assert len(points) == 11
    for code, point in points.items():
        key = parametric[code].answer.value({name: str(value) for name, value in point["at"].items()})
        assert key == pytest.approx(point["expect"], rel=point["rel_tol"])


@pytest.mark.reference
def test_every_key_lies_where_the_template_was_observed(parametric, template_of):
    for code, item in parametric.items():
        low, high = template_of[code]["answer"]["observed"]
        keys = [item.answer.value(values) for values in drawn_values(item)]
        assert low / BEYOND <= min(keys), code
        assert max(keys) <= high * BEYOND, code


@pytest.mark.reference
def test_draws_stay_within_those_of_the_templates(parametric, template_of):
    for code, item in parametric.items():
        allowed = {name: bounds for variable in template_of[code]["vars"] for name, bounds in bounds_of(variable)}
        for values in drawn_values(item)[:100]:
            inside = [low <= float(values[name]) <= high for name, (low, high) in allowed.items() if name in values]
            assert inside
            assert all(inside), code


def bounds_of(variable):
    if "names" in variable:
        return [(name, (min(column), max(column))) for name, column in zip(variable["names"], zip(*variable["rows"]))]
    values = variable.get("values") or [variable.get("min", -math.inf), variable.get("max", math.inf)]
    return [(variable["name"], (min(values), max(values)))]


def test_in_every_draw_the_shown_numbers_give_the_key_and_the_trap_stays_outside(parametric):
    for item in parametric.values():
        for values in drawn_values(item):
            key = item.answer.value({name: value for name, value in values.items() if not name.startswith("_")})
            assert math.isfinite(key)
            assert not item.answer.is_confusable(values)
            assert item.answer.accepts(parse_number(f"{key:.4g}"), values)


def test_every_trap_is_computed_and_told(parametric):
    assert all(item.answer.trap is not None for item in parametric.values())
    assert all(item.cognitive == "apply" for item in parametric.values())
    assert all(Decimal("0.45") <= item.expected_share <= Decimal("0.7") for item in parametric.values())


def test_thousands_of_variants_come_from_one_item(parametric):
    counts = {code: math.prod(sizes(variable) for variable in item.variables) for code, item in parametric.items()}
    assert sum(counts.values()) > 100_000
    assert min(counts.values()) >= 6


def sizes(variable):
    if isinstance(variable, Derived):
        return 1
    rows = variable.rows if isinstance(variable, Joint) else variable.values if isinstance(variable, Listed) else None
    return len(rows) if rows is not None else int((variable.max - variable.min) / variable.step) + 1


@pytest.mark.parametrize("task_set", ["p1", "p2"])
def test_a_set_of_practical_tasks_is_worth_a_hundred_points(ic_materials, task_set):
    points = Counter()
    for item in ic_materials.items:
        if item.id.startswith(f"ic-{task_set}-"):
            points[item.area.removeprefix("ic-materials.p.")] += item.points
    assert points == TASK_POINTS


def test_no_practical_item_stands_in_both_sets(ic_materials):
    stems = [item.stem.en for item in ic_materials.items if item.stimulus]
    stimuli = {item.stimulus for item in ic_materials.items if item.stimulus}
    assert len(stimuli) == 8
    assert len(stems) - len(set(stems)) <= 1


def test_every_task_can_be_drawn_and_answered_in_full(ic_materials):
    for stimulus in ic_materials.stimuli:
        items = [item for item in ic_materials.items if item.stimulus == stimulus.id]
        for seed in range(40):
            _, drawn = draw_testlet(stimulus, items, np.random.default_rng(seed))
            for item in items:
                kind = ITEM_TYPES[item.type]
                right = kind.right_response(item, drawn[item.id])
                assert kind.mark(item, drawn[item.id], kind.read_response(item, right)) == kind.highest(item)
