"""Parameters: expert difficulty to starting values, rows on a scale, and arrays in order."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examapp.accounts.access import OPERATOR
from examapp.banks.parameters import (
    THETA_C,
    add_expert_parameters,
    decimal_parameters,
    expert_items,
    items_of,
    items_on_scale,
    rows_on_scale,
    store,
)
from examapp.db import db
from examapp.errors import InvalidInput, NotAllowed, NotFound
from examapp.psychometrics.irt import Items, expected_score
from tests.makers import SCALE, make_content, make_item_version, make_user

SHARES = st.floats(0.02, 0.98)


@given(share=SHARES, highest=st.integers(1, 8))
def test_the_minimally_competent_trainee_is_expected_to_reach_the_expert_share(share, highest):
    items = expert_items(share, highest)
    assert expected_score(items, [THETA_C])[0, 0] / highest == pytest.approx(share, abs=1e-9)
    assert items.categories.tolist() == [highest + 1]


@given(share=SHARES)
def test_a_right_or_wrong_item_starts_at_the_logit_below_the_cut(share):
    items = expert_items(share, 1)
    assert items.model == ("rasch",)
    assert items.b[0, 0] == pytest.approx(-0.6 - math.log(share / (1 - share)))


@given(share=SHARES, highest=st.integers(2, 8))
def test_thresholds_of_partial_credit_are_one_apart(share, highest):
    items = expert_items(share, highest)
    assert items.model == ("pcm",)
    assert np.diff(items.b[0]) == pytest.approx(np.ones(highest - 1))


def test_an_easier_item_starts_at_a_lower_difficulty():
    difficulties = [expert_items(share, 2).b.mean() for share in (0.3, 0.5, 0.7, 0.9)]
    assert difficulties == sorted(difficulties, reverse=True)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_that_is_no_share_is_refused(share):
    with pytest.raises(ValueError, match="expected_share"):
        expert_items(share, 1)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=6), st.floats(0.2, 3))
def test_parameters_written_as_decimal_strings_read_back_exactly(thresholds, a):
    items = Items.of("gpcm", a=[a], b=[thresholds])
    again = items_of("gpcm", decimal_parameters(items, 0))
    assert (again.a.tolist(), again.b.tolist()) == (items.a.tolist(), items.b.tolist())


def test_items_stand_in_the_order_asked_for(app):
    versions = [make_item_version(make_content(expected_share=share)) for share in ("0.9", "0.3", "0.6")]
    ids = [version.id for version in versions]
    forward, back = items_on_scale(ids, SCALE), items_on_scale(ids[::-1], SCALE)
    assert forward.b[:, 0].tolist() == back.b[::-1, 0].tolist()
    assert forward.b[0, 0] < forward.b[2, 0] < forward.b[1, 0]


def test_the_newest_row_of_a_scale_counts_and_the_older_one_stays(app, at):
    version = make_item_version()
    store(OPERATOR, [version.id], Items.of("2pl", a=[1.4], b=[0.25]), SCALE, source="calibration", at=at)
    items = items_on_scale([version.id], SCALE)
    (row,) = rows_on_scale([version.id], SCALE)
    assert (items.model, items.a.tolist(), items.b.tolist()) == (("2pl",), [1.4], [[0.25]])
    assert (row.number, row.source) == (2, "calibration")


def test_right_only_and_partial_credit_items_stand_in_one_array(app):
    versions = [make_item_version(make_content(kind)) for kind in ("single_choice", "multiple_choice")]
    items = items_on_scale([version.id for version in versions], SCALE)
    assert (items.model, items.categories.tolist()) == (("rasch", "pcm"), [2, 3])


def test_an_item_without_parameters_on_the_scale_is_named_by_its_code(app):
    version = make_item_version()
    with pytest.raises(NotFound, match=version.item.code):
        items_on_scale([version.id], "another-scale")


def test_expert_parameters_never_replace_what_is_there(app, at):
    version = make_item_version()
    assert add_expert_parameters([(version, 0.2, 1)], SCALE, at=at) == 0
    assert add_expert_parameters([(version, 0.2, 1)], "another-scale", at=at) == 1


def test_a_trainee_may_not_store_parameters(app, at):
    with pytest.raises(NotAllowed):
        store(make_user(), ["x"], Items.of("rasch", b=[0.0]), SCALE, source="calibration", at=at)


def test_parameters_for_another_number_of_items_are_refused(app, at):
    version = make_item_version()
    with pytest.raises(InvalidInput):
        store(OPERATOR, [version.id], Items.of("rasch", b=[0.0, 1.0]), SCALE, source="calibration", at=at)


def test_parameters_of_an_unknown_item_are_refused(app, at):
    with pytest.raises(NotFound):
        store(OPERATOR, ["no such id"], Items.of("rasch", b=[0.0]), SCALE, source="calibration", at=at)


def test_a_thousand_and_more_items_are_found(app, at):
    version = make_item_version()
    ids = [version.id] + [f"absent-{number}" for number in range(2500)]
    assert [row.item_version_id for row in rows_on_scale(ids, SCALE)] == [version.id]
    assert db.session.is_active
