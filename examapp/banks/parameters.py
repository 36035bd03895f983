"""Parameters of item versions: starting values from expert difficulty, later ones from calibration.

The provisional scale has theta ~ N(0, 1) in the trainee population. On it the minimally competent trainee stands at
theta_c = -0.6: experts expect a mean share of 0.62 right at the cut, the population is expected to reach 0.75, and
logit(0.75) - logit(0.62) = 0.61. An item that is right or wrong starts as a Rasch item with

    b = theta_c - logit(expected_share),  a = 1                                                     (Rasch 1960)

so that P(right | theta_c) = expected_share. An item with more score categories starts as a partial credit item
(Masters 1982) with thresholds b + d_k, where the d_k are 1.0 apart and add up to 0, and b is solved so that the
expected score at theta_c, divided by the highest, is expected_share. Calibration replaces these rows by newer ones.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from scipy.optimize import brentq
from sqlalchemy import func, select

from examapp.accounts import access
from examapp.banks.models import Item, ItemParameters, ItemVersion
from examapp.canonical import decimal_string
from examapp.db import db
from examapp.errors import N_, InvalidInput, NotFound
from examapp.psychometrics.irt import Items, expected_score

THETA_C = -0.6
THRESHOLD_SPACING = 1.0
EXPERT = "expert"
# SQLite and PostgreSQL both take this many parameters in one statement
_AT_ONCE = 1000


def expert_items(expected_share: float, highest: int) -> Items:
    """Return the one item (J = 1) that the minimally competent trainee masters to `expected_share` of `highest`.

    >>> expert_items(0.5, 1).b.tolist()
    [[-0.6]]
    >>> expert_items(0.5, 2).b.round(6).tolist()
    [[-1.1, -0.1]]
    """
    if not 0 < expected_share < 1:
        raise ValueError(f"expected_share must lie between 0 and 1, got {expected_share}")
    if highest == 1:
        return Items.of("rasch", b=[THETA_C - float(np.log(expected_share / (1 - expected_share)))])
    steps = THRESHOLD_SPACING * (np.arange(highest) - (highest - 1) / 2)

    def surplus(b: float) -> float:
        item = Items.of("pcm", b=(b + steps)[None, :])
        return float(expected_score(item, [THETA_C])[0, 0]) / highest - expected_share

    return Items.of("pcm", b=(brentq(surplus, -30.0, 30.0, xtol=1e-12) + steps)[None, :])


def add_expert_parameters(starting: Sequence[tuple[ItemVersion, float, int]], scale: str, *, at: datetime) -> int:
    """Give each (stored version, expected_share, highest) with nothing on `scale` its first row; return how many."""
    known = set(_newest([version.id for version, _, _ in starting], scale))
    added = [
        _row(version.id, scale, 1, expert_items(share, highest), 0, EXPERT, at)
        for version, share, highest in starting
        if version.id not in known
    ]
    db.session.add_all(added)
    return len(added)


def store(
    actor: access.Actor, item_version_ids: Sequence[str], items: Items, scale: str, *, source: str, at: datetime
) -> list[ItemParameters]:
    """Store new parameters of these item versions on `scale`, one row each, beside the rows they had."""
    access.require(actor, "calibration.run")
    if len(item_version_ids) != len(items) or len(set(item_version_ids)) != len(items):
        raise InvalidInput("parameters.count", N_("Each item version needs exactly one set of parameters."))
    _refuse_missing(set(item_version_ids), set(_codes(item_version_ids)), N_("There are no such items: %(names)s."))
    newest = _newest(item_version_ids, scale)
    rows = [
        _row(id, scale, newest[id].number + 1 if id in newest else 1, items, position, source, at)
        for position, id in enumerate(item_version_ids)
    ]
    db.session.add_all(rows)
    return rows


def items_on_scale(item_version_ids: Sequence[str], scale: str) -> Items:
    """Return the newest parameters of these item versions on `scale`, in this order; none may be missing."""
    newest = _newest(item_version_ids, scale)
    message = N_("These items have no parameters on the scale %(scale)s: %(names)s.")
    _refuse_missing(set(item_version_ids), set(newest), message, scale=scale)
    return as_items([newest[id] for id in item_version_ids])


def rows_on_scale(item_version_ids: Sequence[str], scale: str) -> list[ItemParameters]:
    """Return the newest rows themselves, in this order; versions without one are left out."""
    newest = _newest(item_version_ids, scale)
    return [newest[id] for id in item_version_ids if id in newest]


def ids_on_scale(item_version_ids: Sequence[str], scale: str) -> list[str]:
    """Return the ids of the newest rows, as `rows_on_scale` does."""
    newest: dict[str, str] = {}
    columns = select(ItemParameters.item_version_id, ItemParameters.id).order_by(ItemParameters.number)
    for part in _parts(item_version_ids):
        own = columns.where(ItemParameters.scale == scale, ItemParameters.item_version_id.in_(part))
        newest.update({row[0]: row[1] for row in db.session.execute(own)})
    return [newest[id] for id in item_version_ids if id in newest]


def as_items(rows: Sequence[ItemParameters]) -> Items:
    """Return stored rows as arrays, in their order."""
    return Items.concatenate([items_of(row.model, row.parameters) for row in rows])


def items_of(model: str, parameters: Any) -> Items:
    """Return the one item written as decimal strings.

    >>> items_of("rasch", {"a": "1.0", "b": ["-0.25"], "c": "0.0", "d": "1.0"}).b.tolist()
    [[-0.25]]
    """
    return Items.of(
        model,
        a=[float(parameters["a"])],
        b=[[float(threshold) for threshold in parameters["b"]]],
        c=[float(parameters["c"])],
        d=[float(parameters["d"])],
        slopes=[[float(slope) for slope in parameters["slopes"]]] if "slopes" in parameters else 1.0,
    )


def decimal_parameters(items: Items, position: int) -> dict[str, Any]:
    """Return one item's parameters as decimal strings that read back exactly; category slopes only where they vary."""
    width = int(items.categories[position]) - 1
    result: dict[str, Any] = {name: decimal_string(getattr(items, name)[position]) for name in ("a", "c", "d")}
    result["b"] = [decimal_string(threshold) for threshold in items.b[position, :width]]
    if items.model[position] == "nrm":
        result["slopes"] = [decimal_string(slope) for slope in items.slopes[position, :width]]
    return result


def _row(
    item_version_id: str, scale: str, number: int, items: Items, position: int, source: str, at: datetime
) -> ItemParameters:
    return ItemParameters(
        item_version_id=item_version_id,
        scale=scale,
        number=number,
        model=items.model[position],
        parameters=decimal_parameters(items, position),
        source=source,
        created_at=at,
    )


def _newest(item_version_ids: Sequence[str], scale: str) -> dict[str, ItemParameters]:
    """Map each item version to its newest row on `scale`."""
    found: dict[str, ItemParameters] = {}
    for part in _parts(item_version_ids):
        on_scale = (ItemParameters.scale == scale, ItemParameters.item_version_id.in_(part))
        last = (
            select(ItemParameters.item_version_id, func.max(ItemParameters.number).label("number"))
            .where(*on_scale)
            .group_by(ItemParameters.item_version_id)
            .subquery()
        )
        same = (ItemParameters.item_version_id == last.c.item_version_id, ItemParameters.number == last.c.number)
        rows = db.session.scalars(select(ItemParameters).join(last, same[0] & same[1]).where(*on_scale))
        found.update({row.item_version_id: row for row in rows})
    return found


def _codes(item_version_ids: Sequence[str]) -> dict[str, str]:
    """Map those ids that name an item version to its item's code."""
    query = select(ItemVersion.id, Item.code).join(ItemVersion.item)
    return {
        id: code
        for part in _parts(item_version_ids)
        for id, code in db.session.execute(query.where(ItemVersion.id.in_(part)))
    }


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]


def _refuse_missing(wanted: set[str], known: set[str], message: str, **parameters: Any) -> None:
    if missing := sorted(wanted - known):
        codes = _codes(missing)
        names = ", ".join(codes.get(id, id) for id in missing[:20]) + (", …" if len(missing) > 20 else "")
        raise NotFound("parameters.missing", message, names=names, **parameters)
