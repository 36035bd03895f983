"""What must not matter to each function: order, names, scale, blocks of people, and what nobody saw."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examapp.psychometrics.undetermined import as_nan
from tests.psychometrics.law_table import LAWS
from tests.psychometrics.laws import Law, law, only, parsed, relabelled, reordered, rescaled, same, widened

FEW = settings(max_examples=3, deadline=None)


def under(change: str) -> pytest.MarkDecorator:
    """Every law that this change concerns and that does not say why it may matter."""
    concerned = [one for one in LAWS if one.concerns(change) and change not in one.but]
    return pytest.mark.parametrize("law", concerned, ids=lambda one: one.name)


@as_nan()
def holds(law: Law, change) -> None:
    before, after = law.values(law.on), law.values(change.study)
    for name, what in law.gives.items():
        assert same(change.back(after[name], what), before[name]), f"{law.name}: {name}"


@under("reorder")
@FEW
@given(seed=st.integers(0, 999))
def test_the_order_does_not_matter(law: Law, seed: int) -> None:
    holds(law, reordered(law.on, np.random.default_rng(seed)))


@under("rescale")
@FEW
@given(A=st.floats(0.4, 2.5), B=st.floats(-2.0, 2.0))
def test_the_scale_does_not_matter(law: Law, A: float, B: float) -> None:
    holds(law, rescaled(law.on, A, B))


@under("missing")
def test_what_nobody_saw_does_not_matter(law: Law) -> None:
    holds(law, widened(law.on))


@under("relabel")
def test_names_do_not_matter(law: Law) -> None:
    holds(law, relabelled(law.on))


@as_nan()
def holds_in_blocks(law: Law, cut: int) -> None:
    together = law.values(law.on)
    parts = [law.values(only(law.on, rows)) for rows in np.split(np.arange(60), [cut])]
    for name, what in law.gives.items():
        axes = parsed(what)[1]
        if "people" in axes:
            joined = np.concatenate([np.asarray(part[name]) for part in parts], axis=axes.index("people"))
            assert same(joined, together[name]), f"{law.name}: {name}"


@under("blocks")
@FEW
@given(cut=st.integers(1, 59))
def test_people_in_two_blocks_are_the_people_together(law: Law, cut: int) -> None:
    holds_in_blocks(law, cut)


@under("blocks")
def test_what_is_taken_in_blocks_is_about_people(law: Law) -> None:
    assert any("people" in what for what in law.gives.values())


def test_every_exception_is_for_a_change_that_concerns_the_function() -> None:
    assert [(one.name, change) for one in LAWS for change in one.but if not one.concerns(change)] == []


def stated(call, what: str) -> Law:
    return law(np.median, call, what, on=LAWS[-1].on)


@pytest.mark.parametrize(
    "check",
    [
        lambda on: holds(stated(lambda s: s.theta[:1], "*: theta"), reordered(on, np.random.default_rng(1))),
        lambda on: holds(stated(lambda s: s.theta**2, "people: theta"), rescaled(on, 2.0, 1.0)),
        lambda on: holds(stated(lambda s: s.theta, "people: spread"), rescaled(on, 2.0, 1.0)),
        lambda on: holds(stated(lambda s: np.isnan(s.responses).mean(axis=0), "items"), widened(on)),
        lambda on: holds(stated(lambda s: s.choices, "people items"), relabelled(on)),
        lambda on: holds_in_blocks(stated(lambda s: s.theta - s.theta.mean(), "people"), 20),
    ],
    ids=["order", "scale", "unit", "holes", "names", "blocks"],
)
def test_a_law_that_is_wrong_is_noticed(check) -> None:
    with pytest.raises(AssertionError):
        check(LAWS[-1].on)
