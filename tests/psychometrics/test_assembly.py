import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics import irt
from examapp.psychometrics.assembly import Assembly, assemble
from examapp.psychometrics.constraints import Constraint, Demands, StimulusItems, violations
from examapp.psychometrics.response_models import Floats

POINTS = [-0.5, 0.5]


def pool(rng: np.random.Generator, count: int = 240, areas: int = 6) -> tuple[Floats, list[Constraint], Floats]:
    """Information (J, 2), a length of 90 with bounds for each area, and the target."""
    items = irt.Items.of("2pl", a=rng.lognormal(0.0, 0.3, count), b=rng.normal(0.0, 1.0, count))
    information = irt.information(items, POINTS).T
    area = rng.integers(areas, size=count)
    length = Constraint("length", np.ones(count), 90, 90)
    return information, [length, *bounds(area, 12, 18)], information.mean(axis=0) * 95


def bounds(area: np.ndarray, lower: float, upper: float) -> list[Constraint]:
    return [Constraint(f"area {k}", (area == k).astype(float), lower, upper) for k in range(area.max() + 1)]


def broken(found: Assembly, constraints: list[Constraint], **rest: object) -> tuple[str, ...]:
    forms, items = found.selected.shape
    return violations(Demands.of(items, constraints, forms=forms, **rest), found.selected)  # type: ignore[arg-type]


@pytest.mark.feature("E11")
def test_two_forms_meet_the_target_within_half_a_percent(rng: np.random.Generator) -> None:
    information, constraints, target = pool(rng)
    rest = {"max_overlap": 18, "enemies": [(1, 2), (3, 4, 5)], "testlets": [[10, 11, 12]], "excluded": [0]}
    found = assemble(
        information, target, constraints, forms=2, max_overlap=18, enemies=[(1, 2), (3, 4, 5)],
        testlets=[[10, 11, 12]], exclude=[0],
    )  # fmt: skip
    assert found.is_feasible
    assert broken(found, constraints, **rest) == ()
    assert found.objective <= 0.005
    assert found.objective == pytest.approx(np.abs(found.selected @ information / target - 1).max())


def test_without_information_any_forms_are_drawn(rng: np.random.Generator) -> None:
    _, constraints, _ = pool(rng)
    first, second = (assemble(None, None, constraints, forms=2, max_overlap=18, rng=rng) for _ in range(2))
    assert broken(first, constraints, max_overlap=18) == broken(second, constraints, max_overlap=18) == ()
    assert (first.selected != second.selected).any()


def test_maximin_takes_the_most_informative_items() -> None:
    found = assemble([[1.0], [3.0], [2.0]], None, [Constraint("length", np.ones(3), 2, 2)])
    assert found.selected.tolist() == [[False, True, True]]
    assert found.objective == found.bound == 5.0


def test_clashing_constraints_are_named_and_no_more(rng: np.random.Generator) -> None:
    _, constraints, _ = pool(rng)
    clash = Constraint("too many", constraints[1].weights, 30, np.inf)
    found = assemble(None, None, [*constraints, clash], forms=2)
    assert not found.is_feasible
    assert set(found.conflicts) == {"area 0", "too many"}


def test_a_clash_with_overlap_is_named(rng: np.random.Generator) -> None:
    information, constraints, target = pool(rng)
    assert set(assemble(information, target, constraints, forms=3, max_overlap=0).conflicts) == {"length", "overlap"}


@pytest.mark.parametrize(
    ("constraint", "rest", "names"),
    [
        (Constraint("even", np.full(12, 2.0), 7, 7), {}, {"even"}),
        (Constraint("length", np.ones(12), 2, 2), {"exclude": range(11)}, {"length", "excluded"}),
        (Constraint("length", np.ones(12), 2, 2), {"enemies": [range(12)]}, {"length", "enemies"}),
        (Constraint("length", np.ones(12), 4, 4), {"testlets": np.arange(12).reshape(4, 3)}, {"length", "testlets"}),
        (Constraint("length", np.ones(12), 7, 7), {"forms": 4, "max_use": 2}, {"length", "use"}),
        (Constraint("length", np.ones(12), 12, 12), {"forms": 2, "max_overlap": 3}, {"length", "overlap"}),
    ],
    ids=["parity", "excluded", "enemies", "testlets", "use", "overlap"],
)
def test_whatever_stands_in_the_way_is_named(constraint: Constraint, rest: dict[str, object], names: set[str]) -> None:
    found = assemble(np.ones((12, 1)), [2.0], [constraint], **rest)  # type: ignore[arg-type]
    assert set(found.conflicts) == names
    assert not found.selected.any()


def test_words_and_minutes_hold_in_every_dealt_form(rng: np.random.Generator) -> None:
    information, constraints, _ = pool(rng, 400)
    words, minutes = rng.normal(60, 15, 400), rng.normal(1.5, 0.4, 400)
    rows = [Constraint("length", np.ones(400), 40, 40), Constraint("words", words, 2300, 2500)]
    rows += [Constraint("minutes", minutes, 55, 62), *(Constraint(c.name, c.weights, 4, 9) for c in constraints[1:])]
    found = assemble(information, information.mean(axis=0) * 42, rows, forms=5, max_use=1)
    assert broken(found, rows, max_use=1) == ()
    assert found.objective <= 0.005


def test_a_single_form_is_proved_to_be_within_the_gap(rng: np.random.Generator) -> None:
    information, constraints, target = pool(rng)
    found = assemble(information, target, constraints, objective="maximin", gap=1e-4)
    assert found.bound >= found.objective >= (1 - 1e-4) * found.bound


@pytest.mark.parametrize("objective", ["minimax", "maximin", "any"])
def test_a_pool_of_one_item_makes_a_form(objective: str) -> None:
    found = assemble([[0.4]], [0.4], [Constraint("length", np.ones(1), 1, 1)], objective=objective)
    assert found.selected.tolist() == [[True]]
    assert found.objective == {"minimax": 0.0, "maximin": 1.0, "any": 0.0}[objective]


def test_items_without_information_and_points_of_none_make_no_warning() -> None:
    length = Constraint("length", np.ones(4), 2, 2)
    found = assemble(np.zeros((4, 2)), [1.0, 1.0], [length], forms=2, max_overlap=0)
    assert found.is_feasible
    assert found.objective == found.bound == 1.0


def test_part_of_a_testlet_may_be_taken_within_its_limits() -> None:
    length = Constraint("length", np.ones(6), 3, 3)
    found = assemble(None, None, [length], testlets=[StimulusItems((0, 1, 2, 3), 2, 3), StimulusItems((4, 5), 2, 2)])
    assert found.selected[0, :4].sum() == 3


def test_ten_forms_are_dealt_to_the_target_with_every_demand_met(rng: np.random.Generator) -> None:
    information, constraints, _ = pool(rng, 400)
    constraints = [
        Constraint("length", np.ones(400), 30, 30),
        *(Constraint(c.name, c.weights, 3, 7) for c in constraints[1:]),
    ]
    rest = {"max_use": 2, "max_overlap": 4, "enemies": [(0, 1), (2, 3, 4)], "testlets": [[7, 8], [9, 10]]}
    found = assemble(information, information.mean(axis=0) * 32, constraints, forms=10, **rest)  # type: ignore[arg-type]
    assert broken(found, constraints, **rest) == ()
    assert found.objective <= 0.005


def test_maximin_forms_come_near_the_bound_and_stay_in_their_band(rng: np.random.Generator) -> None:
    information, constraints, target = pool(rng, 500)
    found = assemble(information, target, constraints, objective="maximin", forms=4, max_overlap=0, band=1.05)
    level = found.selected @ information / target
    assert broken(found, constraints, max_overlap=0) == ()
    assert level.max() <= 1.05 * level.min()
    assert 0.98 * found.bound <= found.objective <= found.bound
    assert found.objective == pytest.approx(level.min())


def test_dealt_forms_are_as_good_as_the_whole_program(rng: np.random.Generator) -> None:
    information, constraints, target = pool(rng)
    rest = {"objective": "maximin", "forms": 2, "max_overlap": 18, "gap": 0.01}
    dealt, exact = (assemble(information, target, constraints, method=m, **rest) for m in ("auto", "exact"))  # type: ignore[arg-type]
    assert dealt.objective >= 0.99 * exact.objective
    assert exact.objective <= dealt.bound * (1 + 1e-9)


@pytest.mark.parametrize("forms", [1, 3])
def test_order_and_units_of_constraints_do_not_change_what_is_reached(rng: np.random.Generator, forms: int) -> None:
    information, constraints, target = pool(rng)
    order = rng.permutation(240)
    scaled = [Constraint(c.name, 60 * c.weights[order], 60 * c.lower, 60 * c.upper) for c in constraints[::-1]]
    rest = {"objective": "maximin", "forms": forms, "max_overlap": 60}
    one = assemble(information, target, constraints, **rest)  # type: ignore[arg-type]
    other = assemble(7 * information[order], 7 * target, scaled, **rest)  # type: ignore[arg-type]
    assert other.objective == pytest.approx(one.objective, rel=0.01)
    assert other.bound == pytest.approx(one.bound, rel=0.005)


def test_the_same_seed_gives_the_same_forms(rng: np.random.Generator) -> None:
    information, constraints, target = pool(rng)
    found = [assemble(information, target, constraints, forms=2, max_overlap=18) for _ in range(2)]
    assert (found[0].selected == found[1].selected).all()


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(8)), st.floats(0.1, 10.0))
def test_order_and_unit_of_the_items_do_not_matter(order: list[int], unit: float) -> None:
    information = np.linspace(0.1, 0.9, 16).reshape(8, 2) ** 2
    length = Constraint("length", np.ones(8), 3, 3)
    found = assemble(information[order] * unit, None, [length])
    assert found.objective == pytest.approx(assemble(information, None, [length]).objective * unit)


FEW = settings(max_examples=5, deadline=None)
INFORMATION = np.linspace(0.1, 0.9, 36).reshape(18, 2) ** 2
SIDES = [Constraint("length", np.ones(18), 4, 4), Constraint("side", (np.arange(18) % 2).astype(float), 2, 2)]


@FEW
@given(st.permutations(["a", "b", "c"]), st.floats(0.1, 10.0), st.permutations(range(3)))
def test_constraints_by_other_names_and_in_other_units_clash_alike(
    names: list[str], unit: float, order: list[int]
) -> None:
    rows = [Constraint("a", np.ones(18), 4, 4), Constraint("b", np.ones(18), 5, 9), Constraint("c", np.ones(18), 0, 9)]
    renamed = [
        Constraint(name, unit * row.weights, unit * row.lower, unit * row.upper)
        for name, row in zip(names, rows, strict=True)
    ]
    assert set(assemble(None, None, [renamed[k] for k in order]).conflicts) == {names[0], names[1]}


@pytest.mark.parametrize("forms", [1, 2])
def test_an_item_that_is_excluded_does_not_matter(forms: int) -> None:
    wider = [Constraint(row.name, np.append(row.weights, 1.0), row.lower, row.upper) for row in SIDES]
    rest = {"objective": "maximin", "forms": forms, "max_overlap": 0}
    one = assemble(INFORMATION, None, SIDES, **rest)  # type: ignore[arg-type]
    other = assemble(np.vstack([INFORMATION, [9.0, 9.0]]), None, wider, exclude=[18], **rest)  # type: ignore[arg-type]
    assert not other.selected[:, 18].any()
    assert other.objective == pytest.approx(one.objective, rel=0.01)


@FEW
@given(st.permutations(range(18)), st.permutations(range(3)), st.data())
def test_violations_do_not_depend_on_the_order_of_items_or_forms(order: list[int], forms: list[int], data) -> None:
    selected = np.array(data.draw(st.lists(st.booleans(), min_size=54, max_size=54))).reshape(3, 18)
    enemies, sets = [(0, 1), (2, 5, 7)], [(8, 9), (10, 11, 12)]

    def broken_by(where: list[int], chosen: np.ndarray) -> tuple[str, ...]:
        at = {item: place for place, item in enumerate(where)}
        rows = [Constraint(row.name, row.weights[where], row.lower, row.upper) for row in SIDES]
        moved = [[[at[item] for item in group] for group in groups] for groups in (enemies, sets)]
        return violations(
            Demands.of(18, rows, forms=3, max_use=2, max_overlap=1, enemies=moved[0], testlets=moved[1]), chosen
        )

    assert broken_by(order, selected[forms][:, order]) == broken_by(list(range(18)), selected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": [1.0, 0.0]}, "positive target"),
        ({"objective": "best"}, "unknown objective"),
        ({"information": None, "objective": "minimax"}, "needs the information"),
        ({"forms": 0}, "forms >= 1"),
        ({"information": np.zeros((0, 2)), "constraints": [Constraint("length", np.zeros(0), 0, 1)]}, "items >= 1"),
        ({"exclude": [True]}, "excluded: a mask of shape"),
        ({"enemies": [(0, 3)]}, "enemies"),
        ({"constraints": [Constraint("length", np.ones(2), 1, 1)]}, "2 weights, 3 items"),
    ],
)
def test_misuse_says_what_and_where(change: dict[str, object], message: str) -> None:
    call = {"information": np.ones((3, 2)), "targets": [1.0, 1.0], "constraints": []} | change
    with pytest.raises(ValueError, match=message):
        assemble(**call)  # type: ignore[arg-type]
